//! Trace lines: the one that is put in front of what travels on, and those that show that mail goes in a circle.

use crate::storage::Message;

/// Hops after which mail goes in a circle, whoever they are (RFC 5321 §6.3 asks for a large number).
const MOST_HOPS: usize = 50;
/// Times that this doorpost may have had the message: submission, relay, and the way back, and as often again.
const MOST_OWN: usize = 6;
/// Octets of a header that are looked at.
const LONGEST_HEAD: usize = 1 << 20;

/// Why a message goes in a circle, where it does.
pub(super) fn circle(message: &Message) -> Option<String> {
    let own = format!("by {} (doorpost)", message.arrival().hostname);
    let (mut hops, mut passed) = (1, 1);
    for field in fields(message.bytes()) {
        if field.len() > 9 && field[..9].eq_ignore_ascii_case(b"received:") {
            hops += 1;
            let text = String::from_utf8_lossy(field);
            let unfolded = text.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
            passed += usize::from(unfolded.contains(&own));
        }
    }
    if hops > MOST_HOPS {
        return Some(format!("the message has passed {hops} servers"));
    }
    (passed > MOST_OWN).then(|| format!("the message has passed this doorpost {passed} times"))
}

/// The header's fields as they came, folded lines together.
fn fields(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = &bytes[..bytes.len().min(LONGEST_HEAD)];
    std::iter::from_fn(move || {
        if rest.is_empty() || rest.starts_with(b"\r\n") || rest.starts_with(b"\n") {
            return None;
        }
        let mut end = 0;
        loop {
            end += memchr::memchr(b'\n', &rest[end..]).map_or(rest.len() - end, |at| at + 1);
            if !matches!(rest.get(end), Some(b' ' | b'\t')) {
                break;
            }
        }
        let (field, after) = rest.split_at(end);
        rest = after;
        Some(field)
    })
}

/// The header with its last line's end, and without the empty line behind it.
pub(super) fn head(bytes: &[u8]) -> &[u8] {
    let length: usize = fields(bytes).map(<[u8]>::len).sum();
    &bytes[..length]
}

/// The first field of that name, unfolded.
pub(super) fn field(bytes: &[u8], name: &str) -> Option<String> {
    let found = fields(bytes).find(|field| {
        let (own, rest) = field.split_at(name.len().min(field.len()));
        own.eq_ignore_ascii_case(name.as_bytes()) && rest.trim_ascii_start().starts_with(b":")
    })?;
    let text = String::from_utf8_lossy(found);
    let value = text.split_once(':')?.1;
    Some(value.split_ascii_whitespace().collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_ends_where_it_ends() {
        let bytes = b"A: b\r\nC: d\r\n\te\r\n\r\nF: g\r\n";
        assert_eq!(head(bytes), b"A: b\r\nC: d\r\n\te\r\n");
        assert_eq!(field(bytes, "c").as_deref(), Some("d e"));
        assert_eq!(field(bytes, "F"), None);
        assert_eq!(head(b"no header at all"), b"no header at all");
        assert_eq!(head(b"\r\nbody"), b"");
    }
}
