//! The commands' way to a doorpost: where it is, how one logs in there, requests and their responses.
//!
//! It speaks HTTP only, and refuses `https://`: doorpost has no TLS on its API. Proxies of the environment are
//! not used, since a test server is asked for directly. What it reads may come from a newer doorpost: fields it
//! does not know are left alone ([`answers`]).

pub(super) mod answers;
mod data;
mod http;
mod problem;
mod url;

pub(super) use data::Purpose;
pub(super) use http::{Response, done};

use super::Failure;
use crate::config::Config;
use clap::Args;
use http::Http;
use std::any::Any;
use std::path::PathBuf;
use url::Url;

/// The variable that names a doorpost.
pub(super) const URL: &str = "DOORPOST_URL";
/// The variable that holds its token.
pub(super) const TOKEN: &str = "DOORPOST_TOKEN";

/// Which doorpost is meant.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Which doorpost")]
pub(super) struct Target {
    /// The doorpost to ask; http://USER:SECRET@HOST:PORT logs in [env: DOORPOST_URL]
    #[arg(long, value_name = "URL", conflicts_with = "data")]
    pub(super) server: Option<String>,
    /// Open this data directory, or ask the doorpost that has it open
    #[arg(long, value_name = "DIR")]
    pub(super) data: Option<PathBuf>,
    /// The token that the doorpost wants [env: DOORPOST_TOKEN]
    #[arg(long, value_name = "TOKEN")]
    pub(super) token: Option<String>,
}

/// A doorpost that can be asked.
pub(super) struct Server {
    http: Http,
    /// What answers, where it runs in this process.
    _keeps: Option<Box<dyn Any>>,
}

impl Server {
    /// The doorpost that is meant: what the command line names goes before what the environment names, and
    /// where neither does, it is the one that runs with the defaults. Nothing is asked yet.
    ///
    /// # Errors
    /// Says what is wrong with the URL, or why the directory cannot be opened.
    pub(super) fn open(target: &Target) -> Result<Self, Failure> {
        Self::open_for(target, Purpose::Look)
    }

    /// The same, where more or less of a data directory is needed.
    ///
    /// # Errors
    /// As above.
    pub(super) fn open_for(target: &Target, purpose: Purpose) -> Result<Self, Failure> {
        let (url, made, keeps) = match &target.data {
            Some(directory) => {
                let data::Opened { url, token, keeps } = data::open(directory, purpose)?;
                (url, token, keeps)
            }
            None => {
                let named = target.server.clone().or_else(|| variable(URL));
                let url = named.or_else(default_url).ok_or_else(|| {
                    Failure::usage("no doorpost is named: say which with --server or DOORPOST_URL")
                })?;
                (url, None, None)
            }
        };
        let url = Url::parse(&url)?;
        // What stands in a URL was meant for it; the variable may be for another.
        let of_environment = || variable(TOKEN).filter(|_| url.basic.is_none());
        let token = made
            .or_else(|| target.token.clone())
            .filter(|token| !token.is_empty())
            .or_else(of_environment);
        Ok(Self { http: Http::new(url, token), _keeps: keeps })
    }

    /// Its URL, without what logs in.
    pub(super) fn url(&self) -> &str {
        self.http.url()
    }
}

impl std::ops::Deref for Server {
    type Target = Http;

    fn deref(&self) -> &Http {
        &self.http
    }
}

/// Where doorpost listens when nothing is set.
fn default_url() -> Option<String> {
    let address = Config::default().web_addresses().into_iter().next()?;
    Some(format!("http://{address}"))
}

/// A variable that says something.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
