//! A header as a list of fields, and single fields decoded. The header ends at the first empty line,
//! or before the first line that is no field: so does Postfix read it, and so a message that lost its
//! empty line keeps its text.

use super::encoded_word;
use super::limits::{self, FIELD, FIELDS, PARAMETERS};
use super::parameters;
use super::summary::Correspondent;
use mail_parser::parsers::MessageStream;
use mail_parser::{Address, ContentType, HeaderValue};
use memchr::{memchr, memmem};
use serde::Serialize;
use std::borrow::Cow;
use std::ops::Range;
use time::OffsetDateTime;

/// One field of a header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct HeaderField {
    /// Its name, as written.
    pub name: String,
    /// Its value, unfolded and with encoded words decoded.
    pub value: String,
    /// Its value as it came, folds included.
    pub raw: String,
    /// The addresses in From, Sender, Reply-To, To, Cc and Bcc; none in other fields.
    pub addresses: Vec<Correspondent>,
}

/// Where a header lies.
pub(super) struct Block {
    /// The fields that are read.
    pub(super) fields: Range<usize>,
    /// Where the body begins.
    pub(super) body: usize,
    /// Whether fields were left out.
    pub(super) cut: bool,
}

/// Finds the header that begins at `start`. `stop` knows the lines that end a part, come what may.
pub(super) fn block(
    bytes: &[u8],
    start: usize,
    limit: usize,
    stop: impl Fn(&[u8]) -> bool,
) -> Block {
    let mut at = start;
    let mut first = start;
    let mut read_to = None;
    let body = loop {
        if at >= bytes.len() {
            break at;
        }
        let next = memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |end| at + end + 1);
        let line = &bytes[at..next];
        if line == b"\n" || line == b"\r\n" {
            break next;
        }
        let folded = matches!(line[0], b' ' | b'\t') && at > first;
        // What mbox files and some old programs put in front.
        let postmark = at == start && (line.starts_with(b"From ") || line.starts_with(b">From "));
        if postmark {
            first = next;
        } else if (!folded && colon(line).is_none()) || stop(line) {
            break at;
        }
        if next - start > limit && read_to.is_none() {
            read_to = Some(at);
        }
        at = next;
    };
    Block { fields: first..read_to.unwrap_or(at).max(first), body, cut: read_to.is_some() }
}

/// Where a line's field name ends, if it is the first line of a field.
fn colon(line: &[u8]) -> Option<usize> {
    let colon = memchr(b':', line)?;
    let name = line[..colon].trim_ascii_end();
    (!name.is_empty() && name.iter().all(u8::is_ascii_graphic)).then_some(colon)
}

/// A field as it lies in the message.
#[derive(Clone, Copy)]
pub(super) struct Raw<'a> {
    pub(super) name: &'a [u8],
    /// With its folds and the end of its last line.
    value: &'a [u8],
}

/// The text of a field's value, as an index takes it in: unfolded, encoded words decoded, and on one
/// line whatever they hold. For whoever has found the field by other means.
#[must_use]
pub fn field_text(value: &[u8]) -> String {
    Raw { name: b"", value }.line()
}

/// The fields of a header, in order; no more than are read.
pub(super) struct Fields<'a> {
    list: Vec<Raw<'a>>,
    pub(super) cut: bool,
}

impl<'a> Fields<'a> {
    pub(super) fn of(header: &'a [u8]) -> Self {
        let mut list = Vec::new();
        let mut at = 0;
        while let Some(colon) = colon(&header[at..]) {
            if list.len() == FIELDS {
                return Self { list, cut: true };
            }
            let value = at + colon + 1;
            let mut end = value;
            loop {
                end = memchr(b'\n', &header[end..]).map_or(header.len(), |line| end + line + 1);
                if !matches!(header.get(end), Some(b' ' | b'\t')) {
                    break;
                }
            }
            let name = header[at..at + colon].trim_ascii_end();
            list.push(Raw { name, value: &header[value..end] });
            at = end;
        }
        Self { list, cut: false }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Raw<'a>> {
        self.list.iter()
    }

    /// The fields of that name.
    pub(super) fn named(&self, name: &str) -> impl Iterator<Item = &Raw<'a>> {
        self.list.iter().filter(move |field| field.name.eq_ignore_ascii_case(name.as_bytes()))
    }

    pub(super) fn first(&self, name: &str) -> Option<&Raw<'a>> {
        self.named(name).next()
    }

    /// All addresses of the fields of that name.
    pub(super) fn addresses(&self, name: &str) -> Vec<Correspondent> {
        self.named(name).flat_map(Raw::addresses).collect()
    }
}

