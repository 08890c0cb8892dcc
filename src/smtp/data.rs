//! Mail data on its way in: the end of DATA found, dots unstuffed, sizes held (RFC 5321 §4.5.2).
//!
//! Only CRLF.CRLF ends the data. A CR or LF that stands alone, and NUL, is content here and noted,
//! so that the message can be refused at its true end; that is what makes smuggling impossible.
//! Where a door takes bare LF, LF ends a line everywhere, as in servers of old.

use super::budget::Reservation;
use super::plain::{BLOCK, is_plain, is_plain_text};
use super::replies;
use super::reply::Reply;
use memchr::{memchr, memchr2, memchr2_iter, memrchr};
use std::collections::TryReserveError;

/// Finds the end of DATA and removes the client's dots, over any cutting of the input.
#[derive(Debug, Default)]
pub(super) struct DotReader {
    at: At,
    lf_ends_lines: bool,
    unclean: Unclean,
}

/// What was found that has no place in lines of text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Unclean {
    pub(super) bare_cr: bool,
    pub(super) bare_lf: bool,
    pub(super) nul: bool,
}

/// Looks for what has no place in lines of text, where octets are counted and not read line by
/// line: in the chunks of BDAT.
#[derive(Debug, Default)]
pub(super) struct LineCheck {
    after_cr: bool,
    unclean: Unclean,
}

impl LineCheck {
    /// Looks at the next octets.
    pub(super) fn read(&mut self, mut input: &[u8]) {
        while let Some((block, rest)) = input.split_first_chunk() {
            let before = if self.after_cr { b'\r' } else { b' ' };
            if is_plain_text(before, block) {
                self.after_cr = block[BLOCK - 1] == b'\r';
            } else {
                self.look_closely(block);
            }
            input = rest;
        }
        self.look_closely(input);
    }

    fn look_closely(&mut self, input: &[u8]) {
        self.unclean.nul |= memchr(0, input).is_some();
        let mut next = 0;
        for at in memchr2_iter(b'\r', b'\n', input) {
            self.unclean.bare_cr |= self.after_cr && (at > next || input[at] == b'\r');
            let is_pair = self.after_cr && at == next;
            self.unclean.bare_lf |= input[at] == b'\n' && !is_pair;
            self.after_cr = input[at] == b'\r';
            next = at + 1;
        }
        // A CR with something else behind it.
        if self.after_cr && next < input.len() {
            self.unclean.bare_cr = true;
            self.after_cr = false;
        }
    }

    /// What was found, now that nothing more comes.
    pub(super) fn finish(&self) -> Unclean {
        Unclean { bare_cr: self.unclean.bare_cr || self.after_cr, ..self.unclean }
    }
}

/// What has just been read.
#[derive(Clone, Copy, Debug, Default)]
enum At {
    #[default]
    LineStart,
    Text,
    Cr,
    /// A dot at the start of a line.
    Dot,
    /// That dot, and a CR.
    DotCr,
}

impl At {
    /// The octet that was read last, as far as it matters to the next; none where more than that does.
    fn octet(self) -> Option<u8> {
        match self {
            Self::LineStart => Some(b'\n'),
            Self::Text => Some(b' '),
            Self::Cr => Some(b'\r'),
            Self::Dot | Self::DotCr => None,
        }
    }

    /// Behind an octet of a plain block.
    fn behind(octet: u8) -> Self {
        match octet {
            b'\n' => Self::LineStart,
            b'\r' => Self::Cr,
            _ => Self::Text,
        }
    }
}

impl DotReader {
    /// A reader at the start of the data.
    pub(super) fn new(lf_ends_lines: bool) -> Self {
        Self { lf_ends_lines, ..Self::default() }
    }

    /// What was found that has no place in the data.
    pub(super) fn unclean(&self) -> Unclean {
        self.unclean
    }

    /// Reads on. Content goes to `content`; `Some(n)` says that the data ended with the first
    /// `n` octets of the input.
    pub(super) fn read(&mut self, input: &[u8], content: &mut impl FnMut(&[u8])) -> Option<usize> {
        // Content is handed on in runs as long as possible: from here to the next removed octet.
        let mut run = 0;
        let mut at = 0;
        while at < input.len() {
            at += self.skip_plain(&input[at..]);
            let until = input.len().min(at + BLOCK);
            let end = self.read_lines(&input[..until], at, &mut run, content);
            // What stands behind the end is none of the message's.
            self.unclean.nul |= memchr(0, &input[at..end.unwrap_or(until)]).is_some();
            if end.is_some() {
                return end;
            }
            at = until;
        }
        content(&input[run..]);
        None
    }

