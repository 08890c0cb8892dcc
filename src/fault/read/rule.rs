//! Reads one rule, and refuses what could never happen: a condition on what is not known at that moment, a
//! deed that has no place there.

use super::Reader;
use super::value::{self, Spot, Value, shown};
use crate::fault::scenario::{At, Count, Deed, Per, Rule};
use crate::fault::when::{Needs, When};
use crate::smtp::misbehave::Point;
use std::ops::Range;
use toml::de::{DeTable, DeValue};

pub(in crate::fault) const KEYS: &str =
    "name, at, when, do, per, and one of nth, first, every, after, odds, limit, greylist";
pub(in crate::fault) const CONDITIONS: &str =
    "door, client, hello, user, reverse_path, forward_path, recipients, size, header, tls";

/// The moments, by their names in a scenario.
const MOMENTS: [Point; 18] = [
    Point::Connect,
    Point::Tls,
    Point::Greeting,
    Point::Ehlo,
    Point::Auth,
    Point::Mail,
    Point::Rcpt,
    Point::Data,
    Point::EndOfData,
    Point::Kept,
    Point::Other("HELO"),
    Point::Other("STARTTLS"),
    Point::Other("RSET"),
    Point::Other("NOOP"),
    Point::Other("QUIT"),
    Point::Other("VRFY"),
    Point::Other("EXPN"),
    Point::Other("HELP"),
];

const PER: [(&str, Per); 8] = [
    ("rule", Per::Rule),
    ("client", Per::Client),
    ("user", Per::User),
    ("sender", Per::Sender),
    ("recipient", Per::Recipient),
    ("triplet", Per::Triplet),
    ("envelope", Per::Envelope),
    ("message", Per::Message),
];

/// A rule as far as it is read.
#[derive(Default)]
struct Parts {
    at: Option<At>,
    when: When,
    count: Option<Count>,
    per: Option<Per>,
    deed: Option<Deed>,
}

