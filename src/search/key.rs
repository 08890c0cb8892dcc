//! The keys of a query: which there are, and what value each takes.
//!
//! Refuses values that a key does not take, and says what it does.

use super::error::Fault;
use super::lex::{Lexer, Value};
use super::{Flag, Term, Words, moment, near, size};
use time::OffsetDateTime;

/// A key, and how its value is read.
pub(super) struct Key {
    name: &'static str,
    reads: Reads,
}

/// How the value behind a key is read.
enum Reads {
    /// As words to be found.
    Words(fn(Words) -> Term),
    /// The name of a header field, a colon, and words.
    Header,
    /// As it is, and compared as a whole.
    Whole(fn(String) -> Term),
    /// As one of these.
    OneOf(&'static [(&'static str, Term)]),
    /// As a number of octets.
    Size(fn(u64) -> Term),
    /// As a point in time.
    Moment(fn(OffsetDateTime) -> Term),
    /// As the number of a message.
    Number(fn(u64) -> Term),
}

/// Every key, in the order in which they are told.
static KEYS: [Key; 21] = [
    Key { name: "from", reads: Reads::Words(Term::From) },
    Key { name: "to", reads: Reads::Words(Term::To) },
    Key { name: "cc", reads: Reads::Words(Term::Cc) },
    Key { name: "bcc", reads: Reads::Words(Term::Bcc) },
    Key { name: "reply-to", reads: Reads::Words(Term::ReplyTo) },
    Key { name: "envelope", reads: Reads::Words(Term::Envelope) },
    Key { name: "rcpt", reads: Reads::Words(Term::Rcpt) },
    Key { name: "subject", reads: Reads::Words(Term::Subject) },
    Key { name: "header", reads: Reads::Header },
    Key { name: "message-id", reads: Reads::Whole(message_id) },
    Key { name: "tag", reads: Reads::Whole(Term::Tag) },
    Key { name: "door", reads: Reads::Whole(Term::Door) },
    Key { name: "user", reads: Reads::Whole(Term::User) },
    Key { name: "inbox", reads: Reads::Whole(Term::Inbox) },
    Key { name: "is", reads: Reads::OneOf(IS) },
    Key { name: "has", reads: Reads::OneOf(HAS) },
    Key { name: "larger", reads: Reads::Size(Term::Larger) },
    Key { name: "smaller", reads: Reads::Size(Term::Smaller) },
    Key { name: "after", reads: Reads::Moment(Term::After) },
    Key { name: "before", reads: Reads::Moment(Term::Before) },
    Key { name: "id", reads: Reads::Number(Term::Id) },
];

const IS: &[(&str, Term)] = &[
    ("read", Term::Is(Flag::Read)),
    ("unread", Term::Is(Flag::Unread)),
    ("bounce", Term::Is(Flag::Bounce)),
];

/// The plural is Mailpit's.
const HAS: &[(&str, Term)] =
    &[("attachment", Term::HasAttachment), ("attachments", Term::HasAttachment)];

/// What other programs call a key of ours.
const FOREIGN: [(&str, &str); 10] = [
    ("newer", "after"),
    ("newer_than", "after"),
    ("older", "before"),
    ("older_than", "before"),
    ("size", "larger"),
    ("label", "tag"),
    ("sender", "from"),
    ("recipient", "rcpt"),
    ("deliveredto", "rcpt"),
    ("msgid", "message-id"),
];

/// The key of that name, in any case.
pub(super) fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name.eq_ignore_ascii_case(name))
}

/// What to do about a key that does not exist.
pub(super) fn advice(name: &str) -> String {
    let names = || KEYS.iter().map(|key| key.name);
    let foreign = FOREIGN.iter().find(|(theirs, _)| theirs.eq_ignore_ascii_case(name));
    let meant = foreign.map(|(_, ours)| *ours).or_else(|| near::word(name, names()));
    let quote = "to find the text itself, put it in quotes";
    match meant {
        Some(meant) => format!("did you mean `{meant}:`? Or else, {quote}"),
        None if name.contains('-') => format!("a header field is `header:X-Name:value`; {quote}"),
        None => {
            let names: Vec<_> = names().map(|name| format!("{name}:")).collect();
            format!("the keys are {}; {quote}", names.join(" "))
        }
    }
}

