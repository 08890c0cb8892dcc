//! The program as people and scripts run it, in a folder of its own.

#![allow(dead_code)] // each test program uses its own part of it
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may stop at the first surprise

use doorpost::Doorpost;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// What a run of the program gave.
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
    pub octets: Vec<u8>,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        Self {
            code: output.status.code(),
            out: text(&output.stdout),
            err: text(&output.stderr),
            octets: output.stdout,
        }
    }
}

impl Ran {
    /// What it printed, where all went well.
    #[track_caller]
    pub fn good(self) -> String {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.err);
        self.out
    }
}

/// The program in a folder, with nothing of this machine's settings.
pub fn program(path: impl AsRef<Path>, folder: &Path) -> Command {
    let mut command = Command::new(path.as_ref());
    command
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .env("LOGNAME", "tester")
        .env("PATH", std::env::var_os("PATH").unwrap());
    // Without it there are no sockets on Windows.
    command.envs(std::env::var_os("SystemRoot").map(|root| ("SystemRoot", root)));
    command
}

pub fn doorpost(folder: &Path) -> Command {
    program(env!("CARGO_BIN_EXE_doorpost"), folder)
}

/// Runs it with something to read.
pub fn feed(command: &mut Command, input: &[u8]) -> Ran {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // One that does not want it may have ended already.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap().into()
}

/// Runs `doorpost` against an API.
pub fn ask(api: SocketAddr, arguments: &[&str]) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let mut command = doorpost(folder.path());
    command.env("DOORPOST_URL", format!("http://{api}")).args(arguments).output().unwrap().into()
}

/// A doorpost, for a test that blocks: its API and its relay door.
pub async fn with_doorpost(test: impl FnOnce(SocketAddr, SocketAddr) + Send + 'static) {
    let doorpost = Doorpost::builder().web().start().await.unwrap();
    let (web, relay) = (doorpost.web_addresses()[0], doorpost.door("relay").unwrap().addresses[0]);
    tokio::task::spawn_blocking(move || test(web, relay)).await.unwrap();
}
