//! Addresses of clients in a query: `192.0.2.1`, `2001:db8::1`, `10.0.0.0/8`, `fe80::/10`.
//!
//! An IPv6 address that only carries an IPv4 address is that IPv4 address, since an IPv6 socket
//! sees IPv4 clients so. Refuses names, ports, brackets, zones and prefixes that are too long.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// What an address can be.
pub(super) const FORM: &str = "an address or a network";

/// What each of them looks like.
pub(super) const EXAMPLES: &str =
    "as in `192.0.2.1`, `2001:db8::1`, `10.0.0.0/8` or `fe80::/10`, without a port";

/// A range of addresses of one family; a single address is the smallest.
///
/// ```
/// use doorpost::search::Network;
/// use std::net::Ipv4Addr;
///
/// let network: Network = "10.1.2.3/8".parse()?;
/// assert_eq!(network.to_string(), "10.0.0.0/8");
/// assert!(network.contains(Ipv4Addr::new(10, 9, 8, 7).into()));
/// assert!(network.contains(Ipv4Addr::new(10, 9, 8, 7).to_ipv6_mapped().into()));
/// # Ok::<(), doorpost::search::NetworkError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    /// Its first address.
    first: IpAddr,
    prefix: u8,
}

/// A text that is neither an address nor a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is neither an address nor a network, {EXAMPLES}")]
pub struct NetworkError;

impl Network {
    /// The network that `address` is in and whose addresses share their first `prefix` bits;
    /// `None` if an address has fewer.
    #[must_use]
    pub fn new(address: IpAddr, prefix: u8) -> Option<Self> {
        match (address, address.to_canonical()) {
            (IpAddr::V6(_), IpAddr::V4(inner)) if (96..=128).contains(&prefix) => {
                Some(Self::v4(inner, prefix - 96))
            }
            (IpAddr::V4(address), _) if prefix <= 32 => Some(Self::v4(address, prefix)),
            (IpAddr::V6(address), _) if prefix <= 128 => {
                let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
                let first = Ipv6Addr::from_bits(address.to_bits() & mask);
                Some(Self { first: first.into(), prefix })
            }
            _ => None,
        }
    }

    fn v4(address: Ipv4Addr, prefix: u8) -> Self {
        let mask = u32::MAX.checked_shl(32_u32.saturating_sub(prefix.into())).unwrap_or(0);
        Self { first: Ipv4Addr::from_bits(address.to_bits() & mask).into(), prefix }
    }

    /// Its first address.
    #[must_use]
    pub fn first(&self) -> IpAddr {
        self.first
    }

    /// How many bits its addresses share.
    #[must_use]
    pub fn prefix(&self) -> u8 {
        self.prefix
    }

    /// Whether it has the address: `0.0.0.0/0` has every IPv4 address, `::/0` every other one.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        Self::new(address.to_canonical(), self.prefix) == Some(*self)
    }

    fn is_single(&self) -> bool {
        self.prefix == if self.first.is_ipv4() { 32 } else { 128 }
    }
}

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::v4(address, 32),
            first => Self { first, prefix: 128 },
        }
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let Some((address, prefix)) = text.split_once('/') else {
            return text.parse::<IpAddr>().map(Self::from).map_err(|_| NetworkError);
        };
        let digits = prefix.bytes().all(|byte| byte.is_ascii_digit());
        let prefix = prefix.parse().ok().filter(|_| digits).ok_or(NetworkError)?;
        let address = address.parse().map_err(|_| NetworkError)?;
        Self::new(address, prefix).ok_or(NetworkError)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_single() {
            return write!(f, "{}", self.first);
        }
        write!(f, "{}/{}", self.first, self.prefix)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may stop at the first surprise
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn network(text: &str) -> Network {
        text.parse().unwrap_or_else(|_| panic!("{text}"))
    }

    #[test]
    fn reads_addresses_and_networks() {
        for (text, shown) in [
            ("192.0.2.1", "192.0.2.1"),
            ("192.0.2.1/32", "192.0.2.1"),
            ("192.0.2.77/24", "192.0.2.0/24"),
            ("192.0.2.1/0", "0.0.0.0/0"),
            ("::1", "::1"),
            ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
            ("fe80::1/10", "fe80::/10"),
            ("::1/128", "::1"),
            ("::1/0", "::/0"),
            // IPv4 in the clothes of IPv6.
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("::ffff:c000:201", "192.0.2.1"),
            ("::ffff:10.1.2.3/104", "10.0.0.0/8"),
            ("::ffff:0.0.0.0/96", "0.0.0.0/0"),
        ] {
            assert_eq!(network(text).to_string(), shown, "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_network() {
        for text in [
            "",
            "/8",
            "10",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.0/+8",
            "10.0.0.0/-1",
            "10.0.0.0/8/8",
            "10.0.0/8",
            "010.0.0.1",
            "10.0.0.1:52100",
            "[::1]",
            "fe80::1%eth0",
            "::/129",
            "::/256",
            "localhost",
            "١.0.0.1",
        ] {
            assert_eq!(text.parse::<Network>(), Err(NetworkError), "{text}");
        }
        // Shorter, it would be more than all of IPv4.
        assert_ne!("::ffff:10.0.0.1/95".parse(), Ok(network("0.0.0.0/0")));
    }

    #[test]
    fn has_the_addresses_that_share_its_prefix() {
        for (text, inside, outside) in [
            ("10.0.0.0/8", "10.255.255.255", "11.0.0.0"),
            ("10.0.0.0/8", "::ffff:10.1.2.3", "::ffff:11.0.0.1"),
            ("10.0.0.0/8", "10.0.0.0", "a00::"),
            ("::ffff:10.0.0.0/104", "10.1.2.3", "::10.1.2.3"),
            ("192.0.2.1", "::ffff:192.0.2.1", "192.0.2.0"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("::/0", "ffff::1", "::ffff:10.0.0.1"),
            ("fe80::/10", "febf::1", "fec0::1"),
            ("::1", "::1", "::2"),
        ] {
            let network = network(text);
            assert!(network.contains(inside.parse().unwrap()), "{text} {inside}");
            assert!(!network.contains(outside.parse().unwrap()), "{text} {outside}");
        }
    }

    proptest! {
        #[test]
        fn every_network_has_its_address_and_can_be_written(address: IpAddr, prefix in 0..=128_u8) {
            if let Some(network) = Network::new(address, prefix) {
                prop_assert_eq!(network.to_string().parse(), Ok(network));
                // An IPv4 address is not among those of a network that is wider than all of them.
                let wide = address.is_ipv6() && prefix < 96 && address.to_canonical().is_ipv4();
                prop_assert!(wide || network.contains(address));
                prop_assert!(network.contains(network.first()));
            }
            prop_assert!(Network::from(address).contains(address));
        }
    }
}
