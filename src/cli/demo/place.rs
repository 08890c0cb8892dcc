//! Where the demo plays: the doorpost that listens where the configuration says, or one of its own.
//!
//! Refuses the halfway case, in which some doors answer and some do not: neither a running
//! doorpost nor the absence of one looks like that.

use super::wire::{PATIENCE, Trust};
use super::{Failure, certificate_directory};
use crate::app::{Doorpost, StartError, certificate_names};
use crate::config::{Config, Door, PortSet};
use crate::smtp::policy::TlsMode;
use crate::tls::Identity;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use time::OffsetDateTime;
use tokio::net::TcpStream;

/// What a certificate directory holds that was used before.
const CA: &str = "ca.pem";

/// A door with a connection to it.
pub(super) struct Visit {
    pub(super) door: Door,
    pub(super) address: SocketAddr,
    pub(super) stream: TcpStream,
}

/// Where the demo plays.
pub(super) struct Place {
    pub(super) visits: Vec<Visit>,
    /// `None` where no door has TLS.
    pub(super) trust: Option<Trust>,
    /// The demo's own doorpost, which must live as long as the visits.
    pub(super) own: Option<Doorpost>,
    pub(super) words: Words,
}

/// What there is to say about the place.
pub(super) struct Words {
    /// Whose doors these are.
    pub(super) beginning: String,
    /// Where to look next.
    pub(super) end: String,
}

/// Finds the running doorpost, or starts one.
pub(super) async fn find(config: &Config) -> Result<Place, Failure> {
    let knocks = knock_at_all(config).await;
    let open = knocks.iter().filter(|knock| knock.stream.is_ok()).count();
    if open == 0 {
        return own(config).await;
    }
    if open < knocks.len() {
        return Err(Failure::of(halfway(&knocks)));
    }
    let visit = |knock: Knock| {
        let stream = knock.stream.ok()?;
        Some(Visit { door: knock.door, address: knock.address, stream })
    };
    let visits = knocks.into_iter().filter_map(visit).collect();
    let words = Words {
        beginning: "The demo talks to the doorpost that listens on the configured ports."
            .to_owned(),
        end: where_to_look(config).await,
    };
    Ok(Place { visits, trust: trust_in_files(config)?, own: None, words })
}

struct Knock {
    door: Door,
    address: SocketAddr,
    stream: io::Result<TcpStream>,
}

/// Connects to every door at the same time: where packets are dropped, each takes the whole
/// time-out. The connections are kept, so that a running doorpost sees no sessions without a word.
async fn knock_at_all(config: &Config) -> Vec<Knock> {
    let host = reachable(config.host.first().copied());
    let knock = |door: &Door| {
        let (door, address) = (door.clone(), SocketAddr::new(host, door.port));
        tokio::spawn(async move { Knock { stream: connect(address).await, door, address } })
    };
    let tasks: Vec<_> = config.open_doors().map(knock).collect();
    let mut knocks = Vec::new();
    for task in tasks {
        // A task that nobody aborts and that does not panic has an outcome.
        knocks.extend(task.await);
    }
    knocks
}

