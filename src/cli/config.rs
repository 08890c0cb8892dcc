//! `doorpost config`: the whole effective configuration as TOML.

use super::{Failure, ServeArgs, args, print};
use crate::config;

pub(super) fn run(given: &ServeArgs) -> Result<(), Failure> {
    let (config, sources) = given.load()?;
    for name in args::unknown_variables() {
        print::note(&format!("the variable {name} sets nothing\n"));
    }
    print::text(&config::render(&config, &sources))
}
