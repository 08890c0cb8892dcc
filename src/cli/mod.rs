//! The command line: one file per subcommand.
//!
//! Exit codes: 0 all went well, 1 something could not be done, 2 the command or the configuration
//! is wrong. `doorpost sendmail` has those of `sysexits.h`, as its callers expect.

mod args;
pub mod cert;
mod client;
mod config;
mod demo;
mod explain;
mod export;
mod faults;
mod files;
mod import;
mod later;
mod list;
mod live;
mod log;
mod manual;
mod negation;
mod print;
mod queue;
mod ready;
mod release;
mod rm;
mod run;
mod sendmail;
mod serve;
mod show;
mod style;
mod table;
mod threads;
mod wait;
mod watch;

pub use args::ServeArgs;

use crate::config::ConfigError;
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use later::Later;
use std::fmt::Display;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// A local mail server with the four ports of SMTP, each with its own manners.
///
/// Catches every message and every conversation, and sends nothing outside unless you name the place.
#[derive(Debug, Parser)]
#[command(
    name = "doorpost",
    version,
    propagate_version = true,
    args_conflicts_with_subcommands = true
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Open the doors and catch mail (the default)
    Serve(Later<ServeArgs>),
    /// Run a command with a doorpost around it, and judge what it sent
    Run(Box<Later<run::RunArgs>>),
    /// Send a message through each door and show the conversations side by side
    Demo(Later<ServeArgs>),
    /// Print the whole effective configuration, and where each value came from
    Config(Later<ServeArgs>),
    /// Print where the development CA is and how to make clients trust it
    Cert(Later<ServeArgs>),
    /// List what was caught, newest first
    List(Later<list::ListArgs>),
    /// Show a message, or one side of it
    Show(Later<show::ShowArgs>),
    /// Wait until messages match: exit 0 where they came, 1 where they did not
    Wait(Later<wait::WaitArgs>),
    /// Tell whether every door is open: exit 0 where they are
    Ready(Later<ready::ReadyArgs>),
    /// Delete messages
    Rm(Later<rm::RmArgs>),
    /// Send messages on to a named server, as they were caught
    Release(Later<release::ReleaseArgs>),
    /// Show mail that goes on, try it again now, or take it out
    // Its commands are to be known from the start, also to `doorpost help`.
    Queue(queue::QueueArgs),
    /// Write messages to files
    Export(Later<export::ExportArgs>),
    /// Bring messages from files
    Import(Later<import::ImportArgs>),
    /// Show messages, sessions and findings as they come, until Ctrl-C
    Watch(Later<watch::WatchArgs>),
    /// List what doorpost finds wrong with clients, or explain one finding
    Explain(Later<explain::ExplainArgs>),
    /// List the faults that doorpost can be asked for, or print the rules of one
    Faults(Later<faults::FaultsArgs>),
    /// Take a message as /usr/sbin/sendmail does, and hand it in by SMTP
    Sendmail(Later<sendmail::SendmailArgs>),
    /// Print the completions for a shell
    Completions(Later<manual::CompletionsArgs>),
    /// Write the manual pages
    Man(Later<manual::ManArgs>),
}

/// Runs the program.
pub fn main() -> ExitCode {
    let result = match sendmail::arguments(std::env::args_os()) {
        // Its flags are not ours to parse.
        Some(arguments) => sendmail::run(arguments),
        None => run(parsed()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) if failure.code == 0 => ExitCode::SUCCESS,
        Err(failure) => {
            // Without a standard error there is nobody to tell; the exit code remains.
            if !failure.text.is_empty() {
                let _ = writeln!(anstream::stderr(), "{}", failure.text);
            }
            ExitCode::from(failure.code)
        }
    }
}

/// The command line as it was meant. Does not return where it is wrong, or asks for help.
fn parsed() -> Cli {
    let mut command = Cli::command();
    let arguments = negation::spelled(std::env::args_os(), &command);
    let parsed = command.try_get_matches_from_mut(arguments);
    let parsed = parsed.and_then(|mut matches| {
        Cli::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))
    });
    parsed.unwrap_or_else(|error| error.exit())
}

fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command.unwrap_or(Command::Serve(Later(cli.serve))) {
        Command::Serve(args) => serve::run(&args),
        Command::Run(args) => run::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Config(args) => config::run(&args),
        Command::Cert(args) => cert::run(&args),
        Command::List(args) => list::run(&args),
        Command::Show(args) => show::run(&args),
        Command::Wait(args) => wait::run(&args),
        Command::Ready(args) => ready::run(&args),
        Command::Rm(args) => rm::run(&args),
        Command::Release(args) => release::run(&args),
        Command::Queue(args) => queue::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Watch(args) => watch::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Faults(args) => faults::run(&args),
        Command::Sendmail(args) => sendmail::run(args.0.arguments),
        Command::Completions(args) => manual::completions(&args),
        Command::Man(args) => manual::man(&args),
    }
}

/// Why a command ends with another code than 0.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    text: String,
}

impl Failure {
    /// Something could not be done.
    fn of(error: impl Display) -> Self {
        Self { code: 1, text: format!("error: {error}") }
    }

    /// There is no more to do, although all is well.
    fn none() -> Self {
        Self { code: 0, text: String::new() }
    }

    /// The command itself is wrong.
    fn usage(error: impl Display) -> Self {
        Self { code: 2, text: format!("error: {error}") }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self { code: 2, text: error.styled() }
    }
}

/// Where certificates are kept: as configured, `./certs` where that folder exists, else the
/// user's data directory.
fn certificate_directory(configured: Option<PathBuf>) -> Result<PathBuf, Failure> {
    if let Some(directory) = configured {
        return Ok(directory);
    }
    let here = PathBuf::from("certs");
    if here.is_dir() {
        return Ok(here);
    }
    let variable =
        |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let data = if cfg!(windows) {
        variable("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        variable("HOME").map(|home| home.join("Library/Application Support"))
    } else {
        variable("XDG_DATA_HOME").or_else(|| variable("HOME").map(|home| home.join(".local/share")))
    };
    let data = data.ok_or_else(|| {
        Failure::of(
            "there is no home directory to keep certificates in; name a folder with --certs",
        )
    })?;
    Ok(data.join("doorpost").join("certs"))
}
