//! The live view: one line at each session's end, and with -v the conversation.
//!
//! Everything that came from a client is escaped before it is shown.

use super::style::{BOLD, CLIENT, DIM, LOUD, NOTE, REFUSED, SEALED, SERVER, paint};
use crate::finding::Code;
use crate::mail::SessionId;
use crate::smtp::transcript::{Kind, escape};
use crate::smtp::{Ended, Session, Transaction, Verdict};
use crate::storage::SessionEntry;
use bytesize::ByteSize;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;
use time::UtcOffset;
use time::macros::format_description;
use tokio::sync::mpsc;

/// Sessions that may wait to be shown; under load more than that is counted, not shown.
pub(super) const QUEUE: usize = 4096;
/// Forward-paths that one line names.
const NAMED: usize = 3;

/// Shows sessions as they end, until nobody announces any more. For a thread of its own: a
/// terminal that is stopped, or a pipe that nobody reads, holds up this thread and no door.
pub(super) fn watch(
    mut sessions: mpsc::Receiver<Arc<SessionEntry>>,
    conversations: bool,
    offset: UtcOffset,
    mut out: Box<dyn Write + Send>,
) {
    let mut shown = Shown::default();
    while let Some(entry) = sessions.blocking_recv() {
        if shown.is_over(&entry) {
            continue;
        }
        let mut text = shown.findings(&entry);
        if entry.ended_at().is_some() {
            let session = entry.session();
            text.insert_str(0, &line(&entry, &session, offset));
            if conversations {
                text.push_str(&conversation(&session));
            }
            shown.end(&entry);
        }
        // A terminal that is gone is no reason to stop serving.
        let _ = out.write_all(text.as_bytes());
        if sessions.is_empty() {
            let _ = out.flush();
        }
    }
    let _ = out.flush();
}

/// Stands for a session whose end was shown.
const OVER: usize = usize::MAX;

/// How many findings of a session were shown; more come while it runs.
#[derive(Default)]
struct Shown(BTreeMap<SessionId, usize>);

impl Shown {
    /// Those that were not shown yet, a line for what happened and one for what to change. What the client takes
    /// for a success is said loudly, since nobody else will say it.
    fn findings(&mut self, entry: &SessionEntry) -> String {
        let all = entry.findings();
        let before = self.0.insert(entry.id, all.len()).unwrap_or(0);
        let mut text = String::new();
        for finding in all.iter().skip(before) {
            let is_silent = finding.code().is_some_and(Code::is_silent);
            let (mark, style) = match (is_silent, &*finding.severity) {
                (true, _) => ("!!", LOUD),
                (false, "error") => ("!!", REFUSED),
                (false, "warning") => ("! ", NOTE),
                _ => ("- ", DIM),
            };
            let what = escape(finding.what.as_bytes(), false);
            let head = format!("{mark} session {}: {what} ({})", entry.id, finding.code);
            text.push_str(&format!("  {}\n", paint(style, &head)));
            let change = escape(finding.change.as_bytes(), false);
            text.push_str(&format!("     {}\n", paint(DIM, &change)));
        }
        text
    }

    /// The same as events.
    fn log(&mut self, entry: &SessionEntry) {
        let all = entry.findings();
        let before = self.0.insert(entry.id, all.len()).unwrap_or(0);
        for finding in all.iter().skip(before) {
            tracing::warn!(
                session = entry.id.get(),
                code = &*finding.code,
                severity = &*finding.severity,
                what = &*finding.what,
                change = &*finding.change,
                "finding"
            );
        }
    }

    /// Whether its end was shown. One that was announced while it ran may have ended before it was looked at, and is
    /// announced again for its end.
    fn is_over(&self, entry: &SessionEntry) -> bool {
        self.0.get(&entry.id) == Some(&OVER)
    }

    /// Its end is shown. What is remembered is bounded by what may wait to be shown.
    fn end(&mut self, entry: &SessionEntry) {
        self.0.insert(entry.id, OVER);
        while self.0.len() > 2 * QUEUE {
            self.0.pop_first();
        }
    }
}

/// The same for programs: an event of the log for each session's end, where the log is JSON.
pub(super) fn log(mut sessions: mpsc::Receiver<Arc<SessionEntry>>) {
    let mut shown = Shown::default();
    while let Some(entry) = sessions.blocking_recv() {
        if shown.is_over(&entry) {
            continue;
        }
        shown.log(&entry);
        if entry.ended_at().is_none() {
            continue;
        }
        shown.end(&entry);
        let session = entry.session();
        let first = session.transactions().first();
        let kept =
            session.transactions().iter().filter_map(|transaction| match transaction.verdict {
                Verdict::Kept(id) => Some(id.to_string()),
                _ => None,
            });
        tracing::info!(
            session = entry.id.get(),
            door = &*session.policy().door,
            peer = %entry.peer,
            tls = session.tls().map(|facts| &*facts.version),
            user = session.identity().map(|identity| &*identity.user),
            reverse_path = first.map(|transaction| &*transaction.reverse_path),
            forward_paths = first.map(|transaction| transaction.forward_paths.join(" ")),
            size = first.map(|transaction| transaction.size),
            messages = session.messages(),
            kept = kept.collect::<Vec<_>>().join(" "),
            refused = session.last_refusal().map(|refusal| refusal.reply.code()),
            notes = session.transcript().notes().map(|note| note.code()).collect::<Vec<_>>().join(" "),
            ended = session.ended().map(|ended| ended.code()),
            "session ended"
        );
    }
}

