//! The only place from which doorpost connects to anything: to this machine, and to hosts that a person has named.
//!
//! A name is looked up once, every address that it has is judged, and the one that was judged is the one that is
//! connected to. Mail exchangers are never looked up: a target is what was written.

use crate::config::Host;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::net::TcpStream;

/// How long a connection may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where doorpost may connect to.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    allowed: Vec<Host>,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nobody has allowed it. To try again changes nothing.
    #[error("{0} is not this machine, and not in allow_hosts: nothing is sent there")]
    NotAllowed(String),
    /// The name leads nowhere.
    #[error("{0} cannot be found: {1}")]
    NoAddress(String, io::Error),
    /// Nobody answers.
    #[error("no connection to {0}: {1}")]
    NoAnswer(SocketAddr, io::Error),
}

impl Reach {
    /// This machine, and these hosts.
    #[must_use]
    pub fn new(allowed: Vec<Host>) -> Self {
        Self { allowed }
    }

    /// Whether a host may be connected to at all.
    #[must_use]
    pub fn permits(&self, host: &Host) -> bool {
        host.is_this_machine() || self.allowed.contains(host)
    }

    /// Whether an address of the host is one that was meant: `localhost` must not lead elsewhere.
    fn permits_address(&self, host: &Host, address: IpAddr) -> bool {
        address.to_canonical().is_loopback() || self.allowed.contains(host)
    }

    /// Connects, or says why not.
    ///
    /// # Errors
    /// Where it is not allowed, the name leads nowhere, or nobody answers.
    pub async fn connect(&self, host: &Host, port: u16) -> Result<TcpStream, ConnectError> {
        let mut last = None;
        for address in self.addresses(host, port).await? {
            match tokio::time::timeout(PATIENCE, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    // Without it a command would wait for the acknowledgement of the one before.
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Ok(Err(error)) => last = Some(ConnectError::NoAnswer(address, error)),
                Err(_) => {
                    let error = io::Error::from(io::ErrorKind::TimedOut);
                    last = Some(ConnectError::NoAnswer(address, error));
                }
            }
        }
        let none = || io::Error::from(io::ErrorKind::NotFound);
        Err(last.unwrap_or_else(|| ConnectError::NoAddress(host.to_string(), none())))
    }

    async fn addresses(&self, host: &Host, port: u16) -> Result<Vec<SocketAddr>, ConnectError> {
        let refused = || ConnectError::NotAllowed(host.to_string());
        if !self.permits(host) {
            return Err(refused());
        }
        let found: Vec<SocketAddr> = match host {
            Host::Address(address) => vec![SocketAddr::new(*address, port)],
            Host::Name(name) => {
                let found = tokio::net::lookup_host((name.as_str(), port)).await;
                found.map_err(|error| ConnectError::NoAddress(name.clone(), error))?.collect()
            }
        };
        if found.iter().all(|address| self.permits_address(host, address.ip())) {
            Ok(found)
        } else {
            Err(refused())
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may stop at the first surprise
mod tests {
    use super::*;

    fn host(text: &str) -> Host {
        Host::parse(text).unwrap()
    }

    #[tokio::test]
    async fn nothing_but_this_machine_is_connected_to_unless_it_was_named() {
        let reach = Reach::default();
        for text in ["192.0.2.1", "0.0.0.0", "169.254.169.254", "mx.example", "2001:db8::1", "::"] {
            let refused = reach.connect(&host(text), 1).await;
            assert!(matches!(refused, Err(ConnectError::NotAllowed(_))), "{text}");
        }
        let named = Reach::new(vec![host("192.0.2.1")]);
        assert!(named.permits(&host("192.0.2.1")) && !named.permits(&host("192.0.2.2")));
        // A name that only means this machine must not lead elsewhere, whatever the resolver says.
        assert!(!reach.permits_address(&host("localhost"), "192.0.2.1".parse().unwrap()));
        assert!(reach.permits_address(&host("localhost"), "127.0.0.1".parse().unwrap()));
    }

    #[tokio::test]
    async fn this_machine_is_connected_to() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(Reach::default().connect(&host("127.0.0.1"), port).await.is_ok());
        assert!(Reach::default().connect(&host("localhost"), port).await.is_ok());
    }
}
