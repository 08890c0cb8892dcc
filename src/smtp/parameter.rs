//! The parameters of MAIL and RCPT (RFC 5321 §4.1.2 `Mail-parameters`), extension by extension.
//!
//! A parameter of an extension that the door does not offer, or after HELO, is unknown: 555. One
//! that is given twice or has a value outside its grammar is 501.

use super::policy::Policy;
use super::replies;
use super::reply::Reply;
use crate::mail::{Body, Envelope, Notify, Ret, decode_xtext};

/// The longest ENVID, in octets (RFC 3461 §4.4).
const MAX_ENVID: usize = 100;
/// The longest ORCPT, in octets (RFC 3461 §4.2).
const MAX_ORCPT: usize = 500;
/// The keywords of all parameters that a door may know.
const KEYWORDS: [&str; 8] = ["SIZE", "BODY", "SMTPUTF8", "RET", "ENVID", "AUTH", "NOTIFY", "ORCPT"];

/// Reads what follows the reverse-path into the envelope.
pub(super) fn read_mail(
    text: &str,
    policy: &Policy,
    extended: bool,
    envelope: &mut Envelope,
) -> Result<(), Reply> {
    let on = &policy.extensions;
    let mut seen = Seen::default();
    for (key, value) in parameters(text)? {
        seen.once(key)?;
        let is = |name: &str| key.eq_ignore_ascii_case(name);
        match value {
            _ if !extended => return Err(unknown(key)),
            value if is("SIZE") && on.size => {
                let size = value.and_then(decimal).ok_or_else(|| bad(key))?;
                envelope.declared_size = Some(size);
            }
            value if is("BODY") && on.eight_bit_mime => {
                let body = value.and_then(|value| read_body(value, policy));
                envelope.body = body.ok_or_else(|| bad(key))?;
            }
            value if is("SMTPUTF8") && on.smtputf8 && on.eight_bit_mime => {
                value.map_or(Ok(()), |_| Err(bad(key)))?;
                envelope.smtputf8 = true;
            }
            value if is("RET") && on.dsn => {
                envelope.ret = Some(value.and_then(read_ret).ok_or_else(|| bad(key))?);
            }
            value if is("ENVID") && on.dsn => {
                let envid = value.filter(|v| v.len() <= MAX_ENVID).and_then(decoded);
                envelope.envid = Some(envid.ok_or_else(|| bad(key))?);
            }
            value if is("AUTH") && policy.auth != super::policy::AuthMode::None => {
                envelope.auth = Some(value.and_then(decoded).ok_or_else(|| bad(key))?);
            }
            _ => return Err(unknown(key)),
        }
    }
    Ok(())
}

/// What the message holds (RFC 6152 §2, RFC 3030 §3).
fn read_body(value: &str, policy: &Policy) -> Option<Body> {
    let is = |name: &str| value.eq_ignore_ascii_case(name);
    if is("7BIT") {
        Some(Body::SevenBit)
    } else if is("8BITMIME") {
        Some(Body::EightBitMime)
    } else {
        (is("BINARYMIME") && policy.offers_binary_mime()).then_some(Body::BinaryMime)
    }
}

/// How much of the message a report brings back (RFC 3461 §4.3).
fn read_ret(value: &str) -> Option<Ret> {
    let is = |name: &str| value.eq_ignore_ascii_case(name);
    if is("FULL") { Some(Ret::Full) } else { is("HDRS").then_some(Ret::Hdrs) }
}

/// Reads what follows the forward-path.
pub(super) fn read_rcpt(
    text: &str,
    policy: &Policy,
    extended: bool,
    smtputf8: bool,
) -> Result<(Option<Notify>, Option<String>), Reply> {
    let mut seen = Seen::default();
    let (mut notify, mut orcpt) = (None, None);
    for (key, value) in parameters(text)? {
        seen.once(key)?;
        let is = |name: &str| key.eq_ignore_ascii_case(name);
        match value {
            value if is("NOTIFY") && extended && policy.extensions.dsn => {
                notify = Some(value.and_then(read_notify).ok_or_else(|| bad(key))?);
            }
            value if is("ORCPT") && extended && policy.extensions.dsn => {
                orcpt = Some(value.and_then(|v| read_orcpt(v, smtputf8)).ok_or_else(|| bad(key))?);
            }
            _ => return Err(unknown(key)),
        }
    }
    Ok((notify, orcpt))
}