    /// Passes over what is plain; how many octets that is.
    fn skip_plain(&mut self, input: &[u8]) -> usize {
        let mut rest = input;
        while let Some((block, behind)) = rest.split_first_chunk()
            && let Some(before) = self.at.octet()
            && is_plain(before, block)
        {
            self.at = At::behind(block[BLOCK - 1]);
            rest = behind;
        }
        input.len() - rest.len()
    }

    /// Reads the rest of the input from `i` on, one step after the other; `run` is where the content begins that is not
    /// handed on yet.
    fn read_lines(
        &mut self,
        input: &[u8],
        mut i: usize,
        run: &mut usize,
        content: &mut impl FnMut(&[u8]),
    ) -> Option<usize> {
        while let Some(&byte) = input.get(i) {
            match (self.at, byte) {
                (At::Text, _) => {
                    let Some(length) = memchr2(b'\r', b'\n', &input[i..]) else { break };
                    i += length + 1;
                    self.at = if input[i - 1] == b'\r' { At::Cr } else { self.after_bare_lf() };
                }
                (At::Cr, b'\n') => {
                    self.at = At::LineStart;
                    i += 1;
                }
                (At::Cr, b'\r') => {
                    self.unclean.bare_cr = true;
                    i += 1;
                }
                (At::Cr, _) => {
                    self.unclean.bare_cr = true;
                    self.at = At::Text;
                }
                (At::LineStart, b'.') => {
                    content(&input[*run..i]);
                    i += 1;
                    *run = i;
                    self.at = At::Dot;
                }
                (At::LineStart, _) => self.at = At::Text,
                (At::Dot, b'\r') => {
                    i += 1;
                    *run = i;
                    self.at = At::DotCr;
                }
                (At::Dot, b'\n') if self.lf_ends_lines => {
                    self.unclean.bare_lf = true;
                    return Some(i + 1);
                }
                (At::Dot, _) => self.at = At::Text,
                (At::DotCr, b'\n') => return Some(i + 1),
                (At::DotCr, _) => {
                    content(b"\r");
                    self.unclean.bare_cr = true;
                    self.at = if byte == b'\r' { At::Cr } else { At::Text };
                    i += usize::from(byte == b'\r');
                }
            }
        }
        None
    }

    fn after_bare_lf(&mut self) -> At {
        self.unclean.bare_lf = true;
        if self.lf_ends_lines { At::LineStart } else { At::Text }
    }
}

/// A message as far as it has come, within its limits.
#[derive(Debug)]
pub(super) struct Receiving {
    bytes: Vec<u8>,
    received: u64,
    reservation: Reservation,
    /// Octets of the envelope that are to be held as well.
    envelope: u64,
    limit: u64,
    declared: Option<u64>,
    refusal: Option<Reply>,
}

impl Receiving {
    /// Ready for a message of at most `limit` octets, of which `declared` were announced.
    /// `reservation` holds the memory of the envelope, which counts `envelope` octets.
    pub(super) fn new(
        reservation: Reservation,
        envelope: u64,
        limit: u64,
        declared: Option<u64>,
    ) -> Self {
        // An announcement is not a message: more is reserved when the octets come.
        let capacity = usize::try_from(declared.unwrap_or(2048).min(64 * 1024)).unwrap_or(0);
        Self {
            bytes: Vec::with_capacity(capacity),
            received: 0,
            reservation,
            envelope,
            limit,
            declared,
            refusal: None,
        }
    }

    /// Takes content; beyond a limit the message is dropped and only counted.
    pub(super) fn push(&mut self, content: &[u8]) {
        self.received = self.received.saturating_add(content.len() as u64);
        if self.refusal.is_some() {
            return;
        }
        if self.received > self.limit {
            self.refuse(replies::TOO_LARGE);
        } else if !self.reservation.grow_to(self.envelope.saturating_add(self.received))
            || self.make_room(content.len()).is_err()
        {
            self.refuse(replies::NO_STORAGE);
        } else {
            self.bytes.extend_from_slice(content);
        }
    }

