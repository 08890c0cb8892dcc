//! What a value may look like: read from TOML, a flag or an environment variable by one parser,
//! written back as TOML.
//!
//! Refuses a value of the wrong type, one out of its range, and a list that names a thing twice;
//! a [`Fault`] says where, and what is allowed instead.

use super::near;
use std::fmt::Display;
use std::marker::PhantomData;
use std::ops::Range;
use toml::Spanned;
use toml::de::DeValue;

/// A value as a user wrote it.
#[derive(Clone, Copy)]
pub(super) enum Given<'a> {
    /// In a TOML file.
    Toml(&'a Spanned<DeValue<'a>>),
    /// As the texts of a flag, or of an environment variable.
    Texts(&'a [String]),
}

/// Why a value is not taken.
#[derive(Debug)]
pub(super) struct Fault {
    /// The value, where it may be shown.
    pub(super) written: Option<String>,
    /// Its place in the file.
    pub(super) span: Option<Range<usize>>,
    /// What would be right.
    pub(super) label: String,
    /// What was probably meant, as it would be written.
    pub(super) near: Option<String>,
}

/// How a kind of value is read and written.
pub(super) trait Kind {
    /// What it is in the program.
    type Value;
    /// Whether it must not be printed.
    const SECRET: bool = false;
    /// Reads it.
    fn read(given: Given<'_>) -> Result<Self::Value, Fault>;
    /// Writes it as TOML; `None` where it is not set, which TOML has no word for.
    fn write(value: &Self::Value) -> Option<String>;
}

/// The TOML types that a single value may have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A string.
    Text,
    /// An integer.
    Number,
    /// `true` or `false`.
    Switch,
}

/// A kind of value that is one text, so that a flag can carry it.
pub(super) trait Scalar {
    /// What it is in the program.
    type Value;
    /// The TOML types it may have.
    const FORMS: &'static [Form] = &[Form::Text];
    /// Whether it must not be shown in an error.
    const HIDDEN: bool = false;
    /// What is allowed, to follow the word "expected".
    fn expected() -> String;
    /// The words that are allowed, where there are only a few.
    fn words() -> Vec<&'static str> {
        Vec::new()
    }
    /// Reads the text.
    fn parse(text: &str) -> Option<Self::Value>;
    /// Writes it as TOML.
    fn write(value: &Self::Value) -> String;
}

impl<S: Scalar> Kind for S {
    type Value = S::Value;
    const SECRET: bool = S::HIDDEN;

    fn read(given: Given<'_>) -> Result<Self::Value, Fault> {
        match given {
            Given::Toml(value) => {
                let (form, text) = plain_text(value.get_ref());
                let parsed = text.as_deref().and_then(S::parse);
                if S::FORMS.iter().any(|taken| Some(*taken) == form)
                    && let Some(parsed) = parsed
                {
                    return Ok(parsed);
                }
                // A number in quotes is right but for its type.
                let near = match parsed {
                    Some(parsed) => Some(<S as Scalar>::write(&parsed)),
                    None => near::word(&text.unwrap_or_default(), S::words()).map(|w| quoted(&w)),
                };
                Err(fault::<S>(shown(value.get_ref()), Some(value.span()), near))
            }
            // Of a flag that is one value, the last one counts.
            Given::Texts(texts) => read_text::<S>(texts.last().map_or("", String::as_str)),
        }
    }

    fn write(value: &Self::Value) -> Option<String> {
        Some(<S as Scalar>::write(value))
    }
}

fn read_text<S: Scalar>(text: &str) -> Result<S::Value, Fault> {
    S::parse(text).ok_or_else(|| {
        let near = near::word(text, S::words()).map(|word| quoted(&word));
        fault::<S>(format!("{text:?}"), None, near)
    })
}

fn fault<S: Scalar>(written: String, span: Option<Range<usize>>, near: Option<String>) -> Fault {
    let label = format!("expected {}", S::expected());
    let (written, near) = if S::HIDDEN { (None, None) } else { (Some(written), near) };
    Fault { written, span, label, near }
}

/// The type and the text of a TOML value that is a single one.
fn plain_text(value: &DeValue<'_>) -> (Option<Form>, Option<String>) {
    match value {
        DeValue::String(text) => (Some(Form::Text), Some(text.to_string())),
        DeValue::Boolean(switch) => (Some(Form::Switch), Some(switch.to_string())),
        DeValue::Integer(number) => {
            let number = i64::from_str_radix(number.as_str(), number.radix()).ok();
            (Some(Form::Number), number.map(|number| number.to_string()))
        }
        _ => (None, None),
    }
}

/// A TOML value in an error message.
pub(super) fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(switch) => switch.to_string(),
        DeValue::Datetime(time) => time.to_string(),
        DeValue::Array(_) => "a list".into(),
        DeValue::Table(_) => "a table".into(),
    }
}

/// A text as a TOML string.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::String(text.into()).to_string()
}

/// Several values: a TOML array, a flag that is repeated, or texts with commas between them.
pub(super) struct List<S>(PhantomData<S>);

impl<S: Scalar> Kind for List<S> {
    type Value = Vec<S::Value>;
    const SECRET: bool = S::HIDDEN;

