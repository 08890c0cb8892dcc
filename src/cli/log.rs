//! The log: to standard error, as text or as JSON, filtered by RUST_LOG or by -v and -q.

use crate::config::{Config, Format};
use std::io::IsTerminal as _;
use tracing_subscriber::EnvFilter;

/// Begins to log. Called once, by commands that run something.
pub(super) fn begin(config: &Config) {
    let level = match config.verbosity {
        ..=-2 => "error",
        -1 => "warn",
        0 | 1 => "info",
        2 => "debug",
        _ => "trace",
    };
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new(format!("warn,doorpost={level}")));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second one could only be ours, in a test; the first stays.
    let _ = match config.log_format {
        Format::Json => builder.json().try_init(),
        Format::Text => {
            let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            builder.with_target(false).with_ansi(colours).try_init()
        }
    };
}
