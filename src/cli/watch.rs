//! `doorpost watch`: shows what happens while it happens, until Ctrl-C.
//!
//! A connection that ends is made anew, and goes on behind the last event that was seen. What a doorpost no longer
//! knows then is said to be missing.

mod stream;

use super::client::answers::{Finding, Message, MessageList, Session};
use super::client::{Purpose, Server, Target};
use super::print::{self, Clock};
use super::serve::Signals;
use super::style::{BOLD, DIM, NOTE, REFUSED, SEALED, SERVER, paint};
use super::{Failure, table};
use bytesize::ByteSize;
use clap::Args;
use serde_json::{Value, json};
use std::io::BufReader;
use std::time::Duration;
use stream::{Event, Events};

/// A doorpost says something every 15 seconds; one that is silent for so long is gone.
const SILENCE: Duration = Duration::from_secs(45);
/// The pauses between attempts to connect again.
const PAUSES: [Duration; 4] = [
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(3),
];

#[derive(Args, Debug)]
pub(super) struct WatchArgs {
    /// Only messages that this finds, and no sessions
    #[arg(value_name = "QUERY")]
    query: Vec<String>,
    /// One JSON object a line: {"event": …, "id": …, "data": …}
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

struct Watch {
    server: Server,
    query: String,
    json: bool,
    clock: Clock,
    /// The last event that was shown.
    last: Option<String>,
}

pub(super) fn run(args: &WatchArgs) -> Result<(), Failure> {
    let clock = Clock::local();
    let query = args.query.join(" ");
    let server = Server::open_for(&args.target, Purpose::Follow)?;
    end_on_signal()?;
    if !query.is_empty() {
        // A wrong one should not be found out with the first message.
        server.json(&["api", "messages"], &[("query", &query), ("limit", "1")])?;
    }
    let mut watch = Watch { server, query, json: args.json, clock, last: None };
    watch.follow(watch.connect()?)?;
    loop {
        print::note(&format!(
            "the connection to {} has ended; connecting again\n",
            watch.server.url()
        ));
        let stream = watch.connect_again();
        print::note("connected again\n");
        watch.follow(stream)?;
    }
}

/// Ctrl-C is how one stops watching: nothing has failed then.
fn end_on_signal() -> Result<(), Failure> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::of)?;
    let mut signals = {
        let _inside = runtime.enter();
        Signals::listen().map_err(Failure::of)?
    };
    let wait = move || {
        runtime.block_on(signals.stop());
        // Each line was flushed when it was written.
        std::process::exit(0);
    };
    std::thread::Builder::new().name("signals".into()).spawn(wait).map_err(Failure::of)?;
    Ok(())
}

type Stream = Events<BufReader<Box<dyn std::io::Read>>>;

impl Watch {
    fn connect(&self) -> Result<Stream, Failure> {
        let stream = self.server.events(&["api", "events"], self.last.as_deref(), SILENCE)?;
        Ok(Events::new(BufReader::new(stream)))
    }

    fn connect_again(&self) -> Stream {
        let mut pauses = PAUSES.into_iter();
        let mut pause = PAUSES[0];
        let mut told = String::new();
        loop {
            pause = pauses.next().unwrap_or(pause);
            std::thread::sleep(pause);
            match self.connect() {
                Ok(stream) => return stream,
                // Each reason once: it may go on for hours.
                Err(failure) if failure.text != told => {
                    print::note(&format!("{}\n", failure.text));
                    told = failure.text;
                }
                Err(_) => {}
            }
        }
    }

