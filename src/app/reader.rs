//! A data folder as a doorpost without doors: what is in it can be asked for and changed through
//! the API, on a port of this machine that the system chooses. No mail comes in.

use super::StartError;
use crate::storage::{Bounds, Settings, Store};
use crate::web::{self, Access, Web};
use std::io;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// A data folder that is open for questions. It is closed when dropped.
#[derive(Debug)]
pub struct Reader {
    store: Arc<Store>,
    url: String,
    token: String,
    stop: CancellationToken,
}

impl Reader {
    /// Opens the folder, whatever bounds were set when it was filled.
    ///
    /// # Errors
    /// Says why it cannot be opened; where another doorpost has it open, also where that answers.
    pub async fn start(folder: &Path) -> Result<Self, StartError> {
        let bounds = Bounds {
            messages: usize::MAX,
            message_bytes: u64::MAX,
            sessions: usize::MAX,
            session_bytes: u64::MAX,
        };
        let data = Some(folder.to_owned());
        let settings = Settings { bounds, data, ..Settings::default() };
        let store = tokio::task::spawn_blocking(move || Store::open(&settings)).await;
        let store = store.map_err(io::Error::other)??;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        // Others on this machine are not meant to read along.
        let token = random_token()?;
        let access = Access::new(None, [token.as_str()]);
        let settings = web::Settings { access, ..web::Settings::default() };
        let web = Web::new(Arc::clone(&store), settings, stop.clone());
        tokio::spawn(web.serve(listener));
        store.announce(&format!("http://{address}"), Some(&token));
        Ok(Self { store, url: format!("http://{address}"), token, stop })
    }

    /// Where the API answers.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The token that the API asks for.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }
}

/// A token that nobody can guess.
pub(crate) fn random_token() -> io::Result<String> {
    let mut secret = [0; 24];
    getrandom::fill(&mut secret).map_err(io::Error::other)?;
    Ok(secret.map(|octet| format!("{octet:02x}")).concat())
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.stop.cancel();
        self.store.close();
    }
}
