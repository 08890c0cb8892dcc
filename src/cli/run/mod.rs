//! `doorpost run -- CMD…`: a doorpost around a command. The command finds the doors in its environment; what came
//! in is judged when it ends, reported and saved.
//!
//! The exit code is the command's own. Where that is 0 and something was expected that did not happen, it is 1; a
//! command that cannot be started is 127, as in a shell.

mod child;
mod environment;
mod html;
mod judge;
mod report;
mod save;
mod signals;
mod trust;
mod watch;

use super::{Failure, ServeArgs, certificate_directory, live, log, print, threads};
use crate::app::{Doorpost, StartError, random_token};
use crate::config::{Config, Format, Sources};
use clap::Args;
use judge::{Expectations, FailOn, Verdict};
use signals::Signals;
use std::ffi::OsString;
use std::path::PathBuf;
use time::UtcOffset;
use tokio::sync::mpsc;
use watch::Watch;

/// The door that the command is led to unless it says otherwise: one that takes logins with and without TLS.
const USUAL_DOOR: &str = "alternate";

#[derive(Args, Debug)]
pub(super) struct RunArgs {
    /// The command and its arguments
    #[arg(value_name = "CMD", required = true, last = true)]
    command: Vec<OsString>,
    /// The door that SMTP_HOST and its like mean
    #[arg(long, value_name = "NAME", help_heading = "The command")]
    door: Option<String>,
    /// Let the command trust doorpost's CA (SSL_CERT_FILE, NODE_EXTRA_CA_CERTS and their like)
    #[arg(long, help_heading = "The command")]
    trust: bool,
    /// Fail unless a message matches, be it one that the command removed again; may be repeated
    #[arg(
        long,
        value_name = "QUERY",
        allow_hyphen_values = true,
        help_heading = "What has to happen"
    )]
    expect: Vec<String>,
    /// Exactly so many messages have to match each --expect
    #[arg(long, value_name = "N", requires = "expect", help_heading = "What has to happen")]
    count: Option<u64>,
    /// Fail where something was refused, or doorpost noticed a mistake: refusal, finding, warning or error
    #[arg(long, value_name = "WHAT", value_delimiter = ',', help_heading = "What has to happen")]
    fail_on: Vec<FailOn>,
    /// Write what happened to this file: .xml (JUnit), .json or .html; may be repeated
    #[arg(long, value_name = "FILE", help_heading = "What is left behind")]
    report: Vec<PathBuf>,
    /// Write messages (ID.eml) and conversations (session-ID.txt) to this folder
    #[arg(long, value_name = "DIR", help_heading = "What is left behind")]
    save: Option<PathBuf>,
    #[command(flatten)]
    serve: ServeArgs,
}

pub(super) fn run(args: &RunArgs) -> Result<(), Failure> {
    for path in &args.report {
        report::Kind::of(path)?;
    }
    let mut expectations = Expectations::read(&args.expect, args.count, &args.fail_on)?;
    let (mut config, sources) = args.serve.load_with(usual)?;
    expectations.inbox_by = config.inbox_by.clone();
    let shows = config.verbosity > 0;
    if !sources.of("verbosity").is_set() {
        // The command has the floor.
        config.verbosity = -1;
    }
    let _log = log::begin(&config, &sources);
    let offset = UtcOffset::current_local_offset().unwrap_or(UtcOffset::UTC);
    if config.tls_cert.is_none() {
        config.certs = Some(certificate_directory(config.certs)?);
    }
    if config.web_auth.is_some() && config.web_token.is_empty() {
        // The command asks the API too, and a login is for people.
        let token = random_token().map_err(Failure::of)?;
        config.web_token.push(token.as_str().into());
    }
    let runtime = threads::runtime().map_err(Failure::of)?;
    let result = runtime.block_on(around(args, config, &expectations, shows.then_some(offset)));
    runtime.shutdown_background();
    result
}

/// What is set unless somebody set something else: many of these may run side by side, and what is judged at the end
/// has to be there still.
fn usual(sources: &Sources) -> Vec<(&'static str, &'static str)> {
    let usual = [
        ("ports", "ports", "ephemeral"),
        ("web", "web", "0"),
        ("max_sessions", "max-sessions", "100000"),
        ("max_session_bytes", "max-session-bytes", "512MiB"),
    ];
    let unset = usual.into_iter().filter(|(key, ..)| !sources.of(key).is_set());
    unset.map(|(_, flag, value)| (flag, value)).collect()
}

async fn around(
    args: &RunArgs,
    config: Config,
    expectations: &Expectations,
    shown: Option<UtcOffset>,
) -> Result<(), Failure> {
    // From here on a signal is the command's.
    let signals = Signals::listen().map_err(Failure::of)?;
    let is_quiet = config.verbosity < -1;
    let room = config.max_bytes;
    let token = config.web_token.first().cloned();
    let login = config.users.first().map(|user| (user.name.clone(), user.secret.clone()));
    let mut builder = Doorpost::builder();
    if let Some(offset) = shown {
        let (announce, sessions) = mpsc::channel(live::QUEUE);
        builder = builder.announce(announce);
        let as_events = config.log_format == Format::Json;
        std::thread::spawn(move || match as_events {
            true => live::log(sessions),
            false => live::watch(sessions, true, offset, live::terminal(true)),
        });
    }
    let doorpost = builder.config(config).start().await.map_err(|error| match error {
        StartError::Config(error) => Failure::from(error),
        other => Failure::of(other),
    })?;
    let door = chosen_door(&doorpost, args.door.as_deref())?;
    let trust = if args.trust { Some(trust::bundle(doorpost.identity())?) } else { None };
    let variables = environment::variables(&doorpost, door, login, token, trust.as_ref());
    let watch = Watch::begin(doorpost.store(), room);
    let ended = child::run(&args.command, &variables, signals).await?;
    let verdict = Verdict::of(&doorpost, expectations, ended, watch.end().await?)?;
    // One file that cannot be written takes neither the others away nor the command's exit code.
    let reports = args.report.iter().map(|path| report::write(path, &verdict, &args.command));
    let saved = args.save.iter().map(|folder| save::everything(folder, &verdict));
    let mut wrong: Vec<_> = reports.chain(saved).filter_map(Result::err).collect();
    if !is_quiet {
        print::note(&verdict.in_words());
    }
    doorpost.stop().await;
    if ended == 0 && !verdict.is_good() {
        wrong.push(Failure::of("not everything was as expected"));
    }
    if ended == 0 && wrong.is_empty() {
        return Ok(());
    }
    let text: Vec<_> = wrong.into_iter().map(|failure| failure.text).collect();
    Err(Failure { code: ended.max(1), text: text.join("\n") })
}

/// The door that the environment is about.
fn chosen_door<'a>(
    doorpost: &'a Doorpost,
    wanted: Option<&str>,
) -> Result<&'a crate::storage::Door, Failure> {
    if let Some(door) = doorpost.door(wanted.unwrap_or(USUAL_DOOR)) {
        return Ok(door);
    }
    if let (None, Some(first)) = (wanted, doorpost.doors().first()) {
        return Ok(first);
    }
    let names: Vec<_> = doorpost.doors().iter().map(|door| door.name()).collect();
    let wanted = wanted.unwrap_or(USUAL_DOOR);
    Err(Failure::usage(format_args!(
        "--door {wanted}: no such door is open; there are {}",
        names.join(", ")
    )))
}
