//! Signing in with a browser, which cannot show a token by itself: a form takes it, and a cookie shows that it was right.
//!
//! The cookie holds neither the token nor anything made of it, but a number that was drawn for it and is known here as long
//! as doorpost runs, a week at most. No script can read it, no page from elsewhere makes a browser send it (`SameSite`), and
//! since to a browser all ports of this machine are one site, it counts only for what doorpost's own page asks. How many may be
//! signed in is bounded: the first goes where there is no room for another.

use super::access::{Access, SignedIn};
use super::body;
use super::problem::Problem;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use sha2::{Digest as _, Sha256};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use subtle::{Choice, ConstantTimeEq as _};

/// Paths that somebody needs before they are signed in.
const OPEN: [&str; 2] = ["/sign-in", "/sign-in.css"];
/// How long one is signed in at most.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How many are signed in at most.
const MOST: usize = 1000;
/// Octets of the form.
const FORM: usize = 16 * 1024;

const POLICY: &str = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const SHEET: &str = include_str!("page/sign-in.html");
/// Where it says whither the form goes. On the page itself it says nothing: a browser then sends it to where it is, and
/// takes what stands behind the `#`, the message that somebody was sent a link to, through to the page.
const ACTION: &str = "<!--action-->";
/// Where it says what was wrong.
const WRONG: &str = "<!--wrong-->";
const SORRY: &str = "<p class=\"wrong\" role=\"alert\">That is not a token of this doorpost.</p>";
const STYLES: &str = concat!(include_str!("page/tokens.css"), include_str!("page/sign-in.css"));

/// Whether it is asked for by somebody who signs in.
pub(super) fn is_open(method: &Method, path: &str) -> bool {
    OPEN.contains(&path) || (path == "/" && method == Method::POST)
}

/// Those who are signed in: digests of what their cookies hold.
#[derive(Debug, Default)]
pub(super) struct SignIns(Mutex<VecDeque<([u8; 32], Instant)>>);

impl SignIns {
    /// Lets somebody in: what their cookie holds.
    fn add(&self) -> Result<String, Problem> {
        let mut number = [0; 32];
        getrandom::fill(&mut number)
            .map_err(|_| Problem::failed("the system has no random numbers"))?;
        let value: String = number.iter().map(|octet: &u8| format!("{octet:02x}")).collect();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(_, since)| since.elapsed() < LONGEST);
        if all.len() == MOST {
            all.pop_front();
        }
        all.push_back((Sha256::digest(&value).into(), Instant::now()));
        Ok(value)
    }

    /// Whether a request shows that somebody signed in, and may: all are compared, whichever is the right one.
    pub(super) fn know(&self, request: &Request) -> bool {
        let Some(value) = shown(request.headers()) else { return false };
        let digest: [u8; 32] = Sha256::digest(value).into();
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all.iter().filter(|(_, since)| since.elapsed() < LONGEST);
        let found = known.fold(Choice::from(0), |found, (known, _)| found | known.ct_eq(&digest));
        bool::from(found) && is_our_page(request)
    }

    fn forget(&self, headers: &HeaderMap) {
        let Some(value) = shown(headers) else { return };
        let digest: [u8; 32] = Sha256::digest(value).into();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(known, _)| !bool::from(known.ct_eq(&digest)));
    }
}

/// The name of the cookie, with the port in it: a browser sends it to every port of the machine, and there may be
/// a doorpost on another.
fn name(headers: &HeaderMap) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let port = host.rsplit_once(':').map_or("", |(_, port)| port);
    let is_number = !port.is_empty() && port.bytes().all(|octet| octet.is_ascii_digit());
    if is_number { format!("doorpost-{port}") } else { "doorpost".to_owned() }
}

/// What the cookie holds.
fn shown(headers: &HeaderMap) -> Option<&str> {
    let name = name(headers);
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs =
        lines.flat_map(|line| line.split(';')).filter_map(|one| one.trim().split_once('='));
    pairs.find(|(known, _)| *known == name).map(|(_, value)| value)
}

