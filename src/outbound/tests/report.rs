//! Reports, read back by a reader that is not ours.

use super::super::fate::{Action, Told};
use super::*;
use crate::smtp::client::Said;
use mail_parser::{MessageParser, MimeHeaders as _};

const MESSAGE: &[u8] =
    b"From: <a@example.org>\r\nSubject: Hello\r\nMessage-ID: <1@example.org>\r\n\r\nBody\r\n";

fn about(bytes: &[u8]) -> About<'_> {
    About {
        message: None,
        bytes,
        reverse_path: ReversePath::parse_front("<a@example.org>").unwrap().0,
        ret: None,
        envid: Some("id+1"),
        arrived_at: OffsetDateTime::UNIX_EPOCH,
        peer: Some("127.0.0.1".parse().unwrap()),
        recipients: vec!["b@example.org".into()],
        remote: Some("mx.example.org".into()),
    }
}

fn told(action: Action, path: &str) -> Told {
    let recipient = Bound {
        path: path.into(),
        notify: None,
        orcpt: Some("rfc822;c@example.org".into()),
        standing: Standing::Failed,
        said: None,
    };
    let said = Said { by_server: true, ..Said::by_us(550, "5.1.1", "RCPT", "No \u{e4} such") };
    Told { action, recipient, said, status: None, until: None }
}

fn parts(bytes: &[u8]) -> Vec<(String, String)> {
    let message = MessageParser::default().parse(bytes).unwrap();
    let part = |at: usize| {
        let part = &message.parts[at];
        let kind = part.content_type().unwrap();
        let kind = format!("{}/{}", kind.ctype(), kind.subtype().unwrap());
        (kind, String::from_utf8_lossy(part.contents()).into_owned())
    };
    (1..message.parts.len()).map(part).collect()
}

#[test]
fn a_failure_has_its_fields_and_brings_the_message_back() {
    let told = [told(Action::Failed, "b@example.org")];
    let bytes = status::write(
        "doorpost.test",
        &about(MESSAGE),
        Action::Failed,
        &told,
        OffsetDateTime::UNIX_EPOCH,
    );
    let parts = parts(&bytes);
    assert_eq!(parts[1].0, "message/delivery-status");
    for line in [
        "Reporting-MTA: dns; doorpost.test",
        "Original-Envelope-Id: id+2B1",
        "Original-Recipient: rfc822; c@example.org",
        "Final-Recipient: rfc822; b@example.org",
        "Action: failed",
        "Status: 5.1.1",
        "Remote-MTA: dns; mx.example.org",
        "Diagnostic-Code: smtp; 550 5.1.1 No ? such",
    ] {
        assert!(parts[1].1.contains(line), "{line} in {}", parts[1].1);
    }
    assert_eq!(parts[2].0, "message/rfc822");
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.contains("Auto-Submitted: auto-replied\r\n"));
    assert!(text.contains(std::str::from_utf8(MESSAGE).unwrap()));
}

#[test]
fn the_header_alone_comes_back_where_that_is_asked_or_all_is_well() {
    for (action, ret) in [(Action::Failed, Some(Ret::Hdrs)), (Action::Delivered, Some(Ret::Full))] {
        let about = About { ret, ..about(MESSAGE) };
        let told = [told(action, "b@example.org")];
        let bytes =
            status::write("doorpost.test", &about, action, &told, OffsetDateTime::UNIX_EPOCH);
        let parts = parts(&bytes);
        assert_eq!(parts[2].0, "text/rfc822-headers");
        assert!(parts[2].1.contains("Subject: Hello") && !parts[2].1.contains("Body"));
    }
}

/// The octets of the last part, which is what comes back, and the header of the whole.
fn last_part(report: &[u8]) -> (String, &[u8]) {
    let head = String::from_utf8_lossy(crate::outbound::trace::head(report)).into_owned();
    let boundary = head.split("boundary=\"").nth(1).unwrap().split('"').next().unwrap();
    let begins = memchr::memmem::rfind(report, b"Content-Type: ").unwrap();
    let begins = begins + memchr::memmem::find(&report[begins..], b"\r\n\r\n").unwrap() + 4;
    let rest = &report[begins..];
    let ends = memchr::memmem::rfind(rest, format!("\r\n--{boundary}--\r\n").as_bytes());
    (head, &rest[..ends.unwrap()])
}

#[test]
fn what_comes_back_is_there_to_its_last_octet() {
    let at = OffsetDateTime::UNIX_EPOCH;
    for message in [MESSAGE, b"Subject: x\r\n\r\nno end"] {
        let told = [told(Action::Failed, "b@example.org")];
        let status = status::write("doorpost.test", &about(message), Action::Failed, &told, at);
        let complaint =
            complaint::write("doorpost.test", &about(message), "f@x.example", "abuse", at);
        assert_eq!(last_part(&status).1, message);
        assert_eq!(last_part(&complaint).1, message);
    }
}

#[test]
fn what_holds_eight_bits_says_so_and_what_does_not_says_that() {
    let at = OffsetDateTime::UNIX_EPOCH;
    let mut plain = [told(Action::Failed, "b@example.org")];
    plain[0].said.text = "No such".into();
    let eight = "Subject: x\r\n\r\nJ\u{fc}r\r\n".as_bytes();
    for (message, encoding) in [(MESSAGE, "7bit"), (eight, "8bit")] {
        let status = status::write("doorpost.test", &about(message), Action::Failed, &plain, at);
        let complaint =
            complaint::write("doorpost.test", &about(message), "f@x.example", "abuse", at);
        for report in [status, complaint] {
            let (head, _) = last_part(&report);
            let line = format!("Content-Transfer-Encoding: {encoding}\r\n");
            assert!(head.contains(&line), "{head}");
            let text = String::from_utf8(report).unwrap();
            let is_8bit = encoding == "8bit";
            assert_eq!(text.contains("Content-Transfer-Encoding: 8bit"), is_8bit, "{text}");
        }
    }
}

