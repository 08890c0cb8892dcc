//! The sockets of all doors and of the web page: all of them, or none.

use crate::config::{Config, Door};
use crate::server;
use std::collections::HashMap;
use std::env;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};

/// How often a port that the system chose for one address is tried on the others.
const ATTEMPTS: usize = 20;
/// The name under which systemd hands over the web page's socket.
const WEB: &str = "web";

/// The sockets of one door.
#[derive(Debug)]
pub(super) struct Sockets {
    pub(super) listeners: Vec<TcpListener>,
    pub(super) addresses: Vec<SocketAddr>,
}

/// All sockets that were asked for.
#[derive(Debug)]
pub(super) struct Bound {
    pub(super) doors: Vec<Sockets>,
    pub(super) web: Option<Sockets>,
}

/// Why a port cannot be bound: which, why, what to do.
#[derive(Debug)]
pub struct BindError {
    what: String,
    address: String,
    error: io::Error,
}

impl std::error::Error for BindError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, address, error } = self;
        write!(f, "cannot open {what} on {address}: {error}. ")?;
        let flag = if what == WEB { "--web N".to_owned() } else { format!("--port {what}=N") };
        match error.kind() {
            io::ErrorKind::PermissionDenied => write!(
                f,
                "Ports below 1024 need a right: `sudo setcap cap_net_bind_service=+ep \"$(command -v doorpost)\"`, \
                 or `sudo sysctl net.ipv4.ip_unprivileged_port_start={}`, or a systemd socket unit with \
                 FileDescriptorName={what}; `--ports mapped` needs none",
                address.rsplit(':').next().unwrap_or_default()
            ),
            io::ErrorKind::AddrInUse => write!(
                f,
                "Another program has that port, perhaps another doorpost; `{flag}` sets a different one, `--ports ephemeral` lets the system choose"
            ),
            io::ErrorKind::AddrNotAvailable => {
                f.write_str("This machine has no such address; `--host` names the addresses to listen on")
            }
            io::ErrorKind::InvalidInput => f.write_str(
                "systemd's FileDescriptorName= must be the name of a door (see `doorpost config`) or `web`",
            ),
            _ => write!(f, "`{flag}` sets another port, `--host` another address"),
        }
    }
}

/// Binds everything, or says what could not be bound; nothing stays bound then.
pub(super) fn bind_all(config: &Config) -> Result<Bound, BindError> {
    let mut inherited = inherited()?;
    let bind_door = |door: &Door| match inherited.remove(&door.name) {
        Some(listeners) => adopt(&door.name, listeners),
        None => bind_on(&door.name, &config.host, door.port),
    };
    let doors = config.open_doors().map(bind_door).collect::<Result<_, _>>()?;
    let web = match (inherited.remove(WEB), config.web) {
        (_, None) => None,
        (Some(listeners), Some(_)) => Some(adopt(WEB, listeners)?),
        (None, Some(web)) => {
            let hosts = web.address.map_or_else(|| config.host.clone(), |address| vec![address]);
            Some(bind_on(WEB, &hosts, web.port)?)
        }
    };
    match inherited.into_keys().next() {
        None => Ok(Bound { doors, web }),
        Some(name) => Err(BindError {
            what: name,
            address: "a socket from systemd".into(),
            error: io::Error::new(io::ErrorKind::InvalidInput, "no door has that name"),
        }),
    }
}

/// One port on all addresses. A port that the system chooses is the same on all of them.
fn bind_on(what: &str, hosts: &[IpAddr], port: u16) -> Result<Sockets, BindError> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        match try_bind(hosts, port) {
            Ok(listeners) => return adopt(what, listeners),
            // The port that was free on one address is taken on another: choose again.
            Err((_, error))
                if port == 0 && error.kind() == io::ErrorKind::AddrInUse && attempt < ATTEMPTS => {}
            Err((address, error)) => {
                return Err(BindError { what: what.into(), address: address.to_string(), error });
            }
        }
    }
}

fn try_bind(hosts: &[IpAddr], mut port: u16) -> Result<Vec<TcpListener>, (SocketAddr, io::Error)> {
    let mut listeners = Vec::new();
    for host in hosts {
        let address = SocketAddr::new(*host, port);
        match server::bind(address) {
            Ok(listener) => {
                port = listener.local_addr().map_err(|error| (address, error))?.port();
                listeners.push(listener);
            }
            // A machine without IPv6 still has its other loopback address.
            Err(error) if is_missing_loopback(*host, &error) && !listeners.is_empty() => {
                tracing::debug!(%address, %error, "left out");
            }
            Err(error) => return Err((address, error)),
        }
    }
    Ok(listeners)
}

fn is_missing_loopback(host: IpAddr, error: &io::Error) -> bool {
    let is_missing =
        matches!(error.kind(), io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported);
    // EAFNOSUPPORT has no kind of its own.
    host.is_ipv6() && host.is_loopback() && (is_missing || error.raw_os_error() == Some(97))
}

fn adopt(what: &str, listeners: Vec<TcpListener>) -> Result<Sockets, BindError> {
    let addresses = listeners.iter().map(TcpListener::local_addr).collect::<io::Result<_>>();
    let fail = |error| BindError { what: what.into(), address: "its socket".into(), error };
    for listener in &listeners {
        listener.set_nonblocking(true).map_err(fail)?;
    }
    Ok(Sockets { addresses: addresses.map_err(fail)?, listeners })
}

/// Sockets that systemd has opened for us, by the names of their units.
fn inherited() -> Result<HashMap<String, Vec<TcpListener>>, BindError> {
    let names = env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut sockets = listenfd::ListenFd::from_env();
    let mut named: HashMap<String, Vec<TcpListener>> = HashMap::new();
    let mut names = names.split(':');
    for index in 0..sockets.len() {
        let name =
            names.next().filter(|name| !name.is_empty()).unwrap_or("a socket without a name");
        let taken = sockets.take_tcp_listener(index);
        let listener = taken.map_err(|error| BindError {
            what: name.into(),
            address: "a socket from systemd".into(),
            error,
        })?;
        named.entry(name.to_owned()).or_default().extend(listener);
    }
    Ok(named)
}
