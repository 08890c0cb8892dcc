//! A conversation as people write it down, from what the API tells of it.

use crate::cli::client::answers::{Found, Line, Session};
use crate::cli::print::{self, Clock};
use crate::cli::style::{BOLD, CLIENT, DIM, NOTE, REFUSED, SEALED, SERVER, paint};
use std::time::Duration;

/// `session 12  from 127.0.0.1:40000 to relay, 2026-11-24 17:02:11`
pub(in crate::cli) fn heading(session: &Session, clock: Clock) -> String {
    let name = paint(BOLD, &format!("session {}", print::line(&session.id.0)));
    let from = print::line(&session.peer);
    let door = print::line(&session.door);
    format!("{name}  from {from} to {door}, {}\n", clock.full(session.connected_at))
}

/// A line each, with its time; `*` marks what went through TLS.
pub(in crate::cli) fn conversation(session: &Session) -> String {
    let mut text = String::new();
    for (number, Line { at_us, kind, tls, text: said }) in session.transcript.iter().enumerate() {
        let (who, style) = match &**kind {
            "client" => ("C:", CLIENT),
            "server" if said.starts_with(['4', '5']) => ("S:", REFUSED),
            "server" => ("S:", SERVER),
            "note" => ("!!", NOTE),
            _ => ("--", DIM),
        };
        let seal = if *tls { paint(SEALED, "*") } else { " ".to_owned() };
        let at = format!("{:>10.6}", Duration::from_micros(*at_us).as_secs_f64());
        for words in said.split('\n') {
            let words = paint(style, &print::line(words));
            text.push_str(&format!("  {} {seal} {who} {words}\n", paint(DIM, &at)));
        }
        for found in session.findings.iter().filter(|found| found.line == Some(number)) {
            text.push_str(&finding(found));
        }
    }
    for found in session
        .findings
        .iter()
        .filter(|found| found.line.is_none_or(|line| line >= session.transcript.len()))
    {
        text.push_str(&finding(found));
    }
    match session.omitted_lines {
        Some(omitted) if omitted > 0 => {
            text.push_str(&format!("  … {omitted} more lines were not kept\n"));
        }
        _ => {}
    }
    text
}

/// What was found at a line, and what to change.
fn finding(found: &Found) -> String {
    let style = match &*found.severity {
        "error" => REFUSED,
        "warning" => NOTE,
        _ => DIM,
    };
    let Found { code, what, change, rfc, .. } = found;
    let head = print::line(&format!("{code}: {what}"));
    let more = print::line(&format!("{change} ({rfc})"));
    format!("  {:>10}   >> {}\n  {:>10}      {}\n", "", paint(style, &head), "", paint(DIM, &more))
}
