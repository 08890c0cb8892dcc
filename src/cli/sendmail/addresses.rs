//! The addresses of a header field such as To (RFC 5322 §3.4): names, comments, groups and source routes fall away,
//! what is left is spelled as it was. One pass, whatever the nesting.
//!
//! It judges nothing: the door does. Only what could end the command that names it is refused ([`path`]).

/// The addresses, in order.
pub(in crate::cli) fn list(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut current = Current::default();
    let mut comments = 0_usize;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' if comments > 0 => {
                chars.next();
            }
            '(' => comments += 1,
            ')' if comments > 0 => comments -= 1,
            _ if comments > 0 => {}
            '"' => current.quoted(&mut chars),
            '\\' => current.push_all([c].into_iter().chain(chars.next())),
            '<' => current.angle = Some(Part::default()),
            '>' => current.closed = true,
            '[' => current.bracket(c, true),
            ']' => current.bracket(c, false),
            ',' | ';' if !current.is_open() => current.finish(&mut found),
            // What stood in front was a group's name.
            ':' if !current.is_open() => current = Current::default(),
            _ if c.is_whitespace() => current.part().gap = true,
            _ => current.push_all([c]),
        }
    }
    current.finish(&mut found);
    found
}

/// One address on its way.
#[derive(Default)]
struct Current {
    plain: Part,
    /// What stands between `<` and `>`.
    angle: Option<Part>,
    closed: bool,
    in_brackets: bool,
}

#[derive(Default)]
struct Part {
    text: String,
    /// Whether blanks came since.
    gap: bool,
}

impl Current {
    /// Whether `,` and `:` belong to it: in a source route, in an address literal.
    fn is_open(&self) -> bool {
        self.in_brackets || (self.angle.is_some() && !self.closed)
    }

    fn part(&mut self) -> &mut Part {
        match &mut self.angle {
            Some(part) if !self.closed => part,
            _ => &mut self.plain,
        }
    }

    fn push_all(&mut self, chars: impl IntoIterator<Item = char>) {
        let part = self.part();
        for c in chars {
            // `alice @ example . org` is the old spelling of what has no blanks.
            let joins = |c: char| matches!(c, '@' | '.' | ',' | ':');
            if part.gap
                && !joins(c)
                && part.text.chars().next_back().is_some_and(|last| !joins(last))
            {
                part.text.push(' ');
            }
            part.gap = false;
            part.text.push(c);
        }
    }

    fn quoted(&mut self, chars: &mut std::str::Chars<'_>) {
        self.push_all(['"']);
        let text = &mut self.part().text;
        while let Some(c) = chars.next() {
            text.push(c);
            match c {
                '\\' => text.extend(chars.next()),
                '"' => return,
                _ => {}
            }
        }
    }

    fn bracket(&mut self, c: char, opens: bool) {
        self.in_brackets = opens;
        self.push_all([c]);
    }

    fn finish(&mut self, found: &mut Vec<String>) {
        let Self { plain, angle, .. } = std::mem::take(self);
        let text = angle.unwrap_or(plain).text;
        let address = match text.strip_prefix('@') {
            Some(route) => route.split_once(':').map_or(&*text, |(_, address)| address),
            None => &text,
        };
        if !address.is_empty() {
            found.push(address.to_owned());
        }
    }
}

/// An address as a path: one without a domain is of this machine.
///
/// # Errors
/// Where it holds what would end the path or the command.
pub(super) fn path(address: &str, host: &str) -> Result<String, String> {
    let mut in_quotes = false;
    let mut escaped = false;
    let mut has_domain = false;
    for c in address.chars() {
        let is_quoted = in_quotes;
        match c {
            _ if c.is_control() => return Err(format!("{address:?} holds a control character")),
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => in_quotes = !in_quotes,
            '<' | '>' | ' ' if !is_quoted => return Err(format!("{address:?} is no address")),
            '@' if !is_quoted => has_domain = true,
            _ => {}
        }
    }
    if in_quotes || escaped || address.is_empty() {
        return Err(format!("{address:?} is no address"));
    }
    Ok(if has_domain { address.to_owned() } else { format!("{address}@{host}") })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may stop at the first surprise
mod tests {
    use super::*;

    #[test]
    fn only_addresses_are_left() {
        for (text, addresses) in [
            ("bob@example.org", &["bob@example.org"][..]),
            ("a@x.org, b@x.org,,c", &["a@x.org", "b@x.org", "c"]),
            ("Bob B. <bob@x.org>", &["bob@x.org"]),
            ("\"B, Bob <x>\" <bob@x.org>", &["bob@x.org"]),
            ("\"B \\\" b\" <bob@x.org>", &["bob@x.org"]),
            ("bob@x.org (B, (nested) \\) b)", &["bob@x.org"]),
            ("bob (c) @ (d) x . org", &["bob@x.org"]),
            ("team: a@x.org, B <b@x.org>; c@x.org", &["a@x.org", "b@x.org", "c@x.org"]),
            ("undisclosed-recipients:;", &[]),
            ("<@a.org,@b.org:bob@x.org>", &["bob@x.org"]),
            ("bob@[IPv6:::1], <a@[127.0.0.1]>", &["bob@[IPv6:::1]", "a@[127.0.0.1]"]),
            ("\"a b\"@x.org", &["\"a b\"@x.org"]),
            ("<\"a>b\"@x.org>", &["\"a>b\"@x.org"]),
            ("Jürgen <jürgen@bücher.example>", &["jürgen@bücher.example"]),
            ("two words", &["two words"]),
            ("a@x.org\r\n\t, b@x.org", &["a@x.org", "b@x.org"]),
            ("<>", &[]),
            ("", &[]),
        ] {
            assert_eq!(list(text), addresses, "{text}");
        }
        assert_eq!(list(&"(".repeat(100_000)), [""; 0]);
    }

    #[test]
    fn a_path_is_whole_and_cannot_end_its_command() {
        assert_eq!(path("root", "box").unwrap(), "root@box");
        assert_eq!(path("\"a@b c\"", "box").unwrap(), "\"a@b c\"@box");
        assert_eq!(path("a@x.org", "box").unwrap(), "a@x.org");
        for wrong in ["", "a b", "a@x.org>", "a\r\nDATA", "\"a", "a\\", "a\0@x.org"] {
            assert!(path(wrong, "box").is_err(), "{wrong:?}");
        }
    }
}
