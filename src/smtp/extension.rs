//! What EHLO advertises: computed from the door's policy and the state, never written down per
//! port (RFC 5321 §4.1.1.1).

use super::auth::Mechanism;
use super::policy::{AuthMode, Policy, TlsMode};

/// The facts of a session on which the offer depends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    pub(super) encrypted: bool,
    pub(super) extended: bool,
}

impl Policy {
    /// Whether STARTTLS may be used now.
    pub(super) fn offers_starttls(&self, standing: Standing) -> bool {
        !standing.encrypted && matches!(self.tls, TlsMode::StartTls | TlsMode::Required)
    }

    /// Whether all but a few verbs wait for STARTTLS (RFC 3207 §4).
    pub(super) fn demands_starttls(&self, standing: Standing) -> bool {
        !standing.encrypted && self.tls == TlsMode::Required
    }

    /// Whether AUTH may be used now.
    pub(super) fn offers_auth(&self, standing: Standing) -> bool {
        self.auth != AuthMode::None
            && standing.extended
            && (standing.encrypted || self.auth_before_tls || self.tls == TlsMode::None)
            && self.offered_mechanisms().next().is_some()
    }

    /// The mechanisms that can succeed: those that need a secret are left out while any
    /// credentials are taken.
    pub fn offered_mechanisms(&self) -> impl Iterator<Item = Mechanism> {
        let open = self.directory.is_open();
        self.mechanisms.iter().copied().filter(move |mechanism| !(open && mechanism.needs_secret()))
    }

    /// Whether BODY=BINARYMIME may be used.
    pub(super) fn offers_binary_mime(&self) -> bool {
        let on = &self.extensions;
        on.binary_mime && on.chunking && on.eight_bit_mime
    }

    /// The lines of EHLO's reply.
    pub(super) fn ehlo_lines(&self, standing: Standing) -> Vec<String> {
        let on = &self.extensions;
        let limits = &self.limits;
        let mut lines = vec![self.hostname.to_string()];
        let mut offer = |condition: bool, line: &dyn Fn() -> String| {
            if condition {
                lines.push(line());
            }
        };
        offer(on.pipelining, &|| "PIPELINING".into());
        offer(on.size, &|| format!("SIZE {}", limits.message_size));
        offer(on.enhanced_status_codes, &|| "ENHANCEDSTATUSCODES".into());
        offer(on.eight_bit_mime, &|| "8BITMIME".into());
        offer(on.smtputf8 && on.eight_bit_mime, &|| "SMTPUTF8".into());
        offer(on.dsn, &|| "DSN".into());
        offer(on.chunking, &|| "CHUNKING".into());
        offer(self.offers_binary_mime(), &|| "BINARYMIME".into());
        offer(on.limits, &|| {
            format!("LIMITS RCPTMAX={} MAILMAX={}", limits.recipients, limits.transactions)
        });
        offer(self.offers_starttls(standing), &|| "STARTTLS".into());
        offer(self.offers_auth(standing), &|| {
            self.offered_mechanisms().fold("AUTH".to_owned(), |line, m| line + " " + m.as_str())
        });
        lines
    }
    /// Neither offers nor knows these extensions any more, named as EHLO names them; `AUTH PLAIN` is one
    /// mechanism of AUTH. A door that demanded STARTTLS does without it, as one behind somebody who strips it
    /// would seem to: AUTH is offered in the clear then.
    pub(super) fn hide(&mut self, extensions: &[String]) {
        for name in extensions {
            let on = &mut self.extensions;
            match name.to_ascii_uppercase().as_str() {
                "PIPELINING" => on.pipelining = false,
                "SIZE" => on.size = false,
                "ENHANCEDSTATUSCODES" => on.enhanced_status_codes = false,
                "8BITMIME" => on.eight_bit_mime = false,
                "SMTPUTF8" => on.smtputf8 = false,
                "DSN" => on.dsn = false,
                "CHUNKING" => on.chunking = false,
                "BINARYMIME" => on.binary_mime = false,
                "LIMITS" => on.limits = false,
                "STARTTLS" if self.tls != TlsMode::Implicit => self.tls = TlsMode::None,
                "AUTH" => self.mechanisms.clear(),
                other => {
                    let hidden = other.strip_prefix("AUTH ").and_then(Mechanism::parse);
                    self.mechanisms.retain(|mechanism| Some(*mechanism) != hidden);
                }
            }
        }
    }
}

/// The extensions that a fault can hide, as EHLO names them.
pub const HIDEABLE: [&str; 11] = [
    "PIPELINING",
    "SIZE",
    "ENHANCEDSTATUSCODES",
    "8BITMIME",
    "SMTPUTF8",
    "DSN",
    "CHUNKING",
    "BINARYMIME",
    "LIMITS",
    "STARTTLS",
    "AUTH",
];
