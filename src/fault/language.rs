//! The language of scenarios as a table, key by key: what docs/faults.md is made of. A test holds it to the
//! reader, so that there is no key without a line here.

/// A key of a scenario.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// As it is written, with the table that it stands in: `when.door`.
    pub key: &'static str,
    /// What it says.
    pub about: &'static str,
    /// It in use.
    pub example: &'static str,
    /// A moment at which the example means something.
    pub at: &'static str,
}

/// The moments of a session, in their order, and when each is.
pub const MOMENTS: [(&str, &str); 13] = [
    ("connect", "the connection stands, nothing was said"),
    ("tls", "a handshake is about to begin, behind STARTTLS or on a door with implicit TLS"),
    ("greeting", "the 220 is due"),
    ("ehlo", "EHLO came"),
    ("auth", "a login has come to its end, right or wrong, and its reply is due"),
    ("mail", "MAIL came, and would be taken"),
    ("rcpt", "RCPT came, and would be taken"),
    ("data", "DATA or the first BDAT came, and would be taken"),
    ("end-of-data", "the message is here, and would be kept"),
    ("kept", "the message is kept, and its 250 is due"),
    ("helo, starttls", "these verbs"),
    ("rset, noop, quit, vrfy, expn, help", "these verbs"),
    ("any", "every command; not the greeting, nor the end of the data"),
];

const fn key(key: &'static str, example: &'static str, about: &'static str) -> Key {
    Key { key, about, example, at: "rcpt" }
}

const fn at(at: &'static str, key: Key) -> Key {
    Key { at, ..key }
}

/// What a rule has besides `when` and `do`.
pub const RULE: &[Key] = &[
    key(
        "name",
        "name = \"full-on-monday\"",
        "its name in the transcript and in the API; each once",
    ),
    key("at", "at = \"end-of-data\"", "the moment, see above"),
    key(
        "when",
        "when = { door = \"relay\" }",
        "conditions, which all have to hold; without it, always",
    ),
    key("do", "do = { reply = \"450 4.2.1 Mailbox busy\" }", "what happens"),
    key("nth", "nth = [1, 3]", "only these times, the first being 1"),
    key("first", "first = 2", "so many times, and then no more"),
    key("every", "every = 3", "each third time"),
    key(
        "after",
        "after = { messages = 10, within = \"1m\" }",
        "when there were so many within that time before",
    ),
    key(
        "odds",
        "odds = 0.2",
        "one in five. Nothing is drawn: it follows from the seed, the rule's name, and what `per` counts, so the same mail meets the same fault",
    ),
    key(
        "limit",
        "limit = \"10/1m\"",
        "what comes beyond this rate, by a real limiter: so many at once, and they come back one by one",
    ),
    key(
        "greylist",
        "greylist = \"5m\"",
        "until the same comes again, this much later or more; then never again",
    ),
    key(
        "per",
        "first = 1\nper = \"recipient\"",
        "what is counted apart: `rule` (nothing), `client`, `user`, `sender`, `recipient`, `triplet` (client, sender, recipient), `envelope` (sender and recipients), `message` (its Message-ID, else the envelope). Without it: `triplet` for `greylist`, `client` for `limit`, `envelope` for `odds`, else `rule`",
    ),
];

/// Conditions, in `when`. Text is a pattern: a glob with `*` and `?`, or a regular expression between slashes;
/// upper and lower case are the same.
pub const WHEN: &[Key] = &[
    key("when.door", "when = { door = \"sub*\" }", "the door's name"),
    key("when.client", "when = { client = \"127.0.0.0/8\" }", "the client's address, or a range"),
    key("when.hello", "when = { hello = \"*.example\" }", "the name of EHLO or HELO"),
    key(
        "when.user",
        "when = { user = \"alice\" }",
        "who has logged in; at \"auth\", who tries to, also in vain",
    ),
    key("when.reverse_path", "when = { reverse_path = \"*@shop.example\" }", "the address of MAIL"),
    key(
        "when.forward_path",
        "when = { forward_path = \"/^(bob|carol)@/\" }",
        "the address of RCPT; after it, one at least of them",
    ),
    key(
        "when.recipients",
        "when = { recipients = \"> 3\" }",
        "recipients of the transaction, with the one that RCPT names",
    ),
    key(
        "when.size",
        "when = { size = \"> 1MiB\" }",
        "octets that MAIL declares; at the end of the data, those that came",
    ),
    at(
        "end-of-data",
        key(
            "when.header",
            "when = { header = \"Subject: *invoice*\" }",
            "a field of the message's header",
        ),
    ),
    key("when.tls", "when = { tls = false }", "whether TLS is on"),
];

