//! Messages made to hurt: reading them takes bounded time, memory and stack, and never panics.

use crate::mime::{Mark, Reading, Searchable, Summary, codes, images, links, part};
use proptest::prelude::*;
use std::time::{Duration, Instant};

fn read_all(bytes: &[u8]) -> Reading {
    let reading = Reading::of(bytes);
    let _ = (Searchable::of(bytes), Summary::read(bytes));
    let _ = (links(&reading), images(&reading), codes(&reading), part(bytes, "1.1"));
    let _ = serde_json::to_string(&reading).unwrap();
    reading
}

/// Generous, since tests run unoptimised on busy machines; what is quadratic takes minutes.
fn in_time(name: &str, bytes: &[u8]) -> Reading {
    let began = Instant::now();
    let reading = read_all(bytes);
    let took = began.elapsed();
    assert!(took < Duration::from_secs(20), "{name}: {took:?} for {} octets", bytes.len());
    println!("{name}: {took:?} for {} octets", bytes.len());
    reading
}

#[test]
fn many_parts() {
    let mut bytes = b"Content-Type: multipart/mixed; boundary=b\n\n".to_vec();
    bytes.extend(b"--b\nContent-Type: multipart/mixed; boundary=c\n\nx\n".repeat(100_000));
    let reading = in_time("many parts", &bytes);
    assert!(reading.marked.contains(&Mark::TooManyParts));
    assert!(reading.parts.children.len() < 3000);
}

#[test]
fn deep_multiparts() {
    let mut bytes = Vec::new();
    for depth in 0..30_000 {
        bytes.extend(
            format!("Content-Type: multipart/mixed; boundary=b{depth}\n\n--b{depth}\n").bytes(),
        );
    }
    assert!(in_time("deep multiparts", &bytes).marked.contains(&Mark::TooDeep));
}

#[test]
fn deep_messages() {
    let bytes = b"Content-Type: message/rfc822\n\n".repeat(200_000);
    assert!(in_time("deep messages", &bytes).marked.contains(&Mark::TooDeep));
    let digest = b"Content-Type: multipart/digest; boundary=b\n\n--b\n\n".repeat(100_000);
    in_time("deep digests", &digest);
}

#[test]
fn long_headers() {
    let fields = b"X-A: =?utf-8?q?=C3?= b <c@d>\r\n".repeat(100_000);
    assert!(in_time("many fields", &fields).marked.contains(&Mark::HeaderCut));
    let to = [&b"To: "[..], &b"\"a\" <b@c.example>, (x\r\n ".repeat(100_000)].concat();
    assert!(in_time("one long field", &to).marked.contains(&Mark::HeaderCut));
    for unit in
        ["=?utf-8?q?", "=?", "?=", "=?utf-8?q?=C3?= ", "a=?utf-8?b?ww?=b", "=?a?q?b?==?c?q?d?="]
    {
        let value = unit.repeat(100_000);
        in_time(unit, format!("Subject: {value}\nFrom: {value}\nTo: {value}?=\n\n").as_bytes());
        in_time(
            unit,
            format!("Content-Disposition: attachment; filename*=\"{value}\n\n").as_bytes(),
        );
    }
    let mut kind = b"Content-Type: text/plain".to_vec();
    (0..100_000).for_each(|n| kind.extend(format!("; a{n}*1*=b'c'd").bytes()));
    in_time("many parameters", &kind);
    let part = [&b"Content-Type: multipart/mixed; boundary=b\n\n"[..], b"--b\n", &fields].concat();
    assert!(in_time("a part's long header", &part).marked.contains(&Mark::HeaderCut));
}