impl Reader<'_> {
    pub(super) fn rule(
        &mut self,
        number: usize,
        row: &Value<'_>,
        table: &DeTable<'_>,
    ) -> Option<Rule> {
        let line = self.line(row.span().start);
        let named = table.get("name").and_then(|value| value::text(value.get_ref()).ok());
        let mut spot = Spot { rule: named.clone().or(Some(number.to_string())), line };
        let before = self.mistakes.len();
        let name = match &named {
            Some(name) if is_name(name) => name.clone(),
            _ => {
                let value = table.get("name").map(|value| shown(value.get_ref()));
                spot.rule = Some(number.to_string());
                let problem = "expected a name of letters, digits, `-`, `_` and `.`, at most 64";
                self.wrong(&spot, "name", value, problem);
                String::new()
            }
        };
        let mut parts = Parts::default();
        for (key, value) in table {
            let key_line = Spot { rule: spot.rule.clone(), line: self.line(key.span().start) };
            self.rule_key(&key_line, key.get_ref(), key.span(), value, &mut parts);
        }
        for (key, is_there) in [("do", table.contains_key("do"))] {
            if !is_there {
                self.wrong(&spot, key, None, "is missing: what is the rule to do?");
            }
        }
        self.rule_fits(&spot, &parts, table);
        let Parts { at, when, count, per, deed } = parts;
        let is_door = matches!(deed, Some(Deed::RefuseDoor));
        if at.is_none() && !is_door && !table.contains_key("at") {
            let problem = format!("is missing: expected one of {}", moments());
            self.wrong(&spot, "at", None, problem);
        }
        if self.mistakes.len() > before {
            return None;
        }
        let at = at.unwrap_or(At::One(Point::Connect));
        let per = per.unwrap_or(default_per(count.as_ref()));
        let count = count.unwrap_or(Count::Always);
        Some(Rule { name, line, at, when, count, per, deed: deed? })
    }

    fn rule_key(
        &mut self,
        spot: &Spot,
        key: &str,
        span: Range<usize>,
        value: &Value<'_>,
        parts: &mut Parts,
    ) {
        match key {
            "name" => {}
            "at" => parts.at = self.read(spot, "at", value, moment),
            "when" => self.conditions(spot, value, &mut parts.when),
            "do" => parts.deed = self.deed(spot, value),
            "per" => parts.per = self.read(spot, "per", value, per),
            "nth" | "first" | "every" | "after" | "odds" | "limit" | "greylist" => {
                if parts.count.is_some() {
                    let problem = "a rule counts in one way, and this one has another already";
                    return self.wrong(spot, key, None, problem);
                }
                parts.count = self.read(spot, key, value, |value| count(key, value));
            }
            other => {
                let spot = Spot { rule: spot.rule.clone(), line: self.line(span.start) };
                self.wrong(&spot, other, None, format!("no such key; a rule has {KEYS}"));
            }
        }
    }

    fn conditions(&mut self, spot: &Spot, value: &Value<'_>, when: &mut When) {
        let DeValue::Table(table) = value.get_ref() else {
            let problem = format!("expected a table of {CONDITIONS}");
            return self.wrong(spot, "when", Some(shown(value.get_ref())), problem);
        };
        for (key, value) in table {
            let name = format!("when.{}", key.get_ref());
            match key.get_ref().as_ref() {
                "door" => when.door = self.read(spot, &name, value, value::pattern),
                "client" => when.client = self.read(spot, &name, value, value::network),
                "hello" => when.hello = self.read(spot, &name, value, value::pattern),
                "user" => when.user = self.read(spot, &name, value, value::pattern),
                "reverse_path" => when.reverse_path = self.read(spot, &name, value, value::pattern),
                "forward_path" => when.forward_path = self.read(spot, &name, value, value::pattern),
                "recipients" => when.recipients = self.read(spot, &name, value, value::number),
                "size" => when.size = self.read(spot, &name, value, value::size),
                "header" => when.header = self.read(spot, &name, value, value::header),
                "tls" => when.tls = self.read(spot, &name, value, value::switch),
                _ => {
                    let spot = Spot { rule: spot.rule.clone(), line: self.line(key.span().start) };
                    let problem = format!("no such condition; allowed are {CONDITIONS}");
                    self.wrong(&spot, &name, None, problem);
                }
            }
        }
    }

    /// Whether what the rule asks about is known at its moment, and its deed has a place there.
    fn rule_fits(&mut self, spot: &Spot, parts: &Parts, table: &DeTable<'_>) {
        if let Some(Deed::RefuseDoor) = parts.deed {
            let extra = table.keys().map(|key| key.get_ref().to_string());
            let mut extra = extra.filter(|key| !["name", "when", "do"].contains(&&**key));
            let other_condition = parts.when.client.is_some()
                || parts.when.hello.is_some()
                || parts.when.user.is_some()
                || parts.when.tls.is_some()
                || parts.when.needs() != Needs::Nothing;
            if let Some(key) = extra.next() {
                self.wrong(
                    spot,
                    &key,
                    None,
                    "a door is closed for everybody and always: it takes only `when.door`",
                );
            } else if other_condition {
                self.wrong(
                    spot,
                    "when",
                    None,
                    "a door is closed for everybody: only `when.door` says anything",
                );
            }
            return;
        }
        let Some(at) = parts.at else { return };
        if matches!(parts.deed, Some(Deed::Later(_))) && at != At::One(Point::Kept) {
            let problem = "what comes later comes after the 250: at = \"kept\"";
            return self.wrong(spot, "at", None, problem);
        }
        let known = known_at(at);
        let mut needs = parts.when.needs();
        let mut key = "when";
        let counted = match parts.per.unwrap_or(default_per(parts.count.as_ref())) {
            Per::Rule | Per::Client | Per::User => Needs::Nothing,
            // Where nobody asked for it: of as much as is known.
            Per::Envelope if parts.per.is_none() => Needs::Nothing,
            Per::Sender | Per::Envelope => Needs::Sender,
            Per::Recipient | Per::Triplet | Per::Message => Needs::Recipient,
        };
        if counted > needs {
            (needs, key) = (counted, "per");
        }
        if needs > known {
            let problem = match needs {
                Needs::Message => "a header is known at \"end-of-data\" and \"kept\"",
                Needs::Recipient => {
                    "forward-paths are known at \"rcpt\", \"data\", \"end-of-data\" and \"kept\""
                }
                _ => "a reverse-path and a size are known at \"mail\" and after it",
            };
            self.wrong(spot, key, None, problem);
        }
        let Some(Deed::Misdeed(misdeed)) = &parts.deed else { return };
        let is = |point| at == At::One(point);
        if misdeed.tls.is_some() && !is(Point::Tls) {
            self.wrong(spot, "do.tls", None, "a handshake goes wrong at \"tls\"");
        }
        if misdeed.lose && !is(Point::EndOfData) {
            self.wrong(spot, "do.lose", None, "a message is lost at \"end-of-data\"");
        }
        let speaks = misdeed.reply.is_some() || misdeed.garbage.is_some() || misdeed.pace.is_some();
        if speaks && (is(Point::Connect) || is(Point::Tls)) {
            let problem = "there is no reply at this moment; the first one is due at \"greeting\"";
            self.wrong(spot, "do", None, problem);
        }
        if is(Point::Kept) && misdeed.reply.as_ref().is_some_and(crate::smtp::Reply::is_refusal) {
            let problem =
                "the message is kept by now: refuse it at \"end-of-data\", or close the connection";
            self.wrong(spot, "do.reply", None, problem);
        }
    }
}

