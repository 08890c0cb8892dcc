//! Messages as programs send them, and what is read out of them.

use crate::mime::{Mark, Part, Reading, Searchable, part};

const NEWSLETTER: &str = "\
Return-Path: <bounce@example.org>
From: =?utf-8?q?J=C3=BCrgen?= <j@example.org>
To: B <b@x.example>, team: c@x.example, \"D, E\" <d@x.example>;
Cc: e@x.example
Bcc: f@x.example
Reply-To: answers@example.org
Subject: =?utf-8?b?w6TDtg==?=
 =?utf-8?q?_=C3=BC?=
Date: Thu, 01 Jan 1970 01:00:00 +0100
Message-ID: <1@x.example>
X-Custom: =?iso-8859-1?q?gr=FC=DFe?=
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=\"outer: 1\"

Preamble.
--outer: 1
Content-Type: multipart/alternative; boundary=inner

--inner
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

Gr=FC=DFe =
aus Berlin
--inner
Content-Type: multipart/related; boundary=related

--related
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: base64

PHA+R3LDvMOfZSBhdXM8L3A+PHA+QmVybGluICZhbXA7IE1laHI8L3A+
--related
Content-Type: image/png; name=logo.png
Content-ID: <logo@x>
Content-Disposition: inline
Content-Transfer-Encoding: base64

iVBORw0=
--related--
--inner--
--outer: 1
Content-Type: application/pdf
Content-Disposition: attachment;
 filename*0*=utf-8''..%2FRech;
 filename*1*=nung%20%C3%BC.pdf
Content-Transfer-Encoding: base64

JVBERg==
--outer: 1
Content-Type: message/rfc822

Subject: inside
Content-Type: multipart/mixed; boundary=in

--in

Inner text
--in--
--outer: 1--
Epilogue.
";

fn crlf(text: &str) -> Vec<u8> {
    text.replace('\n', "\r\n").into_bytes()
}

fn outline(part: &Part, lines: &mut Vec<String>) {
    lines.push(format!("{} {} {}", part.id, part.content_type, part.size));
    part.children.iter().for_each(|child| outline(child, lines));
}

#[test]
fn a_message_with_everything() {
    for bytes in [crlf(NEWSLETTER), NEWSLETTER.as_bytes().to_vec()] {
        let reading = Reading::of(&bytes);
        assert_eq!(reading.subject.as_deref(), Some("äö ü"));
        assert_eq!(reading.from[0].name.as_deref(), Some("Jürgen"));
        let to: Vec<_> = reading.to.iter().map(|to| &*to.address).collect();
        assert_eq!(to, ["b@x.example", "c@x.example", "d@x.example"]);
        assert_eq!(reading.cc[0].address, "e@x.example");
        assert_eq!(reading.bcc[0].address, "f@x.example");
        assert_eq!(reading.reply_to[0].address, "answers@example.org");
        assert_eq!(reading.message_id.as_deref(), Some("1@x.example"));
        assert_eq!(reading.headers.len(), 12);
        assert_eq!(reading.headers[9].name, "X-Custom");
        assert_eq!(reading.headers[9].value, "grüße");
        assert_eq!(reading.headers[9].raw, "=?iso-8859-1?q?gr=FC=DFe?=");
        assert_eq!(reading.text.as_deref(), Some("Grüße aus Berlin"));
        assert_eq!(reading.html.as_deref(), Some("<p>Grüße aus</p><p>Berlin &amp; Mehr</p>"));
        assert_eq!(reading.text_of_html.as_deref(), Some("Grüße aus\n\nBerlin & Mehr"));
        assert_eq!(reading.marked, []);
        assert!(!reading.is_bounce);

        let files: Vec<_> = reading
            .attachments
            .iter()
            .map(|a| (&*a.id, a.file_name.as_deref(), a.inline))
            .collect();
        let expected = [
            ("1.2.2", Some("logo.png"), true),
            ("2", Some(".._Rechnung ü.pdf"), false),
            ("3", None, false),
        ];
        assert_eq!(files, expected);
    }
}

