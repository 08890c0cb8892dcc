//! The `doorpost` program: arguments, configuration, run.

use std::process::ExitCode;

fn main() -> ExitCode {
    doorpost::cli::main()
}
