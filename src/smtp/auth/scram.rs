//! SCRAM-SHA-256, the server's side (RFC 5802, RFC 7677).
//!
//! Channel binding is not offered; a client that demands it is refused.

use super::directory::{Directory, prepared};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Rounds of PBKDF2, the least that RFC 7677 §4 allows: this is a test server, and each new user
/// costs them once.
const ITERATIONS: u32 = 4096;

/// What the server keeps of a secret (RFC 5802 §3).
#[derive(Clone)]
pub(in crate::smtp) struct Keys {
    salt: [u8; 16],
    stored: [u8; 32],
    server: [u8; 32],
    real: bool,
}

impl Keys {
    pub(super) fn derive(name: &str, secret: &str) -> Self {
        let salt = salt_of(name);
        let salted = pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(secret.as_bytes(), &salt, ITERATIONS);
        let stored = Sha256::digest(hmac(&salted, b"Client Key")).into();
        Self { salt, stored, server: hmac(&salted, b"Server Key"), real: true }
    }

    pub(super) fn impossible(name: &str) -> Self {
        Self { salt: salt_of(name), stored: [0; 32], server: [0; 32], real: false }
    }
}

/// Derived from the name, so that a user who does not exist has a steady salt too.
fn salt_of(name: &str) -> [u8; 16] {
    let mut salt = [0; 16];
    salt.copy_from_slice(&Sha256::digest(["doorpost SCRAM salt of ", name].concat())[..16]);
    salt
}

/// The exchange after the client's first message.
pub(super) struct Scram {
    pub(super) user: String,
    keys: Keys,
    /// `nonce` of both sides, as it must come back.
    nonce: String,
    /// The gs2 header, whose base64 must come back as `c=`.
    gs2_header: String,
    client_first_bare: String,
    server_first: String,
}

impl Scram {
    /// Reads `n,,n=user,r=nonce` and makes the server's first message.
    pub(super) fn begin(directory: &Directory, server_nonce: &str, message: &[u8]) -> Option<Self> {
        let message = std::str::from_utf8(message).ok()?;
        let mut fields = message.splitn(3, ',');
        let (binding, authzid, bare) = (fields.next()?, fields.next()?, fields.next()?);
        // `p=` demands a channel binding that was not offered.
        if !matches!(binding, "n" | "y") || !(authzid.is_empty() || authzid.starts_with("a=")) {
            return None;
        }
        let mut attributes = bare.split(',');
        let user = saslname(attributes.next()?.strip_prefix("n=")?);
        let client_nonce =
            attributes.next()?.strip_prefix("r=").filter(|nonce| !nonce.is_empty())?;
        let acts_for = saslname(authzid.strip_prefix("a=").unwrap_or_default());
        // To act for somebody else is a right that nobody has here: no proof fits it.
        let acts_for_other = !acts_for.is_empty() && prepared(&acts_for) != prepared(&user);
        let keys = if acts_for_other && !directory.is_open() {
            Keys::impossible(&prepared(&user))
        } else {
            directory.scram_keys(&user)
        };
        let nonce = format!("{client_nonce}{server_nonce}");
        let server_first = format!("r={nonce},s={},i={ITERATIONS}", STANDARD.encode(keys.salt));
        let gs2_header = format!("{binding},{authzid},");
        let user = prepared(&user).into_owned();
        Some(Self {
            user,
            keys,
            nonce,
            gs2_header,
            client_first_bare: bare.to_owned(),
            server_first,
        })
    }

    pub(super) fn challenge(&self) -> &str {
        &self.server_first
    }

    /// Reads `c=…,r=…,p=…`: the server's final message where the proof holds, `Ok(None)` where
    /// it does not.
    pub(super) fn finish(&self, message: &[u8]) -> Result<Option<String>, Malformed> {
        let message = std::str::from_utf8(message).map_err(|_| Malformed)?;
        let (without_proof, proof) = message.rsplit_once(",p=").ok_or(Malformed)?;
        let proof: [u8; 32] = decode(proof).and_then(|p| p.try_into().ok()).ok_or(Malformed)?;
        let mut attributes = without_proof.split(',');
        let binding = attributes.next().and_then(|a| a.strip_prefix("c=")).ok_or(Malformed)?;
        let nonce = attributes.next().and_then(|a| a.strip_prefix("r=")).ok_or(Malformed)?;
        if decode(binding).as_deref() != Some(self.gs2_header.as_bytes()) || nonce != self.nonce {
            return Ok(None);
        }
        let signed = [&*self.client_first_bare, &*self.server_first, without_proof].join(",");
        let signature = hmac(&self.keys.stored, signed.as_bytes());
        let client_key: Vec<u8> = proof.iter().zip(signature).map(|(p, s)| p ^ s).collect();
        let matches: bool = Sha256::digest(&client_key).ct_eq(&self.keys.stored[..]).into();
        let server_final =
            || format!("v={}", STANDARD.encode(hmac(&self.keys.server, signed.as_bytes())));
        Ok((matches && self.keys.real).then(server_final))
    }
}

/// A name as the user writes it: comma and equals sign are escaped (RFC 5802 §5.1).
fn saslname(text: &str) -> String {
    text.replace("=2C", ",").replace("=3D", "=")
}

/// A message that SCRAM's grammar does not know.
pub(super) struct Malformed;

fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    match Hmac::<Sha256>::new_from_slice(key) {
        Ok(mut mac) => {
            mac.update(message);
            mac.finalize().into_bytes().into()
        }
        // HMAC takes keys of every length.
        Err(_) => unreachable!("HMAC refused a key"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may stop at the first surprise
mod tests {
    use super::*;

    /// The example of RFC 7677 §3, whose salt is its own.
    #[test]
    fn follows_the_rfc() {
        let salt: [u8; 16] = decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap().try_into().unwrap();
        let salted = pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(b"pencil", &salt, ITERATIONS);
        let stored = Sha256::digest(hmac(&salted, b"Client Key")).into();
        let keys = Keys { salt, stored, server: hmac(&salted, b"Server Key"), real: true };
        let mut scram = Scram::begin(
            &Directory::open(),
            "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
            b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
        )
        .unwrap();
        scram.keys = keys;
        scram.server_first = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096".into();
        let last = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
        let proved = scram.finish(last.as_bytes()).ok().flatten();
        assert_eq!(proved.as_deref(), Some("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
        let wrong = last.replace("p=dHz", "p=dHy");
        assert!(matches!(scram.finish(wrong.as_bytes()), Ok(None)));
    }

    #[test]
    fn a_user_that_does_not_exist_looks_like_one() {
        let directory = Directory::of([("alice".into(), "secret".into(), vec![])]);
        let first = |user: &str| {
            let message = format!("n,,n={user},r=abc");
            Scram::begin(&directory, "xyz", message.as_bytes()).unwrap().challenge().to_owned()
        };
        assert_eq!(first("nobody"), first("nobody"));
        assert_eq!(first("nobody").len(), first("alice").len());
        assert!(Scram::begin(&directory, "xyz", b"p=tls-unique,,n=alice,r=abc").is_none());
    }
}
