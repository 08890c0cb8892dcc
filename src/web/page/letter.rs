//! A message's HTML, for the frame that the page shows it in.
//!
//! It is the sender's and may be hostile. It is not cleaned but shut in: its policy puts it into an
//! origin of its own, runs nothing, sends no form, and fetches nothing. Pictures that came along are
//! written into it; what lies elsewhere is fetched only when asked for. A link that is clicked opens
//! a page of its own.

use super::super::Shared;
use super::super::parameters::{Name, Parameters};
use super::super::problem::Problem;
use crate::mail::MessageId;
use crate::mime::{Contents, Part, Reading};
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use memchr::memmem;
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::Arc;

/// Nothing runs, nothing is fetched.
const CLOSED: &str = "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";
/// Nothing runs; pictures, styles and fonts may come from elsewhere.
const OPEN: &str = "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline' http: https:; img-src data: http: https:; font-src data: http: https:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";
/// Without it a browser may look up the names in links before anybody clicks.
const PREFETCH: HeaderName = HeaderName::from_static("x-dns-prefetch-control");

/// In front of the sender's own: links open elsewhere, and the canvas is not the page's.
const LIGHT: &str = "<!doctype html><meta charset=\"utf-8\"><base target=\"_blank\"><style>:root{color-scheme:light;background:#fff;color:#111}body{margin:12px;font-family:sans-serif}img{max-width:100%}</style>\n";
const DARK: &str = "<!doctype html><meta charset=\"utf-8\"><base target=\"_blank\"><style>:root{color-scheme:dark;background:#15171a;color:#eee}body{margin:12px;font-family:sans-serif}img{max-width:100%}</style>\n";

/// Octets of pictures that are written into one message.
const PICTURES: usize = 16 << 20;
/// Octets of a Content-ID: a line of a header holds no longer one.
const LONGEST_ID: usize = 1000;

/// How it is shown.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manner {
    /// Whether pictures and styles may come from elsewhere.
    #[serde(default)]
    remote: bool,
    /// Whether it is shown on a dark ground.
    #[serde(default)]
    dark: bool,
}

/// The sender's HTML.
pub(super) async fn show(
    State(app): Shared,
    Name(name): Name,
    Parameters(manner): Parameters<Manner>,
) -> Result<Response, Problem> {
    let Manner { remote, dark } = manner;
    let body = app.aside(move |store| {
        let missing = || Problem::not_found(&format!("there is no message {name}"));
        let id: MessageId = name.parse().map_err(|_| missing())?;
        let message = store.message(id)?.ok_or_else(missing)?;
        let reading = Reading::of(message.bytes());
        let none = || Problem::not_found(&format!("message {name} has no HTML"));
        let html = reading.html.as_deref().ok_or_else(none)?;
        let html = without(html, &FRAMES);
        let html = without_referrer(&html);
        let html = if remote { html } else { without(&html, &HINTS) };
        let mut pictures = Pictures::of(message.bytes(), &reading.parts);
        let html = with_pictures(&html, |id, room| pictures.url(id, room));
        Ok(format!("{}{html}", if dark { DARK } else { LIGHT }))
    });
    let mut response = body.await?.into_response();
    let headers = response.headers_mut();
    let policy = if remote { OPEN } else { CLOSED };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(super::HTML));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(PREFETCH, HeaderValue::from_static("off"));
    Ok(response)
}

/// Elements that a policy stops too late: a browser connects for a frame before it asks whether it
/// may be there.
const FRAMES: [&str; 4] = ["iframe", "frame", "object", "embed"];
/// `preconnect` and its like are no fetches, and so no policy forbids them.
const HINTS: [&str; 1] = ["link"];

