//! A message that has come to its end goes to the store, and the store's word becomes a reply. A
//! message that cannot be kept is refused, never dropped.

use super::connection::Connection;
use crate::finding::{Code, Finding, Letter, MessageKey};
use crate::mail::MessageId;
use crate::smtp::transcript::Kind;
use crate::smtp::{Incoming, Reply, replies};
use crate::storage::{Arrival, Message, Selection, StoreError};
use std::sync::Arc;
use time::OffsetDateTime;

impl Connection<'_> {
    pub(super) async fn keep(&mut self, incoming: Incoming) -> Result<MessageId, Reply> {
        let Incoming { envelope, mut bytes, protocol, hello, auth_user, tls, reservation } =
            incoming;
        bytes.shrink_to_fit();
        let letter = Letter::read(&bytes).sent_by(&envelope.reverse_path);
        if self.entry.has_sent(&letter) {
            self.look_for_findings();
        }
        // What doorpost itself hands from door to door came before, of course.
        let is_ours = self.shared.store.outbox().is_flight(self.entry.peer);
        let key =
            (!is_ours).then(|| MessageKey::new(self.entry.peer.ip(), &envelope, &letter, &bytes));
        let findings = self.findings_of(&letter, key.as_ref());
        let arrival = Arrival {
            received_at: OffsetDateTime::now_utc(),
            door: Arc::clone(&self.door.policy.door),
            hostname: Arc::clone(&self.door.policy.hostname),
            session: Some(self.entry.id),
            peer: self.entry.peer,
            envelope,
            is_sender_unknown: false,
            protocol,
            hello,
            auth_user,
            tls,
            findings,
        };
        let kept = self.shared.store.keep(arrival, bytes.into()).await;
        drop(reservation);
        match kept {
            Ok(message) => {
                if let Err(reply) = self.go_on(&message).await {
                    self.take_back(message.id()).await;
                    return Err(reply);
                }
                self.door.counts.add_message();
                if let Some(key) = &key {
                    self.shared.store.has_come(key, &message);
                }
                Ok(message.id())
            }
            Err(StoreError::Full) => Err(replies::NO_STORAGE),
            Err(error) => {
                tracing::error!(%error, "a message could not be kept, the client was told so (451)");
                Err(replies::STORE_FAILED)
            }
        }
    }

    /// What the client did wrong about this message.
    fn findings_of(&self, letter: &Letter, key: Option<&MessageKey>) -> Arc<[Finding]> {
        let store = &self.shared.store;
        let known = self.entry.findings_of(letter);
        let Some(before) = key.and_then(|key| store.duplicate_of(key)) else { return known };
        let line = self.entry.session().transcript().last(Kind::Data);
        let code = Code::DuplicateMessage;
        let finding = Finding::new(code, line, self.entry.client(), &before);
        store.add_finding(&self.entry, finding.clone());
        known.iter().cloned().chain([finding]).collect()
    }

    /// A client that was told 4xx keeps its message and comes again: it is not to be here twice then.
    async fn take_back(&self, id: MessageId) {
        let store = Arc::clone(&self.shared.store);
        let removed =
            tokio::task::spawn_blocking(move || store.remove(&Selection::Ids(vec![id]))).await;
        if let Ok(Err(error)) = removed {
            tracing::error!(%error, "message {id}, whose client was told 4xx, could not be removed");
        }
    }

    /// Puts into the queue what a route sends on: after the 250 it must not be lost. A client that hears another reply
    /// keeps the message and comes again. What doorpost would say about it by itself is let go where there is no room.
    async fn go_on(&self, message: &Message) -> Result<(), Reply> {
        let outbox = self.shared.store.outbox();
        outbox.arrived(message.arrival().peer, message.id());
        let Some(onward) = outbox.onward() else { return Ok(()) };
        let new = onward.consider(message);
        if new.is_empty() {
            return Ok(());
        }
        let store = Arc::clone(&self.shared.store);
        let added = tokio::task::spawn_blocking(move || {
            let (by_itself, routed) = new.into_iter().partition(|new| new.reason.is_made_here());
            if let Err(error) = store.outbox().add(by_itself) {
                tracing::warn!(%error, "a bounce, complaint or answer could not be queued");
            }
            store.outbox().add(routed)
        });
        match added.await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(StoreError::Full)) => Err(replies::NO_STORAGE),
            _ => {
                tracing::error!(
                    "a message could not be queued to go on, the client was told so (451)"
                );
                Err(replies::STORE_FAILED)
            }
        }
    }
}
