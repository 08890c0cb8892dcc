//! The long texts of the findings: what happened, why, and what to change in each language.
//!
//! A text is Markdown of one form: a title, three sections, and in the last a list with an item for each
//! language. It is read here into its pieces, for a terminal, for documents, or for one language alone. It
//! takes no other form: the tests hold every text to it.

use super::Code;

/// The text of a code, as Markdown.
#[must_use]
pub const fn markdown(code: Code) -> &'static str {
    macro_rules! texts {
        ($($name:ident $file:literal)*) => {
            match code { $(Code::$name => include_str!(concat!("texts/", $file, ".md")),)* }
        };
    }
    texts! {
        TlsToStarttlsPort "tls-to-starttls-port" TlsToRelayPort "tls-to-relay-port"
        SilentOnTlsPort "silent-on-tls-port" PlainOnTlsPort "plain-on-tls-port"
        HttpOnSmtpPort "http-on-smtp-port" StarttlsNotUsed "starttls-not-used"
        AuthOnlyAfterTls "auth-only-after-tls" CredentialsNotUsed "credentials-not-used"
        SilentDowngrade "silent-downgrade" AuthInTheClear "auth-in-the-clear"
        AuthForgotten "auth-forgotten" WrongPassword "wrong-password"
        TokenExpected "token-expected" UserNameNearlyRight "user-name-nearly-right"
        WhitespaceInSecret "whitespace-in-secret" Base64Twice "base64-twice"
        NoCommonMechanism "no-common-mechanism" CertificateNotTrusted "certificate-not-trusted"
        CertificateNameMismatch "certificate-name-mismatch" NoSni "no-sni"
        CertificateExpired "certificate-expired" TlsTooOld "tls-too-old"
        RelayDenied "relay-denied" SenderNotAllowed "sender-not-allowed" BareLf "bare-lf"
        DotStuffingMissing "dot-stuffing-missing" EarlyTalker "early-talker"
        PipelinedBeforeEhlo "pipelined-before-ehlo" DataBeforeReply "data-before-reply"
        PoorEhloName "poor-ehlo-name" NeverRetried "never-retried"
        CommandAfter421 "command-after-421" ClosedWithoutQuit "closed-without-quit"
        ProxyProtocol "proxy-protocol" BccHeaderSent "bcc-header-sent"
        DateMissing "date-missing" MessageIdMissing "message-id-missing"
        PlaintextAfterStarttls "plaintext-after-starttls" BareCr "bare-cr" Nul "nul"
        LineTooLong "line-too-long" MessageCutShort "message-cut-short"
        DuplicateMessage "duplicate-message"
    }
}

/// A language or tool that the texts have an item for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Language {
    /// How people ask for it; the first is its name.
    pub names: &'static [&'static str],
    /// What its items begin with.
    pub label: &'static str,
}

/// The languages, in the order of the items.
pub const LANGUAGES: [Language; 9] = [
    Language {
        names: &["python", "smtplib", "django", "flask", "aiosmtplib"],
        label: "Python, smtplib",
    },
    Language {
        names: &["javascript", "js", "typescript", "node", "nodejs", "nodemailer"],
        label: "JavaScript, nodemailer",
    },
    Language { names: &["php", "phpmailer", "laravel", "symfony"], label: "PHP, PHPMailer" },
    Language {
        names: &["java", "jakarta", "jakarta-mail", "javamail", "kotlin", "spring"],
        label: "Java, Jakarta Mail",
    },
    Language { names: &["csharp", "c#", "dotnet", ".net", "mailkit"], label: "C#, MailKit" },
    Language { names: &["go", "golang", "net/smtp", "go-mail"], label: "Go, net/smtp and go-mail" },
    Language { names: &["rust", "lettre"], label: "Rust, lettre" },
    Language { names: &["ruby", "rails", "mail"], label: "Ruby, mail and net/smtp" },
    Language { names: &["shell", "bash", "sh", "curl", "swaks"], label: "curl and swaks" },
];

impl Language {
    /// The language of that name, or of one of its libraries.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        let name = name.to_lowercase();
        LANGUAGES.into_iter().find(|language| language.names.contains(&&*name))
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.names.first().copied().unwrap_or(self.label)
    }
}

/// An item of the last section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mend<'a> {
    /// What it is for: a language's label, or another program or place.
    pub label: &'a str,
    /// What to change there, as Markdown.
    pub text: &'a str,
}

