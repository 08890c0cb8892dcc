//! What shows only when a session is over: who left where, and without what.

use super::{Code, Walk};
use crate::smtp::policy::{AuthMode, TlsMode};
use crate::smtp::transcript::Kind;
use crate::smtp::{Ended, Mechanism, Note};
use std::time::Duration;

/// Who dislikes a certificate leaves at the sight of it.
const AT_ONCE: Duration = Duration::from_secs(1);

impl Walk<'_> {
    /// What shows only when it is over.
    pub(super) fn end(&mut self, ended: &Ended) {
        let last = self.session.transcript().len().saturating_sub(1);
        let left = matches!(ended, Ended::Quit | Ended::ClosedByClient | Ended::Broken(_));
        let closed = matches!(ended, Ended::ClosedByClient | Ended::Broken(_));
        let is_cut = self.session.transcript().last(Kind::Note(Note::MessageCutShort));
        if let Some(at) = is_cut.filter(|_| closed) {
            return self.add(Code::MessageCutShort, at);
        }
        // What came before the handshake is forgotten with it.
        let said_nothing_since =
            self.tls.filter(|(tls, _)| self.last_client.is_none_or(|at| at < *tls));
        if let Some((tls, at)) = said_nothing_since.filter(|_| closed) {
            let at_once =
                self.session.transcript().lines().last().is_some_and(|end| end.at <= at + AT_ONCE);
            // Whoever looked at a greeting, or was sent nonsense in its place, had other reasons.
            if at_once && !self.is_faulty_since_tls {
                self.left_at_the_certificate(tls);
            }
            return;
        }
        if let (None, Some(at)) = (self.session.identity(), self.refused_challenge)
            && !self.has_explanation()
        {
            self.add(Code::WrongPassword, at);
        }
        if let (None, Some(at)) = (self.session.identity(), self.unknown_mechanism)
            && !self.session.auth_was_hidden()
        {
            self.add(Code::NoCommonMechanism, at);
        }
        if left && self.auth.is_none() && self.mail.is_none() {
            self.gave_up_before_auth();
        }
        let is_quiet =
            self.found.iter().all(|one| one.code.severity() != crate::finding::Severity::Error);
        // A reply that a fault held back is nothing to wait for.
        if *ended == Ended::ClosedByClient && self.hello.is_some() && is_quiet && !self.is_faked {
            self.add(Code::ClosedWithoutQuit, last);
        }
    }

    fn left_at_the_certificate(&mut self, tls: usize) {
        if self.certificate_is_over {
            self.add(Code::CertificateExpired, tls);
        } else if self.asked_for_other_name {
            self.add(Code::CertificateNameMismatch, tls);
        } else {
            let about = "; it closed right after the handshake, as clients do that dislike one";
            self.add_about(Code::CertificateNotTrusted, tls, about.to_owned());
        }
    }

    /// EHLO, and nothing behind it.
    fn gave_up_before_auth(&mut self) {
        let policy = self.session.policy();
        let Some(at) = self.hello else { return };
        let is_extended = self.session.hello().is_some_and(|(_, extended)| extended);
        if policy.auth == AuthMode::None || !is_extended || self.starttls_was_taken() {
            return;
        }
        let waits_for_tls = self.tls.is_none() && !policy.auth_before_tls;
        if waits_for_tls && matches!(policy.tls, TlsMode::StartTls | TlsMode::Required) {
            return self.add(Code::AuthOnlyAfterTls, at);
        }
        // What every client knows is PLAIN or LOGIN.
        let offered: Vec<_> = policy.offered_mechanisms().collect();
        let common = |one: &Mechanism| matches!(one, Mechanism::Plain | Mechanism::Login);
        let is_offered_none = !offered.is_empty() && !offered.iter().any(common);
        if is_offered_none && !self.session.auth_was_hidden() {
            let names: Vec<_> = offered.iter().map(|one| one.as_str()).collect();
            self.add_about(
                Code::NoCommonMechanism,
                at,
                format!(": {} is offered", names.join(", ")),
            );
        }
    }
}
