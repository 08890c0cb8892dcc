//! `doorpost ready`: whether every door is open, once or until it is so. For health checks and scripts, which read the
//! exit code.

use super::client::{Purpose, Response, Server, Target, done};
use super::{Failure, print};
use clap::Args;
use std::time::{Duration, Instant};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(50);
/// A doorpost that is there says at once how it is.
const PATIENCE: Duration = Duration::ZERO;

#[derive(Args, Debug)]
pub(super) struct ReadyArgs {
    /// Wait until it is so
    #[arg(long)]
    wait: bool,
    /// How long: 10s, 1m 30s, or seconds
    #[arg(long, value_name = "TIME", default_value = "30s", requires = "wait", value_parser = super::wait::time)]
    timeout: Duration,
    #[command(flatten)]
    target: Target,
}

pub(super) fn run(args: &ReadyArgs) -> Result<(), Failure> {
    let end = Instant::now() + args.timeout;
    loop {
        // It may be the next that opens a data directory.
        let looked = Server::open_for(&args.target, Purpose::Follow).and_then(look);
        let failure = match looked {
            Ok(url) => return print::text(&format!("every door is open at {url}\n")),
            Err(failure) if failure.code == 2 => return Err(failure),
            Err(failure) => failure,
        };
        if !args.wait {
            return Err(failure);
        }
        if Instant::now() >= end {
            let text = failure.text.trim_start_matches("error: ").to_owned();
            return Err(Failure::of(format_args!("not ready after {:?}: {text}", args.timeout)));
        }
        std::thread::sleep(PAUSE);
    }
}

fn look(server: Server) -> Result<String, Failure> {
    match server.ask(&["readyz"], &[], PATIENCE)? {
        response @ Response::Refused(..) => done(response, &[]).map(drop)?,
        Response::Done(_) => {}
    }
    Ok(server.url().to_owned())
}