/// What a rule does, in `do`. Several go together, unless they contradict each other.
pub const DO: &[Key] = &[
    key(
        "do.reply",
        "do = { reply = \"451 4.7.1 Come back later\" }",
        "this reply. From 400 on the command is refused, below it is carried out; 421 hangs up",
    ),
    key("do.pause", "do = { pause = \"2s\" }", "a pause before the reply"),
    at(
        "ehlo",
        key(
            "do.line_pause",
            "do = { line_pause = \"500ms\" }",
            "a pause after each line of the reply",
        ),
    ),
    key(
        "do.octet_pause",
        "do = { octet_pause = \"50ms\" }",
        "a pause after each octet of the reply",
    ),
    key(
        "do.close",
        "do = { close = \"before\" }",
        "closes the connection, `before` or `after` the reply",
    ),
    key(
        "do.reset",
        "do = { reset = \"after\" }",
        "the same with a TCP reset, which may swallow the reply",
    ),
    at(
        "greeting",
        key(
            "do.garbage",
            "do = { garbage = 'not \\x00 SMTP\\r\\n' }",
            "these octets in place of the reply; `\\xNN`, `\\r`, `\\n`, `\\0` and `\\\\` stand for octets",
        ),
    ),
    key("do.silent", "do = { silent = true }", "takes what comes, and never says anything again"),
    at(
        "ehlo",
        key(
            "do.hide",
            "do = { hide = [\"STARTTLS\", \"AUTH PLAIN\"] }",
            "extensions that are neither offered nor known from here on",
        ),
    ),
    at(
        "tls",
        key(
            "do.tls",
            "do = { tls = \"expired\" }",
            "what is wrong with the handshake: `refuse`, `stall`, or its certificate: `expired`, `self-signed`, `wrong-host`",
        ),
    ),
    at(
        "connect",
        key(
            "do.rate",
            "do = { rate = 1000 }",
            "so many octets a second at most from here on, each way",
        ),
    ),
    at(
        "end-of-data",
        key("do.lose", "do = { lose = true }", "250, and the message is thrown away"),
    ),
    at(
        "kept",
        key(
            "do.later",
            "do = { later = \"bounce\", reply = \"552 5.2.2 Mailbox full\" }",
            "250, and then there comes by SMTP through `relay`: a `bounce` (with this reply), a `delay`, a `success` or `expanded` (where NOTIFY asks), an `out-of-office` or a `complaint`",
        ),
    ),
    at(
        "kept",
        key(
            "do.after",
            "do = { later = \"complaint\", after = \"10s\" }",
            "so long after the 250; without it, two seconds",
        ),
    ),
    at(
        "",
        key(
            "do.door",
            "do = { door = \"refused\" }",
            "nothing listens: connections are refused. Such a rule has no `at`, no count, and only `when.door`",
        ),
    ),
];

impl Key {
    /// The example as a scenario of one rule, with what it leaves out.
    #[must_use]
    pub fn scenario(&self) -> String {
        let has = |key: &str| self.example.lines().any(|line| line.starts_with(key));
        let mut text = String::from("[[rules]]\n");
        if !has("name") {
            text.push_str("name = \"example\"\n");
        }
        if !has("at") && !self.at.is_empty() {
            text.push_str(&format!("at = {:?}\n", self.at));
        }
        text.push_str(self.example);
        text.push('\n');
        if !has("do") {
            text.push_str("do = { pause = \"1ms\" }\n");
        }
        text
    }
}