/// What a link says about where it stands is our word (`no-referrer`, in every answer's header), and a mail could
/// overrule it: by an attribute, or by a `meta` that holds for the whole document. Of those, only the one that says
/// which grounds the mail can be shown on is left.
fn without_referrer(html: &str) -> String {
    const ATTRIBUTE: &str = "referrerpolicy";
    let lower = html.to_ascii_lowercase();
    let bytes = lower.as_bytes();
    let attributes = memmem::find_iter(bytes, ATTRIBUTE).filter(|at| {
        // A name of an attribute cannot be written in another way.
        let before = bytes[..*at].last().is_some_and(|b| b" \t\r\n\x0c/\"'".contains(b));
        let after = bytes.get(at + ATTRIBUTE.len());
        before && after.is_none_or(|b| b" \t\r\n\x0c/>=".contains(b))
    });
    let metas = memmem::find_iter(bytes, "<meta").map(|at| at + 1).filter(|at| {
        let rest = &lower[at + "meta".len()..];
        let kept = ["color-scheme", "supported-color-schemes"];
        !kept.iter().any(|kept| {
            ["\"", "'"].iter().any(|q| rest.starts_with(&format!(" name={q}{kept}{q}")))
        })
    });
    let mut places: Vec<_> = attributes.chain(metas).collect();
    places.sort_unstable();
    let mut written = String::with_capacity(html.len() + 2 * places.len());
    let mut done = 0;
    for at in places {
        written.push_str(&html[done..at]);
        written.push_str("x-");
        done = at;
    }
    written.push_str(&html[done..]);
    written
}

/// Makes elements whose names begin so into some that mean nothing.
fn without(html: &str, names: &[&str]) -> String {
    let begins = |rest: &[u8], name: &str| {
        rest.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes()))
    };
    let mut written = String::with_capacity(html.len());
    let mut done = 0;
    for at in memchr::memchr_iter(b'<', html.as_bytes()) {
        let name = at + 1;
        if names.iter().any(|one| begins(&html.as_bytes()[name..], one)) {
            written.push_str(&html[done..name]);
            written.push_str("x-");
            done = name;
        }
    }
    written.push_str(&html[done..]);
    written
}

/// Writes pictures that came along to where `cid:` URLs name them. `picture` is told for how many octets there is room.
fn with_pictures(html: &str, mut picture: impl FnMut(&str, usize) -> Option<Arc<str>>) -> String {
    let lower = html.to_ascii_lowercase();
    let mut written = String::with_capacity(html.len());
    let (mut done, mut room, mut end) = (0, PICTURES, 0);
    let ends = |c: char| c.is_ascii_whitespace() || matches!(c, '"' | '\'' | ')' | '>' | '<');
    for at in memmem::find_iter(lower.as_bytes(), b"cid:") {
        let begins_url = html[..at].ends_with(['"', '\'', '(', '=', ' ', ',']);
        if at < done || !begins_url {
            continue;
        }
        let begin = at + "cid:".len();
        // Many may have one end, which is not looked for each time.
        if end < begin {
            end = html[begin..].find(ends).map_or(html.len(), |length| begin + length);
        }
        let name = &html[begin..end];
        if name.len() > LONGEST_ID {
            continue;
        }
        let Some(url) = picture(&unescaped(name), room).filter(|url| url.len() <= room) else {
            continue;
        };
        room -= url.len();
        written.push_str(&html[done..at]);
        written.push_str(&url);
        done = end;
    }
    written.push_str(&html[done..]);
    written
}

/// The pictures of a message as `data:` URLs. Each is decoded once, and only where there is room for it: a message may
/// name one a million times.
struct Pictures<'a> {
    bytes: &'a [u8],
    by_id: HashMap<&'a str, &'a Part>,
    contents: Option<Contents<'a>>,
    urls: HashMap<&'a str, Arc<str>>,
}

impl<'a> Pictures<'a> {
    fn of(bytes: &'a [u8], parts: &'a Part) -> Self {
        let mut by_id = HashMap::new();
        let mut waiting = vec![parts];
        while let Some(part) = waiting.pop() {
            waiting.extend(&part.children);
            if let (Some(id), true) = (&part.content_id, part.content_type.starts_with("image/")) {
                by_id.entry(&**id).or_insert(part);
            }
        }
        Self { bytes, by_id, contents: None, urls: HashMap::new() }
    }

    fn url(&mut self, content_id: &str, room: usize) -> Option<Arc<str>> {
        let part = *self.by_id.get(content_id)?;
        if let Some(url) = self.urls.get(&*part.id) {
            return Some(Arc::clone(url));
        }
        if part.size.div_ceil(3).saturating_mul(4) > room {
            return None;
        }
        let contents = self.contents.get_or_insert_with(|| Contents::of(self.bytes));
        let content = contents.part(&part.id)?;
        let kind = content.content_type;
        let url: Arc<str> =
            format!("data:{kind};base64,{}", STANDARD.encode(&content.bytes)).into();
        // One that is a little too long for its type's name is tried again: that has to be cheap as well.
        self.urls.insert(&part.id, Arc::clone(&url));
        Some(url)
    }
}

