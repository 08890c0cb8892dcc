//! `doorpost show`: one message, for people or for programs.
//!
//! `--raw` writes the octets as they were sent. All else that came from a mail is escaped for terminals.

mod page;
pub(super) mod talk;

use super::client::answers::{Codes, Headers, Html, Links, Message, MessageList, Session, Text};
use super::client::{Server, Target};
use super::print::{self, Clock};
use super::{Failure, list};
use clap::Args;
use std::fmt::Write as _;

#[derive(Args, Debug)]
pub(super) struct ShowArgs {
    /// The number of the message, or `latest`
    #[arg(value_name = "ID|latest")]
    id: String,
    #[command(flatten)]
    view: View,
    /// The header fields, decoded
    #[arg(long, group = "what")]
    headers: bool,
    /// The text, or what the HTML says where there is none
    #[arg(long, group = "what")]
    text: bool,
    /// The HTML
    #[arg(long, group = "what")]
    html: bool,
    /// The conversation of the session that brought it
    #[arg(long, group = "what")]
    session: bool,
    /// As the API gives it: JSON
    #[arg(long, conflicts_with = "raw")]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// What tests take out of a message; `wait` has the same.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(super) struct View {
    /// The octets exactly as they were sent
    #[arg(long, group = "what")]
    pub(super) raw: bool,
    /// Its links, one a line
    #[arg(long, group = "what")]
    pub(super) links: bool,
    /// Its one-time codes, one a line: the likely ones, or, where none is, all that could be one
    #[arg(long, group = "what")]
    pub(super) codes: bool,
}

pub(super) fn run(args: &ShowArgs) -> Result<(), Failure> {
    let clock = Clock::local();
    let server = Server::open(&args.target)?;
    let id = match &*args.id {
        "latest" => latest(&server)?,
        id => id.to_owned(),
    };
    let View { raw, links, codes } = args.view;
    if raw || ((links || codes) && !args.json) {
        return print_view(&server, &id, args.view);
    }
    let of = |what: &'static str| ["api", "messages", &*id, what].map(str::to_owned);
    let path = match () {
        () if links => of("links").to_vec(),
        () if codes => of("codes").to_vec(),
        () if args.headers => of("headers").to_vec(),
        () if args.text => of("text").to_vec(),
        () if args.html => of("html").to_vec(),
        () if args.session => session_of(&server, &id)?,
        () if args.json => of("")[..3].to_vec(),
        () => return page::print(&server, &id, clock),
    };
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let answer = server.json(&path, &[])?;
    if args.json {
        return print::json(&answer);
    }
    let text = if args.headers {
        let Headers { headers } = list::read(answer)?;
        let lines = headers.iter();
        lines.map(|h| format!("{}: {}\n", print::line(&h.name), print::line(&h.value))).collect()
    } else if args.text {
        let Text { text, text_of_html } = list::read(answer)?;
        ended(text.or(text_of_html).ok_or_else(|| missing(&id, "text"))?)
    } else if args.html {
        let Html { html } = list::read(answer)?;
        ended(html.ok_or_else(|| missing(&id, "HTML"))?)
    } else {
        let session: Session = list::read(answer)?;
        talk::heading(&session, clock) + &talk::conversation(&session)
    };
    print::text(&text)
}

/// The number of the newest message.
fn latest(server: &Server) -> Result<String, Failure> {
    let MessageList { messages } = server.get(&["api", "messages"], &[("limit", "1")])?;
    let newest = messages.into_iter().next();
    newest.map(|message| message.id.0).ok_or_else(|| Failure::of("there are no messages"))
}

/// The way to the session that brought a message.
fn session_of(server: &Server, id: &str) -> Result<Vec<String>, Failure> {
    let message: Message = server.get(&["api", "messages", id], &[])?;
    let session = message.session.filter(|session| session.0 != "null").ok_or_else(|| {
        Failure::of(format_args!("no session brought message {id}: it was imported"))
    })?;
    Ok(vec!["api".into(), "sessions".into(), session.0])
}

/// Prints what a test takes out of a message.
pub(super) fn print_view(server: &Server, id: &str, view: View) -> Result<(), Failure> {
    if view.raw {
        return print::octets(&server.octets(&["api", "messages", id, "raw"], &[])?);
    }
    let mut text = String::new();
    if view.links {
        let Links { links } = server.get(&["api", "messages", id, "links"], &[])?;
        if links.is_empty() {
            return Err(missing(id, "link"));
        }
        for link in links {
            let _ = writeln!(text, "{}", print::line(&link.url));
        }
    }
    if view.codes {
        let Codes { codes } = server.get(&["api", "messages", id, "codes"], &[])?;
        if codes.is_empty() {
            return Err(missing(id, "one-time code"));
        }
        let has_likely = codes.iter().any(|code| code.likely);
        for code in codes.iter().filter(|code| code.likely || !has_likely) {
            let _ = writeln!(text, "{}", print::line(&code.code));
        }
    }
    print::text(&text)
}

fn missing(id: &str, what: &str) -> Failure {
    Failure::of(format_args!("message {} has no {what}", print::line(id)))
}

fn ended(text: String) -> String {
    let text = print::block(&text);
    if text.ends_with('\n') { text } else { text + "\n" }
}