    /// Shows what comes until the connection ends.
    fn follow(&mut self, stream: Stream) -> Result<(), Failure> {
        for Event { name, id, data } in stream {
            let data: Value = serde_json::from_str(&data).unwrap_or(Value::String(data));
            let is_about_it = match &*name {
                "message" => self.is_wanted(&data),
                // They say what this program may have missed.
                "reset" | "too-slow" => Ok(true),
                _ => Ok(self.query.is_empty()),
            };
            match is_about_it {
                Ok(true) => self.show(&name, id.as_deref(), data)?,
                Ok(false) => {}
                Err(failure) if failure.code == 1 => {
                    // The doorpost is gone: the event comes again with the next connection.
                    return Ok(());
                }
                Err(failure) => return Err(failure),
            }
            self.last = id.or(self.last.take());
        }
        Ok(())
    }

    fn show(&self, name: &str, id: Option<&str>, data: Value) -> Result<(), Failure> {
        if self.json {
            return print::json_line(&json!({ "event": name, "id": id, "data": data }));
        }
        // What a newer doorpost tells of has no line here.
        match self.line(name, data) {
            Some(line) => print::text(&(line + "\n")),
            None => Ok(()),
        }
    }

    /// Whether the query finds the message: the doorpost is asked.
    fn is_wanted(&self, data: &Value) -> Result<bool, Failure> {
        if self.query.is_empty() {
            return Ok(true);
        }
        let Ok(message) = serde_json::from_value::<Message>(data.clone()) else { return Ok(false) };
        let query = format!("({}) id:{}", self.query, message.id);
        let MessageList { messages } =
            self.server.get(&["api", "messages"], &[("query", &query), ("limit", "1")])?;
        Ok(!messages.is_empty())
    }

    fn line(&self, name: &str, data: Value) -> Option<String> {
        match name {
            "message" => Some(self.message(&serde_json::from_value(data).ok()?)),
            "session" => {
                let session: Session = serde_json::from_value(data).ok()?;
                let is_over =
                    session.phase.as_deref() == Some("ended") || session.ended_at.is_some();
                is_over.then(|| self.session(&session))
            }
            "finding" => {
                let Finding { session, code, text } = serde_json::from_value(data).ok()?;
                let words = print::line(&format!("session {session}: {text} ({code})"));
                let now = self.clock.time(Clock::now());
                Some(format!("{} {}", paint(DIM, &now), paint(NOTE, &words)))
            }
            "reset" => {
                let reason =
                    data.get("reason").and_then(Value::as_str).unwrap_or("it does not say why");
                let words =
                    format!("what came before is not known any more: {}", print::line(reason));
                Some(paint(NOTE, &words))
            }
            "too-slow" => Some(paint(NOTE, "this was read too slowly; some of it is missing")),
            _ => None,
        }
    }

    /// `12:00:01 relay        message 7  Alice → bob@example.org  Welcome  1.2 KiB`
    fn message(&self, message: &Message) -> String {
        let tls = message.tls.as_ref().map(|tls| paint(SEALED, &print::line(&tls.version)) + "  ");
        format!(
            "{} {} {}  {} → {}  {}  {}{}",
            paint(DIM, &self.clock.time(message.received_at)),
            paint(BOLD, &format!("{:<11}", print::line(&message.door))),
            paint(SERVER, &format!("message {}", print::line(&message.id.0))),
            print::line(&table::sender(message)),
            print::line(&table::recipients(message)),
            paint(BOLD, &print::line(message.subject.as_deref().unwrap_or("(no subject)"))),
            tls.unwrap_or_default(),
            paint(DIM, &ByteSize::b(message.size).to_string()),
        )
    }

    /// `12:00:01 relay        session 3 ended  127.0.0.1:40000  kept as 7`
    fn session(&self, session: &Session) -> String {
        let outcome = table::outcome(session);
        let is_refusal = outcome.starts_with(['4', '5']);
        format!(
            "{} {} session {} ended  {}  {}",
            paint(DIM, &self.clock.time(session.ended_at.unwrap_or_else(Clock::now))),
            paint(BOLD, &format!("{:<11}", print::line(&session.door))),
            print::line(&session.id.0),
            print::line(&session.peer),
            paint(if is_refusal { REFUSED } else { DIM }, &print::line(&outcome)),
        )
    }
}
