//! Sockets in, actions out: the only room that knows tokio's network.
//!
//! A door's listeners accept, each connection is a task that feeds its pure session and does
//! what the session asks for. Connections over a cap are turned away with 421 4.7.0.

mod admission;
mod connection;
mod farewell;
mod gate;
mod handshake;
mod keep;
mod listen;
mod slowly;
mod transport;

use crate::fault::Faults;
use crate::smtp::{Budget, replies};
use crate::storage::{Door, SessionEntry, Store};
use crate::tls::{Flawed, Identity};
pub use listen::bind;

use admission::Admission;
use rustls::ServerConfig;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long to wait when the system has no file handle or memory left for a new connection.
const EXHAUSTED: Duration = Duration::from_millis(100);

/// Connection caps.
#[derive(Clone, Copy, Debug)]
pub struct Caps {
    /// Over all doors and clients.
    pub connections: usize,
    /// From one address.
    pub per_address: usize,
}

/// What all connections share.
#[derive(Debug)]
pub struct Shared {
    /// Where messages and sessions are kept.
    pub store: Arc<Store>,
    /// Memory for mail in flight.
    pub budget: Arc<Budget>,
    /// TLS for every door that has it.
    pub tls: Arc<ServerConfig>,
    /// Certificates that are wrong on purpose.
    pub flawed: Flawed,
    /// Whom sessions ask whether to misbehave.
    pub faults: Arc<Faults>,
    /// Where sessions are announced in which something was found, and those that have ended, if anybody looks.
    pub announce: Option<mpsc::Sender<Arc<SessionEntry>>>,
    admission: Admission,
    stopping: AtomicBool,
}

/// The running server.
#[derive(Debug)]
pub struct Server {
    shared: Arc<Shared>,
    tasks: TaskTracker,
    closing: CancellationToken,
}

impl Server {
    /// A server with no door open yet.
    #[must_use]
    pub fn new(
        store: Arc<Store>,
        budget: Arc<Budget>,
        identity: &Identity,
        faults: Arc<Faults>,
        caps: Caps,
        announce: Option<mpsc::Sender<Arc<SessionEntry>>>,
    ) -> Self {
        let admission = Admission::new(caps);
        let stopping = AtomicBool::new(false);
        let (tls, flawed) = (identity.server_config(), Flawed::new(identity.clone()));
        let shared = Shared { store, budget, tls, flawed, faults, announce, admission, stopping };
        Self {
            shared: Arc::new(shared),
            tasks: TaskTracker::new(),
            closing: CancellationToken::new(),
        }
    }

    /// Serves a door on listeners that are bound already.
    pub fn open(&self, door: &Arc<Door>, listeners: Vec<TcpListener>) {
        for listener in listeners {
            let (shared, door) = (Arc::clone(&self.shared), Arc::clone(door));
            let (tasks, closing) = (self.tasks.clone(), self.closing.clone());
            let accepting = Accepting::new(&door);
            let changes = self.shared.faults.follow();
            self.tasks.spawn(async move {
                let _accepting = accepting;
                tokio::select! {
                    () = closing.cancelled() => {}
                    () = gate::serve(listener, &shared, &door, &tasks, changes) => {}
                }
            });
        }
    }

    /// Accepts no more, tells every session, and waits until all have ended; running transactions
    /// have their grace time.
    pub async fn stop(&self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        self.closing.cancel();
        self.tasks.close();
        for entry in self.shared.store.sessions().running() {
            entry.stop.notify_one();
        }
        self.tasks.wait().await;
    }
}

/// A server that is dropped takes no more connections and tells its sessions to end.
impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        self.closing.cancel();
        for entry in self.shared.store.sessions().running() {
            entry.stop.notify_one();
        }
    }
}

/// A listener that takes connections, counted at its door until it is dropped, however it ends.
struct Accepting(Arc<Door>);

impl Accepting {
    fn new(door: &Arc<Door>) -> Self {
        door.counts.listener_began();
        Self(Arc::clone(door))
    }
}

impl Drop for Accepting {
    fn drop(&mut self) {
        self.0.counts.listener_ended();
    }
}

/// A listener that takes none for now, until this is dropped.
struct Pausing<'a>(&'a Door);

impl<'a> Pausing<'a> {
    fn new(door: &'a Door) -> Self {
        door.counts.listener_ended();
        Self(door)
    }
}

impl Drop for Pausing<'_> {
    fn drop(&mut self) {
        self.0.counts.listener_began();
    }
}

async fn accept(
    listener: &TcpListener,
    shared: &Arc<Shared>,
    door: &Arc<Door>,
    tasks: &TaskTracker,
) {
    // Only where it listens everywhere has each connection an address of its own.
    let bound = listener.local_addr().ok().filter(|address| !address.ip().is_unspecified());
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                let local = bound.or_else(|| stream.local_addr().ok()).unwrap_or(peer);
                let (shared, door) = (Arc::clone(shared), Arc::clone(door));
                match shared.admission.admit(peer.ip()) {
                    Some(place) => drop(tasks.spawn(async move {
                        connection::serve(stream, (peer, local), &shared, &door).await;
                        drop(place);
                    })),
                    None => turn_away(stream, peer, &door),
                }
            }
            Err(error) if is_about_one_client(&error) => {}
            Err(error) => {
                tracing::warn!(door = &*door.policy.door, %error, "cannot accept a connection, trying again");
                // Until the wait is over, or is given up.
                let _pausing = Pausing::new(door);
                tokio::time::sleep(EXHAUSTED).await;
            }
        }
    }
}

/// The client was gone before it was accepted; the listener is well.
fn is_about_one_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

/// One line and the door: what is over a cap costs no session. Where TLS comes first there is
/// no line that the client could read.
fn turn_away(stream: TcpStream, peer: SocketAddr, door: &Arc<Door>) {
    let turned_away = door.counts.add_turned_away();
    if turned_away.is_power_of_two() {
        let door = &*door.policy.door;
        tracing::warn!(door, %peer, turned_away, "too many connections, turned away (--max-connections)");
    }
    if door.policy.tls == crate::smtp::policy::TlsMode::Implicit {
        return;
    }
    let mut reply = Vec::new();
    replies::TOO_MANY_CONNECTIONS.render(door.policy.extensions.enhanced_status_codes, &mut reply);
    // A socket that was just opened takes a line at once; one that does not is not waited for.
    if stream.try_write(&reply).is_ok() {
        let mut stream = stream;
        tokio::spawn(async move {
            let linger = async {
                stream.shutdown().await?;
                tokio::io::copy(&mut stream, &mut tokio::io::sink()).await
            };
            // Either it ends or the time does; there is nobody to tell.
            let _ = tokio::time::timeout(EXHAUSTED, linger).await;
        });
    }
}

/// Whether the server is on its way out.
fn is_stopping(shared: &Shared) -> bool {
    shared.stopping.load(Ordering::SeqCst)
}
