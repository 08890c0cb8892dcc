//! The HTTP API: what was caught, for programs and for pages.
//!
//! It answers only to names that mean this machine (`Host`), and to pages from elsewhere only where
//! they were named (`Origin`), so that no page can read caught mail by pointing its own name at the
//! loopback address. With a login or a token set, it wants one. What may wait for a disk or the
//! index is asked aside, away from the threads that serve the doors.
//!
//! Refuses parameters that it does not know, and says what is wrong as RFC 9457 problem details.

mod accept;
mod access;
mod body;
mod change;
mod cors;
mod document;
mod events;
mod faults;
mod findings;
mod groups;
mod host;
mod import;
mod journey;
mod messages;
mod metrics;
mod page;
mod parameters;
mod problem;
mod queue;
mod reading;
mod release;
mod sessions;
mod sign_in;
mod stall;
mod status;
#[cfg(test)]
mod tests;
mod told;
mod views;
mod wait;

pub use access::Access;
pub use host::HostRule;

use crate::fault::Faults;
use crate::storage::Store;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use problem::Problem;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Who may use the API, and how much of it at a time.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The names that it answers to.
    pub hosts: HostRule,
    /// What a client has to show.
    pub access: Access,
    /// The pages from elsewhere that may use it.
    pub origins: Vec<String>,
    /// The largest message that may be imported, in octets.
    pub largest_message: u64,
    /// What sessions ask whether to misbehave.
    pub faults: Arc<Faults>,
    /// Where the certificate of the CA lies that clients have to trust.
    pub ca: Option<PathBuf>,
    /// That certificate itself, in PEM.
    pub ca_pem: Option<Arc<str>>,
    /// Connections at a time.
    pub connections: usize,
    /// Readers of events at a time.
    pub readers: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            hosts: HostRule::default(),
            access: Access::default(),
            origins: Vec::new(),
            largest_message: 50 << 20,
            faults: Arc::default(),
            ca: None,
            ca_pem: None,
            connections: 2048,
            readers: 1000,
        }
    }
}

/// Questions to the store at a time. More wait for their turn, so that however many ask, threads are
/// left for whatever else has to wait for a disk.
const QUESTIONS: usize = 64;
/// Messages that are imported at a time: each is in memory as a whole.
const IMPORTS: usize = 8;

/// The API, ready to be served on as many listeners as there are.
#[derive(Clone, Debug)]
pub struct Web {
    router: Router,
    connections: Arc<Semaphore>,
    stop: CancellationToken,
}

impl Web {
    /// The API of a store; it ends when `stop` is cancelled.
    #[must_use]
    pub fn new(store: Arc<Store>, settings: Settings, stop: CancellationToken) -> Self {
        let connections = Arc::new(Semaphore::new(settings.connections));
        let router = router(store, settings, stop.clone());
        Self { router, connections, stop }
    }

    /// Serves it on one listener until it ends.
    pub async fn serve(self, listener: TcpListener) {
        accept::run(&listener, &self.router, &self.connections, &self.stop).await;
    }
}

/// What the answers are made of.
#[derive(Debug)]
struct App {
    store: Arc<Store>,
    faults: Arc<Faults>,
    ca: Option<String>,
    ca_pem: Option<Arc<str>>,
    started: Instant,
    readers: Arc<Semaphore>,
    largest_reader_count: usize,
    questions: Arc<Semaphore>,
    imports: Semaphore,
    largest_message: usize,
    stop: CancellationToken,
}

type Shared = State<Arc<App>>;

/// The client's address.
#[derive(Clone, Copy, Debug)]
struct Peer(SocketAddr);

impl App {
    /// Asks the store what may take its time, where no door waits for it.
    async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let failed = || Problem::failed("this could not be carried out");
        let turn = Arc::clone(&self.questions).acquire_owned().await;
        // The semaphore is never closed.
        let turn = turn.map_err(|_| failed())?;
        let store = Arc::clone(&self.store);
        let done = tokio::task::spawn_blocking(move || {
            // Until it is done, also where nobody waits for it any more.
            let _turn = turn;
            work(&store)
        });
        done.await.unwrap_or_else(|_| Err(failed()))
    }
}

fn router(store: Arc<Store>, settings: Settings, stop: CancellationToken) -> Router {
    let app = Arc::new(App {
        store,
        faults: settings.faults,
        ca: settings.ca.map(|path| absolute(&path)),
        ca_pem: settings.ca_pem,
        started: Instant::now(),
        readers: Arc::new(Semaphore::new(settings.readers)),
        largest_reader_count: settings.readers,
        questions: Arc::new(Semaphore::new(QUESTIONS)),
        imports: Semaphore::new(IMPORTS),
        largest_message: usize::try_from(settings.largest_message).unwrap_or(usize::MAX),
        stop,
    });
    let access = Arc::new(settings.access);
    let origins: Arc<[String]> = settings.origins.into();
    let guard = host::Guard { hosts: settings.hosts, origins: Arc::clone(&origins) };
    document::routes()
        .merge(document::pages())
        .merge(page::routes())
        .merge(sign_in::routes())
        .fallback(async |uri: Uri| {
            Problem::not_found(&format!("there is nothing at {}", uri.path()))
        })
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .layer(Extension(Arc::clone(&access)))
        .layer(middleware::from_fn_with_state(access, access::check))
        .layer(middleware::from_fn_with_state(origins, cors::answer))
        .layer(middleware::from_fn_with_state(Arc::new(guard), host::check))
        .layer(middleware::from_fn(harden))
        .with_state(app)
}

/// A path that holds in whatever folder it is read.
fn absolute(path: &Path) -> String {
    std::path::absolute(path).as_deref().unwrap_or(path).display().to_string()
}

/// No answer is guessed to be something else, framed, or kept in a cache.
async fn harden(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await.into_response();
    let headers = response.headers_mut();
    for (name, value) in
        [(header::X_CONTENT_TYPE_OPTIONS, "nosniff"), (header::CACHE_CONTROL, "no-store")]
    {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // The pages that are meant to be some have their own.
    for (name, value) in [
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'; sandbox"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}
