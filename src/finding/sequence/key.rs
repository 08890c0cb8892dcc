//! By what a message is known when it comes again, and by what a wish is: hashes, so that what is remembered is small.

use crate::finding::Letter;
use crate::mail::Envelope;
use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{
    BuildHasher as _, BuildHasherDefault, DefaultHasher, Hash as _, Hasher, RandomState,
};
use std::net::IpAddr;
use std::sync::LazyLock;

/// What is known by such a hash.
pub(super) type ByHash<T> = HashMap<u64, T, BuildHasherDefault<AsItIs>>;

/// Hashes what is a hash already.
#[derive(Default)]
pub(super) struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn write(&mut self, octets: &[u8]) {
        for octet in octets {
            self.0 = self.0.rotate_left(8) ^ u64::from(*octet);
        }
    }
}

/// By what a message is known when it comes again.
#[derive(Clone, Debug)]
pub struct MessageKey {
    pub(super) hash: u64,
    pub(super) has_name: bool,
    /// Of the client and the reverse-path.
    pub(super) sender: DefaultHasher,
    pub(super) peer: IpAddr,
    pub(super) reverse_path: String,
    /// Each once, in an order of their own.
    pub(super) recipients: Vec<String>,
}

impl MessageKey {
    /// From whom and for whom a message is, and its Message-ID; without one, its octets.
    #[must_use]
    pub fn new(peer: IpAddr, envelope: &Envelope, letter: &Letter, octets: &[u8]) -> Self {
        let reverse_path = envelope.reverse_path.text();
        let paths = envelope.forward_paths.iter();
        let mut recipients: Vec<_> = paths.map(|one| lower(one.path.text()).into_owned()).collect();
        // In whatever order they were named.
        recipients.sort_unstable();
        recipients.dedup();
        let sender = hash_of_sender(peer, &reverse_path);
        let mut hasher = sender.clone();
        recipients.hash(&mut hasher);
        match &letter.message_id {
            Some(id) => id.hash(&mut hasher),
            None => octets.hash(&mut hasher),
        }
        let (hash, has_name) = (hasher.finish(), letter.message_id.is_some());
        Self { hash, has_name, sender, peer, reverse_path, recipients }
    }
}

fn hash_of_sender(peer: IpAddr, reverse_path: &str) -> DefaultHasher {
    // Of keys that nobody knows: no client can choose what falls together.
    static KEYS: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    let mut hasher = KEYS.build_hasher();
    (peer, reverse_path).hash(&mut hasher);
    hasher
}

pub(super) fn hash_for(sender: &DefaultHasher, recipient: &str) -> u64 {
    let mut hasher = sender.clone();
    recipient.hash(&mut hasher);
    hasher.finish()
}

pub(super) fn hash_of(peer: IpAddr, reverse_path: &str, recipient: &str) -> u64 {
    hash_for(&hash_of_sender(peer, reverse_path), recipient)
}

/// A recipient is the same however it is written.
pub(super) fn lower<'a>(path: impl Into<Cow<'a, str>>) -> Cow<'a, str> {
    let path = path.into();
    let is_lower = path.bytes().all(|octet| octet.is_ascii() && !octet.is_ascii_uppercase());
    if is_lower { path } else { path.to_lowercase().into() }
}
