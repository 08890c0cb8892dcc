//! A key of a query: what it finds, and what value it takes.
//!
//! Refuses values that a key does not take, and says what it does.

use super::error::Fault;
use super::lex::{Lexer, Value};
use super::{Network, Words, moment, near, network, size};
use time::OffsetDateTime;

/// A key, and how its value is read.
pub(super) struct Key<T: 'static> {
    pub(super) name: &'static str,
    /// What it finds, for whoever chooses among the keys.
    pub(super) finds: &'static str,
    pub(super) reads: Reads<T>,
}

/// How the value behind a key is read.
pub(super) enum Reads<T: 'static> {
    /// As words to be found.
    Words(fn(Words) -> T),
    /// The name of a header field, a colon, and words.
    Header(fn(String, Words) -> T),
    /// As it is, and compared as a whole.
    Whole(fn(String) -> T),
    /// As one of these.
    OneOf(&'static [(&'static str, T)]),
    /// As a number of octets.
    Size(fn(u64) -> T),
    /// As a point in time.
    Moment(fn(OffsetDateTime) -> T),
    /// As the number of what is named here.
    Number(&'static str, fn(u64) -> T),
    /// As a reply code, or as the first digit of one.
    Code(fn(u16) -> T, fn(u8) -> T),
    /// As an address or a network.
    Network(fn(Network) -> T),
}

impl<T: Clone> Key<T> {
    /// Whether its value can begin with a colon.
    pub(super) fn takes_addresses(&self) -> bool {
        matches!(self.reads, Reads::Network(_))
    }

    /// The condition that this key makes with the value that comes next.
    pub(super) fn term(&self, lexer: &mut Lexer<'_, T>) -> Result<T, Fault> {
        let name = match self.reads {
            Reads::Header(_) => lexer.field_name()?,
            _ => String::new(),
        };
        let value = lexer.value()?;
        let wrong =
            |form: &str| Fault::new(value.span.clone(), format!("`{}:` takes {form}", self.name));
        match &self.reads {
            Reads::Words(make) => words(&value).map(make),
            Reads::Header(make) => words(&value).map(|value| make(name, value)),
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
            Reads::Number(whose, make) => {
                let number = number(self.whole(&value)?);
                number.map(make).ok_or_else(|| wrong(&format!("the number of {whose}, 1 or more")))
            }
            Reads::Code(code, class) => {
                let text = self.whole(&value)?;
                let term = reply_code(text).map(code).or_else(|| code_class(text).map(class));
                let form = "a reply code from 200 to 599, or `xx` behind its first digit";
                term.ok_or_else(|| wrong(form).help("as in `550` or `5xx`"))
            }
            Reads::Network(make) => {
                let network = self.whole(&value)?.parse().ok();
                network.map(make).ok_or_else(|| wrong(network::FORM).help(network::EXAMPLES))
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

    fn one_of(&self, value: &Value, choices: &[(&'static str, T)]) -> Result<T, Fault> {
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

/// A number of nothing but digits, 1 or more.
fn number(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| digits && *number > 0)
}

/// `550`
fn reply_code(text: &str) -> Option<u16> {
    let code = text.parse().ok().filter(|code| (200..=599).contains(code));
    code.filter(|_| text.len() == 3)
}

/// The first digit of `5xx`.
fn code_class(text: &str) -> Option<u8> {
    let (digit, rest) = text.split_at_checked(1)?;
    let class = digit.parse().ok().filter(|class| (2..=5).contains(class))?;
    rest.eq_ignore_ascii_case("xx").then_some(class)
}
