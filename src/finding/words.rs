//! The two sentences of a finding: what happened, and what to change, in the words of the client's library
//! where one was recognised. The long texts are elsewhere; these have to fit on a line.

use super::{Client, Code};
use std::borrow::Cow;

/// What happened. `about` fills the place of `{}` where there is one.
pub(super) fn what(code: Code, about: &str) -> Cow<'static, str> {
    let text = match code {
        Code::TlsToStarttlsPort | Code::TlsToRelayPort => {
            "The client began with TLS on a port that begins in the clear{}."
        }
        Code::SilentOnTlsPort => {
            "The client said nothing and waited for a greeting, on a port where TLS comes first."
        }
        Code::PlainOnTlsPort => "The client began in the clear on a port where TLS comes first.",
        Code::HttpOnSmtpPort => "The client spoke HTTP.",
        Code::StarttlsNotUsed => "The client sent {} without STARTTLS, and was answered 530.",
        Code::AuthOnlyAfterTls => {
            "The client asked what is offered and left: in the clear AUTH is not, and it did not use STARTTLS."
        }
        Code::CredentialsNotUsed => {
            "The message was taken without a login{}; if the client has a user name and a password, it did not use them, and it reports success."
        }
        Code::SilentDowngrade => {
            "STARTTLS was taken away, and the client sent its password in the clear without a word."
        }
        Code::AuthInTheClear => {
            "The client sent its password in the clear, although STARTTLS was offered."
        }
        Code::AuthForgotten => "The client sent MAIL without a login, and was answered 530.",
        Code::WrongPassword => {
            "The login was refused: there is no such user, or the password is wrong."
        }
        Code::TokenExpected => {
            "The login was refused: this user has a token, and what came does not look like one."
        }
        Code::UserNameNearlyRight => {
            "The login was refused: there is no such user, but one with nearly this name."
        }
        Code::WhitespaceInSecret => {
            "The login was refused: the user name or the password has white space around it, such as a line break."
        }
        Code::Base64Twice => {
            "The login was refused: what was decoded from base64 is base64 once more."
        }
        Code::NoCommonMechanism => "Client and server have no mechanism in common{}.",
        Code::CertificateNotTrusted => "The client does not trust the certificate{}.",
        Code::CertificateNameMismatch => {
            "The client left, since the certificate is not for the host that it asked for{}."
        }
        Code::NoSni => "The client did not say in the TLS handshake which host it wants.",
        Code::CertificateExpired => {
            "The client left, since by its clock the certificate has expired or is not valid yet."
        }
        Code::TlsTooOld => "The client offers no TLS newer than 1.1{}.",
        Code::RelayDenied => {
            "The client sent mail for another domain to the port where only mail for this one is taken."
        }
        Code::SenderNotAllowed => {
            "The client used a sender address that does not belong to the user who logged in."
        }
        Code::BareLf => "The client ended a line with LF alone, without CR.",
        Code::BareCr => "The client sent CR without LF.",
        Code::Nul => "The message has NUL in it, which only BINARYMIME can carry.",
        Code::DotStuffingMissing => {
            "A line with nothing but a dot ended the message too early; the rest of it was read as commands."
        }
        Code::EarlyTalker => "The client spoke before the greeting.",
        Code::PipelinedBeforeEhlo => {
            "The client sent more commands before it could know whether PIPELINING is offered."
        }
        Code::DataBeforeReply => "The client sent the message before it was told 354.",
        Code::PoorEhloName => "The client calls itself {}.",
        Code::NeverRetried => "The client was told to try again later{}, and did not come back.",
        Code::CommandAfter421 => "The client went on after 421, which had ended the session.",
        Code::ClosedWithoutQuit => "The client closed the connection without QUIT.",
        Code::ProxyProtocol => {
            "The connection began with a PROXY header, as load balancers send where that is switched on."
        }
        Code::BccHeaderSent => {
            "The message has a Bcc header, which tells every recipient of the hidden ones."
        }
        Code::DateMissing => "The message has no Date header.",
        Code::MessageIdMissing => "The message has no Message-ID header.",
        Code::PlaintextAfterStarttls => {
            "The client sent more in the clear behind STARTTLS; it was thrown away."
        }
        Code::LineTooLong => "The client sent a command line over its limit.",
        Code::MessageCutShort => "The connection ended within the message, which was not kept.",
        Code::DuplicateMessage => "The same message came before{}.",
    };
    match text.split_once("{}") {
        Some((before, after)) => Cow::Owned([before, about, after].concat()),
        None => Cow::Borrowed(text),
    }
}

