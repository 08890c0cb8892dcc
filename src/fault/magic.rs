//! Addresses that ask for a fault by their own name, under any domain whose last label is `test` (RFC 6761:
//! nobody can own one), and a header field that does the same for faults after DATA.
//!
//! The local parts are those that users of the providers' simulators know; `+label` behind one is left aside, but for
//! a last one that is a time: `bounce+550+10s` is taken with 250, and bounces ten seconds later.

use super::later::{Later, USUAL_DELAY, What};
use super::read::read_reply;
use crate::mail::ForwardPath;
use crate::smtp::Reply;
use crate::smtp::misbehave::{HangUp, Misdeed, Occasion, Point};
use std::time::Duration;

/// The header field.
pub const HEADER: &str = "X-Doorpost-Fault";

/// Octets of a text in an address that are said in a reply.
const LONGEST_TEXT: usize = 200;

/// A local part and what becomes of it at RCPT.
#[derive(Clone, Copy, Debug)]
pub struct Magic {
    /// The local part; letters of either case, with or without hyphens.
    pub local_part: &'static str,
    /// What RCPT is answered; `None` takes it.
    pub reply: Option<(u16, u16, u16, &'static str)>,
    /// Where users know it from.
    pub known_from: &'static str,
}

const fn magic(
    local_part: &'static str,
    reply: Option<(u16, u16, u16, &'static str)>,
    known_from: &'static str,
) -> Magic {
    Magic { local_part, reply, known_from }
}

const UNKNOWN: Option<(u16, u16, u16, &str)> = Some((550, 1, 1, "No such user here"));
const SUPPRESSED: Option<(u16, u16, u16, &str)> =
    Some((550, 1, 1, "Address is on the suppression list"));

/// All of them, besides the grammar `bounce+CODE+TEXT`.
pub const ADDRESSES: [Magic; 21] = [
    magic("success", None, "Amazon SES"),
    magic("bounce", UNKNOWN, "Amazon SES"),
    magic("complaint", None, "Amazon SES"),
    magic("ooto", None, "Amazon SES"),
    magic("suppressionlist", SUPPRESSED, "Amazon SES"),
    magic("hard-bounce", UNKNOWN, "Postmark, MailerSend"),
    magic("soft-bounce", Some((421, 4, 2, "Mailbox busy, closing")), "Postmark, MailerSend"),
    magic("transient", Some((450, 2, 1, "Mailbox busy, try again later")), "Postmark, MailerSend"),
    magic("dns-error", Some((450, 4, 3, "Host name lookup failed")), "Postmark, MailerSend"),
    magic("blocked", Some((554, 7, 1, "Sender blocked by policy")), "Postmark, MailerSend"),
    magic("auto-responder", None, "Postmark"),
    magic("dmarc", Some((550, 7, 26, "Unauthenticated mail, DMARC says no")), "MailerSend"),
    magic("delivered", None, "Resend"),
    magic("bounced", UNKNOWN, "Resend"),
    magic("complained", None, "Resend"),
    magic("suppressed", SUPPRESSED, "Resend"),
    magic("mailbox-full", Some((452, 2, 2, "Mailbox full")), "doorpost"),
    magic("no-domain", Some((550, 1, 2, "No such domain")), "doorpost"),
    magic("delayed", None, "doorpost"),
    magic("expanded", None, "doorpost"),
    magic("null-mx", Some((550, 1, 10, "The domain takes no mail")), "doorpost"),
];

/// What the header field may say besides a reply.
pub const WORDS: [(&str, &str); 4] = [
    ("drop", "the connection is closed before the reply, the message is not kept"),
    ("lost-reply", "the message is kept, and the connection closed before the 250"),
    ("lose", "250, and the message is thrown away"),
    ("silent", "no reply any more"),
];

/// Whether the address is under a domain whose last label is `test`.
#[must_use]
pub fn is_under_test(recipient: &ForwardPath) -> bool {
    let Some(mailbox) = recipient.mailbox() else { return false };
    last_label_is_test(mailbox.domain().as_str())
}

fn last_label_is_test(domain: &str) -> bool {
    let octets = domain.trim_end_matches('.').as_bytes();
    octets.split_last_chunk().is_some_and(|(before, last): (_, &[u8; 4])| {
        last.eq_ignore_ascii_case(b"test") && matches!(before.last(), None | Some(b'.'))
    })
}

pub(super) fn ask(occasion: &Occasion<'_>) -> Option<Misdeed> {
    match occasion.point {
        Point::Rcpt => recipient(occasion.forward_paths.first()?, occasion.user.is_some()),
        Point::EndOfData | Point::Kept => {
            let value = super::when::field(occasion.message?, HEADER)?;
            header(&value, occasion.point)
        }
        _ => None,
    }
}

/// An address that asks for something.
struct Asked<'a> {
    word: &'a str,
    label: &'a str,
    /// So long after the 250, where its last label says so: `bounce+550+10s`.
    after: Option<Duration>,
}

fn asked(path: &str) -> Option<Asked<'_>> {
    let (local, domain) = path.rsplit_once('@')?;
    if !last_label_is_test(domain) {
        return None;
    }
    let local = local.trim_matches('"');
    let (word, label) = local.split_once('+').unwrap_or((local, ""));
    let (before, last) = label.rsplit_once('+').unwrap_or(("", label));
    let after = delay(last);
    Some(Asked { word, label: if after.is_some() { before } else { label }, after })
}

