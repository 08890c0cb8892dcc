//! `doorpost completions` and `doorpost man`: what shells and `man` want to know, from the definitions that the
//! command line itself is read by.

use super::{Cli, Failure, print};
use clap::{Args, CommandFactory as _};
use clap_complete::Shell;
use std::fs;
use std::path::PathBuf;

/// The name that is completed.
const NAME: &str = "doorpost";

#[derive(Args, Debug)]
pub(super) struct CompletionsArgs {
    /// Whose completions
    shell: Shell,
}

#[derive(Args, Debug)]
pub(super) struct ManArgs {
    /// Where the pages of all commands are written; without it, doorpost's own is printed
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
}

pub(super) fn completions(args: &CompletionsArgs) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), NAME, &mut script);
    print::octets(&script)
}

pub(super) fn man(args: &ManArgs) -> Result<(), Failure> {
    let command = Cli::command();
    match &args.directory {
        Some(directory) => {
            let about = |error| Failure::of(format_args!("{}: {error}", directory.display()));
            fs::create_dir_all(directory).map_err(about)?;
            clap_mangen::generate_to(command, directory).map_err(about)
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(command).render(&mut page).map_err(Failure::of)?;
            print::octets(&page)
        }
    }
}
