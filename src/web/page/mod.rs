//! The page: mail, conversations and doors, for people.
//!
//! A shell of HTML with the [`first`] list in it, styles, and small modules that are a part of the
//! program; what else it shows it asks of the API. It may run no script but its own and asks nobody else for anything. A client
//! that does not ask for HTML gets a few words instead. What a sender wrote as HTML is served by
//! [`letter`] alone, to a frame in which nothing runs.

mod explained;
mod first;
mod letter;
mod light;
mod pdf;

use super::access::SignedIn;
use super::messages;
use super::parameters::{Filter, Name, Nothing, Parameters};
use super::problem::Problem;
use super::{App, Shared};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use light::light;
use std::sync::{Arc, LazyLock};

/// What the page may do is what it needs.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const OPENER: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

const SHELL: &str = include_str!("index.html");

/// Where the first list goes.
const FIRST: &str = "<!--first-->";

/// Where the way out goes, for who signed in with a form.
const LEAVE: &str = "<!--leave-->";
const LEAVE_BUTTON: &str = r#"<button type="button" id="leave" class="plain" aria-label="Sign out" title="Sign out"><svg class="sign" viewBox="0 0 16 16" width="13" height="13" aria-hidden="true"><path d="M6 2H2.5v12H6M6.5 8H14M11 5l3 3-3 3"/></svg> <span class="wide-only">Sign out</span></button>"#;

/// All styles as one, since nothing is seen before they are there.
const STYLES: &str = concat!(
    include_str!("tokens.css"),
    include_str!("frame.css"),
    include_str!("mail.css"),
    include_str!("talk.css"),
    include_str!("doors.css"),
    include_str!("faults.css"),
    include_str!("journey.css"),
);

macro_rules! assets {
    ($($name:literal,)+) => {
        /// What the shell is made of: name, media type, text.
        const ASSETS: &[(&str, &str, &str)] =
            &[("page.css", CSS, STYLES), $(($name, SCRIPT, include_str!($name)),)+];
    };
}

/// The same as they are sent.
static SENT: LazyLock<Vec<(&str, &str, String)>> =
    LazyLock::new(|| ASSETS.iter().map(|(name, kind, text)| (*name, *kind, light(text))).collect());

assets! {
    "early.js",
    "app.js",
    "dom.js",
    "api.js",
    "live.js",
    "stream.js",
    "rows.js",
    "scroller.js",
    "search.js",
    "mail.js",
    "deletions.js",
    "message.js",
    "panels.js",
    "talk.js",
    "meaning.js",
    "extensions.js",
    "findings.js",
    "doors.js",
    "settings.js",
    "faults.js",
    "journey.js",
}

/// The page's paths.
pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(front))
        .route("/page/{name}", get(part))
        .route("/page/findings/{code}", get(explained::show))
        .route("/page/letters/{id}", get(letter::show))
        .route("/page/pdf/{id}/{part}", get(pdf::show))
}

/// The page for those who ask for HTML, and where to go for others.
async fn front(
    State(app): Shared,
    signed_in: Option<Extension<SignedIn>>,
    headers: HeaderMap,
    none: Parameters<Nothing>,
) -> Result<Response, Problem> {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let mut response = if accept.is_some_and(|accept| accept.contains("text/html")) {
        let find = Filter::read(None, None)?.find(first::ROWS);
        let found = app.aside(move |store| Ok(store.find(&find)?)).await;
        // Without it the scripts say what is wrong.
        let list = found.map(|found| first::list(&found.entries)).unwrap_or_default();
        let leave = signed_in.map(|_| LEAVE_BUTTON).unwrap_or_default();
        // What a sender wrote comes last, so that nothing is looked for in it.
        let mut response = page(HTML, SHELL.replacen(LEAVE, leave, 1).replacen(FIRST, &list, 1));
        // A window that a mail opens cannot reach back into this one, whatever its link says.
        response.headers_mut().insert(OPENER, HeaderValue::from_static("same-origin"));
        response
    } else {
        messages::front(none).await.into_response()
    };
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept"));
    Ok(response)
}

async fn part(_: Shared, Name(name): Name, _: Parameters<Nothing>) -> Result<Response, Problem> {
    let asset = SENT.iter().find(|(known, ..)| *known == name);
    let missing = || Problem::not_found(&format!("there is nothing at /page/{name}"));
    asset.map(|(_, kind, text)| page(kind, text.as_str())).ok_or_else(missing)
}

fn page(kind: &'static str, text: impl IntoResponse) -> Response {
    let mut response = text.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_light_and_its_files_are_short() {
        let sizes = SENT.iter().map(|(.., text)| text.len()).sum::<usize>() + SHELL.len();
        assert!(sizes < 155_000, "the page weighs {sizes} octets");
        for (name, _, text) in ASSETS {
            assert!(text.lines().count() <= 420, "{name} is too long");
            // `light` takes whole lines to be code.
            let is_open = |line: &str| line.replace("\"`\"", "").matches('`').count() % 2 == 1;
            assert!(!text.lines().any(is_open), "{name} has a text of several lines");
            assert!(
                text.starts_with("// ") || text.starts_with("/* "),
                "{name} does not say what it does"
            );
        }
    }

    #[test]
    fn every_part_is_named_where_it_is_used_and_nothing_is_markup_from_data() {
        let all = ASSETS.iter().map(|(.., text)| *text).collect::<String>() + SHELL;
        for (name, ..) in ASSETS {
            assert!(
                all.contains(&format!("/page/{name}")) || all.contains(&format!("./{name}")),
                "{name}"
            );
        }
        for word in
            ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", " style=\""]
        {
            assert!(!all.contains(word), "{word}");
        }
    }
}
