//! Sizes in a query: `10k`, `1.5MB`, `300`.
//!
//! K, M and G are powers of 1024, whether or not a B or iB follows, as in Mailpit. Refuses other
//! units, parts of an octet, and sizes over 64 bits.

use std::fmt;

/// What a size looks like.
pub(super) const FORM: &str = "a size such as `300`, `10k` or `1.5MB`";

/// A number of octets.
pub(super) fn parse(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit: u64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        _ => return None,
    };
    let Some((whole, part)) = number.split_once('.') else {
        return number.parse::<u64>().ok()?.checked_mul(unit);
    };
    // Nine digits tell the octets of a gigabyte apart.
    let shift = 10_u64.checked_pow(u32::try_from(part.len()).ok()?)?;
    if unit == 1 || part.len() > 9 {
        return None;
    }
    let part = u128::from(part.parse::<u64>().ok()?) * u128::from(unit) / u128::from(shift);
    let whole = whole.parse::<u64>().ok()?.checked_mul(unit)?;
    whole.checked_add(u64::try_from(part).ok()?)
}

/// A number of octets, written with the largest unit that leaves no rest.
pub(super) struct Shown(pub(super) u64);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(1_u64 << 30, "G"), (1 << 20, "M"), (1 << 10, "k")];
        let fits = |(octets, _): &(u64, &str)| self.0 > 0 && self.0.is_multiple_of(*octets);
        let (octets, unit) = units.into_iter().find(fits).unwrap_or((1, ""));
        write!(f, "{}{unit}", self.0 / octets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_sizes() {
        for (text, octets) in [
            ("0", 0),
            ("300", 300),
            ("300b", 300),
            ("10k", 10_240),
            ("10K", 10_240),
            ("10KB", 10_240),
            ("10KiB", 10_240),
            ("1.5M", 1_572_864),
            ("0.001g", 1_073_741),
            ("5mb", 5_242_880),
            ("17179869183G", u64::MAX - (1 << 30) + 1),
        ] {
            assert_eq!(parse(text), Some(octets), "{text}");
        }
        for text in ["", "k", ".", "1.", ".5k", "1.5", "1.2.3k", "-1", "+1", "1x", "1 k", "10kk"] {
            assert_eq!(parse(text), None, "{text}");
        }
        for text in ["17179869184G", "18446744073709551616", "1.0000000000k", "١k"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
