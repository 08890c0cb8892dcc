//! One request and its response. Every failure is one line that names the URL and what to do about it.

use super::problem::Problem;
use super::url::{Url, segment};
use crate::cli::Failure;
use crate::smtp::transcript::escape;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::io::Read;
use std::time::Duration;
use ureq::http::{Method, Request, StatusCode, header};
use ureq::{Agent, Body};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a doorpost may be silent.
const SILENCE: Duration = Duration::from_secs(60);
/// The body of a request that has none.
const NOTHING: (&str, &[u8]) = ("", &[]);
/// The largest message that is read.
const LARGEST: u64 = 4 << 30;

/// Asks a doorpost.
pub(in crate::cli) struct Http {
    agent: Agent,
    url: Url,
    token: Option<String>,
}

/// What came back.
pub(in crate::cli) enum Response {
    /// What was asked for.
    Done(Vec<u8>),
    /// Something else, and why.
    Refused(u16, Problem),
}

/// A parameter of a request.
pub(in crate::cli) type Parameter<'a> = (&'a str, &'a str);

impl Http {
    pub(super) fn new(url: Url, token: Option<String>) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(CONNECT))
            .timeout_per_read(Some(SILENCE))
            .timeout_per_write(Some(SILENCE))
            .user_agent(concat!("doorpost/", env!("CARGO_PKG_VERSION")))
            .build();
        Self { agent: config.new_agent(), url, token }
    }

    pub(super) fn url(&self) -> &str {
        &self.url.base
    }

    /// `["api", "messages", id]` as a path.
    fn address(&self, path: &[&str], parameters: &[Parameter<'_>]) -> String {
        let path: Vec<_> = path.iter().map(|part| segment(part)).collect();
        let query: Vec<_> =
            parameters.iter().map(|(name, value)| format!("{name}={}", segment(value))).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{}/{}{mark}{}", self.url.base, path.join("/"), query.join("&"))
    }

    fn request(&self, method: Method, address: &str) -> ureq::http::request::Builder {
        let request = Request::builder().method(method).uri(address);
        match (&self.token, &self.url.basic) {
            (Some(token), _) => request.header(header::AUTHORIZATION, format!("Bearer {token}")),
            (None, Some(basic)) => request.header(header::AUTHORIZATION, basic),
            (None, None) => request,
        }
    }

    /// Sends a request and reads its response whole. A doorpost may be silent for `patience` longer than usual.
    fn send(
        &self,
        method: Method,
        path: &[&str],
        parameters: &[Parameter<'_>],
        (kind, body): (&str, &[u8]),
        patience: Duration,
    ) -> Result<Response, Failure> {
        let mut request = self.request(method.clone(), &self.address(path, parameters));
        if method == Method::POST {
            request = request.header(header::CONTENT_TYPE, kind);
        }
        let request = request.body(body).map_err(|error| self.failure(&error.into()))?;
        let request = self
            .agent
            .configure_request(request)
            .timeout_per_read(Some(SILENCE + patience))
            .allow_non_standard_methods(true)
            .build();
        let mut response = self.agent.run(request).map_err(|error| self.failure(&error))?;
        let status = response.status();
        let body = response.body_mut().with_config().limit(LARGEST).read_to_vec();
        let body = body.map_err(|error| self.failure(&error))?;
        self.judge(status, body)
    }

    fn judge(&self, status: StatusCode, body: Vec<u8>) -> Result<Response, Failure> {
        let url = self.url();
        if status.is_success() {
            return Ok(Response::Done(body));
        }
        match (status.as_u16(), Problem::read(&body)) {
            (401, _) => Err(Failure::of(format_args!(
                "the doorpost at {url} wants to know who asks: give --token (DOORPOST_TOKEN), or a URL such as http://USER:SECRET@HOST:PORT"
            ))),
            (status, Some(problem)) => Ok(Response::Refused(status, problem)),
            (status, None) => Err(Failure::of(format_args!(
                "what answers at {url} is no doorpost, or no current one (HTTP {status}): name yours with --server or DOORPOST_URL"
            ))),
        }
    }

    /// Why there is no response, in one line.
    fn failure(&self, error: &ureq::Error) -> Failure {
        let url = self.url();
        let why = escape(error.to_string().as_bytes(), false);
        let why = why.strip_prefix("io: ").unwrap_or(&why);
        match error {
            ureq::Error::Http(_) | ureq::Error::BadUri(_) => Failure::usage(format_args!(
                "{url}, or the token, cannot stand in a request: {why}"
            )),
            ureq::Error::Protocol(_) => Failure::of(format_args!(
                "what answers at {url} does not speak HTTP ({why}): name a doorpost's API with --server or DOORPOST_URL"
            )),
            _ => Failure::of(format_args!(
                "no doorpost answers at {url} ({why}): start one with `doorpost`, or name another with --server or DOORPOST_URL"
            )),
        }
    }

    /// Asks for something; a refusal is left to the caller.
    pub(in crate::cli) fn ask(
        &self,
        path: &[&str],
        parameters: &[Parameter<'_>],
        patience: Duration,
    ) -> Result<Response, Failure> {
        self.send(Method::GET, path, parameters, NOTHING, patience)
    }

    /// The octets at a path.
    pub(in crate::cli) fn octets(
        &self,
        path: &[&str],
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<u8>, Failure> {
        done(self.ask(path, parameters, Duration::ZERO)?, parameters)
    }

    /// The JSON at a path, as it came.
    pub(in crate::cli) fn json(
        &self,
        path: &[&str],
        parameters: &[Parameter<'_>],
    ) -> Result<Value, Failure> {
        self.get(path, parameters)
    }

    /// The JSON at a path, read.
    pub(in crate::cli) fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        parameters: &[Parameter<'_>],
    ) -> Result<T, Failure> {
        self.read(&self.octets(path, parameters)?)
    }

    /// Deletes what stands at a path; the number of messages where the doorpost says it.
    pub(in crate::cli) fn delete(
        &self,
        path: &[&str],
        parameters: &[Parameter<'_>],
    ) -> Result<Option<u64>, Failure> {
        let response = self.send(Method::DELETE, path, parameters, NOTHING, SILENCE)?;
        let body = done(response, parameters)?;
        let said: Option<Value> = serde_json::from_slice(&body).ok();
        Ok(said.and_then(|said| said.get("deleted")?.as_u64()))
    }

    /// Brings a message.
    pub(in crate::cli) fn post(
        &self,
        path: &[&str],
        parameters: &[Parameter<'_>],
        message: &[u8],
    ) -> Result<Response, Failure> {
        self.send(Method::POST, path, parameters, ("message/rfc822", message), SILENCE)
    }

    /// Sends JSON and reads JSON.
    pub(in crate::cli) fn post_json<T: DeserializeOwned>(
        &self,
        path: &[&str],
        parameters: &[Parameter<'_>],
        body: &Value,
    ) -> Result<T, Failure> {
        let body = body.to_string();
        let body = ("application/json", body.as_bytes());
        let response = self.send(Method::POST, path, parameters, body, SILENCE)?;
        self.read(&done(response, parameters)?)
    }

    /// A stream of events from behind `last` on; it ends with an error where nothing comes for `silence`.
    pub(in crate::cli) fn events(
        &self,
        path: &[&str],
        last: Option<&str>,
        silence: Duration,
    ) -> Result<Box<dyn Read>, Failure> {
        let mut request = self.request(Method::GET, &self.address(path, &[]));
        request = request.header(header::ACCEPT, "text/event-stream");
        if let Some(last) = last {
            request = request.header("Last-Event-ID", last);
        }
        let request = request.body(()).map_err(|error| self.failure(&error.into()))?;
        let request = self.agent.configure_request(request).timeout_per_read(Some(silence)).build();
        let mut response = self.agent.run(request).map_err(|error| self.failure(&error))?;
        let status = response.status();
        if status.is_success() {
            let body: Body = response.into_body();
            return Ok(Box::new(body.into_with_config().limit(u64::MAX).reader()));
        }
        let body = response.body_mut().read_to_vec().map_err(|error| self.failure(&error))?;
        match self.judge(status, body)? {
            Response::Refused(status, problem) => Err(problem.failure(status, None)),
            Response::Done(_) => Err(Failure::of("the stream of events is empty")),
        }
    }

    /// A body as what it should be.
    pub(in crate::cli) fn read<T: DeserializeOwned>(&self, body: &[u8]) -> Result<T, Failure> {
        serde_json::from_slice(body).map_err(|error| {
            let error = escape(error.to_string().as_bytes(), false);
            Failure::of(format_args!(
                "the doorpost at {} answers something else than expected ({error}): is it of another version?",
                self.url()
            ))
        })
    }
}

/// The body, where it is what was asked for.
pub(in crate::cli) fn done(
    response: Response,
    parameters: &[Parameter<'_>],
) -> Result<Vec<u8>, Failure> {
    match response {
        Response::Done(body) => Ok(body),
        Response::Refused(status, problem) => {
            let query = parameters.iter().find(|(name, _)| *name == "query").map(|(_, text)| *text);
            Err(problem.failure(status, query))
        }
    }
}