impl<'a> Raw<'a> {
    /// The value's lines, complete, as the parsers below want them.
    fn lines(&self, limit: usize) -> Cow<'a, [u8]> {
        let value = &self.value[..self.value.len().min(limit)];
        if value.ends_with(b"\n") {
            return Cow::Borrowed(value);
        }
        Cow::Owned([value, b"\n"].concat())
    }

    /// The value unfolded, its encoded words decoded.
    pub(super) fn text(&self) -> String {
        let value = &self.value[..self.value.len().min(FIELD)];
        let mut text = encoded_word::decoded(value);
        text.truncate(text.trim_end().len());
        text.drain(..text.len() - text.trim_start().len());
        text
    }

    /// Its text on one line, so that a line is a field where many are listed.
    pub(super) fn line(&self) -> String {
        let text = self.text();
        if text.contains('\n') { text.replace('\n', " ") } else { text }
    }

    /// Groups are taken apart; what has no address is left out.
    fn addresses(&self) -> Vec<Correspondent> {
        let value = bracketed(self.lines(FIELD));
        match MessageStream::new(&encoded_word::settled(&value)).parse_address() {
            HeaderValue::Address(address) => correspondents(&address),
            _ => Vec::new(),
        }
    }

    fn has_addresses(&self) -> bool {
        let known: [&[u8]; 6] = [b"from", b"sender", b"reply-to", b"to", b"cc", b"bcc"];
        known.iter().any(|name| self.name.eq_ignore_ascii_case(name))
    }

    pub(super) fn date(&self) -> Option<OffsetDateTime> {
        match MessageStream::new(&self.lines(FIELD)).parse_date() {
            HeaderValue::DateTime(date) if date.is_valid() => {
                OffsetDateTime::from_unix_timestamp(date.to_timestamp()).ok()
            }
            _ => None,
        }
    }

    /// An identifier without its brackets; the first if there are several.
    pub(super) fn id(&self) -> Option<String> {
        match MessageStream::new(&self.lines(FIELD)).parse_id() {
            HeaderValue::Text(id) => Some(id.into_owned()),
            HeaderValue::TextList(ids) => Some(ids.into_iter().next()?.into_owned()),
            _ => None,
        }
    }

    /// A value with parameters: Content-Type, Content-Disposition.
    pub(super) fn with_parameters(&self) -> Option<ContentType<'static>> {
        let lines = self.lines(PARAMETERS);
        let lines = encoded_word::settled(&lines);
        let lines = parameters::without_fallbacks(&lines);
        match MessageStream::new(&lines).parse_content_type().into_owned() {
            HeaderValue::ContentType(value) => Some(value),
            _ => None,
        }
    }

    /// The field for people.
    pub(super) fn shown(&self) -> HeaderField {
        let raw = String::from_utf8_lossy(self.value.trim_ascii());
        HeaderField {
            name: String::from_utf8_lossy(self.name).into_owned(),
            value: self.text(),
            raw: limits::beginning(&raw, FIELD).to_owned(),
            addresses: if self.has_addresses() { self.addresses() } else { Vec::new() },
        }
    }
}

/// Addresses whose quoted local part stands alone, put between angle brackets: `"john doe"@example.net`. The parser takes
/// what is quoted outside of them for a name.
fn bracketed(value: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    if memmem::find(&value, b"\"@").is_none() {
        return value;
    }
    let mut made = Vec::with_capacity(value.len() + 16);
    let (mut comments, mut in_brackets) = (0_usize, false);
    let mut at = 0;
    while let Some(octet) = value.get(at) {
        let mut end = at + 1;
        match octet {
            b'\\' => end += 1,
            b'(' if !in_brackets => comments += 1,
            b')' if !in_brackets => comments = comments.saturating_sub(1),
            b'<' if comments == 0 => in_brackets = true,
            b'>' if comments == 0 => in_brackets = false,
            b'"' if comments == 0 => {
                end = quoted_to(&value, end);
                if !in_brackets && value.get(end) == Some(&b'@') {
                    let domain = &value[end..];
                    let stops =
                        |octet: &u8| octet.is_ascii_whitespace() || b",;()<>\"".contains(octet);
                    end += domain.iter().position(stops).unwrap_or(domain.len());
                    made.push(b'<');
                    made.extend_from_slice(&value[at..end]);
                    made.push(b'>');
                    at = end;
                    continue;
                }
            }
            _ => {}
        }
        end = end.min(value.len());
        made.extend_from_slice(&value[at..end]);
        at = end;
    }
    Cow::Owned(made)
}

/// Where a quoted string ends that is entered at `from`.
fn quoted_to(value: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(octet) = value.get(at) {
        match octet {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    value.len()
}

fn correspondents(address: &Address<'_>) -> Vec<Correspondent> {
    let all = address.iter().filter_map(|one| {
        let name = one.name.as_ref().map(ToString::to_string);
        Some(Correspondent { name, address: one.address.as_ref()?.to_string() })
    });
    all.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(value: &str) -> Vec<(Option<String>, String)> {
        let field = format!("To: {value}\r\n");
        let fields = Fields::of(field.as_bytes());
        fields.addresses("to").into_iter().map(|one| (one.name, one.address)).collect()
    }

    fn one(name: Option<&str>, address: &str) -> (Option<String>, String) {
        (name.map(str::to_owned), address.to_owned())
    }

    #[test]
    fn a_quoted_local_part_belongs_to_the_address() {
        let john = "\"john doe\"@example.net";
        assert_eq!(addresses(john), [one(None, john)]);
        assert_eq!(addresses(&format!("<{john}>")), [one(None, john)]);
        assert_eq!(addresses(&format!("John <{john}>")), [one(Some("John"), john)]);
        assert_eq!(addresses(&format!("{john} (John)")), [one(Some("John"), john)]);
        assert_eq!(
            addresses(&format!("a@example.net, {john},\r\n \"a, b\"@[192.0.2.1], c@example.net")),
            [
                one(None, "a@example.net"),
                one(None, john),
                one(None, "\"a, b\"@[192.0.2.1]"),
                one(None, "c@example.net"),
            ]
        );
        assert_eq!(addresses(&format!("both: {john}, b@example.net;")).len(), 2);
    }

    #[test]
    fn a_quoted_name_stays_a_name_whatever_is_in_it() {
        assert_eq!(
            addresses("\"sales@other.example\" <b@example.net>, \"a\\\"@b\" <c@example.net>"),
            [
                one(Some("sales@other.example"), "b@example.net"),
                one(Some("a\"@b"), "c@example.net"),
            ]
        );
        for broken in ["\"@", "\"@ <", "\"a\\", "(\"a\"@b", "\"\"@", "\"a\"@b\"c\"@d", "<\"a\"@"] {
            addresses(broken);
        }
    }
}
