//! Reads what a rule does.

use super::Reader;
use super::value::{self, Spot, Value, shown};
use crate::fault::later::{Later, USUAL_DELAY, What};
use crate::fault::scenario::Deed;
use crate::smtp::HIDEABLE;
use crate::smtp::misbehave::{HangUp, Misdeed, Pace, TlsFault};
use toml::de::{DeTable, DeValue};

/// Octets of garbage, at most.
const MOST_GARBAGE: usize = 64 * 1024;

pub(in crate::fault) const KEYS: &str = "reply, pause, line_pause, octet_pause, close, reset, garbage, silent, hide, tls, rate, \
                               lose, door, later, after";

const TLS_FAULTS: [TlsFault; 5] = [
    TlsFault::Refuse,
    TlsFault::Stall,
    TlsFault::Expired,
    TlsFault::SelfSigned,
    TlsFault::WrongHost,
];

impl Reader<'_> {
    /// Reads the table behind `do`.
    pub(super) fn deed(&mut self, spot: &Spot, value: &Value<'_>) -> Option<Deed> {
        let DeValue::Table(table) = value.get_ref() else {
            let problem = format!("expected a table of {KEYS}");
            self.wrong(spot, "do", Some(shown(value.get_ref())), problem);
            return None;
        };
        if table.is_empty() {
            self.wrong(spot, "do", Some("{}".into()), format!("expected one at least of {KEYS}"));
            return None;
        }
        let mut misdeed = Misdeed::default();
        let mut refuses_door = false;
        let (mut what, mut after) = (None, None);
        let before = self.mistakes.len();
        for (key, value) in table {
            let name = format!("do.{}", key.get_ref());
            match key.get_ref().as_ref() {
                "door" => refuses_door = self.read(spot, &name, value, refused).is_some(),
                "later" => what = self.read(spot, &name, value, later),
                "after" => after = self.read(spot, &name, value, value::time),
                key_name => {
                    if !self.misdeed_key(spot, key_name, &name, value, &mut misdeed) {
                        let spot =
                            Spot { rule: spot.rule.clone(), line: self.line(key.span().start) };
                        self.wrong(&spot, &name, None, format!("no such key; allowed are {KEYS}"));
                    }
                }
            }
        }
        self.deeds_fit(spot, table, &misdeed, refuses_door);
        if self.mistakes.len() > before {
            return None;
        }
        Some(match what {
            _ if refuses_door => Deed::RefuseDoor,
            None => Deed::Misdeed(Box::new(misdeed)),
            Some(what) => {
                let (after, reply) = (after.unwrap_or(USUAL_DELAY), misdeed.reply);
                Deed::Later(Later { what, after, reply })
            }
        })
    }

    /// Reads one key; false where there is none of that name.
    fn misdeed_key(
        &mut self,
        spot: &Spot,
        key: &str,
        name: &str,
        value: &Value<'_>,
        misdeed: &mut Misdeed,
    ) -> bool {
        match key {
            "reply" => misdeed.reply = self.read(spot, name, value, value::reply),
            "pause" => misdeed.pause = self.read(spot, name, value, value::time),
            "line_pause" => {
                misdeed.pace = self.read(spot, name, value, value::time).map(Pace::Lines);
            }
            "octet_pause" => {
                misdeed.pace = self.read(spot, name, value, value::time).map(Pace::Octets);
            }
            "close" | "reset" => {
                let after_reply = self.read(spot, name, value, before_or_after);
                let reset = key == "reset";
                misdeed.hang_up = after_reply.map(|after_reply| HangUp { after_reply, reset });
            }
            "garbage" => misdeed.garbage = self.read(spot, name, value, garbage),
            "silent" => misdeed.silent = self.read(spot, name, value, value::yes).is_some(),
            "hide" => misdeed.hide = self.read(spot, name, value, hidden).unwrap_or_default(),
            "tls" => misdeed.tls = self.read(spot, name, value, tls_fault),
            "rate" => misdeed.rate = self.read(spot, name, value, octets_a_second),
            "lose" => misdeed.lose = self.read(spot, name, value, value::yes).is_some(),
            _ => return false,
        }
        true
    }

    /// Whether what is asked for can be done together.
    fn deeds_fit(
        &mut self,
        spot: &Spot,
        table: &DeTable<'_>,
        misdeed: &Misdeed,
        refuses_door: bool,
    ) {
        let has = |key: &str| table.contains_key(key);
        if refuses_door && table.len() > 1 {
            self.wrong(spot, "do.door", None, "a door that is closed does nothing else");
        }
        self.later_fits(spot, table, misdeed);
        for (one, other) in [
            ("close", "reset"),
            ("line_pause", "octet_pause"),
            ("garbage", "reply"),
            ("silent", "reply"),
            ("silent", "garbage"),
            ("silent", "close"),
            ("silent", "reset"),
        ] {
            if has(one) && has(other) {
                let problem = format!("cannot go together with `do.{other}`");
                self.wrong(spot, &format!("do.{one}"), None, problem);
            }
        }
        let replies = misdeed.reply.is_some() || misdeed.garbage.is_some();
        if replies && misdeed.hang_up.is_some_and(|hang_up| !hang_up.after_reply) {
            let problem = "a reply is given, and the connection closed before it: say \"after\"";
            self.wrong(spot, "do.close", None, problem);
        }
    }

    /// What comes later leaves the session as it is.
    fn later_fits(&mut self, spot: &Spot, table: &DeTable<'_>, misdeed: &Misdeed) {
        let names = table.keys().map(|key| key.get_ref().to_string());
        if !table.contains_key("later") {
            if table.contains_key("after") {
                self.wrong(
                    spot,
                    "do.after",
                    None,
                    "needs `do.later`: what comes so long after the 250",
                );
            }
            return;
        }
        let other = names.into_iter().find(|name| !["later", "after", "reply"].contains(&&**name));
        if let Some(other) = other {
            let problem = "cannot go together with `do.later`: the message is taken, and something comes later";
            self.wrong(spot, &format!("do.{other}"), None, problem);
        }
        if misdeed.reply.as_ref().is_some_and(|reply| !reply.is_refusal()) {
            self.wrong(
                spot,
                "do.reply",
                None,
                "a bounce tells of a refusal: a code of 400 or more",
            );
        }
    }
}

