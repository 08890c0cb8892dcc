//! Server-sent events out of a stream of octets, as the HTML standard reads them.
//!
//! An event that grows beyond its bound ends the stream: what sends it is no doorpost.

use std::io::{BufRead, Read as _};

/// The largest event, in octets.
const LARGEST: usize = 16 << 20;

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) name: String,
    /// The one that a new connection goes on behind.
    pub(super) id: Option<String>,
    pub(super) data: String,
}

/// Reads events until the stream ends or breaks.
pub(super) struct Events<R> {
    from: R,
}

impl<R: BufRead> Events<R> {
    pub(super) fn new(from: R) -> Self {
        Self { from }
    }
}

impl<R: BufRead> Iterator for Events<R> {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        let mut event = Event::default();
        let mut has_data = false;
        let mut size = 0;
        loop {
            let mut line = Vec::new();
            let limit = (LARGEST - size) as u64;
            let read = self.from.by_ref().take(limit).read_until(b'\n', &mut line).ok()?;
            size += read;
            // An event that was not brought to its end is none.
            line.pop_if(|last| *last == b'\n')?;
            line.pop_if(|last| *last == b'\r');
            if line.is_empty() {
                if has_data {
                    if event.name.is_empty() {
                        event.name = "message".into();
                    }
                    return Some(event);
                }
                event = Event { id: event.id, ..Event::default() };
                size = 0;
                continue;
            }
            let line = String::from_utf8_lossy(&line);
            let (field, value) = line.split_once(':').unwrap_or((&line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "event" => event.name = value.to_owned(),
                "id" if !value.contains('\0') => event.id = Some(value.to_owned()),
                "data" => {
                    if has_data {
                        event.data.push('\n');
                    }
                    event.data.push_str(value);
                    has_data = true;
                }
                // A comment has no name; it only says that somebody is there.
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_as_the_standard_says() {
        let stream = ": hello\n\nevent: message\nid: r-1\ndata: {\"a\":\ndata: 1}\n\n:\r\n\r\nevent:session\r\ndata:x\r\n\r\nevent: empty\n\ndata\n\nretry: 5\ndata: cut off\n";
        let event = |name: &str, id: Option<&str>, data: &str| Event {
            name: name.into(),
            id: id.map(Into::into),
            data: data.into(),
        };
        let events: Vec<_> = Events::new(stream.as_bytes()).collect();
        assert_eq!(
            events,
            [
                event("message", Some("r-1"), "{\"a\":\n1}"),
                event("session", None, "x"),
                event("message", None, ""),
            ]
        );
    }

    #[test]
    fn one_without_end_ends_the_stream() {
        let endless = "data: ".to_owned() + &"x".repeat(LARGEST);
        assert_eq!(Events::new(endless.as_bytes()).next(), None);
    }
}