async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    if address.port() == 0 {
        return Err(io::Error::other(
            "its port is left to the system; `--port` says where it is in fact",
        ));
    }
    match tokio::time::timeout(PATIENCE, TcpStream::connect(address)).await {
        Ok(result) => result,
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

/// An address to connect to, for one to listen on.
fn reachable(host: Option<IpAddr>) -> IpAddr {
    match host {
        None => Ipv4Addr::LOCALHOST.into(),
        Some(IpAddr::V4(Ipv4Addr::UNSPECIFIED)) => Ipv4Addr::LOCALHOST.into(),
        Some(IpAddr::V6(Ipv6Addr::UNSPECIFIED)) => Ipv6Addr::LOCALHOST.into(),
        Some(host) => host,
    }
}

fn halfway(knocks: &[Knock]) -> String {
    let mut text = "some doors answer and some do not:\n".to_owned();
    for Knock { door, address, stream } in knocks {
        let outcome = match stream {
            Ok(_) => "answers".to_owned(),
            Err(error) => format!("does not answer: {error}"),
        };
        let at = if address.port() == 0 { String::new() } else { format!(" at {address}") };
        text.push_str(&format!("  {}{at} {outcome}\n", door.name));
    }
    text.push_str(
        "Is it doorpost that listens there, started with the same flags and the same doorpost.toml? \
         `--ports ephemeral` leaves it alone and plays on doors of the demo's own",
    );
    text
}

/// Whom to believe at a doorpost that runs elsewhere: what it reads from the same place.
fn trust_in_files(config: &Config) -> Result<Option<Trust>, Failure> {
    if config.open_doors().all(|door| door.tls == TlsMode::None) {
        return Ok(None);
    }
    let (identity, source) = match (&config.tls_cert, &config.tls_key) {
        (Some(cert), Some(key)) => {
            let identity = Identity::from_files(cert, key).map_err(Failure::of)?;
            (identity, cert.display().to_string())
        }
        _ => {
            let directory = certificate_directory(config.certs.clone())?;
            // Opening it would make a CA there, which the running doorpost has never seen.
            if !directory.join(CA).exists() {
                return Err(Failure::of(format!(
                    "a doorpost is running, but there is no {CA} in {}: it was started with another folder, \
                     which `--certs` names",
                    directory.display()
                )));
            }
            let names = certificate_names(config);
            let opened = Identity::open(&directory, &names, OffsetDateTime::now_utc());
            let source =
                format!("the CA in {}; `--certs` names another folder", directory.display());
            (opened.map_err(Failure::of)?.identity, source)
        }
    };
    Trust::of(&identity, source).map(Some).map_err(Failure::of)
}

/// The web page's address, if something answers there: its number may have been another one.
async fn where_to_look(config: &Config) -> String {
    for web in config.web_addresses() {
        let web = SocketAddr::new(reachable(Some(web.ip())), web.port());
        if connect(web).await.is_ok() {
            return format!(
                "Look next at http://{web}/api/messages: the messages as they came, each with its envelope. \
                 The conversations are at http://{web}/api/sessions."
            );
        }
    }
    "Look next at the terminal in which doorpost runs: it shows a line for each session.".to_owned()
}

/// A doorpost in this process: the user's doors, on ports of the system's choice.
async fn own(config: &Config) -> Result<Place, Failure> {
    let mut config = config.clone();
    config.ports = PortSet::Ephemeral;
    for door in &mut config.doors {
        door.port = 0;
    }
    config.host = vec![reachable(None)];
    // It ends with the demo, so that nobody could look at a page, or use a CA again.
    config.web = None;
    (config.certs, config.tls_cert, config.tls_key) = (None, None, None);
    let doors: Vec<Door> = config.open_doors().cloned().collect();
    let doorpost =
        Doorpost::builder().config(config).start().await.map_err(|error| match error {
            StartError::Config(error) => Failure::from(error),
            other => Failure::of(other),
        })?;
    let mut visits = Vec::new();
    for (door, open) in doors.into_iter().zip(doorpost.doors()) {
        let Some(&address) = open.addresses.first() else { continue };
        let stream = connect(address)
            .await
            .map_err(|error| Failure::of(format!("{} at {address}: {error}", door.name)))?;
        visits.push(Visit { door, address, stream });
    }
    let trust = Trust::of(doorpost.identity(), "the CA that this demo has made for itself".into());
    let words = Words {
        beginning: "Nothing listens on the configured ports, so the demo has opened a doorpost of its own, which ends with it."
            .to_owned(),
        end: "This doorpost ends here, and its messages with it. To look at them, run `doorpost` in another terminal and this demo again."
            .to_owned(),
    };
    Ok(Place { visits, trust: Some(trust.map_err(Failure::of)?), own: Some(doorpost), words })
}