#[test]
fn parts_are_numbered_and_can_be_taken_out() {
    let bytes = crlf(NEWSLETTER);
    let mut lines = Vec::new();
    outline(&Reading::of(&bytes).parts, &mut lines);
    let ids: Vec<_> = lines.iter().map(|line| line.rsplit_once(' ').unwrap().0).collect();
    assert_eq!(
        ids,
        [
            "0 multipart/mixed",
            "1 multipart/alternative",
            "1.1 text/plain",
            "1.2 multipart/related",
            "1.2.1 text/html",
            "1.2.2 image/png",
            "2 application/pdf",
            "3 message/rfc822",
            "3.0 multipart/mixed",
            "3.1 text/plain",
        ]
    );
    let pdf = part(&bytes, "2").unwrap();
    assert_eq!((&*pdf.bytes, &*pdf.content_type), (&b"%PDF"[..], "application/pdf"));
    assert_eq!(pdf.file_name.as_deref(), Some(".._Rechnung ü.pdf"));
    let text = part(&bytes, "1.1").unwrap();
    assert_eq!(text.bytes, b"Gr\xfc\xdfe aus Berlin");
    assert_eq!(text.charset.as_deref(), Some("iso-8859-1"));
    assert_eq!(part(&bytes, "3.1").unwrap().bytes, b"Inner text");
    assert!(part(&bytes, "3").unwrap().bytes.starts_with(b"Subject: inside"));
    for nowhere in ["", "4", "1.3", "01", "2.1", "0.1", "x"] {
        assert_eq!(part(&bytes, nowhere), None, "{nowhere}");
    }
}

#[test]
fn an_index_gets_everything_once() {
    let found = Searchable::of(&crlf(NEWSLETTER));
    assert_eq!(found.subject, "äö ü");
    assert_eq!(found.to, "B b@x.example\nc@x.example\nD, E d@x.example");
    assert_eq!(found.from, "Jürgen j@example.org");
    assert_eq!(found.text, ["Grüße aus Berlin", "Berlin & Mehr"]);
    assert_eq!(found.attachments, "logo.png\n.._Rechnung ü.pdf");
    assert!(found.has_attachment && !found.is_bounce);
    assert!(found.headers.contains("X-Custom: grüße\n"), "{}", found.headers);
    assert!(found.headers.contains("Subject: äö ü\n"), "{}", found.headers);
    assert_eq!(found.message_id.as_deref(), Some("1@x.example"));
    assert!(found.clone().with_null_reverse_path(true).is_bounce);
    let picture = b"Content-Type: multipart/related; boundary=b\n\n--b\nContent-Type: text/html\n\nx\n--b\nContent-Type: image/gif\n\ny\n--b--";
    assert!(!Searchable::of(picture).has_attachment);
}

#[test]
fn alternatives_are_not_indexed_twice() {
    let text = "Hello Bob,\nthis is a long line that was\nwrapped.\n\n* one\n* two\n";
    let html = "<p>Hello Bob,</p><p>this is a long line that was wrapped.</p><ul><li>one<li>two</ul><p>More</p>";
    let message = format!(
        "Content-Type: multipart/alternative; boundary=b\n\n--b\n\n{text}\n--b\nContent-Type: text/html\n\n{html}\n--b--\n"
    );
    assert_eq!(Searchable::of(message.as_bytes()).text, [text, "More"]);
}

