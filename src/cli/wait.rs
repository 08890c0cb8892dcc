//! `doorpost wait`: ends as soon as messages match, or says what came instead.

use super::client::answers::{Message, MessageList};
use super::client::{Purpose, Response, Server, Target, done};
use super::print::{self, Clock};
use super::show::{View, print_view};
use super::{Failure, table};
use clap::Args;
use serde_json::Value;
use std::time::{Duration, Instant};

/// A doorpost waits no longer than this; who wants more asks again.
const AT_A_TIME: Duration = Duration::from_mins(5);

#[derive(Args, Debug)]
pub(super) struct WaitArgs {
    /// What to wait for; messages that are there already count
    #[arg(value_name = "QUERY", required = true)]
    query: Vec<String>,
    /// How long: 10s, 1m 30s, or seconds
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = time)]
    timeout: Duration,
    /// How many messages have to match
    #[arg(long, value_name = "N", default_value = "1")]
    count: usize,
    /// Only messages behind this one, or received since then: an ID, 10m, 2026-11-22T10:00:00Z
    #[arg(long, value_name = "ID|TIME")]
    since: Option<String>,
    /// Only this inbox
    #[arg(long, value_name = "NAME")]
    inbox: Option<String>,
    /// One JSON document instead of a table
    #[arg(long, group = "what")]
    json: bool,
    #[command(flatten)]
    view: View,
    #[command(flatten)]
    target: Target,
}

pub(super) fn run(args: &WaitArgs) -> Result<(), Failure> {
    let clock = Clock::local();
    if args.view.raw && args.count != 1 {
        return Err(Failure::usage("--raw gives one message: leave --count out"));
    }
    // Without a doorpost that has the directory open, what is there may be looked at and nothing comes.
    let (server, stays) = match Server::open_for(&args.target, Purpose::Follow) {
        Ok(server) => (server, None),
        Err(why) if args.target.data.is_some() => (Server::open(&args.target)?, Some(why)),
        Err(failure) => return Err(failure),
    };
    let query = args.query.join(" ");
    let count = args.count.to_string();
    let end = Instant::now() + if stays.is_none() { args.timeout } else { Duration::ZERO };
    loop {
        let time = end.saturating_duration_since(Instant::now()).min(AT_A_TIME);
        let timeout = format!("{}ms", time.as_millis());
        let mut parameters = vec![("query", &*query), ("count", &*count), ("timeout", &*timeout)];
        parameters.extend(args.since.as_deref().map(|since| ("since", since)));
        parameters.extend(args.inbox.as_deref().map(|inbox| ("inbox", inbox)));
        match server.ask(&["api", "messages", "wait"], &parameters, time)? {
            Response::Done(body) => return found(&server, args, &body, clock),
            Response::Refused(408, problem) => {
                if let Some(why) = stays {
                    return Err(why);
                }
                if Instant::now() < end {
                    continue;
                }
                tell(&problem.more, clock);
                let waited = humantime::format_duration(args.timeout);
                let came =
                    problem.more.get("messages").and_then(Value::as_array).map_or(0, Vec::len);
                return Err(Failure::of(format_args!(
                    "{came} of {count} messages like that came within {waited}"
                )));
            }
            refused => {
                done(refused, &parameters)?;
            }
        }
    }
}

fn found(server: &Server, args: &WaitArgs, body: &[u8], clock: Clock) -> Result<(), Failure> {
    if args.json {
        return print::json(&server.read(body)?);
    }
    let MessageList { messages } = server.read(body)?;
    let View { raw, links, codes } = args.view;
    if !(raw || links || codes) {
        return print::text(&table::messages(&messages, clock, print::width(false)));
    }
    // More may match than were waited for: those that came last are meant.
    for message in messages.iter().take(args.count) {
        print_view(server, &message.id.0, args.view)?;
    }
    Ok(())
}

/// What did come, for whoever reads why a test failed.
fn tell(more: &serde_json::Map<String, Value>, clock: Clock) {
    let arrived = more.get("arrived").cloned().unwrap_or_default();
    let arrived: Vec<Message> = serde_json::from_value(arrived).unwrap_or_default();
    if arrived.is_empty() {
        print::note("nothing arrived\n");
    } else {
        print::note("these arrived:\n");
        print::note(&table::messages(&arrived, clock, print::width(true)));
    }
}

/// `10s`, `1m 30s`, or seconds.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().map(Duration::from_secs);
    let time = seconds.or_else(|| humantime::parse_duration(text).ok());
    // An instant beyond that may not exist.
    let time = time.filter(|time| *time <= Duration::from_hours(24 * 365));
    time.ok_or_else(|| "that is no time such as 10s or 1m 30s".to_owned())
}
