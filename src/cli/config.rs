//! `doorpost config`: the whole effective configuration as TOML.

use super::{Failure, ServeArgs};
use crate::config;
use std::io::Write as _;

pub(super) fn run(args: &ServeArgs) -> Result<(), Failure> {
    let (config, sources) = args.load()?;
    let text = config::render(&config, &sources);
    std::io::stdout().write_all(text.as_bytes()).map_err(Failure::of)
}