fn is_name(name: &str) -> bool {
    let fits = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.');
    !name.is_empty() && name.len() <= 64 && name.bytes().all(fits)
}

fn moments() -> String {
    let names = MOMENTS.map(|point| point.name().to_ascii_lowercase());
    format!("{}, any", names.join(", "))
}

fn moment(value: &DeValue<'_>) -> Result<At, String> {
    let wanted = value::text(value).unwrap_or_default();
    if wanted == "any" {
        return Ok(At::AnyVerb);
    }
    let found = MOMENTS.into_iter().find(|point| point.name().eq_ignore_ascii_case(&wanted));
    found.map(At::One).ok_or_else(|| format!("expected one of {}", moments()))
}

fn per(value: &DeValue<'_>) -> Result<Per, String> {
    let wanted = value::text(value).unwrap_or_default();
    let found = PER.iter().find(|(name, _)| *name == wanted);
    let names = || PER.map(|(name, _)| format!("{name:?}")).join(", ");
    found.map(|(_, per)| *per).ok_or_else(|| format!("expected one of {}", names()))
}

fn count(key: &str, value: &DeValue<'_>) -> Result<Count, String> {
    Ok(match key {
        "nth" => Count::Nth(value::one_or_many(value)?),
        "first" => Count::First(value::positive(value)?),
        "every" => Count::Every(value::positive(value)?),
        "odds" => Count::Odds(value::share(value)?),
        "limit" => {
            let (number, period) = value::limit(value)?;
            Count::Limit { number, period }
        }
        "greylist" => Count::Greylist(value::time(value)?),
        _ => after(value)?,
    })
}

/// `{ messages = 10, within = "1m" }`.
fn after(value: &DeValue<'_>) -> Result<Count, String> {
    const MOST: u64 = 10_000;
    let expected =
        || "expected such as { messages = 10, within = \"1m\" }, of at most 10000 messages";
    let DeValue::Table(table) = value else { return Err(expected().into()) };
    let (Some(messages), Some(within), 2) =
        (table.get("messages"), table.get("within"), table.len())
    else {
        return Err(expected().into());
    };
    let messages = value::positive(messages.get_ref()).ok().filter(|number| *number <= MOST);
    let messages = messages.and_then(|number| usize::try_from(number).ok()).ok_or_else(expected)?;
    Ok(Count::After { messages, within: value::time(within.get_ref())? })
}

fn default_per(count: Option<&Count>) -> Per {
    match count {
        Some(Count::Greylist(_)) => Per::Triplet,
        Some(Count::Limit { .. }) => Per::Client,
        // The same mail meets the same fault, whatever comes beside it.
        Some(Count::Odds(_)) => Per::Envelope,
        _ => Per::Rule,
    }
}

fn known_at(at: At) -> Needs {
    match at {
        At::One(Point::Mail) => Needs::Sender,
        At::One(Point::Rcpt | Point::Data) => Needs::Recipient,
        At::One(Point::EndOfData | Point::Kept) => Needs::Message,
        At::One(_) => Needs::Nothing,
        // Where it is not known, the condition does not hold.
        At::AnyVerb => Needs::Recipient,
    }
}
