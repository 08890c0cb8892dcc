//! Encoded words, charsets and parameters as programs really write them.

use crate::mime::{Mark, Reading, part};

fn subject(value: &str) -> String {
    let reading = Reading::of(format!("Subject: {value}\r\n\r\n").as_bytes());
    reading.subject.unwrap()
}

#[test]
fn encoded_words_are_decoded_wherever_they_stand() {
    for (written, meant) in [
        ("=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        ("=?utf-8*de?Q?Gr=C3=BC=C3=9Fe_aus_Ulm?=", "Grüße aus Ulm"),
        ("[=?utf-8?Q?Gr=C3=BC=C3=9Fe?=] hello", "[Grüße] hello"),
        ("=?utf-8?Q?Gr=C3=BC=C3=9Fe?=: your code", "Grüße: your code"),
        ("Re:=?utf-8?Q?Gr=C3=BC=C3=9Fe?=", "Re:Grüße"),
        ("a =?utf-8?q?b?= c", "a b c"),
        // White space is dropped between two encoded words, and nowhere else.
        ("=?utf-8?q?a?= =?iso-8859-1?q?=FC?=", "aü"),
        ("=?utf-8?q?a?=\r\n\t =?utf-8?q?b?=\r\n c", "ab c"),
        ("a  b \r\n  c", "a  b c"),
        // No padding, as some programs leave it out.
        ("=?UTF-8?B?SGVsbG8gd29ybGQ?=", "Hello world"),
        ("=?UTF-8?B?SGVsbG8gd29ybGQh?= =?UTF-8?B?IQ?=", "Hello world!!"),
        // A character that is parted over two words, whatever they are encoded in.
        ("=?utf-8?B?R3LD?= =?utf-8?B?vMOfZQ==?=", "Grüße"),
        ("=?utf-8?Q?Gr=C3?=\r\n =?UTF-8?B?vMOfZQ==?=", "Grüße"),
        ("=?ks_c_5601-1987?B?x9E=?= =?cp949?B?x9E=?=", "한한"),
        // What is none stays.
        ("=?utf-8?q?never ends", "=?utf-8?q?never ends"),
        ("=?utf-8?x?a?= =??q?a?= =?=", "=?utf-8?x?a?= =??q?a?= =?="),
        ("=?klingon?q?caf=C3=A9?=", "café"),
    ] {
        assert_eq!(subject(written), meant, "{written:?}");
    }
}

#[test]
fn names_in_addresses_are_decoded_as_subjects_are() {
    for (written, meant) in [
        ("=?UTF-8?B?SGVsbG8gd29ybGQ?= <a@x.example>", "Hello world"),
        ("=?utf-8?B?R3LD?= =?utf-8?B?vMOfZQ==?= <a@x.example>", "Grüße"),
        ("=?utf-8?B?R3LD?=\r\n =?utf-8?B?vMOfZQ==?= Bob <a@x.example>", "Grüße Bob"),
        ("[=?utf-8?q?Gr=C3=BC=C3=9Fe?=] Bob <a@x.example>", "[Grüße] Bob"),
        ("\"=?utf-8?q?M=C3=BCller,_Bob?=\" <a@x.example>", "Müller, Bob"),
        ("=?utf-8?q?M=C3=BCller=2C_Bob?= <a@x.example>", "Müller, Bob"),
        ("=?cp949?B?x9E=?= <a@x.example>", "한"),
        ("a@x.example (=?utf-8?q?J=C3=BCrgen?=)", "Jürgen"),
    ] {
        let reading = Reading::of(format!("To: {written}, b@x.example\r\n\r\n").as_bytes());
        let to: Vec<_> = reading.to.iter().map(|to| (to.name.as_deref(), &*to.address)).collect();
        assert_eq!(to, [(Some(meant), "a@x.example"), (None, "b@x.example")], "{written:?}");
    }
}

#[test]
fn charsets_have_many_names() {
    for (charset, content, meant, marks) in [
        ("cp949", &b"\xc7\xd1"[..], "한", &[][..]),
        ("MS949", b"\xc7\xd1", "한", &[]),
        ("uhc", b"\xc7\xd1", "한", &[]),
        ("x-windows-949", b"\xc7\xd1", "한", &[]),
        ("EUCKR", b"\xc7\xd1", "한", &[]),
        ("ks_c_5601", b"\xc7\xd1", "한", &[]),
        ("cp932", b"\x93\xfa", "日", &[]),
        ("windows-932", b"\x93\xfa", "日", &[]),
        ("sjis-win", b"\x93\xfa", "日", &[]),
        ("eucJP-win", b"\xc6\xfc", "日", &[]),
        ("cp51932", b"\xc6\xfc", "日", &[]),
        ("iso-2022-jp-1", b"\x1b$BF|\x1b(B", "日", &[]),
        ("iso-2022-jp-2", b"\x1b$BF|\x1b(B", "日", &[]),
        ("iso-2022-jp-ms", b"\x1b$BF|\x1b(B", "日", &[]),
        ("cp50220", b"\x1b$BF|\x1b(B", "日", &[]),
        ("cp950", b"\xa4\xa4", "中", &[]),
        ("koi8r", b"\xf6", "Ж", &[]),
        ("ANSI_X3.4-1968", "é ü cron".as_bytes(), "é ü cron", &[]),
        ("iso646-us", "é".as_bytes(), "é", &[]),
        (
            "utf-7",
            b"Hi & caf+AOk- 1 +- 1; +ZeVnLA, +2D3cqQ-- a~b +AOk",
            "Hi & café 1 + 1; 日本, 💩- a~b é",
            &[],
        ),
        // Those that nobody decodes any more: what is ASCII in them can be read.
        (
            "iso-2022-kr",
            b"\x1b$)C\x0eGQ19\x0f code 123456",
            "\u{1b}$)C\u{e}GQ19\u{f} code 123456",
            &[Mark::UnknownCharset],
        ),
        ("hz-gb-2312", b"~{VPND~} code", "~{VPND~} code", &[Mark::UnknownCharset]),
        ("iso-2022-cn", b"code", "code", &[Mark::UnknownCharset]),
        ("replacement", b"code", "code", &[Mark::UnknownCharset]),
    ] {
        let header = format!("Content-Type: text/plain; charset={charset}\r\n\r\n");
        let reading = Reading::of(&[header.as_bytes(), content].concat());
        assert_eq!(reading.text.as_deref(), Some(meant), "{charset}");
        assert_eq!(reading.marked, marks, "{charset}");
    }
}

#[test]
fn a_name_in_the_extended_form_is_the_one_that_is_meant() {
    for disposition in [
        "attachment; filename=\"???.pdf\"; filename*=UTF-8''%C3%BC%3B.pdf",
        "attachment; filename*=UTF-8''%C3%BC%3B.pdf; filename=\"???.pdf\"",
        "attachment; FileName=\"?;?.pdf\";\r\n filename*0*=UTF-8''%C3%BC;\r\n filename*1*=%3B.pdf",
        "attachment; filename=\"=?UTF-8?B?w7w7LnBkZg?=\"",
        "attachment; filename=\"=?UTF-8?B?w7?=\r\n =?UTF-8?Q?=BC=3B?=.pdf\"",
    ] {
        let message = format!("Content-Disposition: {disposition}\r\n\r\nx");
        let content = part(message.as_bytes(), "1").unwrap();
        assert_eq!(content.file_name.as_deref(), Some("ü;.pdf"), "{disposition:?}");
    }
}
