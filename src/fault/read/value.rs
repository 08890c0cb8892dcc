//! Values of a scenario: each reader gives the value, or says what is allowed.

use crate::fault::pattern::Pattern;
use crate::fault::when::Bound;
use crate::smtp::Reply;
use crate::smtp::policy::Network;
use std::time::Duration;
use toml::Spanned;
use toml::de::DeValue;

pub(super) type Value<'a> = Spanned<DeValue<'a>>;
type Read<T> = Result<T, String>;

/// The longest time that a fault may take.
const LONGEST: Duration = Duration::from_hours(24);

/// Where in a scenario.
#[derive(Clone, Debug)]
pub(super) struct Spot {
    pub(super) rule: Option<String>,
    pub(super) line: usize,
}

impl Default for Spot {
    fn default() -> Self {
        Self { rule: None, line: 1 }
    }
}

/// As it was written, more or less.
pub(super) fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("{:?}", text.chars().take(100).collect::<String>()),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(yes) => yes.to_string(),
        DeValue::Datetime(time) => time.to_string(),
        DeValue::Array(_) => "[…]".into(),
        DeValue::Table(_) => "{…}".into(),
    }
}

pub(super) fn text(value: &DeValue<'_>) -> Read<String> {
    match value {
        DeValue::String(text) => Ok(text.to_string()),
        _ => Err("expected a text in quotes".into()),
    }
}

pub(super) fn whole(value: &DeValue<'_>) -> Read<u64> {
    let expected = || "expected a whole number, 0 or more".to_owned();
    match value {
        DeValue::Integer(number) => {
            u64::from_str_radix(&number.as_str().replace('_', ""), number.radix())
                .map_err(|_| expected())
        }
        _ => Err(expected()),
    }
}

pub(super) fn positive(value: &DeValue<'_>) -> Read<u64> {
    match whole(value) {
        Ok(number) if number > 0 => Ok(number),
        _ => Err("expected a whole number, 1 or more".into()),
    }
}

pub(super) fn one_or_many(value: &DeValue<'_>) -> Read<Vec<u64>> {
    let expected = "expected a whole number, 1 or more, or a list of them, such as [1, 3]";
    let numbers: Option<Vec<u64>> = match value {
        DeValue::Array(values) => {
            values.iter().map(|value| positive(value.get_ref()).ok()).collect()
        }
        other => positive(other).ok().map(|number| vec![number]),
    };
    numbers.filter(|numbers| !numbers.is_empty()).ok_or_else(|| expected.into())
}

pub(super) fn share(value: &DeValue<'_>) -> Read<f64> {
    let number = match value {
        DeValue::Float(number) => number.as_str().replace('_', "").parse::<f64>().ok(),
        DeValue::Integer(number) => number.as_str().parse::<f64>().ok(),
        _ => None,
    };
    let expected = || "expected a number from 0.0 (never) to 1.0 (always)".to_owned();
    number.filter(|number| (0.0..=1.0).contains(number)).ok_or_else(expected)
}

pub(super) fn switch(value: &DeValue<'_>) -> Read<bool> {
    value.as_bool().ok_or_else(|| "expected true or false".into())
}

/// `true`, which is the only thing that switches something on.
pub(super) fn yes(value: &DeValue<'_>) -> Read<()> {
    match value.as_bool() {
        Some(true) => Ok(()),
        _ => Err("expected true; leave the key out otherwise".into()),
    }
}

pub(super) fn pattern(value: &DeValue<'_>) -> Read<Pattern> {
    let expected =
        "expected a pattern such as \"*@example.org\", or an expression such as \"/^a.*b$/\"";
    let text = text(value).map_err(|_| expected.to_owned())?;
    if text.is_empty() {
        return Err(expected.into());
    }
    Pattern::parse(&text)
}

pub(super) fn network(value: &DeValue<'_>) -> Read<Network> {
    let text = text(value).unwrap_or_default();
    let expected = || "expected an address or a range, such as \"127.0.0.1\" or \"10.0.0.0/8\"";
    Network::parse(&text).ok_or_else(|| expected().into())
}

pub(super) fn size(value: &DeValue<'_>) -> Read<Bound> {
    let octets = |text: &str| text.parse::<bytesize::ByteSize>().ok().map(|size| size.as_u64());
    bound(value, octets).ok_or_else(|| "expected a bound such as \"> 1MiB\" or \"< 10kB\"".into())
}

