//! xtext, the encoding of ENVID, ORCPT and AUTH= values (RFC 3461 §4).
//!
//! Refuses `+` without two upper-case hexadecimal digits, `=`, and anything outside `!`–`~`.

/// The octets that an xtext stands for, or `None` where it is malformed.
#[must_use]
pub fn decode_xtext(text: &str) -> Option<Vec<u8>> {
    let mut octets = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => octets.push(hex(bytes.next()?)? << 4 | hex(bytes.next()?)?),
            b'=' => return None,
            b'!'..=b'~' => octets.push(byte),
            _ => return None,
        }
    }
    Some(octets)
}

/// Text as an xtext: `!`–`~` without `+` and `=` stay as they are.
#[must_use]
pub fn encode_xtext(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'!'..=b'~' if !matches!(byte, b'+' | b'=') => encoded.push(char::from(byte)),
            other => encoded.push_str(&format!("+{other:02X}")),
        }
    }
    encoded
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_and_refuses() {
        assert_eq!(decode_xtext("a+2Bb").as_deref(), Some(&b"a+b"[..]));
        for wrong in ["a+", "a+2", "a+2b", "a=b", "a b", "ä"] {
            assert!(decode_xtext(wrong).is_none(), "{wrong}");
        }
        assert_eq!(encode_xtext("a+b=c \u{e4}"), "a+2Bb+3Dc+20+C3+A4");
    }
}
