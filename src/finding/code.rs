//! The codes of findings: one stable name for each mistake, how grave it is, and where it is written
//! that it is one. The order is that of the list people see.

use crate::search::near::distance;
use std::fmt;

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing; nothing went wrong.
    Info,
    /// It worked, and will not everywhere.
    Warning,
    /// Mail was refused or lost, or a secret lay open.
    Error,
}

impl Severity {
    /// All of them, from the least grave on.
    pub const ALL: [Self; 3] = [Self::Info, Self::Warning, Self::Error];

    /// The word for it in settings and in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }

    /// The severity of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

macro_rules! codes {
    ($($name:ident $code:literal $severity:ident $rfc:literal $title:literal;)*) => {
        /// What can be found.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $title] $name,)*
        }

        impl Code {
            /// All of them, in the order of the list that people see.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its stable name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// The code of that name.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text {
                    $($code => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// How grave it is.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)* }
            }

            /// Where it is written that this is a mistake: `RFC 3207 §4`.
            #[must_use]
            pub const fn rfc(self) -> &'static str {
                match self { $(Self::$name => $rfc,)* }
            }

            /// What the mistake is, in a line without a full stop.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

codes! {
    TlsToStarttlsPort "tls-to-starttls-port" Error "RFC 3207 §4"
        "TLS from the first byte, where STARTTLS is wanted";
    TlsToRelayPort "tls-to-relay-port" Error "RFC 3207 §4"
        "TLS from the first byte on the relay port, which begins in the clear";
    SilentOnTlsPort "silent-on-tls-port" Error "RFC 8314 §3.3"
        "Waits for a greeting in the clear, where TLS begins with the first byte";
    PlainOnTlsPort "plain-on-tls-port" Error "RFC 8314 §3.3"
        "Plain text, where TLS begins with the first byte";
    HttpOnSmtpPort "http-on-smtp-port" Error "RFC 5321 §3.1"
        "HTTP on an SMTP port";
    StarttlsNotUsed "starttls-not-used" Error "RFC 3207 §4"
        "Mail without STARTTLS, where STARTTLS is demanded";
    AuthOnlyAfterTls "auth-only-after-tls" Error "RFC 4954 §4"
        "Gave up because AUTH is not offered in the clear";
    CredentialsNotUsed "credentials-not-used" Warning "RFC 6409 §4.3"
        "Looks like a submission, and nobody logged in";
    SilentDowngrade "silent-downgrade" Error "RFC 3207 §6"
        "The password went over the wire in the clear, after STARTTLS was taken away";
    AuthInTheClear "auth-in-the-clear" Warning "RFC 8314 §3"
        "The password went over the wire in the clear, though STARTTLS was offered";
    AuthForgotten "auth-forgotten" Error "RFC 6409 §4.3"
        "Mail without AUTH, where AUTH is demanded";
    WrongPassword "wrong-password" Error "RFC 4954 §6"
        "The password or the user name is wrong";
    TokenExpected "token-expected" Error "RFC 4954 §6"
        "A password where a token is wanted";
    UserNameNearlyRight "user-name-nearly-right" Error "RFC 4954 §6"
        "The user name is nearly right";
    WhitespaceInSecret "whitespace-in-secret" Error "RFC 4616 §2"
        "White space around the user name or the password";
    Base64Twice "base64-twice" Error "RFC 4954 §4"
        "The credentials were encoded in base64 twice";
    NoCommonMechanism "no-common-mechanism" Error "RFC 4954 §4"
        "No AUTH mechanism that both sides know";
    CertificateNotTrusted "certificate-not-trusted" Error "RFC 5280 §6"
        "The client does not trust the certificate";
    CertificateNameMismatch "certificate-name-mismatch" Error "RFC 7817 §3"
        "The certificate is not for the name that the client asked for";
    NoSni "no-sni" Info "RFC 6066 §3"
        "The client named no host in the TLS handshake";
    CertificateExpired "certificate-expired" Error "RFC 5280 §4.1.2.5"
        "The certificate has expired, by the client's clock";
    TlsTooOld "tls-too-old" Error "RFC 8997 §3"
        "The client knows no TLS newer than 1.1";
    RelayDenied "relay-denied" Error "RFC 5321 §3.6.2"
        "Mail to elsewhere through the relay port";
    SenderNotAllowed "sender-not-allowed" Error "RFC 6409 §6.1"
        "A sender address that is not this user's";
    BareLf "bare-lf" Error "RFC 5321 §2.3.8"
        "LF without CR";
    DotStuffingMissing "dot-stuffing-missing" Error "RFC 5321 §4.5.2"
        "A line with a lone dot ended the message too early";
    EarlyTalker "early-talker" Error "RFC 5321 §4.3.1"
        "Spoke before the greeting";
    PipelinedBeforeEhlo "pipelined-before-ehlo" Error "RFC 2920 §3.1"
        "Sent more before the reply to EHLO";
    DataBeforeReply "data-before-reply" Error "RFC 2920 §3.1"
        "Sent the message before the reply to DATA";
    PoorEhloName "poor-ehlo-name" Warning "RFC 5321 §4.1.1.1"
        "An EHLO name that names nobody";
    NeverRetried "never-retried" Warning "RFC 5321 §4.5.4.1"
        "Never came back after a reply that asked to try later";
    CommandAfter421 "command-after-421" Warning "RFC 5321 §3.8"
        "Went on after 421, which ends the session";
    ClosedWithoutQuit "closed-without-quit" Info "RFC 5321 §4.1.1.10"
        "Closed the connection without QUIT";
    ProxyProtocol "proxy-protocol" Error "RFC 5321 §3.1"
        "The PROXY protocol of a load balancer, which is not expected here";
    BccHeaderSent "bcc-header-sent" Warning "RFC 5322 §3.6.3"
        "A Bcc header that every recipient can read";
    DateMissing "date-missing" Warning "RFC 5322 §3.6.1"
        "No Date header";
    MessageIdMissing "message-id-missing" Warning "RFC 5322 §3.6.4"
        "No Message-ID header";
    PlaintextAfterStarttls "plaintext-after-starttls" Error "RFC 3207 §4.2"
        "More in the clear behind STARTTLS, before the handshake";
    BareCr "bare-cr" Error "RFC 5321 §2.3.8"
        "CR without LF";
    Nul "nul" Error "RFC 2045 §2.8"
        "NUL in the mail data";
    LineTooLong "line-too-long" Error "RFC 5321 §4.5.3.1.4"
        "A command line over its limit";
    MessageCutShort "message-cut-short" Error "RFC 5321 §4.1.1.4"
        "The connection ended within a message";
    DuplicateMessage "duplicate-message" Warning "RFC 5321 §4.5.3.2.6"
        "The same message came again";
}

impl Code {
    /// The codes whose names are nearest to this, nearest first; none where nothing is near.
    #[must_use]
    pub fn near(text: &str) -> Vec<Self> {
        let text = text.to_lowercase().replace('_', "-");
        // A hostile one may be very long, and is near to none.
        if text.len() > 64 {
            return Vec::new();
        }
        let from = |code: &Self| distance(text.as_bytes(), code.as_str().as_bytes());
        let mut near: Vec<_> = Self::ALL.iter().map(|code| (from(code), *code)).collect();
        near.retain(|(distance, code)| {
            let holds = text.len() >= 3 && code.as_str().contains(&text);
            holds || *distance <= text.len() / 3
        });
        near.sort();
        near.into_iter().take(3).map(|(_, code)| code).collect()
    }

    /// Whether a door can be strict about it: it is known before a reply that could refuse it, at MAIL or at the
    /// end of the data, and would be taken otherwise.
    #[must_use]
    pub const fn can_be_refused(self) -> bool {
        matches!(
            self,
            Self::CredentialsNotUsed
                | Self::SilentDowngrade
                | Self::AuthInTheClear
                | Self::NoSni
                | Self::BareLf
                | Self::BareCr
                | Self::Nul
                | Self::DataBeforeReply
                | Self::PoorEhloName
                | Self::PlaintextAfterStarttls
                | Self::BccHeaderSent
                | Self::DateMissing
                | Self::MessageIdMissing
        )
    }

    /// Whether it says something of one message: the next over the same connection is judged anew.
    #[must_use]
    pub const fn is_of_one_message(self) -> bool {
        matches!(
            self,
            Self::CredentialsNotUsed
                | Self::BareLf
                | Self::BareCr
                | Self::Nul
                | Self::DataBeforeReply
                | Self::BccHeaderSent
                | Self::DateMissing
                | Self::MessageIdMissing
        )
    }

    /// Whether it says something of each message that comes behind it in the session.
    #[must_use]
    pub const fn is_of_all_that_follow(self) -> bool {
        matches!(self, Self::SilentDowngrade | Self::AuthInTheClear | Self::PlaintextAfterStarttls)
    }

    /// Whether the client takes it for a success, so that nobody hears of it unless we are loud.
    #[must_use]
    pub const fn is_silent(self) -> bool {
        matches!(self, Self::CredentialsNotUsed | Self::SilentDowngrade | Self::AuthInTheClear)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may stop at the first surprise
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_whole_and_their_own() {
        let names: BTreeSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        for code in Code::ALL {
            assert_eq!(Code::parse(code.as_str()), Some(*code));
            assert!(code.rfc().starts_with("RFC "), "{code}");
            assert!(!code.title().ends_with('.'), "{code}");
        }
    }

    #[test]
    fn near_names_are_found() {
        assert_eq!(Code::near("bare-fl")[0], Code::BareLf);
        assert_eq!(Code::near("sni"), [Code::NoSni]);
        assert_eq!(Code::near("silent_downgrade"), [Code::SilentDowngrade]);
        assert!(Code::near("zebra").is_empty());
    }
}
