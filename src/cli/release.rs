//! `doorpost release`: sends messages on, as they were caught, to a server or a door that is named.

use super::client::{Server, Target};
use super::queue::Items;
use super::{Failure, print};
use clap::Args;
use serde_json::json;

#[derive(Args, Debug)]
pub(super) struct ReleaseArgs {
    /// The number of a message, `latest`, or a query that finds messages
    #[arg(value_name = "ID|QUERY", allow_hyphen_values = true)]
    what: String,
    /// Where to: smtp://HOST:PORT, smtp+starttls://USER:SECRET@HOST, smtps://HOST or door:NAME
    #[arg(long, value_name = "TARGET")]
    to: String,
    /// Whom to in place of the envelope's recipients; may be repeated
    #[arg(long, value_name = "ADDRESS")]
    rcpt: Vec<String>,
    /// Put Resent- fields in front; without it the octets are those that were caught
    #[arg(long)]
    resent: bool,
    /// Print the entries of the queue as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

pub(super) fn run(args: &ReleaseArgs) -> Result<(), Failure> {
    let what = args.what.trim();
    if what.is_empty() {
        // A script's variable that is not set must not send everything.
        return Err(Failure::usage("no message is named: give its number, `latest` or a query"));
    }
    let server = Server::open(&args.target)?;
    let body = json!({ "to": args.to, "rcpt": args.rcpt, "resent": args.resent });
    let is_name = what == "latest" || what.bytes().all(|octet| octet.is_ascii_digit());
    let items: Items = if is_name {
        server.post_json(&["api", "messages", what, "release"], &[], &body)?
    } else {
        server.post_json(&["api", "messages", "release"], &[("query", what)], &body)?
    };
    if items.items.is_empty() {
        return Err(Failure::of("no message is found by that query, and nothing is sent"));
    }
    if args.json {
        return print::json(&json!(items.items));
    }
    print::text(&super::queue::table(&items.items))
}
