//! The command itself: started, told of every signal that was meant for it, waited for.

use super::environment::Variable;
use super::signals::{Signals, pass_on};
use crate::cli::Failure;
use std::ffi::OsString;
use std::process::ExitStatus;
use tokio::process::Command;

/// A command that is not there, as shells say it.
const NOT_FOUND: u8 = 127;
/// One that is there and cannot be started.
const NOT_STARTED: u8 = 126;

/// Runs it to its end, and gives its exit code: that of a shell where a signal ended it.
pub(super) async fn run(
    command: &[OsString],
    variables: &[Variable],
    mut signals: Signals,
) -> Result<u8, Failure> {
    let Some((program, arguments)) = command.split_first() else {
        return Err(Failure::usage("there is no command behind --"));
    };
    let mut process = Command::new(program);
    process.args(arguments).kill_on_drop(true);
    for (name, value) in variables {
        match value {
            Some(value) => process.env(name, value),
            None => process.env_remove(name),
        };
    }
    let mut child = process.spawn().map_err(|error| {
        let is_missing = error.kind() == std::io::ErrorKind::NotFound;
        let code = if is_missing { NOT_FOUND } else { NOT_STARTED };
        Failure { code, text: format!("error: {}: {error}", program.display()) }
    })?;
    loop {
        tokio::select! {
            status = child.wait() => return status.map(code).map_err(Failure::of),
            signal = signals.next() => pass_on(&child, signal),
        }
    }
}

fn code(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return 128_u8.saturating_add(u8::try_from(signal).unwrap_or(u8::MAX));
    }
    // On Windows codes are larger; what is not 0 must not become it.
    status.code().map_or(1, |code| u8::try_from(code).unwrap_or(1))
}
