//! Mail going on, wired up: who decides, who carries, and who tells the webhooks.

use super::{Carrying, StartError};
use crate::config::Config;
use crate::fault::Faults;
use crate::outbound::{Courier, Hooks, Router};
use crate::storage::Store;
use crate::tls::{Identity, Outgoing};
use std::sync::{Arc, Mutex};
use tokio_util::sync::CancellationToken;

/// Begins to carry what is in the queue, and to put in what the routes say.
pub(super) fn begin(
    store: &Arc<Store>,
    config: &Config,
    identity: &Identity,
    faults: &Arc<Faults>,
) -> Result<Carrying, StartError> {
    let stop = CancellationToken::new();
    let router = Router::new(store, config, Arc::clone(faults));
    store.outbox().decided_by(Arc::new(router));
    let courier = Courier::new(Arc::clone(store), config, Outgoing::new(identity)?);
    let courier = tokio::spawn(Arc::new(courier).run(stop.clone()));
    if !config.webhooks.is_empty() {
        let hooks = Hooks::new(Arc::clone(store), config, Outgoing::new(identity)?);
        Arc::new(hooks).start(&config.webhooks, &stop);
    }
    Ok(Carrying { stop, courier: Mutex::new(Some(courier)) })
}
