//! Whether a block of mail data is plain: lines that end in CRLF, and nothing that has to be looked at more closely.
//!
//! Nearly all mail is, so nearly all is passed over block by block. Each octet is compared in the same way, whatever
//! stands there, which compilers make into instructions that compare many at once.

/// Octets that are looked at together. One more than a power of two: what is compared is pairs.
pub(super) const BLOCK: usize = 257;

/// Whether each CR and LF of a block belongs to a CRLF, no line begins with a dot, and there is no NUL. `before` is the
/// octet before it. A CR at the very end is not held against it.
pub(super) fn is_plain(before: u8, block: &[u8; BLOCK]) -> bool {
    is_each(before, block, |before, octet| {
        is_odd(before, octet) | (u8::from(before == b'\n') & u8::from(octet == b'.'))
    })
}

/// The same where a dot is an octet like any other.
pub(super) fn is_plain_text(before: u8, block: &[u8; BLOCK]) -> bool {
    is_each(before, block, is_odd)
}

fn is_odd(before: u8, octet: u8) -> u8 {
    (u8::from(before == b'\r') ^ u8::from(octet == b'\n')) | u8::from(octet == 0)
}

fn is_each(before: u8, block: &[u8; BLOCK], odd: impl Fn(u8, u8) -> u8) -> bool {
    let pairs = block[..BLOCK - 1].iter().zip(&block[1..]);
    pairs.fold(odd(before, block[0]), |any, (before, octet)| any | odd(*before, *octet)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_octet_makes_a_block_odd_wherever_it_stands() {
        for at in 0..BLOCK {
            for (octet, is_text_too) in [(0, false), (b'\n', false), (b'.', true), (b'x', true)] {
                let mut block = [b'x'; BLOCK];
                block[at] = octet;
                assert_eq!(is_plain_text(b'x', &block), is_text_too, "{octet} at {at}");
                assert_eq!(is_plain(b'x', &block), is_text_too, "{octet} at {at}");
            }
            let mut block = [b'x'; BLOCK];
            block[at] = b'\r';
            let is_last = at == BLOCK - 1;
            assert_eq!(
                (is_plain(b'x', &block), is_plain_text(b'x', &block)),
                (is_last, is_last),
                "{at}"
            );
        }
    }

    #[test]
    fn lines_are_plain_and_a_dot_at_their_start_is_not() {
        for at in 1..BLOCK {
            let mut block = [b'x'; BLOCK];
            block[at] = b'\n';
            block[at - 1] = b'\r';
            assert!(is_plain(b'x', &block) && is_plain_text(b'x', &block), "{at}");
            if at + 1 < BLOCK {
                block[at + 1] = b'.';
                assert!(!is_plain(b'x', &block) && is_plain_text(b'x', &block), "{at}");
            }
        }
        let mut block = [b'x'; BLOCK];
        block[0] = b'.';
        assert!(!is_plain(b'\n', &block) && is_plain_text(b'\n', &block));
        block[0] = b'\n';
        assert!(is_plain(b'\r', &block) && is_plain_text(b'\r', &block));
    }
}