    fn read(given: Given<'_>) -> Result<Self::Value, Fault> {
        let mut seen = Seen::default();
        let mut values = Vec::new();
        match given {
            Given::Toml(value) => {
                let one = std::slice::from_ref(value);
                let elements = value.get_ref().as_array().map_or(one, |array| array);
                for element in elements {
                    let value = S::read(Given::Toml(element))?;
                    seen.add::<S>(&value, Some(element.span()))?;
                    values.push(value);
                }
            }
            Given::Texts(texts) => {
                for text in texts.iter().flat_map(|text| text.split(',')) {
                    let value = read_text::<S>(text.trim())?;
                    seen.add::<S>(&value, None)?;
                    values.push(value);
                }
            }
        }
        Ok(values)
    }

    fn write(values: &Self::Value) -> Option<String> {
        let values: Vec<String> = values.iter().map(<S as Scalar>::write).collect();
        Some(format!("[{}]", values.join(", ")))
    }
}

/// What a list has named already, by its spelling.
#[derive(Default)]
struct Seen(Vec<String>);

impl Seen {
    fn add<S: Scalar>(
        &mut self,
        value: &S::Value,
        span: Option<Range<usize>>,
    ) -> Result<(), Fault> {
        let written = <S as Scalar>::write(value);
        if self.0.contains(&written) {
            let label = "it stands in the list twice".into();
            let written = Some(written).filter(|_| !S::HIDDEN);
            return Err(Fault { written, span, label, near: None });
        }
        self.0.push(written);
        Ok(())
    }
}

/// A list in which the order says nothing.
pub(super) struct Set<S>(PhantomData<S>);

impl<S: Scalar<Value: Ord>> Kind for Set<S> {
    type Value = std::collections::BTreeSet<S::Value>;

    fn read(given: Given<'_>) -> Result<Self::Value, Fault> {
        List::<S>::read(given).map(Self::Value::from_iter)
    }

    fn write(values: &Self::Value) -> Option<String> {
        let values: Vec<String> = values.iter().map(<S as Scalar>::write).collect();
        Some(format!("[{}]", values.join(", ")))
    }
}

/// A list, or `"*"` for all there are.
pub(super) struct AllOr<K>(PhantomData<K>);

impl<K: Kind> Kind for AllOr<K> {
    type Value = Option<K::Value>;

    fn read(given: Given<'_>) -> Result<Self::Value, Fault> {
        let all = match given {
            Given::Toml(value) => value.get_ref().as_str() == Some("*"),
            Given::Texts(texts) => matches!(texts, [text] if text == "*"),
        };
        if all { Ok(None) } else { K::read(given).map(Some) }
    }

    fn write(value: &Self::Value) -> Option<String> {
        value.as_ref().map_or_else(|| Some(quoted("*")), K::write)
    }
}

/// A value that need not be set.
pub(super) struct Maybe<K>(PhantomData<K>);

impl<K: Kind> Kind for Maybe<K> {
    type Value = Option<K::Value>;
    const SECRET: bool = K::SECRET;

    fn read(given: Given<'_>) -> Result<Self::Value, Fault> {
        K::read(given).map(Some)
    }

    fn write(value: &Self::Value) -> Option<String> {
        value.as_ref().and_then(K::write)
    }
}

/// One of a few words.
pub(super) struct OneOf<T>(PhantomData<T>);

/// A type whose values have names.
pub(super) trait Words: Copy + PartialEq + 'static {
    /// All values and their names.
    const WORDS: &'static [(&'static str, Self)];
}

impl<T: Words> Scalar for OneOf<T> {
    type Value = T;

    fn expected() -> String {
        one_of(&Self::words())
    }

    fn words() -> Vec<&'static str> {
        T::WORDS.iter().map(|(word, _)| *word).collect()
    }

    fn parse(text: &str) -> Option<T> {
        T::WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)).map(|(_, value)| *value)
    }

    fn write(value: &T) -> String {
        let word = T::WORDS.iter().find(|(_, known)| known == value);
        quoted(word.map_or("", |(word, _)| word))
    }
}

/// `"a"`, `"b"` or `"c"`.
pub(super) fn one_of(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => words.concat(),
    }
}

/// A whole number that is at least `MIN`.
pub(super) struct Whole<T, const MIN: u64>(PhantomData<T>);

/// A type for whole numbers.
pub(super) trait Number: TryFrom<u64> + Display {
    /// The largest one, where a user may come near it.
    const MAX: Option<u64>;
}

impl Number for u16 {
    const MAX: Option<u64> = Some(65_535);
}

impl Number for u32 {
    const MAX: Option<u64> = Some(4_294_967_295);
}

impl Number for usize {
    const MAX: Option<u64> = None;
}

impl<T: Number, const MIN: u64> Scalar for Whole<T, MIN> {
    type Value = T;
    const FORMS: &'static [Form] = &[Form::Number];

    fn expected() -> String {
        let most = T::MAX.map_or_else(|| " or more".into(), |most| format!(" to {most}"));
        format!("a whole number, {MIN}{most}")
    }

    fn parse(text: &str) -> Option<T> {
        text.parse()
            .ok()
            .filter(|number| *number >= MIN)
            .and_then(|number| T::try_from(number).ok())
    }

    fn write(value: &T) -> String {
        value.to_string()
    }
}

/// `true` or `false`.
pub(super) struct Switch;

impl Scalar for Switch {
    type Value = bool;
    const FORMS: &'static [Form] = &[Form::Switch];

    fn expected() -> String {
        "true or false".into()
    }

    fn parse(text: &str) -> Option<bool> {
        match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Some(true),
            "false" | "no" | "off" | "0" => Some(false),
            _ => None,
        }
    }

    fn write(value: &bool) -> String {
        value.to_string()
    }
}