    /// Makes room for more. A message that has become large may become much larger, or as large as was announced: room
    /// that nobody has written to costs no memory, and moving a message costs its octets each time.
    fn make_room(&mut self, more: usize) -> Result<(), TryReserveError> {
        const LARGE: usize = 64 * 1024;
        let (length, room) = (self.bytes.len(), self.bytes.capacity());
        if length + more <= room {
            return Ok(());
        }
        if length >= LARGE {
            // The octets of a chunk of BDAT may be announced one by one, and SIZE may be too little.
            let announced = self.declared.filter(|declared| *declared >= self.received);
            let hoped_for = announced.unwrap_or(room as u64 * 4).min(self.limit);
            let wanted = usize::try_from(hoped_for).unwrap_or(usize::MAX).max(length + more);
            // Where the system promises no more than it has, what is needed is enough.
            if self.bytes.try_reserve_exact(wanted - length).is_ok() {
                return Ok(());
            }
        }
        self.bytes.try_reserve(more)
    }

    /// Drops what came and remembers why; the first reason stands.
    pub(super) fn refuse(&mut self, reply: Reply) {
        self.bytes = Vec::new();
        self.reservation.release();
        self.refusal.get_or_insert(reply);
    }

    /// How many octets of content have come.
    pub(super) fn received(&self) -> u64 {
        self.received
    }

    /// Why the message is refused already.
    pub(super) fn refusal(&self) -> Option<&Reply> {
        self.refusal.as_ref()
    }

    /// The message and what it reserved, or why it is refused.
    pub(super) fn finish(self) -> Result<(Vec<u8>, Reservation), Reply> {
        match self.refusal {
            None => Ok((self.bytes, self.reservation)),
            Some(reply) => Err(reply),
        }
    }
}

/// Watches that mail data moves: a line or a KiB within each deadline.
#[derive(Debug)]
pub(super) struct Progress {
    since_mark: usize,
}

impl Progress {
    const BLOCK: usize = 1024;

    pub(super) fn new() -> Self {
        Self { since_mark: 0 }
    }

    /// Whether these octets complete a block.
    pub(super) fn completes_block(&mut self, input: &[u8]) -> bool {
        self.since_mark += input.len();
        let complete = self.since_mark >= Self::BLOCK || memrchr(b'\n', input).is_some();
        if complete {
            self.since_mark = 0;
        }
        complete
    }
}

#[cfg(test)]
mod tests {
    use super::super::budget::Budget;
    use super::*;

