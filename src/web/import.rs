//! Messages that did not come by SMTP: octets in, filed under a door of their own name without a
//! session.
//!
//! The octets are kept as they are. What the envelope does not say is taken from the header, where
//! addresses that no path could carry are passed over.

use super::parameters::Parameters;
use super::problem::Problem;
use super::views::MessageView;
use super::{App, Peer, Shared, body};
use crate::finding::Letter;
use crate::mail::{Body, Envelope, ForwardPath, PathError, Recipient, ReversePath};
use crate::mime::{HeaderField, Reading};
use crate::storage::Arrival;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::{Extension, Json};
use bytes::Bytes;
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::IntoParams;

/// The name under which they are filed.
const DOOR: &str = "import";
/// How they came, for their trace line.
const PROTOCOL: &str = "HTTP";
/// How long to wait until others have been imported.
const PATIENCE: Duration = Duration::from_secs(30);
/// Recipients of a message.
const RECIPIENTS: usize = 1000;

/// What stands in the URL, as it came.
#[derive(Debug, Default, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ImportParameters {
    /// The door to file it under.
    #[param(default = "import", pattern = "^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$")]
    door: Option<String>,
    /// The user to file it under, whose inbox it is in where inboxes are by user.
    #[param(min_length = 1, max_length = 255)]
    user: Option<String>,
    /// The reverse-path; empty for `<>`. Left out, it is what Return-Path, Sender or From says; where none says
    /// anything it is `<>`, which does not make a bounce of the message.
    #[param(max_length = 254, example = "alice@example.org")]
    from: Option<String>,
    /// The forward-paths. Left out, they are those of To, Cc and Bcc.
    #[param(max_items = 1000, example = json!(["bob@example.org"]))]
    to: Vec<String>,
    /// When it came, in RFC 3339. Left out, now.
    #[param(format = DateTime)]
    received_at: Option<String>,
}

impl ImportParameters {
    /// `to` may stand more than once, all others may not.
    fn of(pairs: Vec<(String, String)>) -> Result<Self, Problem> {
        let mut given = Self::default();
        for (name, value) in pairs {
            let field = match &*name {
                "to" => {
                    given.to.push(value);
                    continue;
                }
                "door" => &mut given.door,
                "user" => &mut given.user,
                "from" => &mut given.from,
                "received_at" => &mut given.received_at,
                _ => return Err(Problem::bad_request(&format!("unknown parameter {name}="))),
            };
            if field.replace(value).is_some() {
                return Err(Problem::bad_request(&format!("{name}= stands twice")));
            }
        }
        if given.to.len() > RECIPIENTS {
            return Err(Problem::bad_request(&format!("there are more than {RECIPIENTS} to=")));
        }
        Ok(given)
    }

    fn door(&self) -> Result<&str, Problem> {
        let name = self.door.as_deref().unwrap_or(DOOR);
        let fits = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
        let is_bare = !name.starts_with('-') && !name.ends_with('-');
        if (1..=32).contains(&name.len()) && is_bare && name.bytes().all(fits) {
            return Ok(name);
        }
        Err(Problem::bad_request("door= is a name of lower-case letters, digits and -"))
    }

    fn user(&self) -> Result<Option<&str>, Problem> {
        match self.user.as_deref() {
            Some(user) if user.is_empty() || user.chars().count() > 255 => {
                Err(Problem::bad_request("user= is a name of 1 to 255 characters"))
            }
            user => Ok(user),
        }
    }

    fn received_at(&self) -> Result<OffsetDateTime, Problem> {
        let Some(text) = &self.received_at else { return Ok(OffsetDateTime::now_utc()) };
        let time = OffsetDateTime::parse(text, &Rfc3339).ok();
        let time = time.and_then(|time| time.checked_to_offset(time::UtcOffset::UTC));
        // Nothing comes from the future; and what seems to would never grow old.
        let time = time.map(|time| time.min(OffsetDateTime::now_utc()));
        time.filter(|time| (1..=9999).contains(&time.year())).ok_or_else(|| {
            let text = format!("received_at={text} is no time such as 2026-11-22T10:00:00Z");
            Problem::bad_request(&text)
        })
    }

    /// The envelope, and whether nothing says where bounces go.
    fn envelope(&self, message: &[u8]) -> Result<(Envelope, bool), Problem> {
        // Reading takes its time; it is not needed where everything is said.
        let needs_header = self.from.is_none() || self.to.is_empty();
        let reading = needs_header.then(|| Reading::of(message));
        let reverse_path = match &self.from {
            Some(from) => Some(reverse_path(from).map_err(|error| wrong("from", from, error))?),
            None => reading.as_ref().and_then(sender),
        };
        let is_sender_unknown = reverse_path.is_none();
        let mut envelope = Envelope::new(reverse_path.unwrap_or(ReversePath::Null));
        let add = |path| Recipient { path, notify: None, orcpt: None };
        for to in &self.to {
            let path = forward_path(to).map_err(|error| wrong("to", to, error))?;
            envelope.forward_paths.push(add(path));
        }
        if let (true, Some(reading)) = (self.to.is_empty(), &reading) {
            let named = reading.to.iter().chain(&reading.cc).chain(&reading.bcc);
            let paths = named.filter_map(|one| forward_path(&one.address).ok());
            envelope.forward_paths = paths.take(RECIPIENTS).map(add).collect();
        }
        if !message.is_ascii() {
            envelope.body = Body::EightBitMime;
        }
        let mut mailboxes = envelope.forward_paths.iter().filter_map(|one| one.path.mailbox());
        let sender = envelope.reverse_path.mailbox();
        envelope.smtputf8 =
            mailboxes.any(|one| !one.is_ascii()) || sender.is_some_and(|one| !one.is_ascii());
        Ok((envelope, is_sender_unknown))
    }
}

