//! Times in a query: a day, a time with its zone, or how long ago.
//!
//! Refuses a time without its zone: in a URL the `+` of `+02:00` easily becomes a space, and the
//! time would quietly mean another one. A day alone begins at midnight UTC.

use std::fmt;
use time::{Date, Duration, Month, OffsetDateTime, Time, UtcOffset};

/// What a time can be.
pub(super) const FORM: &str = "a day, a time with its zone, or how long ago";

/// What each of them looks like.
pub(super) const EXAMPLES: &str = "as in `2026-11-22` (from midnight UTC), `2026-11-22T10:00:00Z`, `30s`, `5m`, `1h`, `2d` or `1w`";

/// A point in time, in UTC and within the years 0 to 9999.
pub(super) fn parse(text: &str, now: OffsetDateTime) -> Option<OffsetDateTime> {
    let time = ago(text, now).or_else(|| calendar(text))?;
    let time = time.checked_to_offset(UtcOffset::UTC)?;
    (0..=9999).contains(&time.year()).then_some(time)
}

/// `1h`: a number and a unit.
fn ago(text: &str, now: OffsetDateTime) -> Option<OffsetDateTime> {
    let units = [('s', 1), ('m', 60), ('h', 3_600), ('d', 86_400), ('w', 604_800)];
    let (unit, seconds) = units.into_iter().find(|(unit, _)| text.ends_with(*unit))?;
    let number = digits(text.strip_suffix(unit)?)?;
    now.checked_sub(Duration::seconds(number.checked_mul(seconds)?))
}

/// `2026-11-22`, also with slashes as Gmail writes it; `2026-11-22T10:00:00Z`.
fn calendar(text: &str) -> Option<OffsetDateTime> {
    let (day, rest) = text.split_at_checked(10)?;
    let slashes = rest.is_empty() && day.contains('/');
    let [year, month, day] = fields(day, if slashes { '/' } else { '-' }, [4, 2, 2])?;
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let day =
        Date::from_calendar_date(i32::try_from(year).ok()?, month, u8::try_from(day).ok()?).ok()?;
    if rest.is_empty() {
        return Some(day.midnight().assume_utc());
    }
    let rest = rest.strip_prefix(['T', 't'])?;
    let (time, zone) = rest.split_at(rest.find(['Z', 'z', '+', '-'])?);
    Some(day.with_time(clock(time)?).assume_offset(offset(zone)?))
}

/// `10:00`, `10:00:00`, `10:00:00.5`.
fn clock(text: &str) -> Option<Time> {
    let (text, part) = match text.split_once('.') {
        Some((text, part)) if text.len() == 8 && (1..=9).contains(&part.len()) => (text, part),
        Some(_) => return None,
        None => (text, ""),
    };
    let nanoseconds = u32::try_from(digits(&format!("{part:0<9}"))?).ok()?;
    let [hour, minute, second] = match text.len() {
        5 => fields(text, ':', [2, 2]).map(|[hour, minute]| [hour, minute, 0])?,
        _ => fields(text, ':', [2, 2, 2])?,
    };
    let part = |number: i64| u8::try_from(number).ok();
    Time::from_hms_nano(part(hour)?, part(minute)?, part(second)?, nanoseconds).ok()
}

/// `Z`, `+02:00`.
fn offset(text: &str) -> Option<UtcOffset> {
    if matches!(text, "Z" | "z") {
        return Some(UtcOffset::UTC);
    }
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let [hours, minutes] = fields(text.get(1..)?, ':', [2, 2])?;
    if hours > 23 || minutes > 59 {
        return None;
    }
    UtcOffset::from_whole_seconds(i32::try_from(sign * (hours * 3_600 + minutes * 60)).ok()?).ok()
}

/// Numbers of fixed lengths with something between them.
fn fields<const N: usize>(text: &str, between: char, lengths: [usize; N]) -> Option<[i64; N]> {
    let mut numbers = [0; N];
    let mut parts = text.split(between);
    for (number, length) in numbers.iter_mut().zip(lengths) {
        *number = parts.next().filter(|part| part.len() == length).and_then(digits)?;
    }
    parts.next().is_none().then_some(numbers)
}

/// A number of nothing but digits.
fn digits(text: &str) -> Option<i64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// A time as a query has it: in UTC, and only as much of it as says something.
pub(super) struct Shown(pub(super) OffsetDateTime);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.0.checked_to_offset(UtcOffset::UTC).unwrap_or(self.0);
        write!(f, "{:04}-{:02}-{:02}", time.year(), u8::from(time.month()), time.day())?;
        if time.time() == Time::MIDNIGHT {
            return Ok(());
        }
        write!(f, "T{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second())?;
        if time.nanosecond() > 0 {
            let part = format!("{:09}", time.nanosecond());
            write!(f, ".{}", part.trim_end_matches('0'))?;
        }
        f.write_str("Z")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-11-22 10:00:00.25 +1);

    #[test]
    fn reads_days_times_and_how_long_ago() {
        for (text, shown) in [
            ("2026-11-22", "2026-11-22"),
            ("2026/11/22", "2026-11-22"),
            ("2024-02-29", "2024-02-29"),
            ("2026-11-22T10:00:00Z", "2026-11-22T10:00:00Z"),
            ("2026-11-22t10:00z", "2026-11-22T10:00:00Z"),
            ("2026-11-22T10:00:00.50Z", "2026-11-22T10:00:00.5Z"),
            ("2026-11-22T00:30:00+02:00", "2026-11-21T22:30:00Z"),
            ("2026-11-22T23:30-05:30", "2026-11-23T05:00:00Z"),
            ("0s", "2026-11-22T09:00:00.25Z"),
            ("5m", "2026-11-22T08:55:00.25Z"),
            ("1h", "2026-11-22T08:00:00.25Z"),
            ("2d", "2026-11-20T09:00:00.25Z"),
            ("1w", "2026-11-15T09:00:00.25Z"),
        ] {
            assert_eq!(
                parse(text, NOW).map(|time| Shown(time).to_string()).as_deref(),
                Some(shown),
                "{text}"
            );
        }
    }

    #[test]
    fn refuses_what_is_no_time() {
        for text in [
            "",
            "h",
            "1",
            "1x",
            "1H",
            "-1h",
            "+1h",
            "1h30m",
            "soon",
            "2026",
            "2026-11",
            "2026-1-2",
            "22-11-2026",
            "2026-02-30",
            "2026-13-01",
            "2026/11-22",
            "2026-11-22T",
            "2026-11-22T10:00:00",
            "2026-11-22T10:00:60Z",
            "2026-11-22T24:00:00Z",
            "2026-11-22T10Z",
            "2026-11-22T10:00:00+2",
            "2026-11-22T10:00:00+24:00",
            "2026-11-22T10:00:00.Z",
            "2026-11-22T10:00.5Z",
            "2026-11-22T10:00:00.1234567891Z",
            "2026-11-22Z",
            "2026-11-2é",
            "2026/11/22T10:00Z",
            "0000-01-01T00:00:00+01:00",
            "9999-12-31T23:59:59-01:00",
            "999999d",
            "9223372036854775807w",
            "٢٠d",
        ] {
            assert_eq!(parse(text, NOW), None, "{text}");
        }
    }
}