#[test]
fn a_header_beyond_ascii_comes_back_as_what_it_is() {
    let message = "From: <a@example.org>\r\nSubject: J\u{fc}r\r\n\r\nBody\r\n".as_bytes();
    let at = OffsetDateTime::UNIX_EPOCH;
    for (ret, kind) in [(None, "message/global"), (Some(Ret::Hdrs), "message/global-headers")] {
        let about = About { ret, ..about(message) };
        let told = [told(Action::Failed, "b@example.org")];
        let bytes = status::write("doorpost.test", &about, Action::Failed, &told, at);
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.contains(&format!("Content-Type: {kind}\r\n")), "{text}");
    }
    // Octets that are no UTF-8 are no such header either.
    let latin = b"Subject: J\xfcr\r\n\r\nBody\r\n";
    let told = [told(Action::Failed, "b@example.org")];
    let bytes = status::write("doorpost.test", &about(latin), Action::Failed, &told, at);
    assert!(String::from_utf8_lossy(&bytes).contains("Content-Type: message/rfc822\r\n"));
}

#[test]
fn what_no_server_said_is_not_quoted_as_a_reply() {
    let mut told = [told(Action::Failed, "b@example.org")];
    told[0].said = Said::by_us(450, "4.4.2", "RCPT", "the connection broke");
    let at = OffsetDateTime::UNIX_EPOCH;
    let bytes = status::write("doorpost.test", &about(MESSAGE), Action::Failed, &told, at);
    let fields = &parts(&bytes)[1].1;
    assert!(fields.contains("Diagnostic-Code: X-Doorpost; the connection broke\r\n"), "{fields}");
    assert!(!fields.contains("smtp;") && !fields.contains("Remote-MTA"), "{fields}");
}

#[test]
fn addresses_beyond_ascii_have_a_type_of_their_own() {
    let told = [told(Action::Failed, "b\u{f6}b@example.org")];
    let bytes = status::write(
        "doorpost.test",
        &about(MESSAGE),
        Action::Failed,
        &told,
        OffsetDateTime::UNIX_EPOCH,
    );
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.contains("Content-Type: message/global-delivery-status"));
    assert!(text.contains("Final-Recipient: utf-8; b\u{f6}b@example.org"));
}

#[test]
fn a_complaint_has_the_fields_of_rfc_5965() {
    let bytes = complaint::write(
        "doorpost.test",
        &about(MESSAGE),
        "fbl@example.org",
        "abuse",
        OffsetDateTime::UNIX_EPOCH,
    );
    let parts = parts(&bytes);
    assert_eq!(parts[1].0, "message/feedback-report");
    for line in [
        "Feedback-Type: abuse",
        "Version: 1",
        "User-Agent: doorpost/",
        "Original-Mail-From: <a@example.org>",
        "Original-Rcpt-To: <b@example.org>",
        "Source-IP: 127.0.0.1",
        "Reported-Domain: example.org",
    ] {
        assert!(parts[1].1.contains(line), "{line} in {}", parts[1].1);
    }
    assert_eq!(parts[2].0, "message/rfc822");
}

#[test]
fn machines_and_lists_are_not_answered() {
    for (field, is_answered) in [
        ("Subject: x", true),
        ("Auto-Submitted: no", true),
        ("Auto-Submitted: auto-generated", false),
        ("List-Id: <x.example.org>", false),
        ("Precedence: bulk", false),
    ] {
        let bytes = format!("{field}\r\n\r\nBody\r\n");
        assert_eq!(
            away::may_answer(bytes.as_bytes(), "a@example.org").is_ok(),
            is_answered,
            "{field}"
        );
    }
    for to in ["MAILER-DAEMON@example.org", "owner-x@example.org", "x-request@example.org"] {
        assert!(away::may_answer(b"Subject: x\r\n\r\n", to).is_err(), "{to}");
    }
    let answer = away::write(
        "doorpost.test",
        &about(MESSAGE),
        "b@example.org",
        "a@example.org",
        OffsetDateTime::UNIX_EPOCH,
    );
    let text = String::from_utf8(answer).unwrap();
    assert!(text.contains("In-Reply-To: <1@example.org>\r\n"));
    assert!(text.contains("Subject: Auto: Hello\r\n"));
}

#[test]
fn nothing_is_said_to_nobody() {
    let about = About { reverse_path: ReversePath::Null, ..about(MESSAGE) };
    let reporter = Reporter::new("doorpost.test");
    let told = [told(Action::Failed, "b@example.org")];
    let now = OffsetDateTime::now_utc();
    assert!(reporter.status(&about, &told, now, &[]).is_empty());
    assert!(reporter.away(&about, "b@example.org", now, &[]).is_err());
}

#[test]
fn what_is_not_of_lines_comes_back_as_its_header() {
    let message = b"Subject: a\rb\r\nFrom: \xc3\xa4\n\0@x.example\r\n\r\ntext\n";
    let told = [told(Action::Failed, "b@example.org")];
    let at = OffsetDateTime::UNIX_EPOCH;
    let status = status::write("doorpost.test", &about(message), Action::Failed, &told, at);
    let complaint = complaint::write("doorpost.test", &about(message), "c@x.example", "abuse", at);
    for bytes in [status, complaint] {
        assert!(is_of_lines(&bytes), "{}", String::from_utf8_lossy(&bytes));
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.contains("message/global-headers"), "{text}");
        assert!(text.contains("Subject: a b\r\nFrom: \u{e4}  @x.example\r\n"), "{text}");
        assert!(!text.contains("text\n--"), "{text}");
    }
}
