//! `doorpost serve`: opens the doors, tells where they are, and runs until it is told to stop.

use super::style::{BOLD, DIM, SERVER, paint};
use super::{Failure, ServeArgs, certificate_directory, live, log, threads};
use crate::app::{Doorpost, StartError};
use crate::config::{Config, Format, PortSet};
use crate::smtp::policy::{AuthMode, TlsMode};
use crate::storage::Door;
use serde::Serialize;
use serde_json::{Map, Value};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};
use time::UtcOffset;
use tokio::sync::{mpsc, oneshot};

/// How long the last lines of the live view may take.
const LAST_LINES: Duration = Duration::from_secs(1);

pub(super) fn run(given: &ServeArgs) -> Result<(), Failure> {
    let (mut config, sources) = given.load()?;
    let log = log::begin(&config, &sources);
    raise_file_limit();
    // The time zone can be asked for only while there is one thread.
    let offset = UtcOffset::current_local_offset().unwrap_or(UtcOffset::UTC);
    if config.tls_cert.is_none() {
        config.certs = Some(certificate_directory(config.certs)?);
    }
    let runtime = threads::runtime().map_err(Failure::of)?;
    let result = runtime.block_on(serve(config, offset));
    // Sessions that did not end in their grace time are not waited for.
    runtime.shutdown_background();
    drop(log);
    result
}

async fn serve(config: Config, offset: UtcOffset) -> Result<(), Failure> {
    let mut signals = Signals::listen().map_err(Failure::of)?;
    let for_programs = config.ready == Format::Json;
    let is_quiet = config.verbosity < 0;
    let conversations = config.verbosity > 0;
    let facts = Facts {
        has_users: !config.users.is_empty(),
        has_routes: !config.routes.is_empty(),
        ports: config.ports,
    };
    let mut builder = Doorpost::builder();
    let mut watched = None;
    if !is_quiet {
        let (announce, sessions) = mpsc::channel(live::QUEUE);
        builder = builder.announce(announce);
        let (done, ends) = oneshot::channel();
        let as_events = config.log_format == Format::Json;
        std::thread::Builder::new()
            .name("live view".into())
            .spawn(move || {
                if as_events {
                    live::log(sessions);
                } else {
                    live::watch(sessions, conversations, offset, live::terminal(for_programs));
                }
                // Nobody waits for it where the server did not start.
                let _ = done.send(());
            })
            .map_err(Failure::of)?;
        watched = Some(ends);
    }
    let doorpost = builder.config(config).start().await.map_err(|error| match error {
        StartError::Config(error) => Failure::from(error),
        other => Failure::of(other),
    })?;
    announce(&doorpost, for_programs, is_quiet, &facts).map_err(Failure::of)?;
    signals.stop().await;
    let first = Instant::now();
    tracing::info!(
        "stopping; running transactions have a grace time, a second signal does not wait"
    );
    tokio::select! {
        () = doorpost.stop() => {}
        () = signals.another_behind(first) => tracing::warn!("stopped at once"),
    }
    drop(doorpost);
    if let Some(ends) = watched {
        // The last sessions' lines; but who does not read them is not waited for.
        let _ = tokio::time::timeout(LAST_LINES, ends).await;
    }
    Ok(())
}

/// What the announcement tells of the settings.
struct Facts {
    has_users: bool,
    has_routes: bool,
    ports: PortSet,
}

fn announce(
    doorpost: &Doorpost,
    for_programs: bool,
    is_quiet: bool,
    facts: &Facts,
) -> std::io::Result<()> {
    if for_programs {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{}", ready_line(doorpost))?;
        out.flush()
    } else if is_quiet {
        Ok(())
    } else {
        let mut out = anstream::stdout().lock();
        write!(out, "{}", table(doorpost, facts))?;
        out.flush()
    }
}

#[derive(Serialize)]
struct ReadyDoor {
    address: String,
    stands_for: Option<u16>,
    tls: &'static str,
    auth: &'static str,
}

/// What `--ready json` prints, on one line.
fn ready_line(doorpost: &Doorpost) -> Value {
    let door = |door: &Door| {
        let ready = ReadyDoor {
            address: door.addresses.first().map(ToString::to_string).unwrap_or_default(),
            stands_for: door.stands_for,
            tls: door.policy.tls.as_str(),
            auth: door.policy.auth.as_str(),
        };
        (door.name().to_owned(), serde_json::json!(ready))
    };
    let doors: Map<String, Value> = doorpost.doors().iter().map(|d| door(d)).collect();
    let mut line = serde_json::json!({
        "doors": doors,
        "ca": doorpost.identity().ca_path(),
        "pid": std::process::id(),
    });
    if let Some(address) = doorpost.web_addresses().first() {
        line["web"] = format!("http://{address}").into();
    }
    line
}