fn later(value: &DeValue<'_>) -> Result<What, String> {
    let wanted = value::text(value).unwrap_or_default();
    What::ALL.into_iter().find(|what| what.name() == wanted).ok_or_else(|| {
        let names = What::ALL.map(|what| format!("{:?}", what.name())).join(", ");
        format!("expected one of {names}")
    })
}

fn refused(value: &DeValue<'_>) -> Result<(), String> {
    match value::text(value).as_deref() {
        Ok("refused") => Ok(()),
        _ => Err("expected \"refused\": nothing listens there (for a door that takes connections and says \
                  nothing: at = \"connect\", do = { silent = true })"
            .into()),
    }
}

fn before_or_after(value: &DeValue<'_>) -> Result<bool, String> {
    match value::text(value).as_deref() {
        Ok("before") => Ok(false),
        Ok("after") => Ok(true),
        _ => Err("expected \"before\" or \"after\", which is about the reply".into()),
    }
}

/// A text with `\xNN`, `\r`, `\n`, `\0`, `\\`, so that it can hold any octets; nothing is added.
fn garbage(value: &DeValue<'_>) -> Result<Vec<u8>, String> {
    let expected = || {
        "expected a text in which \\xNN, \\r, \\n, \\0 and \\\\ stand for octets, at most 64 KiB; in TOML between \
         single quotes"
            .to_owned()
    };
    let text = value::text(value).map_err(|_| expected())?;
    let mut octets = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let (octet, left) = match (first, after) {
            (b'\\', [b'r', left @ ..]) => (b'\r', left),
            (b'\\', [b'n', left @ ..]) => (b'\n', left),
            (b'\\', [b'0', left @ ..]) => (0, left),
            (b'\\', [b'\\', left @ ..]) => (b'\\', left),
            (b'\\', [b'x', high, low, left @ ..]) => {
                let digit = |octet: &u8| char::from(*octet).to_digit(16);
                let both = digit(high).zip(digit(low)).ok_or_else(expected)?;
                // Two hexadecimal digits are an octet.
                ((both.0 * 16 + both.1) as u8, left)
            }
            (b'\\', _) => return Err(expected()),
            (other, left) => (*other, left),
        };
        octets.push(octet);
        rest = left;
    }
    if octets.is_empty() || octets.len() > MOST_GARBAGE { Err(expected()) } else { Ok(octets) }
}

fn hidden(value: &DeValue<'_>) -> Result<Vec<String>, String> {
    let expected =
        || format!("expected a list of {}, or of AUTH PLAIN and its like", HIDEABLE.join(", "));
    let DeValue::Array(values) = value else { return Err(expected()) };
    let mut names = Vec::new();
    for value in values {
        let name = value::text(value.get_ref()).map_err(|_| expected())?.to_ascii_uppercase();
        let mechanism = name.strip_prefix("AUTH ").and_then(crate::smtp::Mechanism::parse);
        if !HIDEABLE.contains(&&*name) && mechanism.is_none() {
            return Err(expected());
        }
        names.push(name);
    }
    if names.is_empty() { Err(expected()) } else { Ok(names) }
}

fn tls_fault(value: &DeValue<'_>) -> Result<TlsFault, String> {
    let wanted = value::text(value).unwrap_or_default();
    let found = TLS_FAULTS.into_iter().find(|fault| fault.name() == wanted);
    found.ok_or_else(|| {
        let names = TLS_FAULTS.map(|fault| format!("{:?}", fault.name())).join(", ");
        format!("expected one of {names}")
    })
}

fn octets_a_second(value: &DeValue<'_>) -> Result<u32, String> {
    let number = value::positive(value).ok().and_then(|number| u32::try_from(number).ok());
    number.ok_or_else(|| "expected octets a second, a whole number from 1 on".into())
}