fn wrong(name: &str, value: &str, error: PathError) -> Problem {
    Problem::bad_request(&format!("{name}={value}: {error}"))
}

/// With brackets or without.
fn bracketed(text: &str) -> String {
    let text = text.trim();
    if text.starts_with('<') { text.to_owned() } else { format!("<{text}>") }
}

fn reverse_path(text: &str) -> Result<ReversePath, PathError> {
    match ReversePath::parse_front(&bracketed(text))? {
        (path, "") => Ok(path),
        _ => Err(PathError::NoBrackets),
    }
}

fn forward_path(text: &str) -> Result<ForwardPath, PathError> {
    match ForwardPath::parse_front(&bracketed(text))? {
        (path, "") => Ok(path),
        _ => Err(PathError::NoBrackets),
    }
}

/// What the header says about where bounces go.
fn sender(reading: &Reading) -> Option<ReversePath> {
    let field = |name: &str| {
        let is_it = |field: &&HeaderField| field.name.eq_ignore_ascii_case(name);
        reading.headers.iter().find(is_it).map(|field| field.value.trim())
    };
    if let Some(Ok(path)) = field("Return-Path").map(reverse_path) {
        return Some(path);
    }
    let sender = field("Sender").map(|value| {
        let inner = value.rsplit_once('<').and_then(|(_, rest)| rest.split_once('>'));
        inner.map_or(value, |(address, _)| address)
    });
    let from = reading.from.first().map(|one| one.address.as_str());
    let mut named = sender.into_iter().chain(from).filter(|address| !address.is_empty());
    named.find_map(|address| reverse_path(address).ok())
}

/// Files a message
///
/// The octets are kept as they are, without a session. What the envelope does not say is taken from the header.
#[utoipa::path(
    post, path = "/api/messages", tag = "messages", params(ImportParameters),
    request_body(
        content = Value, content_type = "message/rfc822",
        description = "The message's octets", example = "Subject: hello\r\n\r\nHi\r\n",
    ),
    responses(
        (
            status = 201, description = "It is filed", body = MessageView,
            headers(("Location" = String, description = "Where it is")),
        ),
        (
            status = 507, description = "There is no room for it",
            content_type = "application/problem+json", body = super::problem::ProblemSchema,
        ),
    ),
)]
pub(super) async fn import_message(
    State(app): Shared,
    Extension(Peer(peer)): Extension<Peer>,
    Parameters(pairs): Parameters<Vec<(String, String)>>,
    headers: HeaderMap,
    content: axum::body::Body,
) -> Result<(StatusCode, [(header::HeaderName, String); 1], Json<MessageView>), Problem> {
    let given = ImportParameters::of(pairs)?;
    body::expect_type(&headers, &["message/rfc822", "message/global"])?;
    let busy = || Problem::unavailable("others are being imported");
    let place = tokio::time::timeout(PATIENCE, app.imports.acquire()).await;
    // The semaphore is never closed.
    let _place = place.map_err(|_| busy())?.map_err(|_| busy())?;
    let octets = body::read(&headers, content, app.largest_message).await?;
    let arrival = arrival(&app, given, peer, octets.clone()).await?;
    let message = app.store.keep(arrival, octets).await?;
    let location = format!("/api/messages/{}", message.id());
    let entry = app.aside(move |store| Ok(store.entry_of(&message)));
    let view = MessageView::whole(entry.await?);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(view)))
}

async fn arrival(
    app: &App,
    given: ImportParameters,
    peer: std::net::SocketAddr,
    octets: Bytes,
) -> Result<Arrival, Problem> {
    app.aside(move |store| {
        let (envelope, is_sender_unknown) = given.envelope(&octets)?;
        let hostname = store.doors().first().map(|door| door.policy.hostname.clone());
        Ok(Arrival {
            received_at: given.received_at()?,
            door: given.door()?.into(),
            hostname: hostname.unwrap_or_else(|| "localhost".into()),
            session: None,
            peer,
            envelope,
            is_sender_unknown,
            protocol: PROTOCOL,
            hello: "localhost".into(),
            auth_user: given.user()?.map(Into::into),
            tls: None,
            findings: Letter::read(&octets).findings().into(),
        })
    })
    .await
}
