//! `doorpost list`: what was caught, newest first.

use super::client::answers::{MessageList, SessionList};
use super::client::{Server, Target};
use super::print::{self, Clock};
use super::{Failure, style, table};
use clap::Args;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Entries that a doorpost gives at a time.
const PAGE: usize = 1000;

#[derive(Args, Debug)]
pub(super) struct ListArgs {
    /// What to look for: words, "phrases", from:alice, subject:welcome, is:unread …
    #[arg(value_name = "QUERY")]
    query: Vec<String>,
    /// Only this inbox
    #[arg(long, value_name = "NAME", conflicts_with = "sessions")]
    inbox: Option<String>,
    /// How many, at most
    #[arg(long, value_name = "N", default_value = "50")]
    limit: usize,
    /// Sessions instead of messages
    #[arg(long)]
    sessions: bool,
    /// One JSON document instead of a table
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

pub(super) fn run(args: &ListArgs) -> Result<(), Failure> {
    let clock = Clock::local();
    let server = Server::open(&args.target)?;
    let query = args.query.join(" ");
    let key = if args.sessions { "sessions" } else { "messages" };
    let list = pages(&server, key, &query, args.inbox.as_deref(), args.limit)?;
    if args.json {
        return print::json(&list);
    }
    let total = list.get("total").and_then(Value::as_u64);
    let is_exact = list.get("total_is_exact").and_then(Value::as_bool).unwrap_or(true);
    let has_more = list.get("next").is_some_and(|next| !next.is_null());
    let width = print::width(false);
    let (text, count) = if args.sessions {
        let SessionList { sessions } = read(list)?;
        (table::sessions(&sessions, clock, width), sessions.len())
    } else {
        let MessageList { messages } = read(list)?;
        (table::messages(&messages, clock, width), messages.len())
    };
    if count == 0 {
        let found = if query.is_empty() && args.inbox.is_none() { "there are no" } else { "no" };
        let such = if found == "no" { " like that" } else { "" };
        print::note(&format!("{found} {key}{such}\n"));
        return Ok(());
    }
    let rest = match total {
        Some(total) if has_more => {
            let over = if is_exact { "" } else { "more than " };
            let line = format!("{count} of {over}{total} {key}; --limit shows more");
            style::paint(style::DIM, &line) + "\n"
        }
        _ => String::new(),
    };
    print::text(&(text + &rest))
}

/// The pages of a list as one, up to `limit` entries: as the doorpost gives a page.
fn pages(
    server: &Server,
    key: &str,
    query: &str,
    inbox: Option<&str>,
    limit: usize,
) -> Result<Value, Failure> {
    let mut whole: Option<Value> = None;
    each_page(server, key, query, inbox, limit, |mut page| {
        let Some(first) = &mut whole else {
            whole = Some(page);
            return Ok(());
        };
        let entries = page.get_mut(key).and_then(Value::as_array_mut).map(std::mem::take);
        if let Some(all) = first.get_mut(key).and_then(Value::as_array_mut) {
            all.extend(entries.unwrap_or_default());
        }
        if let Some(end) = first.get_mut("next") {
            *end = page.get("next").cloned().unwrap_or_default();
        }
        Ok(())
    })?;
    Ok(whole.unwrap_or_default())
}

/// Gives the pages of a list to `see`, one after the other, up to `limit` entries.
pub(super) fn each_page(
    server: &Server,
    key: &str,
    query: &str,
    inbox: Option<&str>,
    limit: usize,
    mut see: impl FnMut(Value) -> Result<(), Failure>,
) -> Result<(), Failure> {
    if limit == 0 {
        return Err(Failure::usage("--limit is at least 1"));
    }
    let mut cursor: Option<String> = None;
    let mut count = 0;
    loop {
        let size = (limit - count).min(PAGE).to_string();
        let mut parameters = vec![("limit", &*size)];
        if !query.is_empty() {
            parameters.push(("query", query));
        }
        parameters.extend(inbox.map(|inbox| ("inbox", inbox)));
        parameters.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let page = server.json(&["api", key], &parameters)?;
        let came = page.get(key).and_then(Value::as_array).map(Vec::len).ok_or_else(|| {
            Failure::of(format_args!("the doorpost at {} answers without {key}", server.url()))
        })?;
        let next = match page.get("next") {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.clone()),
            Some(other) => Some(other.to_string()),
        };
        see(page)?;
        count += came;
        // A page without entries leads nowhere, whatever it says.
        match next.filter(|_| count < limit && came > 0) {
            Some(next) => cursor = Some(next),
            None => return Ok(()),
        }
    }
}

/// JSON as what it should be.
pub(super) fn read<T: DeserializeOwned>(value: Value) -> Result<T, Failure> {
    serde_json::from_value(value).map_err(|error| {
        Failure::of(format_args!("the doorpost answers something else than expected: {error}"))
    })
}