impl Key {
    /// The condition that this key makes with the value that comes next.
    pub(super) fn term(&self, lexer: &mut Lexer<'_>) -> Result<Term, Fault> {
        let name = match self.reads {
            Reads::Header => lexer.field_name()?,
            _ => String::new(),
        };
        let value = lexer.value()?;
        let wrong =
            |form: &str| Fault::new(value.span.clone(), format!("`{}:` takes {form}", self.name));
        match &self.reads {
            Reads::Words(make) => words(&value).map(make),
            Reads::Header => words(&value).map(|value| Term::Header { name, value }),
            Reads::Whole(make) => match self.whole(&value)? {
                "" => Err(wrong("a value that is not empty")),
                text => Ok(make(text.to_owned())),
            },
            Reads::OneOf(choices) => self.one_of(&value, choices),
            Reads::Size(make) => {
                size::parse(self.whole(&value)?).map(make).ok_or_else(|| wrong(size::FORM))
            }
            Reads::Moment(make) => {
                let time = moment::parse(self.whole(&value)?, lexer.now());
                time.map(make).ok_or_else(|| wrong(moment::FORM).help(moment::EXAMPLES))
            }
            Reads::Number(make) => {
                let number = number(self.whole(&value)?);
                number.map(make).ok_or_else(|| wrong("the number of a message, 1 or more"))
            }
        }
    }

    /// A value as it is.
    fn whole<'a>(&self, value: &'a Value) -> Result<&'a str, Fault> {
        if value.open || (!value.quoted && value.text.contains('*')) {
            let message =
                format!("`{}:` compares whole values, no `*` can stand for the rest", self.name);
            return Err(
                Fault::new(value.span.clone(), message).help("in quotes a `*` is only a `*`")
            );
        }
        Ok(&value.text)
    }

    fn one_of(&self, value: &Value, choices: &[(&'static str, Term)]) -> Result<Term, Fault> {
        let text = self.whole(value)?;
        if let Some((_, term)) = choices.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)) {
            return Ok(term.clone());
        }
        let mut words: Vec<_> = choices.iter().map(|(word, _)| format!("`{word}`")).collect();
        let last = words.pop().unwrap_or_default();
        let listed =
            if words.is_empty() { last } else { format!("{} or {last}", words.join(", ")) };
        let fault = Fault::new(value.span.clone(), format!("`{}:` takes {listed}", self.name));
        Err(match near::word(text, choices.iter().map(|(word, _)| *word)) {
            Some(meant) => fault.help(format!("did you mean `{meant}`?")),
            None => fault,
        })
    }
}

/// A value as words to be found.
pub(super) fn words(value: &Value) -> Result<Words, Fault> {
    let text = value.text.as_str();
    let (text, open) = match text.strip_suffix('*') {
        Some(text) if !value.quoted => (text, true),
        _ => (text, value.open),
    };
    if let Some(at) = text.find('*').filter(|_| !value.quoted) {
        let star = value.span.start + at;
        let message = "a `*` can only stand at the end, for the rest of a word";
        return Err(Fault::new(star..star + 1, message).help("in quotes a `*` is only a `*`"));
    }
    Words::new(text, open).ok_or_else(|| {
        let message = "there is no letter or digit to look for here";
        Fault::new(value.span.clone(), message)
            .help("leave it out, or put it and its neighbours in quotes")
    })
}

/// A message identifier is the same with its angle brackets and without.
fn message_id(text: String) -> Term {
    match text.trim_start_matches('<').trim_end_matches('>') {
        "" => Term::MessageId(text),
        bare => Term::MessageId(bare.to_owned()),
    }
}

/// A number of nothing but digits, 1 or more.
fn number(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| digits && *number > 0)
}