impl Mend<'_> {
    /// Whether it is for this language, or for all.
    #[must_use]
    pub fn is_for(&self, language: Language) -> bool {
        [language.label, "All", "In doorpost"].contains(&self.label)
    }
}

/// A text in its pieces; each is Markdown without headings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text<'a> {
    /// The mistake, in a line.
    pub title: &'a str,
    /// What the server saw, and what clients say of it.
    pub happened: &'a str,
    /// The reason in the protocol.
    pub why: &'a str,
    /// What to change, for all.
    pub change: &'a str,
    /// What to change, for each.
    pub mends: Vec<Mend<'a>>,
}

impl Text<'static> {
    /// The text of a code.
    #[must_use]
    pub fn of(code: Code) -> Self {
        Self::read(markdown(code))
    }
}

impl<'a> Text<'a> {
    fn read(text: &'a str) -> Self {
        let (title, rest) = text.split_once('\n').unwrap_or((text, ""));
        let (before, rest) = rest.split_once("## Why\n").unwrap_or((rest, ""));
        let (why, rest) = rest.split_once("## What to change\n").unwrap_or((rest, ""));
        let (change, list) = rest.split_once("\n- ").unwrap_or((rest, ""));
        let mend = |item: &'a str| {
            let (label, text) = item.strip_prefix("**")?.split_once(":**")?;
            Some(Mend { label, text: text.trim() })
        };
        Self {
            title: title.trim_start_matches("# ").trim(),
            happened: before.trim().trim_start_matches("## What happened").trim(),
            why: why.trim(),
            change: change.trim(),
            mends: list.split("\n- ").filter_map(mend).collect(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may stop at the first surprise
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn every_code_has_its_text_in_the_one_form() {
        for code in Code::ALL.iter().copied() {
            let whole = markdown(code);
            let text = Text::of(code);
            assert_eq!(text.title, code.title(), "{code}");
            for (piece, least) in [(text.happened, 150), (text.why, 150), (text.change, 40)] {
                assert!(piece.len() > least && !piece.contains("\n#"), "{code}: {piece}");
            }
            let headings: Vec<_> = whole.lines().filter(|line| line.starts_with('#')).collect();
            let sections = ["## What happened", "## Why", "## What to change"];
            assert_eq!(headings[1..], sections, "{code}");
            assert!(text.why.contains("RFC "), "{code} cites no RFC");
            assert!((25..=90).contains(&whole.lines().count()), "{code} is short, or long");
            assert!(
                whole.lines().all(|line| line.chars().count() <= 100),
                "{code} has a long line"
            );
            assert_eq!(whole.matches('`').count() % 2, 0, "{code} has a code that does not end");
            let items = whole.lines().filter(|line| line.starts_with("- ")).count();
            assert_eq!(text.mends.len(), items, "{code} has an item without a label");
        }
    }

    #[test]
    fn a_text_cites_the_rfc_of_its_code() {
        for code in Code::ALL {
            let number = code.rfc().split_whitespace().take(2).collect::<Vec<_>>().join(" ");
            assert!(markdown(*code).replace('\n', " ").contains(&number), "{code}: {number}");
        }
    }

    #[test]
    fn eight_languages_or_more_are_told_what_to_change() {
        let mut seen: BTreeMap<&str, Code> = BTreeMap::new();
        for code in Code::ALL.iter().copied() {
            let text = Text::of(code);
            let known = |language: &Language| {
                text.mends.iter().filter(|mend| mend.label == language.label).count()
            };
            assert!(LANGUAGES.iter().all(|language| known(language) <= 1), "{code}");
            let told = LANGUAGES.iter().filter(|language| known(language) == 1).count();
            assert!(told >= 8, "{code} tells {told} languages");
            for mend in text.mends {
                // A few words may well be said twice: "it waits".
                if mend.text.len() > 30 {
                    let other = seen.insert(mend.text, code);
                    assert_eq!(other, None, "{code}: pasted: {}", mend.text);
                }
            }
        }
    }

    #[test]
    fn a_language_is_found_by_its_libraries_too() {
        let found = |name| Language::find(name).map(Language::name);
        for (name, language) in
            [("Python", "python"), ("nodemailer", "javascript"), ("C#", "csharp")]
        {
            assert_eq!(found(name), Some(language), "{name}");
        }
        assert_eq!(found("cobol"), None);
        let names: Vec<_> = LANGUAGES.iter().flat_map(|language| language.names).collect();
        let once: std::collections::BTreeSet<_> = names.iter().collect();
        assert_eq!(names.len(), once.len(), "a name that is two languages");
    }
}