/// Without the `%40` of URLs.
fn unescaped(text: &str) -> String {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let digits = tail.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        match digits.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            Some(octet) if *first == b'%' => {
                octets.push(octet);
                rest = &tail[2..];
            }
            _ => {
                octets.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&octets).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_that_came_along_are_written_into_urls_only() {
        let known = |id: &str, _| (id == "a@b").then(|| "data:image/png;base64,AA==".into());
        for (html, shown) in [
            ("<img src=\"cid:a@b\">", "<img src=\"data:image/png;base64,AA==\">"),
            ("<img src=CID:a%40b>", "<img src=data:image/png;base64,AA==>"),
            (
                "<p style='background:url(cid:a@b)'>",
                "<p style='background:url(data:image/png;base64,AA==)'>",
            ),
            ("<img src=\"cid:other\">", "<img src=\"cid:other\">"),
            ("the accid:a@b", "the accid:a@b"),
            ("ends in cid:", "ends in cid:"),
        ] {
            assert_eq!(with_pictures(html, known), shown);
        }
    }

    /// With a decoding for each reference, or a look for the end of each, this would take days.
    #[test]
    fn a_picture_may_be_named_a_million_times() {
        let pixels = "QUJD\r\n".repeat(1 << 20);
        for html in ["cid:a,".repeat(600_000), "\"cid:a\"".repeat(400_000)] {
            let bytes = format!(
                "Content-Type: multipart/related; boundary=x\r\n\r\n--x\r\nContent-Type: text/html\r\n\r\n{html}\r\n\
                 --x\r\nContent-Type: image/png\r\nContent-ID: <a>\r\nContent-Transfer-Encoding: base64\r\n\r\n{pixels}\r\n--x--\r\n"
            );
            let reading = Reading::of(bytes.as_bytes());
            let mut pictures = Pictures::of(bytes.as_bytes(), &reading.parts);
            let shown = with_pictures(reading.html.as_deref().unwrap_or_default(), |id, room| {
                pictures.url(id, room)
            });
            assert!(shown.len() < (4 << 20) + PICTURES, "{}", shown.len());
            let fit = if html.starts_with('"') { 3 } else { 0 };
            assert_eq!(shown.matches("data:image/png;base64,QUJD").count(), fit);
        }
    }

    #[test]
    fn frames_and_hints_to_connect_mean_nothing() {
        let html = "<LINK rel=preconnect href=//x><p>\u{212a}<linK rel=dns-prefetch>< link>a<";
        let shut = "<x-LINK rel=preconnect href=//x><p>\u{212a}<x-linK rel=dns-prefetch>< link>a<";
        assert_eq!(without(html, &HINTS), shut);
        let html = "<iFrame src=//x></iframe><frameset><FRAME><object data=x><embed>";
        let shut = "<x-iFrame src=//x></iframe><x-frameset><x-FRAME><x-object data=x><x-embed>";
        assert_eq!(without(html, &FRAMES), shut);
        assert_eq!(without("<p>", &FRAMES), "<p>");
    }

    #[test]
    fn a_mail_has_no_say_in_what_its_links_tell() {
        for (html, shown) in [
            ("<a href=x referrerPolicy=unsafe-url>", "<a href=x x-referrerPolicy=unsafe-url>"),
            ("<a href='x'referrerpolicy='y'>", "<a href='x'x-referrerpolicy='y'>"),
            (
                "<META name=&#114;eferrer content=origin>",
                "<x-META name=&#114;eferrer content=origin>",
            ),
            ("<meta charset=x>", "<x-meta charset=x>"),
            (
                "<meta name=\"color-scheme\" content=\"dark\">",
                "<meta name=\"color-scheme\" content=\"dark\">",
            ),
            ("<meta x='color-scheme' name=referrer>", "<x-meta x='color-scheme' name=referrer>"),
            ("the referrerpolicies", "the referrerpolicies"),
        ] {
            assert_eq!(without_referrer(html), shown);
        }
    }

    #[test]
    fn escapes_that_are_none_stay() {
        assert_eq!(unescaped("a%40b%zz%4"), "a@b%zz%4");
    }
}
