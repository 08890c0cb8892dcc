//! What a client has to show where a login or a token is set: Basic (RFC 7617), Bearer (RFC 6750), or, from a
//! browser in which somebody signed in, a cookie.
//!
//! Secrets are compared by their digests and in constant time, so that neither their length nor a
//! right beginning can be told from the answer. A wrong one is answered late, the later the more of
//! them come at once; nobody is locked out, and no thread waits.

use super::problem::Problem;
use super::sign_in::{self, SignIns};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use subtle::{Choice, ConstantTimeEq as _};

/// How long the answer to a wrong one takes, for each that waits for its answer.
const DELAY: Duration = Duration::from_millis(100);
/// How long it takes at most.
const LONGEST_DELAY: Duration = Duration::from_secs(2);
/// Paths that programs look at which know of no secret.
const OPEN: [&str; 2] = ["/livez", "/readyz"];

type Digest = [u8; 32];

/// Which clients may use the API.
#[derive(Clone, Default)]
pub struct Access {
    login: Option<Digest>,
    tokens: Vec<Digest>,
    waiting: Arc<AtomicU32>,
    pub(super) sign_ins: Arc<SignIns>,
}

/// That a request is let in by a cookie.
#[derive(Clone, Copy, Debug)]
pub(super) struct SignedIn;

impl Access {
    /// Whoever knows the login (`name:secret`) or one of the tokens; everybody where there is none.
    pub fn new<'a>(login: Option<&str>, tokens: impl IntoIterator<Item = &'a str>) -> Self {
        let digest = |text: &str| Sha256::digest(text).into();
        let tokens = tokens.into_iter().map(digest).collect();
        Self { login: login.map(digest), tokens, ..Self::default() }
    }

    /// Whether everybody may.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.login.is_none() && self.tokens.is_empty()
    }

    /// Whether the request shows what it has to; `None` where it shows nothing at all.
    fn judges(&self, headers: &HeaderMap) -> Option<bool> {
        let shown = headers.get(header::AUTHORIZATION)?.to_str().unwrap_or_default();
        let (scheme, value) = shown.split_once(' ').unwrap_or((shown, ""));
        let value = value.trim();
        let is_right = if scheme.eq_ignore_ascii_case("basic") {
            let login = STANDARD.decode(value).unwrap_or_default();
            is_one_of(&login, self.login.iter())
        } else if scheme.eq_ignore_ascii_case("bearer") {
            is_one_of(value.as_bytes(), self.tokens.iter())
        } else {
            false
        };
        Some(is_right)
    }

    /// Whether that is one of the tokens.
    pub(super) fn has_token(&self, shown: &str) -> bool {
        is_one_of(shown.as_bytes(), self.tokens.iter())
    }

    /// Makes who shows something wrong wait.
    pub(super) async fn wait(&self) {
        struct Waiting<'a>(&'a AtomicU32);
        impl Drop for Waiting<'_> {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::Relaxed);
            }
        }
        let number = self.waiting.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let _waiting = Waiting(&self.waiting);
        tokio::time::sleep(DELAY.saturating_mul(number).min(LONGEST_DELAY)).await;
    }

    /// What a client is asked for.
    pub(super) fn challenge(&self) -> Response {
        let detail = "this API wants a login or a token (--web-auth, --web-token)";
        let mut response = Problem::unauthorized(detail).into_response();
        let basic = self.login.map(|_| r#"Basic realm="doorpost", charset="UTF-8""#);
        let bearer = (!self.tokens.is_empty()).then_some(r#"Bearer realm="doorpost""#);
        for scheme in basic.into_iter().chain(bearer) {
            let value = HeaderValue::from_static(scheme);
            response.headers_mut().append(header::WWW_AUTHENTICATE, value);
        }
        response
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_open() { "open" } else { "behind a secret" })
    }
}

/// All are compared, whichever is the right one.
fn is_one_of<'a>(shown: &[u8], known: impl Iterator<Item = &'a Digest>) -> bool {
    let shown: Digest = Sha256::digest(shown).into();
    known.fold(Choice::from(0), |found, known| found | known.ct_eq(&shown)).into()
}

pub(super) async fn check(
    State(access): State<Arc<Access>>,
    mut request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    if access.is_open() || OPEN.contains(&path) || sign_in::is_open(request.method(), path) {
        return next.run(request).await;
    }
    match access.judges(request.headers()) {
        Some(true) => next.run(request).await,
        Some(false) => {
            access.wait().await;
            access.challenge()
        }
        None if access.sign_ins.know(&request) => {
            request.extensions_mut().insert(SignedIn);
            next.run(request).await
        }
        None if !access.tokens.is_empty() && wants_html(&request) => {
            sign_in::sheet(access.challenge(), false, path)
        }
        None => access.challenge(),
    }
}

/// Whether somebody opens it in a browser.
fn wants_html(request: &Request) -> bool {
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    request.method() == Method::GET && accept.is_some_and(|accept| accept.contains("text/html"))
}
