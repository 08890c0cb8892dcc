//! The log: to standard error, as text or as JSON, filtered by -v and -q, or else by RUST_LOG where that speaks of doorpost.
//! One that does not is meant for another program, such as the one that is tested.
//!
//! A thread of its own writes it. Whoever started doorpost may not read what it says, and a pipe
//! that is full must not stop the doors: lines beyond what fits are left out.

use super::args;
use crate::config::{Config, Format, Sources};
use std::io::IsTerminal as _;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

/// Lines that wait to be written; more are left out, and the doors do not wait. The room for them is taken at once.
const LINES: usize = 4096;

/// Begins to log. Called once, by commands that run something. What is still to be written is
/// written when the guard goes, for a second at most.
pub(super) fn begin(config: &Config, sources: &Sources) -> WorkerGuard {
    let level = match config.verbosity {
        ..=-2 => "error",
        -1 => "warn",
        0 | 1 => "info",
        2 => "debug",
        _ => "trace",
    };
    let usual = || EnvFilter::new(format!("warn,rustls=error,doorpost={level}"));
    let of_environment = std::env::var(EnvFilter::DEFAULT_ENV).ok();
    let filter = of_environment
        .filter(|text| text.contains("doorpost") && !sources.of("verbosity").is_set())
        .and_then(|text| EnvFilter::try_new(text).ok())
        .unwrap_or_else(usual);
    let lines = NonBlockingBuilder::default().buffered_lines_limit(LINES);
    let (writer, guard) = lines.finish(std::io::stderr());
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    // A second one could only be ours, in a test; the first stays.
    let _ = match config.log_format {
        Format::Json => builder.json().try_init(),
        Format::Text => {
            let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            builder.with_target(false).with_ansi(colours).try_init()
        }
    };
    for name in args::unknown_variables() {
        tracing::warn!("the variable {name} sets nothing; `doorpost --help` lists those that do");
    }
    guard
}