/// What to change.
pub(super) fn change(code: Code, client: Option<Client>) -> Cow<'static, str> {
    let with = |knob: Knob, then: &str| match client.and_then(|client| setting(client, knob)) {
        Some(setting) => Cow::Owned(format!("{then}: {setting}.")),
        None => Cow::Owned(format!("{then}.")),
    };
    match code {
        Code::TlsToStarttlsPort => {
            with(Knob::StartTls, "Use STARTTLS here, or the submissions port")
        }
        Code::TlsToRelayPort => with(
            Knob::StartTls,
            "Begin in the clear and use STARTTLS; the relay port never begins with TLS",
        ),
        Code::SilentOnTlsPort | Code::PlainOnTlsPort => {
            with(Knob::Implicit, "Switch implicit TLS on, or use the submission port with STARTTLS")
        }
        Code::StarttlsNotUsed | Code::AuthOnlyAfterTls => {
            with(Knob::StartTls, "Switch STARTTLS on")
        }
        Code::SilentDowngrade | Code::AuthInTheClear => {
            with(Knob::Demand, "Demand TLS, so that the client stops without it")
        }
        Code::CredentialsNotUsed => {
            with(Knob::Login, "Send to the submission port or submissions, and log in")
        }
        Code::AuthForgotten => with(Knob::Login, "Set a user name and a password"),
        Code::CertificateNotTrusted => {
            with(Knob::Trust, "Let the client trust the CA that `doorpost cert` shows")
        }
        Code::PoorEhloName => with(Knob::Name, "Give the client its own full host name"),
        other => plain_change(other).into(),
    }
}

/// What to change where no library has a setting of its own for it.
fn plain_change(code: Code) -> &'static str {
    match code {
        Code::HttpOnSmtpPort => {
            "Send web requests to a web server: this port is in a wrong setting, or somebody tries to reach it through one."
        }
        Code::WrongPassword => {
            "Check what the provider wants as user name (often the whole address), then the password."
        }
        Code::TokenExpected => {
            "Use the token that the provider gives out for SMTP, not the password of the account."
        }
        Code::UserNameNearlyRight => "Use the user name letter by letter as it was given.",
        Code::WhitespaceInSecret => "Trim what is read from the file or the variable.",
        Code::Base64Twice => {
            "Give the library the plain user name and password; it encodes them itself."
        }
        Code::NoCommonMechanism => {
            "Choose a mechanism that the reply to EHLO offers, or let the client choose."
        }
        Code::CertificateNameMismatch => {
            "Connect by a name that the certificate has, or give it that name (`--cert-name`)."
        }
        Code::NoSni => "Connect by a host name, not by an address.",
        Code::CertificateExpired => "Renew the certificate, and check the clock of the client.",
        Code::TlsTooOld => {
            "Update the runtime or its TLS library, so that it knows TLS 1.2 and 1.3."
        }
        Code::RelayDenied => "Send it to the submission port or submissions, with a login.",
        Code::SenderNotAllowed => {
            "Send as an address that belongs to the user, or log in as the one it belongs to."
        }
        Code::BareLf => "End each line with CR LF before it is handed to the connection.",
        Code::BareCr => "End each line with CR LF, and encode what is no text.",
        Code::Nul => "Encode it as base64 or quoted-printable.",
        Code::DotStuffingMissing => {
            "Write a second dot in front of each line of the message that begins with one."
        }
        Code::EarlyTalker => "Read the greeting (220) before sending anything.",
        Code::PipelinedBeforeEhlo => {
            "Wait for the reply to EHLO, and send in advance only where PIPELINING is offered."
        }
        Code::DataBeforeReply => "Wait for 354 before sending the message.",
        Code::NeverRetried => {
            "Keep the message in a queue and try again, some minutes later at first."
        }
        Code::CommandAfter421 => {
            "Open a new connection after 421, and take the old one out of the pool."
        }
        Code::ClosedWithoutQuit => "Send QUIT and read its reply before closing.",
        Code::ProxyProtocol => "Switch the PROXY protocol off for this port at the load balancer.",
        Code::BccHeaderSent => {
            "Name hidden recipients in RCPT only, and take the header out before sending."
        }
        Code::DateMissing => "Let the library set Date, or set it to the time of writing.",
        Code::MessageIdMissing => {
            "Let the library set Message-ID, or set one that never comes again."
        }
        Code::PlaintextAfterStarttls => "Send nothing behind STARTTLS until the handshake is over.",
        Code::LineTooLong => "Send one command per line, and addresses no longer than 256 octets.",
        Code::MessageCutShort => {
            "Send the message to its end (CR LF, a dot, CR LF), and read the reply."
        }
        Code::DuplicateMessage => {
            "Where a reply is lost, try again with the same Message-ID, and let the receiver look for it."
        }
        // The others have words of their own above.
        _ => "",
    }
}

