//! What commands write: text for people, one JSON document or exact octets for programs; and what has to be done
//! to text that came from a mail before a terminal may see it.

use super::Failure;
use crate::smtp::transcript::escape;
use serde_json::Value;
use std::io::{self, ErrorKind, IsTerminal as _, Write};
use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};

/// Wider than this, an eye does not find the next line.
const WIDEST: u16 = 240;
/// Narrower than this, nothing can be read.
const NARROWEST: u16 = 40;

/// Text of one line, harmless.
pub(super) fn line(text: &str) -> String {
    let text = text.replace(['\n', '\t'], " ");
    escape(text.as_bytes(), false)
}

/// Text of many lines, harmless; its tabs stay.
pub(super) fn block(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let pieces: Vec<_> = text.split('\t').map(|piece| escape(piece.as_bytes(), true)).collect();
    pieces.join("\t")
}

/// Writes text to standard output, in colours where they are seen.
pub(super) fn text(text: &str) -> Result<(), Failure> {
    written(anstream::stdout().lock(), text.as_bytes())
}

/// The same to standard error.
pub(super) fn note(text: &str) {
    // Without a standard error there is nobody to tell.
    let _ = written(anstream::stderr().lock(), text.as_bytes());
}

/// Writes octets as they are to standard output.
pub(super) fn octets(octets: &[u8]) -> Result<(), Failure> {
    written(io::stdout().lock(), octets)
}

/// Writes one JSON document to standard output.
pub(super) fn json(value: &Value) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(Failure::of)?;
    octets((plain(&text) + "\n").as_bytes())
}

/// Writes a JSON document on one line.
pub(super) fn json_line(value: &Value) -> Result<(), Failure> {
    octets((plain(&value.to_string()) + "\n").as_bytes())
}

/// JSON lets pass what drives a terminal all the same; in it, such characters stand in strings only.
fn plain(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '\u{7f}'..='\u{9f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                text.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            _ => text.push(c),
        }
    }
    text
}

fn written(mut out: impl Write, octets: &[u8]) -> Result<(), Failure> {
    match out.write_all(octets).and_then(|()| out.flush()) {
        // Who closed the pipe has seen enough, and nothing has failed: `doorpost list | head`.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Failure::none()),
        result => result.map_err(Failure::of),
    }
}

/// How wide a table may be. Where nobody looks it is as wide as it gets, for `grep`.
pub(super) fn width(to_stderr: bool) -> Option<u16> {
    let size = match to_stderr {
        true if io::stderr().is_terminal() => terminal_size::terminal_size_of(io::stderr()),
        false if io::stdout().is_terminal() => terminal_size::terminal_size_of(io::stdout()),
        _ => None,
    };
    let told = || std::env::var("COLUMNS").ok()?.trim().parse().ok();
    let width = size.map(|(width, _)| width.0).or_else(told)?;
    Some(width.clamp(NARROWEST, WIDEST))
}

/// Times as the clock on the wall shows them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    offset: UtcOffset,
    now: OffsetDateTime,
}

impl Clock {
    /// The zone can be asked for only while there is one thread: call it first.
    pub(super) fn local() -> Self {
        let offset = UtcOffset::current_local_offset().unwrap_or(UtcOffset::UTC);
        Self { offset, now: OffsetDateTime::now_utc().to_offset(offset) }
    }

    /// For a list: the time alone where it was today.
    pub(super) fn short(self, at: OffsetDateTime) -> String {
        let at = at.to_offset(self.offset);
        let shown = if at.date() == self.now.date() {
            at.format(format_description!("[hour]:[minute]:[second]"))
        } else {
            at.format(format_description!("[year]-[month]-[day] [hour]:[minute]"))
        };
        shown.unwrap_or_default()
    }

    /// With its day and its zone.
    pub(super) fn full(self, at: OffsetDateTime) -> String {
        let format = format_description!(
            "[year]-[month]-[day] [hour]:[minute]:[second] [offset_hour sign:mandatory]:[offset_minute]"
        );
        at.to_offset(self.offset).format(format).unwrap_or_default()
    }

    /// The time alone.
    pub(super) fn time(self, at: OffsetDateTime) -> String {
        let format = format_description!("[hour]:[minute]:[second]");
        at.to_offset(self.offset).format(format).unwrap_or_default()
    }

    /// Now, in its zone.
    pub(super) fn now() -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_drives_the_terminal() {
        assert_eq!(line("a\u{1b}[2J\nb\r"), "a\\u{1b}[2J b\\r");
        assert_eq!(block("a\tb\r\nc\u{9b}\rd"), "a\tb\nc\\u{9b}\\rd");
        let json = plain(&serde_json::json!(["\u{9b}\u{202e}\u{1b}ä"]).to_string());
        assert_eq!(json, r#"["\u009b\u202e\u001bä"]"#);
    }
}