/// `later`, or a time such as `10s`, up to an hour.
fn delay(label: &str) -> Option<Duration> {
    if label.eq_ignore_ascii_case("later") {
        return Some(USUAL_DELAY);
    }
    let unit = label.chars().last().filter(|unit| matches!(unit, 's' | 'm'))?;
    let number: u64 = label.strip_suffix(unit)?.parse().ok()?;
    let time = Duration::from_secs(if unit == 'm' { number.checked_mul(60)? } else { number });
    (time <= Duration::from_hours(1)).then_some(time)
}

/// A client that has logged in submits: its server takes the mail, and the bounce comes back (RFC 6409). One that has
/// not is a server itself, and is refused.
fn comes_later(asked: &Asked<'_>, is_submitted: bool) -> bool {
    let is_plain = asked.label.split('+').next().is_none_or(|code| code.parse::<u16>().is_err());
    let is_bounce = ["bounce", "bounced"].iter().any(|word| asked.word.eq_ignore_ascii_case(word));
    asked.after.is_some() || is_submitted && is_bounce && is_plain
}

fn reply(asked: &Asked<'_>) -> Option<Reply> {
    asked_for(asked.word, asked.label).or_else(|| {
        let (code, subject, detail, text) = find(asked.word)?.reply?;
        Some(Reply::new(code, subject, detail, text))
    })
}

/// What comes after the 250 for the recipient of the occasion.
pub(super) fn later(occasion: &Occasion<'_>) -> Option<Later> {
    let asked = asked(occasion.forward_paths.first()?)?;
    let after = asked.after.unwrap_or(USUAL_DELAY);
    let word = find(asked.word)?.local_part;
    let what = match word {
        "success" | "delivered" => What::Success,
        "complaint" | "complained" => What::Complaint,
        "ooto" | "auto-responder" => What::OutOfOffice,
        "delayed" => What::Delay,
        "expanded" => What::Expanded,
        _ if comes_later(&asked, occasion.user.is_some()) => What::Bounce,
        _ => return None,
    };
    Some(Later { what, after, reply: reply(&asked) })
}

fn recipient(path: &str, is_submitted: bool) -> Option<Misdeed> {
    let asked = asked(path)?;
    if comes_later(&asked, is_submitted) {
        return None;
    }
    let (word, reply) = (asked.word, reply(&asked)?);
    Some(Misdeed {
        name: format!("magic address {word}"),
        reply: Some(reply),
        ..Misdeed::default()
    })
}

fn find(word: &str) -> Option<&'static Magic> {
    let bare = |text: &str| text.replace(['-', '_'], "").to_ascii_lowercase();
    ADDRESSES.iter().find(|magic| bare(magic.local_part) == bare(word))
}

/// `bounce+550+text`: the code and the text that the address asks for.
fn asked_for(word: &str, label: &str) -> Option<Reply> {
    if !word.eq_ignore_ascii_case("bounce") {
        return None;
    }
    let (code, text) = label.split_once('+').unwrap_or((label, ""));
    let code: u16 = code.parse().ok().filter(|code: &u16| code.to_string().len() == 3)?;
    let (subject, detail, usual) = usual(code)?;
    let text: String = text.chars().take(LONGEST_TEXT).collect();
    let text = text.replace(['-', '_', '+'], " ");
    let reply = Reply::new(code, subject, detail, usual);
    Some(if text.trim().is_empty() { reply } else { reply.with_text(text.trim()) })
}

/// The enhanced code and text that usually come with a code.
fn usual(code: u16) -> Option<(u16, u16, &'static str)> {
    Some(match code {
        421 => (4, 2, "Service not available, closing"),
        450 => (2, 1, "Mailbox busy, try again later"),
        451 => (3, 0, "Local error, try again later"),
        452 => (2, 2, "Mailbox full"),
        550 => (1, 1, "No such user here"),
        551 => (1, 6, "User not local"),
        552 => (2, 2, "Mailbox full"),
        553 => (1, 3, "Mailbox name not allowed"),
        554 => (7, 1, "Refused by policy"),
        400..=599 => (0, 0, "Refused as asked for"),
        _ => return None,
    })
}

fn header(value: &str, point: Point) -> Option<Misdeed> {
    let misdeed = Misdeed { name: format!("header {HEADER}"), ..Misdeed::default() };
    let hang_up = Some(HangUp { after_reply: false, reset: false });
    match (value.trim(), point) {
        ("lost-reply", Point::Kept) => Some(Misdeed { hang_up, ..misdeed }),
        ("lost-reply", _) => None,
        (_, Point::Kept) => None,
        ("drop", _) => Some(Misdeed { hang_up, ..misdeed }),
        ("lose", _) => Some(Misdeed { lose: true, ..misdeed }),
        ("silent", _) => Some(Misdeed { silent: true, ..misdeed }),
        (text, _) => {
            let reply = read_reply(text).filter(Reply::is_refusal)?;
            Some(Misdeed { reply: Some(reply), ..misdeed })
        }
    }
}
