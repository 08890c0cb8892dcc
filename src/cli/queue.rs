//! `doorpost queue`: what goes on, what waits, what was given up; tries it again now, or takes it out.

use super::client::{Server, Target};
use super::{Failure, print};
use crate::smtp::transcript::escape;
use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct QueueArgs {
    #[command(subcommand)]
    deed: Option<Deed>,
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Args, Debug)]
struct ListArgs {
    /// Print it as JSON
    #[arg(long)]
    json: bool,
    /// Only what is not settled
    #[arg(long)]
    open: bool,
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, Subcommand)]
enum Deed {
    /// Make the next attempt of these entries now
    Retry(NamedArgs),
    /// Take these entries out; nobody is told of it by mail
    Drop(NamedArgs),
}

#[derive(Args, Debug)]
struct NamedArgs {
    /// The numbers of the entries
    #[arg(value_name = "ID", required = true)]
    id: Vec<String>,
    #[command(flatten)]
    target: Target,
}

/// Entries of the queue.
#[derive(Debug, Deserialize)]
pub(super) struct Items {
    pub(super) items: Vec<Item>,
}

/// An entry, as far as it is looked at; the rest is kept for `--json`.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Item {
    id: String,
    reason: String,
    state: String,
    target: String,
    #[serde(flatten)]
    rest: serde_json::Map<String, Value>,
}

pub(super) fn run(args: &QueueArgs) -> Result<(), Failure> {
    match &args.deed {
        None => list(&args.list),
        Some(Deed::Retry(named)) => each(named, |server, id| {
            let path = ["api", "queue", id, "retry"];
            server.post_json::<Value>(&path, &[], &Value::Null).map(drop)
        }),
        Some(Deed::Drop(named)) => {
            each(named, |server, id| server.delete(&["api", "queue", id], &[]).map(drop))
        }
    }
}

fn each(
    named: &NamedArgs,
    deed: impl Fn(&Server, &str) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let server = Server::open(&named.target)?;
    named.id.iter().try_for_each(|id| deed(&server, id))
}

fn list(args: &ListArgs) -> Result<(), Failure> {
    let server = Server::open(&args.target)?;
    let Items { mut items } = server.get(&["api", "queue"], &[])?;
    if args.open {
        items.retain(|item| item.state == "waiting" || item.state == "running");
    }
    if args.json { print::json(&serde_json::json!(items)) } else { print::text(&table(&items)) }
}

/// The entries, a line each.
pub(super) fn table(items: &[Item]) -> String {
    let mut text = String::new();
    for item in items {
        let recipients = item.rest.get("recipients").and_then(Value::as_array);
        let paths = recipients.into_iter().flatten().filter_map(|one| one.get("path")?.as_str());
        let attempts = item.rest.get("attempts").and_then(Value::as_array);
        let last = attempts.and_then(|all| all.last()?.get("outcome")?.as_str());
        let last = last.unwrap_or("not tried yet");
        let to = paths.collect::<Vec<_>>().join(" ");
        let Item { id, reason, state, target, .. } = item;
        let line = format!("{id:>6}  {state:8} {reason:10} {target}  {to}  {last}");
        text.push_str(&escape(line.as_bytes(), false));
        text.push('\n');
    }
    text
}