    /// Data, its content, and what stands behind its end, where it ends.
    type End = (&'static [u8], &'static [u8], Option<&'static [u8]>);

    const ENDS: [End; 10] = [
        (b".\r\nQUIT\r\n", b"", Some(b"QUIT\r\n")),
        (b"a\r\n..\r\n...b\r\n.c\r\n.\r\n", b"a\r\n.\r\n..b\r\nc\r\n", Some(b"")),
        (b"a\n.\n", b"a\n.\n", None),
        (b"a\n.\r\nb", b"a\n.\r\nb", None),
        (b"a\r\n.\nb\r\n.\r\n", b"a\r\n\nb\r\n", Some(b"")),
        (b"a\r.\rb\r\n.\r\n", b"a\r.\rb\r\n", Some(b"")),
        (b"a\r\n.\rb\r\n.\r\n", b"a\r\n\rb\r\n", Some(b"")),
        (b"a\r\n.\r\r\nb\r\n.\r\n", b"a\r\n\r\r\nb\r\n", Some(b"")),
        (b"a\r\r\n.\r\r\nb\r\n.\r\n", b"a\r\r\n\r\r\nb\r\n", Some(b"")),
        (b"a\r\n\0.\r\nb\r\n.\r\n", b"a\r\n\0.\r\nb\r\n", Some(b"")),
    ];

    /// Content, whether it ended, and what of the input stood behind the end.
    fn read(input: &[u8], piece: usize) -> (Vec<u8>, Option<Vec<u8>>, DotReader) {
        let (mut reader, mut content) = (DotReader::default(), Vec::new());
        for (n, part) in input.chunks(piece).enumerate() {
            if let Some(used) = reader.read(part, &mut |c| content.extend_from_slice(c)) {
                return (content, Some(input[n * piece + used..].to_vec()), reader);
            }
        }
        (content, None, reader)
    }

    #[test]
    fn ends_only_at_its_end() {
        for piece in 1..12 {
            for (input, content, rest) in ENDS {
                let (got, after, _) = read(input, piece);
                assert_eq!(got, content, "{} by {piece}", input.escape_ascii());
                assert_eq!(after.as_deref(), rest, "{} by {piece}", input.escape_ascii());
            }
        }
    }

    /// What is passed over block by block is read as if it were not.
    #[test]
    fn ends_there_behind_much_that_is_plain_too() {
        for length in (0..2 * BLOCK).chain([10 * BLOCK]) {
            let before = [&vec![b'x'; length], &b"\r\n"[..]].concat();
            for (input, content, rest) in ENDS {
                for piece in [100, BLOCK, 3 * BLOCK, usize::MAX] {
                    let (got, after, _) = read(&[&before, input].concat(), piece);
                    assert_eq!(got, [&before, content].concat(), "{length} by {piece}");
                    assert_eq!(after.as_deref(), rest, "{length} by {piece}");
                }
            }
        }
    }

    #[test]
    fn notes_breaks_that_stand_alone() {
        for piece in 1..8 {
            let flags = |input| {
                let (_, _, reader) = read(input, piece);
                (reader.unclean().bare_cr, reader.unclean().bare_lf)
            };
            assert_eq!(flags(b"a\r\nb\r\n.\r\n"), (false, false));
            assert_eq!(flags(b"a\nb\r\n.\r\n"), (false, true));
            assert_eq!(flags(b"a\rb\r\n.\r\n"), (true, false));
            assert_eq!(flags(b"a\r\n.\rb\r\n.\r\n"), (true, false));
            assert_eq!(flags(b"a\r\n.\n\r\n.\r\n"), (false, true));
        }
    }

    #[test]
    fn chunks_are_checked_wherever_they_are_cut() {
        let check = |input: &[u8], piece| {
            let mut check = LineCheck::default();
            input.chunks(piece).for_each(|part| check.read(part));
            let Unclean { bare_cr, bare_lf, nul } = check.finish();
            (bare_cr, bare_lf, nul)
        };
        for piece in 1..8 {
            for (input, found) in [
                (&b"a\r\nb\r\n\r\n"[..], (false, false, false)),
                (b"", (false, false, false)),
                (b"a\nb", (false, true, false)),
                (b"a\rb\r\n", (true, false, false)),
                (b"a\r\r\nb", (true, false, false)),
                (b"a\r\n\nb", (false, true, false)),
                (b"a\r\n\r", (true, false, false)),
                (b"\n\r", (true, true, false)),
                (b"a\0\r\n", (false, false, true)),
            ] {
                assert_eq!(check(input, piece), found, "{} by {piece}", input.escape_ascii());
                for length in [BLOCK - 2, BLOCK - 1, BLOCK, 3 * BLOCK] {
                    let behind = [&vec![b'x'; length], input].concat();
                    let cut = check(&behind, piece * 100);
                    assert_eq!(cut, found, "{} behind {length}", input.escape_ascii());
                }
            }
        }
    }

    #[test]
    fn nul_behind_the_end_is_not_in_the_data() {
        let mut reader = DotReader::default();
        assert_eq!(reader.read(b"a\r\n.\r\n\0", &mut |_| {}), Some(6));
        assert_eq!(reader.unclean(), Unclean::default());
    }

    #[test]
    fn a_message_stays_within_its_limits() {
        let budget = Budget::new(100_000);
        let mut small = Receiving::new(Reservation::new(&budget), 0, 10, None);
        small.push(b"12345");
        small.push(b"678901");
        assert_eq!(small.received(), 11);
        assert_eq!(small.finish().err(), Some(replies::TOO_LARGE));
        let mut large = Receiving::new(Reservation::new(&budget), 0, 1_000_000, Some(1_000_000));
        large.push(&[b'x'; 65_536]);
        large.push(b"x");
        assert_eq!(budget.free(), 100_000, "a refused message holds memory");
        assert_eq!(large.finish().err(), Some(replies::NO_STORAGE));
    }

    #[test]
    fn a_message_that_was_announced_has_room_once() {
        let budget = Budget::new(10_000_000);
        let mut one = Receiving::new(Reservation::new(&budget), 0, 10_000_000, Some(1_000_000));
        one.push(&[b'x'; 65_536]);
        one.push(b"x");
        assert_eq!(one.bytes.capacity(), 1_000_000);
        // Who announces too little is not held to it here.
        one.push(&[b'x'; 1_000_000]);
        assert_eq!(one.finish().map(|(bytes, _)| bytes.len()).ok(), Some(1_065_537));
        let mut greedy = Receiving::new(Reservation::new(&budget), 0, 1_000_000, Some(u64::MAX));
        greedy.push(&[b'x'; 65_537]);
        assert!(greedy.bytes.capacity() <= 1_000_000, "an announcement is not a message");
    }
}