#[test]
fn long_bodies() {
    let boundary = b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\n".to_vec();
    in_time("near boundaries", &[&boundary[..], &b"--b-\n".repeat(300_000)].concat());
    let text = in_time("long text", &[&b"\n"[..], &b"word 123456 code\n".repeat(500_000)].concat());
    assert_eq!(text.marked, [Mark::TextCut]);
    assert!(text.text.unwrap().len() <= 4 << 20);
    for unit in [
        "<",
        "<a ",
        "<a href=\"",
        "</",
        "<!--",
        "<!",
        "<script>",
        "<title></titl",
        "&",
        "&#x",
        "<p>",
        "<a href=x>",
        "<br>",
        "<pre>\n",
        "=",
        "<img alt='",
        "http://a.b/(",
        "http:",
        "<http:",
        "*http://a.b*",
        "<svg/>",
        "é ",
    ] {
        let html = unit.repeat((1 << 19) / unit.len());
        in_time(unit, format!("Content-Type: text/html\n\n{html}").as_bytes());
        in_time(unit, format!("\n{html}").as_bytes());
    }
    let both = format!(
        "Content-Type: multipart/alternative; boundary=b\n\n--b\n\n{}\n--b\nContent-Type: text/html\n\n{}\n--b--",
        "a b c ".repeat(50_000),
        "x<br>".repeat(60_000),
    );
    in_time("different alternatives", both.as_bytes());
    let alike = both.replace("a b c ", "xxxxxx");
    in_time("alternatives that only begin alike", alike.as_bytes());
}

#[test]
fn codes_without_end() {
    for unit in ["123456 ", "code 12 ", "1", "1 ", "12-", "code:1234\n", "A1-", "验证码123456"] {
        in_time(unit, format!("\n{}", unit.repeat((1 << 19) / unit.len())).as_bytes());
    }
}

/// Pieces that mean something, so that random messages go deep.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "\r\n",
        "\n",
        "\r",
        "--",
        "--b",
        "--b--",
        "--b\r\n",
        "\r\n\r\n",
        ": ",
        "Content-Type: ",
        "multipart/mixed; boundary=b",
        "multipart/digest; boundary=\"b\"",
        "message/rfc822",
        "text/html",
        "text/plain; charset=utf-16",
        "; charset=iso-2022-jp",
        "; charset=utf-7",
        "; name*0*=utf-8''%C3",
        "Content-Transfer-Encoding: base64\r\n",
        "Content-Transfer-Encoding: quoted-printable\r\n",
        "Content-Disposition: attachment; filename=\"",
        "Subject: ",
        "From: ",
        "To: ",
        "Date: ",
        "Message-ID: <",
        ">",
        "<",
        "=?utf-8?q?",
        "=?utf-8?b?",
        "?=",
        "=",
        "=C",
        "+/v8-",
        "&",
        "&#",
        ";",
        "&amp;",
        "<a href=",
        "\"",
        "'",
        "</a>",
        "<script>",
        "</script",
        "<!--",
        "-->",
        "<img src=x alt=",
        "é",
        "验证码",
        "123456",
        "123 456",
        "AB12-CD34",
        "your code is ",
        "https://",
        "(",
        ")",
        "[",
        "]",
        "mailto:a@b",
        "@",
        "+",
        "\u{a0}",
        "\u{202e}",
        "\0",
        " ",
        "\t",
        ",",
        "Thu, 01 Jan 1970 00:00:00 +0000",
    ]);
    let piece = prop_oneof![
        8 => piece.prop_map(|piece: &str| piece.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..6),
    ];
    prop::collection::vec(piece, 0..80).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_octets_are_read(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        read_all(&bytes);
    }

    #[test]
    fn any_pieces_are_read(bytes in pieces()) {
        let reading = read_all(&bytes);
        let mut ids = Vec::new();
        let mut parts = vec![&reading.parts];
        while let Some(one) = parts.pop() {
            let content = part(&bytes, &one.id);
            prop_assert_eq!(content.map(|content| content.bytes.len()), Some(if one.children.is_empty() {
                one.size
            } else {
                part(&bytes, &one.id).map_or(0, |content| content.bytes.len())
            }));
            ids.push(one.id.clone());
            parts.extend(&one.children);
        }
        let all = ids.len();
        ids.sort();
        ids.dedup();
        prop_assert_eq!(ids.len(), all);
        for name in reading.attachments.iter().filter_map(|file| file.file_name.as_ref()) {
            let harmful = name.contains(['/', '\\', '\0', '\n', '\u{202e}']);
            prop_assert!(!harmful, "a harmful name");
        }
    }

    #[test]
    fn any_html_is_read(pieces in pieces()) {
        read_all(&[&b"Content-Type: text/html\n\n"[..], &pieces].concat());
    }
}
