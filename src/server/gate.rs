//! A listener that can be taken away and put back: a door that is closed on request refuses connections
//! as a port does behind which nothing listens.

use super::{EXHAUSTED, Pausing, Shared, accept, bind};
use crate::fault::Follower;
use crate::storage::Door;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

/// Serves a door until this is dropped.
pub(super) async fn serve(
    listener: TcpListener,
    shared: &Arc<Shared>,
    door: &Arc<Door>,
    tasks: &TaskTracker,
    mut changes: Follower,
) {
    let address = listener.local_addr();
    let mut listener = Some(listener);
    loop {
        let change = changes.begin();
        let refuses = shared.faults.refuses(door.name());
        match (refuses, &address) {
            (true, Ok(_)) => drop(listener.take()),
            (false, Ok(address)) if listener.is_none() => {
                listener = Some(bind_again(*address, door).await);
            }
            _ => {}
        }
        changes.has_done(change);
        let closed = listener.is_none().then(|| door.counts.is_closed_on_request());
        tokio::select! {
            () = changes.changed() => {}
            () = async {
                match &listener {
                    Some(listener) => accept(listener, shared, door, tasks).await,
                    None => std::future::pending().await,
                }
            } => {}
        }
        drop(closed);
    }
}

/// Somebody else may have taken the port; it comes back when they leave it.
async fn bind_again(address: SocketAddr, door: &Door) -> TcpListener {
    // Nobody asked for this one to be closed: it is not ready.
    let _pausing = Pausing::new(door);
    let mut told = false;
    loop {
        match bind(address).and_then(TcpListener::from_std) {
            Ok(listener) => return listener,
            Err(error) if !told => {
                told = true;
                tracing::warn!(door = door.name(), %address, %error, "cannot open the door again, trying on");
            }
            Err(_) => {}
        }
        tokio::time::sleep(EXHAUSTED).await;
    }
}
