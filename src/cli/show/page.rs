//! A message as a person wants to see it: where it came from, the fields that matter, its envelope where that
//! differs from them, its text, its attachments.

use super::ended;
use crate::cli::Failure;
use crate::cli::client::Server;
use crate::cli::client::answers::{Attachment, Found, Header, Headers, Message, Parts, Text};
use crate::cli::print::{self, Clock};
use crate::cli::sendmail::addresses;
use crate::cli::style::{BOLD, DIM, NOTE, paint};
use bytesize::ByteSize;
use std::collections::BTreeSet;

/// The fields that are shown, in this order.
const FIELDS: [&str; 7] = ["From", "Sender", "Reply-To", "To", "Cc", "Subject", "Date"];
/// Space for the names in front of the values.
const NAME: usize = 10;

pub(super) fn print(server: &Server, id: &str, clock: Clock) -> Result<(), Failure> {
    let of = |what| ["api", "messages", id, what];
    let message: Message = server.get(&["api", "messages", id], &[])?;
    let Headers { headers } = server.get(&of("headers"), &[])?;
    let Text { text, text_of_html } = server.get(&of("text"), &[])?;
    let Parts { attachments } = server.get(&of("parts"), &[])?;
    let mut page = heading(&message, clock);
    for (name, value) in fields(&message, &headers) {
        page.push_str(&row(&name, &value));
    }
    for Found { severity, code, what, change, .. } in &message.findings {
        let style = if severity == "info" { DIM } else { NOTE };
        let words = print::line(&format!("{what} {change} ({code})"));
        page.push_str(&format!("{} {}\n", paint(style, ">>"), paint(style, &words)));
    }
    page.push('\n');
    match (text, text_of_html) {
        (Some(text), _) => page.push_str(&ended(text)),
        (None, Some(text)) => {
            page.push_str(&paint(DIM, "(the text of its HTML)\n"));
            page.push_str(&ended(text));
        }
        (None, None) => page.push_str(&paint(DIM, "(no text)\n")),
    }
    page.push_str(&files(&attachments));
    print::text(&page)
}

/// `message 7  received 2026-11-24 17:02:11 at relay, 1.2 KiB, TLSv1.3, as alice, by session 12`
fn heading(message: &Message, clock: Clock) -> String {
    let mut facts = vec![
        format!("received {} at {}", clock.full(message.received_at), print::line(&message.door)),
        ByteSize::b(message.size).to_string(),
    ];
    match (&message.tls, &message.session) {
        (Some(tls), _) => facts.push(print::line(&tls.version)),
        (None, Some(_)) => facts.push("in the clear".into()),
        // It did not come over a connection.
        (None, None) => {}
    }
    facts.extend(message.auth_user.as_ref().map(|user| format!("as {}", print::line(user))));
    facts.extend(
        message.session.as_ref().map(|session| format!("by session {}", print::line(&session.0))),
    );
    if message.read == Some(false) {
        facts.push("unread".into());
    }
    format!(
        "{}  {}\n",
        paint(BOLD, &format!("message {}", print::line(&message.id.0))),
        facts.join(", ")
    )
}

fn row(name: &str, value: &str) -> String {
    format!("{} {}\n", paint(DIM, &format!("{name:<NAME$}")), print::line(value))
}

fn fields(message: &Message, headers: &[Header]) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    for name in FIELDS {
        let named = headers.iter().filter(|header| header.name.eq_ignore_ascii_case(name));
        rows.extend(named.map(|header| (name.to_owned(), header.value.clone())));
    }
    let (from, to) =
        (named_in(headers, &["From", "Sender"]), named_in(headers, &["To", "Cc", "Bcc"]));
    let reverse_path = &message.envelope.reverse_path;
    if !from.contains(&reverse_path.to_lowercase()) {
        rows.push(("MAIL FROM".into(), format!("<{reverse_path}>")));
    }
    let forward_paths: Vec<_> = message.envelope.forward_paths.iter().map(|to| &*to.path).collect();
    let envelope: BTreeSet<_> = forward_paths.iter().map(|path| path.to_lowercase()).collect();
    if envelope != to {
        rows.push(("RCPT TO".into(), format!("<{}>", forward_paths.join(">, <"))));
    }
    for (name, values) in [("tags", &message.tags), ("inboxes", &message.inboxes)] {
        if !values.is_empty() {
            rows.push((name.to_owned(), values.join(", ")));
        }
    }
    rows
}

/// The addresses in fields of these names, in one spelling.
fn named_in(headers: &[Header], names: &[&str]) -> BTreeSet<String> {
    let fields =
        headers.iter().filter(|h| names.iter().any(|name| h.name.eq_ignore_ascii_case(name)));
    fields.flat_map(|h| addresses::list(&h.value)).map(|address| address.to_lowercase()).collect()
}

fn files(attachments: &[Attachment]) -> String {
    let mut text = String::new();
    for Attachment { id, content_type, file_name, size, inline } in attachments {
        let name = file_name.as_deref().unwrap_or("(no name)");
        let inline = if *inline { ", inline" } else { "" };
        text.push_str(&format!(
            "{} {}  {}\n",
            paint(NOTE, "attached"),
            paint(BOLD, &print::line(name)),
            print::line(&format!("{content_type}, {}, part {id}{inline}", ByteSize::b(*size))),
        ));
    }
    if text.is_empty() { text } else { format!("\n{text}") }
}
