//! Webhooks: an HTTP POST for each event, signed, tried again, in order for each target.
//!
//! A target that is down holds up its own events only; one that stays behind for longer than events are kept is told
//! how many it has missed. What answers is read no further than its status. Only this machine and allowed hosts are
//! asked, and no redirect is followed.

use super::connect::Reach;
use crate::config::{Config, Host, Webhook, url_host};
use crate::mail::QueueId;
use crate::storage::outbox::{HookTry, Reason};
use crate::storage::{Change, Event, Store};
use crate::tls::Outgoing;
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper::{Method, Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use serde_json::{Value, json};
use sha2::Sha256;
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;

/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// The waits between attempts; after the last one an event is given up.
const WAITS: [Duration; 4] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_mins(2),
];
/// Events that are looked at together.
const BATCH: usize = 100;
/// The field with the signature: `t=SECONDS,v1=HEX` of HMAC-SHA256 over `SECONDS.BODY`.
const SIGNATURE: &str = "doorpost-signature";

/// Tells all webhooks of one store.
#[derive(Debug)]
pub struct Hooks {
    store: Arc<Store>,
    reach: Reach,
    tls: Outgoing,
    scale: u32,
}

/// One of them.
struct Hook {
    webhook: Webhook,
    host: Host,
    port: u16,
    place: usize,
}

impl Hooks {
    /// Tells with the configuration's limits.
    #[must_use]
    pub fn new(store: Arc<Store>, config: &Config, tls: Outgoing) -> Self {
        let reach = Reach::new(config.allow_hosts.clone());
        Self { store, reach, tls, scale: config.time_scale.max(1) }
    }

    /// Begins to tell each webhook, until it is told to stop.
    pub fn start(self: &Arc<Self>, webhooks: &[Webhook], stop: &CancellationToken) {
        for webhook in webhooks {
            let Some((host, port)) = url_host(&webhook.url) else { continue };
            let place = self.store.outbox().hooks().open(
                webhook.url.clone(),
                webhook.events.clone(),
                webhook.secret.is_some(),
            );
            let hook = Hook { webhook: webhook.clone(), host, port, place };
            let (hooks, stop) = (Arc::clone(self), stop.clone());
            tokio::spawn(async move {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = hooks.follow(&hook) => {}
                }
            });
        }
    }

    async fn follow(&self, hook: &Hook) {
        let events = Arc::clone(self.store.events());
        let mut last = events.last();
        loop {
            events.happened_after(last).await;
            let batch = match events.after(last, BATCH) {
                Ok(batch) => batch,
                Err(lost) => {
                    self.store.outbox().hooks().lost(hook.place, lost.lost - last);
                    tracing::warn!(
                        url = hook.webhook.url,
                        "a webhook is too slow, and misses events"
                    );
                    last = lost.lost;
                    continue;
                }
            };
            for event in batch {
                last = event.number;
                if let Some((name, data)) = self.told(&event).await
                    && (hook.webhook.events.is_empty()
                        || hook.webhook.events.iter().any(|wanted| wanted == name))
                {
                    self.tell(hook, events.run(), &event, name, data).await;
                }
            }
        }
    }

    /// What an event is called and says, where it is one that webhooks are told.
    async fn told(&self, event: &Arc<Event>) -> Option<(&'static str, Value)> {
        let (store, event) = (Arc::clone(&self.store), Arc::clone(event));
        // The store may wait for a disk.
        tokio::task::spawn_blocking(move || data(&store, &event.change)).await.ok().flatten()
    }

    async fn tell(&self, hook: &Hook, run: &str, event: &Event, name: &'static str, data: Value) {
        let id = format!("{run}-{}", event.number);
        let at = OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default();
        let body = json!({ "id": id, "event": name, "at": at, "data": data }).to_string();
        for attempt in 1.. {
            let result = tokio::time::timeout(PATIENCE, self.post(hook, name, &id, &body)).await;
            let result = result.unwrap_or_else(|_| Err("no response in time".to_owned()));
            let (status, error) = match result {
                Ok(status) if status.is_success() => (Some(status.as_u16()), None),
                Ok(status) => (Some(status.as_u16()), Some(format!("the response is {status}"))),
                Err(error) => (None, Some(error)),
            };
            let is_done = error.is_none();
            self.store.outbox().hooks().tried(
                hook.place,
                HookTry {
                    at: OffsetDateTime::now_utc(),
                    event: name.to_owned(),
                    id: id.clone(),
                    attempt,
                    status,
                    error,
                },
            );
            let wait = usize::try_from(attempt).ok().and_then(|at| WAITS.get(at - 1));
            match wait {
                _ if is_done => return,
                Some(wait) => tokio::time::sleep(*wait / self.scale).await,
                None => {
                    self.store.outbox().hooks().lost(hook.place, 1);
                    tracing::warn!(
                        url = hook.webhook.url,
                        id,
                        "a webhook was not reached, and misses an event"
                    );
                    return;
                }
            }
        }
    }

    async fn post(
        &self,
        hook: &Hook,
        event: &str,
        id: &str,
        body: &str,
    ) -> Result<StatusCode, String> {
        let words = |error: &dyn std::fmt::Display| error.to_string();
        let stream = self.reach.connect(&hook.host, hook.port).await.map_err(|e| words(&e))?;
        let url: hyper::Uri = hook.webhook.url.parse().map_err(|e| words(&e))?;
        let path = url.path_and_query().map_or("/", |path| path.as_str());
        let authority = url.authority().map_or("", |authority| authority.as_str());
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header(header::HOST, authority)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, concat!("doorpost/", env!("CARGO_PKG_VERSION")))
            .header("doorpost-event", event)
            .header("doorpost-id", id);
        if let Some(secret) = &hook.webhook.secret {
            let seconds = OffsetDateTime::now_utc().unix_timestamp();
            request = request.header(SIGNATURE, signature(secret, seconds, body));
        }
        let request = request.body(Full::new(Bytes::from(body.to_owned())));
        let request = request.map_err(|e| words(&e))?;
        if url.scheme_str() != Some("https") {
            return send(stream, request).await;
        }
        let config = match hook.host.is_this_machine() {
            true => self.tls.anybody(),
            false => self.tls.verified().map_err(|e| words(&e))?,
        };
        let name = hook.host.to_string().trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(name).map_err(|e| words(&e))?;
        let stream = TlsConnector::from(config).connect(name, stream).await;
        send(stream.map_err(|e| words(&e))?, request).await
    }
}