/// What can be set in a client.
#[derive(Clone, Copy)]
enum Knob {
    StartTls,
    Implicit,
    Demand,
    Login,
    Trust,
    Name,
}

/// How a client's library calls it, where it has it.
fn setting(client: Client, knob: Knob) -> Option<&'static str> {
    let of = |settings: [&'static str; 6]| settings[knob as usize];
    Some(of(match client {
        Client::Smtplib => [
            "`smtplib.SMTP(host, port)`, then `starttls()` before `login()`",
            "`smtplib.SMTP_SSL(host, port)`",
            "`starttls()` before `login()`, which fails where it is not offered",
            "`login(user, password)`",
            "`context=ssl.create_default_context(cafile=…)`",
            "`smtplib.SMTP(…, local_hostname=…)`",
        ],
        Client::Nodemailer => [
            "`secure: false, requireTLS: true`",
            "`secure: true`",
            "`requireTLS: true`",
            "`auth: { user, pass }`",
            "`tls: { ca }`, or NODE_EXTRA_CA_CERTS",
            "`name`",
        ],
        Client::PhpMailer => [
            "`$mail->SMTPSecure = PHPMailer::ENCRYPTION_STARTTLS`",
            "`$mail->SMTPSecure = PHPMailer::ENCRYPTION_SMTPS`",
            "`$mail->SMTPSecure = PHPMailer::ENCRYPTION_STARTTLS`",
            "`$mail->SMTPAuth = true`, `Username` and `Password`",
            "`$mail->SMTPOptions = ['ssl' => ['cafile' => …]]`",
            "`$mail->Helo`",
        ],
        Client::JakartaMail => [
            "`mail.smtp.starttls.enable` and `mail.smtp.starttls.required`",
            "`mail.smtp.ssl.enable`",
            "`mail.smtp.starttls.required`",
            "`mail.smtp.auth`, and a user and a password for the transport",
            "`javax.net.ssl.trustStore`",
            "`mail.smtp.localhost`",
        ],
        Client::MailKit => [
            "`SecureSocketOptions.StartTls`",
            "`SecureSocketOptions.SslOnConnect`",
            "`SecureSocketOptions.StartTls`, not `StartTlsWhenAvailable`",
            "`client.Authenticate(user, password)`",
            "the system's trust store, which .NET reads",
            "`client.LocalDomain`",
        ],
        Client::GoSmtp => [
            "`client.StartTLS(config)`; `smtp.SendMail` does it where it is offered",
            "`tls.Dial`, then `smtp.NewClient`",
            "check the error of `client.StartTLS(config)`",
            "`client.Auth(smtp.PlainAuth(…))`",
            "`tls.Config{RootCAs: …}`",
            "`client.Hello(name)`",
        ],
        Client::GoMail => [
            "`mail.WithTLSPolicy(mail.TLSMandatory)`",
            "`mail.WithSSL()`",
            "`mail.WithTLSPolicy(mail.TLSMandatory)`",
            "`mail.WithSMTPAuth(…)`, `mail.WithUsername` and `mail.WithPassword`",
            "`mail.WithTLSConfig(&tls.Config{RootCAs: …})`",
            "`mail.WithHELO(name)`",
        ],
        Client::Ruby => [
            "`enable_starttls: true`",
            "`tls: true`",
            "`enable_starttls: true`, not `enable_starttls_auto`",
            "`user_name`, `password` and `authentication`",
            "`ca_file`",
            "`domain`",
        ],
        Client::Swaks => [
            "`--tls`",
            "`--tls-on-connect`",
            "`--tls`",
            "`--auth`, `--auth-user` and `--auth-password`",
            "`--tls-ca-path`",
            "`--helo`",
        ],
        Client::OpenSsl | Client::Postfix | Client::Exim => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finding_has_both_sentences_for_every_client() {
        for code in Code::ALL {
            assert!(what(*code, "").ends_with('.'), "{code}");
            assert!(!what(*code, "x").contains("{}"), "{code}");
            for client in Client::ALL.iter().copied().map(Some).chain([None]) {
                let change = change(*code, client);
                assert!(change.len() > 10 && change.ends_with('.'), "{code}: {change}");
            }
        }
    }
}
