//! `doorpost rm`: deletes messages. Everything only where that is said.

use super::client::{Server, Target};
use super::{Failure, print};
use clap::{ArgGroup, Args};

#[derive(Args, Debug)]
#[command(group = ArgGroup::new("which").args(["id", "query", "inbox", "all"]).required(true).multiple(true))]
pub(super) struct RmArgs {
    /// The numbers of the messages
    #[arg(value_name = "ID", conflicts_with_all = ["query", "inbox", "all"])]
    id: Vec<String>,
    /// All messages that this finds
    #[arg(long, value_name = "QUERY", allow_hyphen_values = true)]
    query: Option<String>,
    /// All messages of this inbox; with --query, those of them that it finds
    #[arg(long, value_name = "NAME")]
    inbox: Option<String>,
    /// All messages
    #[arg(long, conflicts_with_all = ["query", "inbox"])]
    all: bool,
    #[command(flatten)]
    target: Target,
}

pub(super) fn run(args: &RmArgs) -> Result<(), Failure> {
    let is_empty =
        |text: &Option<String>| text.as_deref().is_some_and(|text| text.trim().is_empty());
    if is_empty(&args.query)
        || is_empty(&args.inbox)
        || args.id.iter().any(|id| id.trim().is_empty())
    {
        // A script's variable that is not set must not delete everything.
        return Err(Failure::usage("nothing is named: --all deletes everything"));
    }
    if let Some(flag) = args.query.as_deref().filter(|query| query.starts_with("--")) {
        // A query may begin with the `-` that negates, so that clap takes this for one.
        return Err(Failure::usage(format_args!(
            "--query is without its value in front of {flag}"
        )));
    }
    let server = Server::open(&args.target)?;
    if !args.id.is_empty() {
        return one_by_one(&server, &args.id);
    }
    let mut parameters = Vec::new();
    parameters.extend(args.query.as_deref().map(|query| ("query", query)));
    parameters.extend(args.inbox.as_deref().map(|inbox| ("inbox", inbox)));
    if args.all {
        parameters.push(("all", "true"));
    }
    let deleted = server.delete(&["api", "messages"], &parameters)?;
    print::text(&format!("{}\n", count(deleted.unwrap_or(0))))
}

fn one_by_one(server: &Server, ids: &[String]) -> Result<(), Failure> {
    let mut deleted = 0;
    let mut problems = Vec::new();
    for id in ids {
        match server.delete(&["api", "messages", id], &[]) {
            Ok(_) => deleted += 1,
            Err(failure) => problems.push(failure.text),
        }
    }
    let printed = print::text(&format!("{}\n", count(deleted)));
    if problems.is_empty() { printed } else { Err(Failure { code: 1, text: problems.join("\n") }) }
}

fn count(deleted: u64) -> String {
    format!("{deleted} {} deleted", if deleted == 1 { "message" } else { "messages" })
}
