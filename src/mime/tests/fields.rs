//! Encoded words, charsets and parameters as programs really write them.

use crate::mime::{Mark, Reading};

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
