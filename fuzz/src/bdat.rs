//! BDAT (RFC 3030): chunks whose lengths are true. What is kept is what they hold, put together, however the network cut
//! them; what stands in a chunk is never read as a command.
//!
//! Pairs of an octet and content: the octet is the length of the chunk that follows.

use super::shell::{MESSAGE, Shell};

/// Stops at the first promise that this input breaks.
pub fn check(input: &[u8]) {
    let [cut, pairs @ ..] = input else { return };
    let mut rest = pairs;
    let mut wire = Vec::new();
    let mut whole = Vec::new();
    let mut chunks = 0;
    while let [length, after @ ..] = rest {
        // Long ones too, so that the limit is reached.
        let wanted = if *length > 250 { usize::from(*length) * 16 } else { usize::from(*length) };
        let (chunk, after) = after.split_at(wanted.min(after.len()));
        rest = after;
        wire.extend(
            format!("BDAT {}{}\r\n", chunk.len(), if rest.is_empty() { " LAST" } else { "" })
                .bytes(),
        );
        wire.extend(chunk);
        whole.extend(chunk);
        chunks += 1;
    }
    if chunks == 0 {
        return;
    }
    let mut shell = Shell::at("relay", 0);
    shell.say(b"EHLO client.example\r\n", <[u8]>::len);
    shell.say(
        b"MAIL FROM:<a@example.org> BODY=BINARYMIME\r\nRCPT TO:<b@example.net>\r\n",
        <[u8]>::len,
    );
    let before = shell.replies.len();
    shell.say(&wire, |_| usize::from(*cut) + 1);
    let replies = String::from_utf8_lossy(&shell.replies[before..]).into_owned();
    let fits = whole.len() as u64 <= MESSAGE;
    let outcome = shell.fall_silent();
    if fits {
        assert_eq!(replies.matches("\r\n").count(), chunks, "a reply for each chunk: {replies}");
        assert_eq!(outcome.stored, [(whole, true)]);
    } else {
        assert!(outcome.stored.is_empty(), "a message over the limit was kept");
        assert!(replies.contains("552 5.3.4"), "{replies}");
    }
}