/// Whether our own page asks, or somebody who opens it: not a page of another port of this machine, for which a
/// browser sends the cookie too.
fn is_our_page(request: &Request) -> bool {
    let headers = request.headers();
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let fetch = |what| text(HeaderName::from_static(what));
    let is_opened = request.method() == Method::GET
        && fetch("sec-fetch-mode") == Some("navigate")
        && fetch("sec-fetch-dest") == Some("document");
    let from_site = fetch("sec-fetch-site")
        .is_none_or(|site| matches!(site, "same-origin" | "none") || is_opened);
    let from_origin = text(header::ORIGIN).is_none_or(|origin| {
        let place = origin.split_once("://").map(|(_, place)| place);
        place.is_some_and(|place| text(header::HOST).is_some_and(|h| h.eq_ignore_ascii_case(place)))
    });
    from_site && from_origin
}

/// The cookie as it is set; without a value, as it is taken away.
fn cookie(headers: &HeaderMap, value: &str) -> Result<HeaderValue, Problem> {
    let has = |name: HeaderName, begin: &str| {
        headers.get(name).is_some_and(|value| value.as_bytes().starts_with(begin.as_bytes()))
    };
    // Doorpost itself speaks HTTP; whoever put TLS in front of it knows what the browser sees.
    let forwarded = HeaderName::from_static("x-forwarded-proto");
    let secure = has(header::ORIGIN, "https:") || has(forwarded, "https");
    let text = format!(
        "{}={value}; Path=/; HttpOnly; SameSite=Strict{}{}",
        name(headers),
        if secure { "; Secure" } else { "" },
        if value.is_empty() { "; Max-Age=0" } else { "" },
    );
    HeaderValue::from_str(&text).map_err(|_| Problem::failed("the cookie could not be written"))
}

/// The form and what belongs to it.
pub(super) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/", post(sign_in))
        .route("/sign-in", get(async || home()).post(sign_in))
        .route(
            "/sign-in.css",
            get(async || ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLES)),
        )
        .route("/sign-out", post(sign_out))
}

/// To the page, which shows the form to those who are not signed in.
fn home() -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, "/")]).into_response()
}

/// The form, in the place of the problem that programs get.
pub(super) fn sheet(challenge: Response, is_wrong: bool, path: &str) -> Response {
    let (parts, _) = challenge.into_parts();
    let action = if path == "/" { "" } else { " action=\"/sign-in\"" };
    let text = SHEET.replacen(ACTION, action, 1);
    let text = text.replacen(WRONG, if is_wrong { SORRY } else { "" }, 1);
    let mut response = (parts.status, text).into_response();
    let headers = response.headers_mut();
    for value in parts.headers.get_all(header::WWW_AUTHENTICATE) {
        headers.append(header::WWW_AUTHENTICATE, value.clone());
    }
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        // Without it a browser would hide where the form comes from, and it would be refused.
        (header::REFERRER_POLICY, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn sign_in(
    Extension(access): Extension<Arc<Access>>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    body::expect_type(&headers, &["application/x-www-form-urlencoded"])?;
    let form = body::read(&headers, body, FORM).await?;
    let token = form_urlencoded::parse(&form).find(|(key, _)| key == "token");
    let token = token.map(|(_, value)| value.trim().to_owned()).unwrap_or_default();
    if !access.has_token(&token) {
        access.wait().await;
        return Ok(sheet(access.challenge(), true, uri.path()));
    }
    let cookie = cookie(&headers, &access.sign_ins.add()?)?;
    let mut response = home();
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(response)
}

async fn sign_out(
    Extension(access): Extension<Arc<Access>>,
    signed_in: Option<Extension<SignedIn>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if signed_in.is_none() {
        return Err(Problem::bad_request("nobody is signed in here by a cookie"));
    }
    access.sign_ins.forget(&headers);
    let mut response = home();
    response.headers_mut().insert(header::SET_COOKIE, cookie(&headers, "")?);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_signs_in_beyond_the_bound_takes_the_place_of_the_first() {
        let all = SignIns::default();
        let ask = |value: &str| {
            let request = Request::get("/").header("host", "localhost:8025");
            let request = request.header("cookie", format!("a=b; doorpost-8025={value}; c"));
            all.know(&request.body(Body::empty()).unwrap_or_default())
        };
        let names: Vec<_> = (0..=MOST).filter_map(|_| all.add().ok()).collect();
        assert_eq!(names.len(), MOST + 1);
        assert!(!ask(&names[0]) && ask(&names[1]) && ask(&names[MOST]) && !ask(""));
    }
}