pub(super) fn number(value: &DeValue<'_>) -> Read<Bound> {
    let number = |text: &str| text.parse().ok();
    bound(value, number).ok_or_else(|| "expected a bound such as \"> 3\" or \"< 2\"".into())
}

fn bound(value: &DeValue<'_>, read: impl Fn(&str) -> Option<u64>) -> Option<Bound> {
    let text = text(value).ok()?;
    match text.trim().split_at_checked(1)? {
        (">", rest) => read(rest.trim()).map(Bound::Over),
        ("<", rest) => read(rest.trim()).map(Bound::Under),
        _ => None,
    }
}

pub(super) fn header(value: &DeValue<'_>) -> Read<(String, Pattern)> {
    let expected = || "expected a field and a pattern, such as \"Subject: *urgent*\"".to_owned();
    let text = text(value).map_err(|_| expected())?;
    let (name, wanted) = text.split_once(':').ok_or_else(expected)?;
    let is_name = !name.is_empty() && name.bytes().all(|octet| octet.is_ascii_graphic());
    if !is_name || wanted.trim().is_empty() {
        return Err(expected());
    }
    Ok((name.to_owned(), Pattern::parse(wanted.trim())?))
}

pub(super) fn time(value: &DeValue<'_>) -> Read<Duration> {
    let expected = || "expected a time such as \"2s\" or \"500ms\", at most a day".to_owned();
    let text = text(value).map_err(|_| expected())?;
    let time = humantime::parse_duration(&text).ok();
    time.filter(|time| *time <= LONGEST).ok_or_else(expected)
}

/// `10/1m`: so many in a time.
pub(super) fn limit(value: &DeValue<'_>) -> Read<(u32, Duration)> {
    let expected = || "expected so many in a time, such as \"10/1m\" or \"5/1s\"".to_owned();
    let text = text(value).map_err(|_| expected())?;
    let (number, period) = text.split_once('/').ok_or_else(expected)?;
    let number = number.trim().parse().ok().filter(|number| *number > 0).ok_or_else(expected)?;
    let period = humantime::parse_duration(period.trim()).ok();
    let period = period.filter(|period| !period.is_zero() && *period <= LONGEST);
    Ok((number, period.ok_or_else(expected)?))
}

pub(super) fn reply(value: &DeValue<'_>) -> Read<Reply> {
    text(value).ok().and_then(|text| read_reply(&text)).ok_or_else(|| {
        "expected a reply such as \"451 4.7.1 Come back later\": a code from 200 to 599, an enhanced code of \
         the same class if any, and a text"
            .into()
    })
}

/// `CODE [X.Y.Z] TEXT`; LF parts the lines of the text.
pub(in crate::fault) fn read_reply(text: &str) -> Option<Reply> {
    let text = text.trim();
    let (code, rest) = text.split_at_checked(3)?;
    let code: u16 =
        code.bytes().all(|octet| octet.is_ascii_digit()).then(|| code.parse().ok())??;
    if !(200..600).contains(&code) || !(rest.is_empty() || rest.starts_with(' ')) {
        return None;
    }
    let rest = rest.trim_start();
    let (first, after) = rest.split_once(' ').unwrap_or((rest, ""));
    let numbers: Vec<&str> = first.split('.').collect();
    let enhanced = match numbers.as_slice() {
        [class, subject, detail] => {
            let number = |text: &str| {
                let fits = text.len() <= 3 && text.bytes().all(|octet| octet.is_ascii_digit());
                fits.then(|| text.parse::<u16>().ok()).flatten()
            };
            match (number(class), number(subject), number(detail)) {
                (Some(class), Some(subject), Some(detail)) => {
                    if class != code / 100 {
                        return None;
                    }
                    Some((subject, detail))
                }
                _ => None,
            }
        }
        _ => None,
    };
    let (reply, words) = match enhanced {
        Some((subject, detail)) => (Reply::new(code, subject, detail, ""), after.trim_start()),
        None => (Reply::bare(code, ""), rest),
    };
    Some(match words.contains('\n') {
        true => reply.with_lines(words.lines().take(100)),
        false => reply.with_text(words),
    })
}