/// `NEVER` alone, or a list of the others, none twice (RFC 3461 §4.1).
fn read_notify(value: &str) -> Option<Notify> {
    if value.eq_ignore_ascii_case("NEVER") {
        return Some(Notify::default());
    }
    let mut notify = Notify::default();
    for word in value.split(',') {
        let flag = match word.to_ascii_uppercase().as_str() {
            "SUCCESS" => &mut notify.success,
            "FAILURE" => &mut notify.failure,
            "DELAY" => &mut notify.delay,
            _ => return None,
        };
        if std::mem::replace(flag, true) {
            return None;
        }
    }
    Some(notify)
}

/// `addr-type;xtext`, where RFC 6533 §3 lets `utf-8` addresses stand unencoded with SMTPUTF8; decoded.
fn read_orcpt(value: &str, smtputf8: bool) -> Option<String> {
    let (kind, address) = value.split_once(';').filter(|_| value.len() <= MAX_ORCPT)?;
    let kind_is_right =
        !kind.is_empty() && kind.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let is_utf8 = smtputf8 && kind.eq_ignore_ascii_case("utf-8") && !address.is_ascii();
    let address = if is_utf8 { decode_unitext(address) } else { decoded(address) };
    address.filter(|_| kind_is_right).map(|address| format!("{kind};{address}"))
}

/// An address of the type `utf-8`, in which `\x{2B}` stands for a `+` (RFC 6533 §3); nothing where it would hold what
/// cannot stand in a line.
fn decode_unitext(text: &str) -> Option<String> {
    let mut parts = text.split("\\x{");
    let mut address = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (digits, rest) = part.split_once('}')?;
        let is_hex =
            (2..=6).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit());
        let c = u32::from_str_radix(digits, 16).ok().filter(|_| is_hex).and_then(char::from_u32)?;
        address.push(c);
        address.push_str(rest);
    }
    (!address.chars().any(char::is_control)).then_some(address)
}

/// What an xtext stands for, where that is printable ASCII and not nothing.
fn decoded(xtext: &str) -> Option<String> {
    let text = String::from_utf8(decode_xtext(xtext)?).ok()?;
    let is_printable = |c: char| c == ' ' || c.is_ascii_graphic();
    (!text.is_empty() && text.chars().all(is_printable)).then_some(text)
}

/// Splits ` KEY=VALUE KEY …`; a keyword begins with a letter or digit (RFC 5321 §4.1.2).
fn parameters(text: &str) -> Result<impl Iterator<Item = (&str, Option<&str>)>, Reply> {
    if !text.is_empty() && !text.starts_with(' ') {
        return Err(replies::BAD_PARAMETER.with_text("A space must follow the address"));
    }
    let words = text.split(' ').filter(|word| !word.is_empty());
    let pairs = words.map(|word| match word.split_once('=') {
        Some((key, value)) => (key, Some(value)),
        None => (word, None),
    });
    let keyword_is_right = |key: &str| {
        key.starts_with(|c: char| c.is_ascii_alphanumeric())
            && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    match pairs.clone().find(|(key, _)| !keyword_is_right(key)) {
        Some((key, _)) => Err(bad(key)),
        None => Ok(pairs),
    }
}

/// Up to 20 digits (RFC 1870 §5).
fn decimal(value: &str) -> Option<u64> {
    let is_number = (1..=20).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| value.parse().unwrap_or(u64::MAX))
}

/// Which of the known keywords came.
#[derive(Default)]
struct Seen([bool; KEYWORDS.len()]);

impl Seen {
    /// One that is not known is refused as such, not as a second.
    fn once(&mut self, key: &str) -> Result<(), Reply> {
        let place = KEYWORDS.iter().position(|known| known.eq_ignore_ascii_case(key));
        match place {
            Some(place) if std::mem::replace(&mut self.0[place], true) => {
                let text = format!("{} is given twice", KEYWORDS[place]);
                Err(replies::BAD_PARAMETER.with_text(text))
            }
            _ => Ok(()),
        }
    }
}

fn bad(key: &str) -> Reply {
    replies::BAD_PARAMETER.with_text(format!("Bad value of parameter {key}"))
}

fn unknown(key: &str) -> Reply {
    replies::UNKNOWN_PARAMETER.with_text(format!("Parameter {key} not recognised"))
}