/// The doors for people: where, what for, TLS, AUTH; and how to stop.
fn table(doorpost: &Doorpost, facts: &Facts) -> String {
    let mut rows = vec![["door", "address", "stands for", "TLS", "AUTH"].map(str::to_owned)];
    for door in doorpost.doors() {
        let addresses: Vec<_> = door.addresses.iter().map(ToString::to_string).collect();
        rows.push([
            door.name().to_owned(),
            addresses.join("  "),
            door.stands_for.map_or_else(|| "-".into(), |port| port.to_string()),
            tls_in_words(door.policy.tls).to_owned(),
            auth_in_words(&door.policy).to_owned(),
        ]);
    }
    let mut text = format!("{} {}\n\n", paint(BOLD, "doorpost"), env!("CARGO_PKG_VERSION"));
    let widths: [usize; 5] =
        std::array::from_fn(|n| rows.iter().map(|row| row[n].len()).max().unwrap_or(0));
    for (n, row) in rows.iter().enumerate() {
        let cell = |(at, cell): (usize, &String)| {
            // Nothing is padded at the end of a line: people copy it.
            let width = if at + 1 == row.len() { 0 } else { widths[at] };
            let padded = format!("{cell:<width$}");
            if n == 0 {
                paint(DIM, &padded)
            } else if at == 0 {
                paint(BOLD, &padded)
            } else {
                padded
            }
        };
        let cells: Vec<_> = row.iter().enumerate().map(cell).collect();
        text.push_str(&format!("  {}\n", cells.join("   ")));
    }
    text.push('\n');
    let mut row = |name: &str, value: &str| {
        text.push_str(&format!("  {} {value}\n", paint(DIM, &format!("{name:<8}"))))
    };
    let web: Vec<_> =
        doorpost.web_addresses().iter().map(|address| format!("http://{address}")).collect();
    if let Some(first) = web.first() {
        row("page", first);
    }
    if let Some(ca) = doorpost.identity().ca_path() {
        row("CA", &shown(ca));
    }
    row(
        "logins",
        if facts.has_users { "the users you listed" } else { "any user and password are taken" },
    );
    match facts.ports {
        PortSet::Mapped => row("try", "doorpost demo"),
        PortSet::Standard => row("try", "doorpost demo --ports standard"),
        // The demo cannot know which ports the system chose.
        PortSet::Ephemeral => {}
    }
    row("stop", "Ctrl-C");
    text.push('\n');
    text.push_str(&paint(
        SERVER,
        match facts.has_routes {
            false => "Every door is open. Mail is caught here and goes nowhere.",
            true => "Every door is open. Mail is caught here, and goes on by your routes alone.",
        },
    ));
    text.push_str("\n\n");
    text
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn tls_in_words(tls: TlsMode) -> &'static str {
    match tls {
        TlsMode::None => "none",
        TlsMode::StartTls => "STARTTLS offered",
        TlsMode::Required => "STARTTLS demanded",
        TlsMode::Implicit => "from the first byte",
    }
}

fn auth_in_words(policy: &crate::smtp::Policy) -> &'static str {
    match (policy.auth, policy.auth_before_tls) {
        (AuthMode::None, _) => "not offered",
        (AuthMode::Optional, _) => "offered",
        (AuthMode::Required, true) => "demanded, also without TLS",
        (AuthMode::Required, false) => "demanded",
    }
}

/// Every session is a file handle; the shell's usual limit is for interactive programs.
fn raise_file_limit() {
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
}

/// Signals that come so soon after another belong to it: `timeout` tells the process and then its group, and a terminal
/// tells a program that its parent tells as well.
const TOGETHER: Duration = Duration::from_millis(500);

impl Signals {
    /// Waits for one that was meant for itself.
    async fn another_behind(&mut self, first: Instant) {
        self.stop().await;
        while first.elapsed() < TOGETHER {
            self.stop().await;
        }
    }
}

/// What asks a program to end.
#[cfg(unix)]
pub(super) struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    pub(super) fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    pub(super) async fn stop(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
pub(super) struct Signals;

#[cfg(not(unix))]
impl Signals {
    pub(super) fn listen() -> std::io::Result<Self> {
        Ok(Self)
    }

    pub(super) async fn stop(&mut self) {
        // A console that cannot be listened to leaves only the end of the process.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
