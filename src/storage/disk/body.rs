//! The octets of a message as they lie on the disk: as they came, or compressed where that pays.

use bytes::Bytes;
use rusqlite::types::ToSqlOutput;
use std::io;

/// Below this a message takes a page of the file or less, and there is nothing to win.
const WORTHWHILE: usize = 4096;
/// The fastest of zstd's levels that are not marked as negative: a door waits for it.
const LEVEL: i32 = 1;

/// Octets and how they are coded.
pub(super) struct Coded {
    pub(super) coding: i64,
    octets: Octets,
}

enum Octets {
    AsSent(Bytes),
    Compressed(Vec<u8>),
}

impl Coded {
    /// Compresses what is large, where that makes it at least an eighth smaller.
    pub(super) fn new(bytes: &Bytes) -> Self {
        let as_sent = || Self { coding: 0, octets: Octets::AsSent(bytes.clone()) };
        if bytes.len() < WORTHWHILE {
            return as_sent();
        }
        match zstd::bulk::compress(bytes, LEVEL) {
            Ok(small) if small.len() <= bytes.len() / 8 * 7 => {
                Self { coding: 1, octets: Octets::Compressed(small) }
            }
            // What cannot be compressed can be kept all the same.
            _ => as_sent(),
        }
    }

    pub(super) fn value(&self) -> ToSqlOutput<'_> {
        let octets = match &self.octets {
            Octets::AsSent(bytes) => &bytes[..],
            Octets::Compressed(bytes) => bytes,
        };
        ToSqlOutput::Borrowed(rusqlite::types::ValueRef::Blob(octets))
    }
}

/// The octets as they were sent; `size` is how many there must be.
pub(super) fn decode(coding: i64, octets: &[u8], size: u64) -> io::Result<Bytes> {
    let size = usize::try_from(size).map_err(io::Error::other)?;
    let decoded = match coding {
        0 => octets.to_vec(),
        1 => zstd::bulk::decompress(octets, size)?,
        other => return Err(io::Error::other(format!("there is no coding {other}"))),
    };
    if decoded.len() == size {
        Ok(decoded.into())
    } else {
        Err(io::Error::other(format!("{} octets instead of {size}", decoded.len())))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may stop at the first surprise
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out_and_the_large_gets_smaller() {
        let mut noise = vec![0; 100_000];
        getrandom::fill(&mut noise).unwrap();
        for (bytes, coding) in [
            (Vec::new(), 0),
            (b"short".to_vec(), 0),
            (vec![b'x'; WORTHWHILE], 1),
            (b"some words again and ".repeat(9000), 1),
            (noise, 0),
        ] {
            let bytes = Bytes::from(bytes);
            let coded = Coded::new(&bytes);
            let ToSqlOutput::Borrowed(value) = coded.value() else { unreachable!() };
            let octets = value.as_blob().unwrap();
            assert_eq!(coded.coding, coding);
            assert!(coding == 0 || octets.len() < bytes.len() / 8 * 7 + 1);
            assert_eq!(decode(coding, octets, bytes.len() as u64).unwrap(), bytes);
            assert!(decode(coding, octets, bytes.len() as u64 + 1).is_err());
        }
        assert!(decode(2, b"", 0).is_err() && decode(1, b"nonsense", 8).is_err());
    }
}