/// `12:00:01 submission  TLSv1.3  alice  a@x.org → b@y.org  1.2 KiB  250 kept as 7`
fn line(entry: &SessionEntry, session: &Session, offset: UtcOffset) -> String {
    let format = format_description!("[hour]:[minute]:[second]");
    let when = entry.ended_at().unwrap_or(entry.connected_at).to_offset(offset);
    let when = when.format(&format).unwrap_or_default();
    let tls = session.tls().map_or("clear", |facts| &facts.version);
    let user =
        session.identity().map_or("-".into(), |identity| escape(identity.user.as_bytes(), false));
    let door = &session.policy().door;
    let head = format!(
        "{} {} {:<8} {user:<8} ",
        paint(DIM, &when),
        paint(BOLD, &format!("{door:<11}")),
        if session.tls().is_some() {
            paint(SEALED, &format!("{tls:<8}"))
        } else {
            format!("{tls:<8}")
        },
    );
    let mut text = head;
    text.push_str(&body(session));
    text.push('\n');
    text
}

fn body(session: &Session) -> String {
    match session.transactions() {
        [] => verdict_without_mail(session),
        [one] => transaction(one, session),
        [first, ..] => {
            let others = session.messages().max(1) - 1;
            format!(
                "{}  {}",
                transaction(first, session),
                paint(DIM, &format!("and {others} more in this session"))
            )
        }
    }
}

fn transaction(transaction: &Transaction, session: &Session) -> String {
    let recipients = match transaction.forward_paths.as_slice() {
        [] => "nobody".to_owned(),
        some => {
            let named: Vec<_> =
                some.iter().take(NAMED).map(|path| escape(path.as_bytes(), false)).collect();
            let more = transaction.recipients.saturating_sub(NAMED);
            let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
            named.join(", ") + &rest
        }
    };
    let reverse_path = match &*transaction.reverse_path {
        "" => "<>".to_owned(),
        path => escape(path.as_bytes(), false),
    };
    let verdict = match &transaction.verdict {
        Verdict::Kept(id) => paint(SERVER, &format!("kept as {id}")),
        Verdict::Refused(reply) => paint(REFUSED, &format!("{} {}", reply.code(), reply.text())),
        Verdict::Lost => paint(REFUSED, "lost on purpose"),
        Verdict::Abandoned | Verdict::Pending => match session.last_refusal() {
            Some(refusal) => paint(
                REFUSED,
                &format!(
                    "{} at {}: {}",
                    refusal.reply.code(),
                    refusal.command,
                    refusal.reply.text()
                ),
            ),
            None => paint(NOTE, "not brought to its end"),
        },
    };
    let size = ByteSize::b(transaction.size);
    format!("{reverse_path} → {recipients}  {size}  {verdict}")
}

/// A session that brought no mail is worth a line for the reason.
fn verdict_without_mail(session: &Session) -> String {
    if let Some(note) = session.transcript().notes().last() {
        return paint(NOTE, &format!("no mail: {}", note.text()));
    }
    if let Some(refusal) = session.last_refusal() {
        let reply = &refusal.reply;
        let at = if refusal.command.is_empty() {
            String::new()
        } else {
            format!(" at {}", refusal.command)
        };
        return paint(REFUSED, &format!("no mail: {}{at}: {}", reply.code(), reply.text()));
    }
    match session.ended() {
        Some(ended @ (Ended::TlsFailed(_) | Ended::Broken(_))) => {
            paint(REFUSED, &format!("no mail: {ended}"))
        }
        _ => paint(DIM, "no mail"),
    }
}

/// The conversation, a line each, with its time; `*` marks what went through TLS.
pub(super) fn conversation(session: &Session) -> String {
    let transcript = session.transcript();
    let mut text = String::new();
    for line in transcript.lines() {
        let (who, style) = match line.kind {
            Kind::Client => ("C:", CLIENT),
            Kind::Server if line.text().starts_with(['4', '5']) => ("S:", REFUSED),
            Kind::Server => ("S:", SERVER),
            Kind::Note(_) | Kind::Fault => ("!!", NOTE),
            Kind::Data | Kind::Tls | Kind::End => ("--", DIM),
        };
        let seal = if line.encrypted { paint(SEALED, "*") } else { " ".to_owned() };
        for words in line.text().split('\n') {
            let at = paint(DIM, &seconds(line.at));
            text.push_str(&format!("  {at} {seal} {who} {}\n", paint(style, words)));
        }
    }
    if transcript.omitted() > 0 {
        text.push_str(&format!("  … {} more lines were not kept\n", transcript.omitted()));
    }
    text
}

fn seconds(at: Duration) -> String {
    format!("{:>10.6}", at.as_secs_f64())
}

/// Standard output, or standard error where the other is for programs; without colours where
/// nobody sees them.
pub(super) fn terminal(to_stderr: bool) -> Box<dyn Write + Send> {
    if to_stderr {
        Box::new(io::BufWriter::new(anstream::AutoStream::auto(io::stderr())))
    } else {
        Box::new(io::BufWriter::new(anstream::AutoStream::auto(io::stdout())))
    }
}
