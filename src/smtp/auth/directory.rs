//! Who may log in, and which reverse-paths are theirs (RFC 6409 §6.1).
//!
//! An open directory takes every well-formed login, as a catcher does; a closed one knows its
//! users. A login by a user that does not exist costs the same work as one by a user that does.

use super::scram;
use crate::mail::ReversePath;
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::OnceLock;
use subtle::ConstantTimeEq;

/// The users that a door knows.
#[derive(Default)]
pub struct Directory {
    users: Option<HashMap<String, User>>,
}

struct User {
    secret: String,
    /// `alice@example.org`, `*@example.org` or `*`; none stands for any.
    senders: Vec<String>,
    /// Made when SCRAM is first used: thousands of hash rounds that most runs never need.
    scram: OnceLock<scram::Keys>,
}

impl Directory {
    /// A directory in which every user exists with whatever secret is given.
    #[must_use]
    pub fn open() -> Self {
        Self { users: None }
    }

    /// A directory of users: name, secret, and the senders they may use (none named: any).
    #[must_use]
    pub fn of(users: impl IntoIterator<Item = (String, String, Vec<String>)>) -> Self {
        let user = |(name, secret, senders): (String, String, Vec<String>)| {
            let secret = prepared(&secret).into_owned();
            let senders = senders.iter().map(|s| s.to_lowercase()).collect();
            (prepared(&name).into_owned(), User { secret, senders, scram: OnceLock::new() })
        };
        Self { users: Some(users.into_iter().map(user).collect()) }
    }

    /// Whether every login is taken.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.users.is_none()
    }

    /// Whether this is the user's secret.
    #[must_use]
    pub fn accepts(&self, name: &str, secret: &str) -> bool {
        let Some(users) = &self.users else { return !name.is_empty() };
        let user = users.get(&*prepared(name));
        let known = user.map_or("", |user| &user.secret);
        same_secret(known.as_bytes(), prepared(secret).as_bytes()) && user.is_some()
    }

    /// The users' names and secrets; none where every login is taken.
    pub(super) fn known(&self) -> impl Iterator<Item = (&str, &str)> {
        let users = self.users.iter().flatten();
        users.map(|(name, user)| (name.as_str(), user.secret.as_str()))
    }

    /// The user a bearer token belongs to, for clients that name none (RFC 7628 §3.1).
    #[must_use]
    pub fn owner_of(&self, token: &str) -> Option<&str> {
        let Some(users) = &self.users else { return Some("bearer") };
        let holds = |user: &User| same_secret(user.secret.as_bytes(), token.as_bytes());
        users.iter().find(|(_, user)| holds(user)).map(|(name, _)| &**name)
    }

    /// Whether the digest answers the challenge (RFC 2195 §2): lower-case hexadecimal HMAC-MD5.
    #[must_use]
    pub fn accepts_cram_md5(&self, name: &str, challenge: &[u8], digest: &str) -> bool {
        let Some(users) = &self.users else { return !name.is_empty() };
        let user = users.get(&*prepared(name));
        let known = user.map_or("", |user| &user.secret);
        let Ok(mut mac) = Hmac::<Md5>::new_from_slice(known.as_bytes()) else { return false };
        mac.update(challenge);
        let expected = hex(&mac.finalize().into_bytes());
        same_secret(expected.as_bytes(), digest.to_ascii_lowercase().as_bytes()) && user.is_some()
    }

    /// What SCRAM needs to know of a user. Users that do not exist get keys that no proof fits,
    /// with a salt that looks like any other (RFC 5802 §5.1).
    pub(super) fn scram_keys(&self, name: &str) -> scram::Keys {
        let name = prepared(name);
        match self.users.as_ref().and_then(|users| users.get(&*name)) {
            Some(user) => {
                user.scram.get_or_init(|| scram::Keys::derive(&name, &user.secret)).clone()
            }
            None => scram::Keys::impossible(&name),
        }
    }

    /// Whether the user may send with this reverse-path. Everybody may send `<>`
    /// (RFC 6409 §3.2).
    #[must_use]
    pub fn may_send_as(&self, name: &str, path: &ReversePath) -> bool {
        let Some(mailbox) = path.mailbox() else { return true };
        let user = self.users.as_ref().and_then(|users| users.get(&*prepared(name)));
        let Some(user) = user.filter(|user| !user.senders.is_empty()) else { return true };
        let domain = mailbox.domain().canonical();
        let local = mailbox.local_unquoted().to_lowercase();
        user.senders.iter().any(|pattern| match pattern.rsplit_once('@') {
            Some(("*", theirs)) => theirs == domain,
            Some((mine, theirs)) => mine == local && theirs == domain,
            None => pattern == "*",
        })
    }
}

/// Without the users: their secrets must not reach a log.
impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.users {
            None => f.write_str("Directory::open()"),
            Some(users) => write!(f, "Directory of {} users", users.len()),
        }
    }
}

/// The spelling in which names and secrets are compared (SASLprep, RFC 4013); text that it
/// forbids is compared as it is.
pub(super) fn prepared(text: &str) -> Cow<'_, str> {
    stringprep::saslprep(text).unwrap_or(Cow::Borrowed(text))
}

/// Compares digests, so that neither content nor length shows in the time it takes.
fn same_secret(known: &[u8], given: &[u8]) -> bool {
    Sha256::digest(known).ct_eq(&Sha256::digest(given)).into()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may stop at the first surprise
mod tests {
    use super::*;

    fn alice() -> Directory {
        let senders = vec!["Alice@Example.org".into(), "*@team.example".into()];
        Directory::of([("alice".into(), "secret".into(), senders)])
    }

    #[test]
    fn knows_its_users() {
        assert!(alice().accepts("alice", "secret"));
        for (name, secret) in
            [("alice", "Secret"), ("alice", ""), ("bob", "secret"), ("", ""), ("bob", "")]
        {
            assert!(!alice().accepts(name, secret), "{name} {secret}");
        }
        assert!(Directory::open().accepts("anybody", ""));
        assert!(!Directory::open().accepts("", "secret"));
    }

    /// The example of RFC 2195 §2.
    #[test]
    fn cram_md5_follows_its_rfc() {
        let directory = Directory::of([("tim".into(), "tanstaaftanstaaf".into(), vec![])]);
        let challenge = b"<1896.697170952@postoffice.reston.mci.net>";
        assert!(directory.accepts_cram_md5("tim", challenge, "b913a602c7eda7a495b4e6e7334d3890"));
        assert!(!directory.accepts_cram_md5("tim", challenge, "b913a602c7eda7a495b4e6e7334d3891"));
        assert!(!directory.accepts_cram_md5("tom", challenge, "b913a602c7eda7a495b4e6e7334d3890"));
    }

    #[test]
    fn senders_are_matched_by_address_and_domain() {
        let may = |path| alice().may_send_as("alice", &ReversePath::parse_front(path).unwrap().0);
        assert!(may("<>") && may("<alice@example.org>") && may("<x@TEAM.example>"));
        assert!(!may("<bob@example.org>") && !may("<x@sub.team.example>"));
    }

    #[test]
    fn debug_shows_no_secret() {
        assert!(!format!("{:?}", alice()).contains("secret"));
    }
}
