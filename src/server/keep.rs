//! A message that has come to its end goes to the store, and the store's word becomes a reply. A
//! message that cannot be kept is refused, never dropped.

use super::connection::Connection;
use crate::finding::Letter;
use crate::mail::MessageId;
use crate::smtp::{Incoming, Reply, replies};
use crate::storage::{Arrival, StoreError};
use std::sync::Arc;
use time::OffsetDateTime;

impl Connection<'_> {
    pub(super) async fn keep(&mut self, incoming: Incoming) -> Result<MessageId, Reply> {
        let Incoming { envelope, mut bytes, protocol, hello, auth_user, tls, reservation } =
            incoming;
        bytes.shrink_to_fit();
        let letter = Letter::read(&bytes);
        if self.entry.has_sent(&letter) {
            self.look_for_findings();
        }
        let arrival = Arrival {
            received_at: OffsetDateTime::now_utc(),
            door: Arc::clone(&self.door.policy.door),
            hostname: Arc::clone(&self.door.policy.hostname),
            session: Some(self.entry.id),
            peer: self.entry.peer,
            envelope,
            protocol,
            hello,
            auth_user,
            tls,
            findings: self.entry.findings_of(&letter),
        };
        let kept = self.shared.store.keep(arrival, bytes.into()).await;
        drop(reservation);
        match kept {
            Ok(message) => {
                self.door.counts.add_message();
                Ok(message.id())
            }
            Err(StoreError::Full) => Err(replies::NO_STORAGE),
            Err(error) => {
                tracing::error!(%error, "a message could not be kept, the client was told so (451)");
                Err(replies::STORE_FAILED)
            }
        }
    }
}