#[test]
fn bounces() {
    let report = |parameters: &str| {
        format!(
            "Content-Type: multipart/report; boundary=b{parameters}\n\n--b\n\nSorry.\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\n--b\nContent-Type: text/rfc822-headers\n\nSubject: x\n--b--\n"
        )
    };
    for (parameters, bounce) in [
        ("; report-type=delivery-status", true),
        ("; Report-Type=\"Delivery-Status\"", true),
        ("", true),
        ("; report-type=disposition-notification", false),
    ] {
        let message = report(parameters);
        let reading = Reading::of(message.as_bytes());
        assert_eq!(reading.is_bounce, bounce, "{parameters}");
        assert_eq!(reading.text.as_deref(), Some("Sorry."));
        let found = Searchable::of(message.as_bytes());
        assert!(found.is_bounce == bounce && !found.has_attachment);
    }
    assert!(Reading::of(b"\n").with_null_reverse_path(true).is_bounce);
    // One about addresses beyond ASCII (RFC 6533).
    let global = report("").replace("message/delivery-status", "message/global-delivery-status");
    let global = global.replace("text/rfc822-headers", "message/global-headers");
    assert!(Reading::of(global.as_bytes()).is_bounce);
    assert!(!Searchable::of(global.as_bytes()).has_attachment);
}

#[test]
fn broken_messages_show_what_there_is() {
    let cases: [(&str, Option<&str>, &[Mark]); 13] = [
        ("", Some(""), &[]),
        ("no header at all\n", Some("no header at all\n"), &[]),
        ("Subject: s\nthe empty line is missing\n", Some("the empty line is missing\n"), &[]),
        ("From x@y Thu Jan  1\nSubject: s\n\nmbox", Some("mbox"), &[]),
        ("Content-Type: nonsense\n\nread all the same", Some("read all the same"), &[]),
        ("Content-Type: multipart/mixed\n\nno boundary", Some("no boundary"), &[Mark::NoParts]),
        ("Content-Type: multipart/mixed; boundary=b\n\nnever", Some("never"), &[Mark::NoParts]),
        ("Content-Type: multipart/mixed; boundary=b\n\n--b\n\nno end", Some("no end"), &[]),
        ("Content-Type: multipart/mixed; boundary=b\n\n--b\n--b\n\nx\n--b--\n", Some("\nx"), &[]),
        ("Content-Type: text/plain; charset=x-no\n\nx", Some("x"), &[Mark::UnknownCharset]),
        ("Content-Transfer-Encoding: base64\n\naGk= !", Some("hi"), &[Mark::BrokenEncoding]),
        ("Content-Transfer-Encoding: rot13\n\nx", Some("x"), &[]),
        ("Content-Disposition: attachment; filename=x.txt\n\nx", None, &[]),
    ];
    for (message, text, marks) in cases {
        let reading = Reading::of(message.as_bytes());
        assert_eq!(reading.text.as_deref(), text, "{message:?}");
        assert_eq!(reading.marked, marks, "{message:?}");
    }
    assert_eq!(Reading::of(b"Subject: s\n\n").subject.as_deref(), Some("s"));
    assert_eq!(Reading::of(b"\n\xff").marked, [Mark::BrokenCharset]);
}

#[test]
fn a_missing_inner_end_is_made_up_by_the_outer_boundary() {
    let message = b"Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/alternative; boundary=b\n\n--b\n\ntext\n--a\nContent-Type: image/png\n\nx\n--a--\n";
    let reading = Reading::of(message);
    assert_eq!(reading.text.as_deref(), Some("text"));
    assert_eq!(reading.attachments[0].id, "2");
}

#[test]
fn names_and_types_cannot_carry_a_header_further() {
    let message = b"Content-Type: text/x\"y\r\nContent-Disposition: attachment; filename=\"=?utf-8?q?a=0D=0AX:_y?=\"\r\n\r\nx";
    let content = part(message, "1").unwrap();
    assert_eq!(content.content_type, "text/plain");
    assert_eq!(content.file_name.as_deref(), Some("a__X: y"));
}

#[test]
fn json_has_snake_case_names() {
    let json = serde_json::to_value(Reading::of(&crlf(NEWSLETTER))).unwrap();
    assert_eq!(json["date"], "1970-01-01T00:00:00Z");
    assert_eq!(json["attachments"][0]["file_name"], "logo.png");
    assert_eq!(json["parts"]["children"][0]["id"], "1");
    assert_eq!(json["marked"], serde_json::json!([]));
    let json = serde_json::to_value(Reading::of(b"\n\xff")).unwrap();
    assert_eq!(json["marked"], serde_json::json!(["broken_charset"]));
}