async fn send<S>(stream: S, request: Request<Full<Bytes>>) -> Result<StatusCode, String>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let handshake = http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|error| error.to_string())?;
    let driven = tokio::spawn(connection);
    let response = sender.send_request(request).await;
    // The status is all that is read.
    driven.abort();
    response.map(|response| response.status()).map_err(|error| error.to_string())
}

/// What proves that the request came from here: `t=SECONDS,v1=HEX`.
fn signature(secret: &str, seconds: i64, body: &str) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        unreachable!("HMAC takes a key of any length")
    };
    mac.update(format!("{seconds}.{body}").as_bytes());
    let code = mac.finalize().into_bytes();
    let hex: String = code.iter().map(|octet| format!("{octet:02x}")).collect();
    format!("t={seconds},v1={hex}")
}

fn data(store: &Store, change: &Change) -> Option<(&'static str, Value)> {
    match change {
        Change::Message(id) => {
            let entry = store.entry(*id).ok().flatten()?;
            let envelope = &entry.arrival.envelope;
            let paths = envelope.forward_paths.iter().map(|one| one.path.to_string());
            let data = json!({
                "message": id,
                "door": &*entry.arrival.door,
                "session": entry.arrival.session,
                "reverse_path": envelope.reverse_path.to_string(),
                "forward_paths": paths.collect::<Vec<_>>(),
                "subject": entry.summary.subject,
                "size": entry.size,
            });
            Some(("message", data))
        }
        Change::SessionEnded(id) => {
            let session = store.session(*id).ok().flatten()?;
            let data = json!({
                "session": id,
                "direction": session.direction,
                "door": session.door,
                "peer": session.peer,
                "messages": session.messages,
                "last_refusal": session.last_refusal,
                "ended": session.ended,
            });
            Some(("session", data))
        }
        Change::Finding(id, finding) => {
            let data = json!({ "session": id, "finding": &**finding });
            Some(("finding", data))
        }
        // Of its earlier changes nothing is told: who is late would see its end in each of them.
        Change::Queue(id, true) => made_here(store, *id),
        _ => None,
    }
}

/// A bounce or a complaint, once: when the relay has taken it.
fn made_here(store: &Store, id: QueueId) -> Option<(&'static str, Value)> {
    let item = store.outbox().get(id).filter(|item| item.state.is_final())?;
    let name = match item.new.reason {
        Reason::Report => "bounce",
        Reason::Complaint => "complaint",
        Reason::Route | Reason::Release | Reason::AutoReply => return None,
    };
    let data = json!({
        "queue": id,
        "state": item.state,
        "about": item.new.message,
        "to": item.new.recipients.iter().map(|bound| &bound.path).collect::<Vec<_>>(),
        "messages": item.arrived,
    });
    Some((name, data))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_the_one_that_others_compute() {
        // echo -n '1700000000.{}' | openssl dgst -sha256 -hmac secret
        assert_eq!(
            signature("secret", 1_700_000_000, "{}"),
            "t=1700000000,v1=b8569b78799ff9e3cbff0fc2d63a33a2b57f3282abd07c37ae5e8e7d79a5f163"
        );
    }
}
