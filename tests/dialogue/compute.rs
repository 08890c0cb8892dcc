//! What a client computes: `${…}` in a line, answers to challenges included. Written apart from
//! the server's own arithmetic, on the same published formulas.

use super::parse::Piece;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

const NONCE: &str = "fyko+d2lbbFgONRv9qkxdawL";

/// What the client remembers of an exchange.
#[derive(Debug, Default)]
pub struct Client {
    /// The last 334's text.
    pub challenge: String,
    scram_header: String,
    scram_first_bare: String,
}

impl Client {
    /// The octets of one turn.
    pub fn octets(&mut self, pieces: &[Piece]) -> Result<Vec<u8>, String> {
        let mut octets = Vec::new();
        for piece in pieces {
            self.piece(piece, &mut octets)?;
            if !piece.raw {
                octets.extend(b"\r\n");
            }
        }
        Ok(octets)
    }

    fn piece(&mut self, piece: &Piece, octets: &mut Vec<u8>) -> Result<(), String> {
        let literal =
            |text: &str| if piece.raw { unescape(text) } else { Ok(text.as_bytes().to_vec()) };
        let mut rest = &*piece.text;
        while let Some((before, after)) = rest.split_once("${") {
            octets.extend(literal(before)?);
            let (expression, after) = after.split_once('}').ok_or("${ without }")?;
            octets.extend(self.compute(expression)?);
            rest = after;
        }
        octets.extend(literal(rest)?);
        Ok(())
    }

    fn compute(&mut self, expression: &str) -> Result<Vec<u8>, String> {
        let (function, argument) = expression.split_once(':').ok_or("needs function:argument")?;
        let encode = |octets: &[u8]| Ok(STANDARD.encode(octets).into_bytes());
        let pair =
            || argument.split_once(':').ok_or_else(|| format!("{function} needs two arguments"));
        match function {
            "repeat" => {
                let (text, times) =
                    argument.rsplit_once(':').ok_or("repeat needs text and times")?;
                Ok(unescape(text)?.repeat(times.parse().map_err(|_| "how often?")?))
            }
            "base64" => encode(&unescape(argument)?),
            "plain" => {
                pair().and_then(|(user, secret)| encode(format!("\0{user}\0{secret}").as_bytes()))
            }
            "xoauth2" => pair().and_then(|(user, token)| {
                encode(format!("user={user}\u{1}auth=Bearer {token}\u{1}\u{1}").as_bytes())
            }),
            "oauthbearer" => pair().and_then(|(user, token)| {
                encode(
                    format!("n,a={user},\u{1}host=localhost\u{1}auth=Bearer {token}\u{1}\u{1}")
                        .as_bytes(),
                )
            }),
            "cram-md5" => {
                let (user, secret) = pair()?;
                let mut mac = Hmac::<md5::Md5>::new_from_slice(secret.as_bytes())
                    .map_err(|e| e.to_string())?;
                mac.update(&self.challenged()?);
                encode(format!("{user} {}", hex(&mac.finalize().into_bytes())).as_bytes())
            }
            "scram-first" => {
                let (user, acts_for) = argument.split_once(':').unwrap_or((argument, ""));
                let authzid = if acts_for.is_empty() { "" } else { "a=" };
                self.scram_header = format!("n,{authzid}{acts_for},");
                self.scram_first_bare = format!("n={user},r={NONCE}");
                encode([&*self.scram_header, &self.scram_first_bare].concat().as_bytes())
            }
            "scram-final" => encode(self.scram_final(argument)?.as_bytes()),
            _ => Err(format!("unknown function {function}")),
        }
    }

    fn challenged(&self) -> Result<Vec<u8>, String> {
        STANDARD.decode(&self.challenge).map_err(|_| format!("no base64 in 334 {}", self.challenge))
    }

    fn scram_final(&self, secret: &str) -> Result<String, String> {
        let server_first = String::from_utf8(self.challenged()?).map_err(|e| e.to_string())?;
        let attribute = |name: &str| {
            let found = server_first.split(',').find_map(|a| a.strip_prefix(name));
            found.ok_or_else(|| format!("no {name} in {server_first}"))
        };
        let (nonce, rounds) = (attribute("r=")?, attribute("i=")?.parse().map_err(|_| "rounds?")?);
        let salt = STANDARD.decode(attribute("s=")?).map_err(|_| "salt?")?;
        let salted = pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(secret.as_bytes(), &salt, rounds);
        let client_key = mac(&salted, "Client Key");
        let without_proof = format!("c={},r={nonce}", STANDARD.encode(&self.scram_header));
        let signed = format!("{},{server_first},{without_proof}", self.scram_first_bare);
        let signature = mac(&Sha256::digest(&client_key), &signed);
        let proof: Vec<u8> =
            client_key.iter().zip(signature).map(|(key, sign)| key ^ sign).collect();
        Ok(format!("{without_proof},p={}", STANDARD.encode(proof)))
    }
}

fn mac(key: &[u8], message: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of every length");
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// `\r \n \t \0 \\ \xHH`.
pub fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut octets = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            octets.push(byte);
            continue;
        }
        octets.push(match bytes.next() {
            Some(b'r') => b'\r',
            Some(b'n') => b'\n',
            Some(b't') => b'\t',
            Some(b'0') => 0,
            Some(b'\\') => b'\\',
            Some(b'"') => b'"',
            Some(b'x') => {
                let digits: String = bytes.by_ref().take(2).map(char::from).collect();
                u8::from_str_radix(&digits, 16).map_err(|_| format!("\\x{digits}"))?
            }
            other => return Err(format!("unknown escape {other:?}")),
        });
    }
    Ok(octets)
}
