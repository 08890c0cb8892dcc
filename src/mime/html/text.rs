//! Plain text made from HTML, for people to read and for searches. Blocks and `<br>` become line
//! breaks, paragraphs an empty line, cells a blank; links keep their text, pictures their
//! description. What a style sheet hides is there all the same: no styles are read.

use super::{Token, Tokens, attribute, decoded};

/// The text of some HTML, about `limit` octets of it at most.
pub(in crate::mime) fn text(html: &str, limit: usize) -> String {
    let mut writer = Writer::default();
    for token in Tokens::of(html) {
        match token {
            Token::Text(text) => writer.text(&decoded(text)),
            Token::Start(name, attributes) => writer.tag(name, attributes, true),
            Token::End(name) => writer.tag(name, "", false),
        }
        if writer.out.len() > limit {
            writer.out.truncate(writer.out.floor_char_boundary(limit));
            break;
        }
    }
    writer.out
}

#[derive(Default)]
struct Writer {
    out: String,
    /// Line breaks to write before the next text.
    breaks: usize,
    /// A blank to write before the next text.
    blank: bool,
    /// How many `<pre>` are open.
    preformatted: usize,
}

impl Writer {
    fn text(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '\n' if self.preformatted > 0 => self.breaks += 1,
                // A no-break blank is one for the eye; it would only keep searches from finding.
                '\u{A0}' => self.blank = true,
                _ if self.preformatted > 0 && matches!(c, ' ' | '\t') => self.put(c),
                _ if c.is_ascii_whitespace() => self.blank = true,
                // What newsletters pad their first line with.
                '\u{200B}' | '\u{FEFF}' | '\u{034F}' | '\u{AD}' => {}
                _ => self.put(c),
            }
        }
    }

    fn put(&mut self, c: char) {
        if !self.out.is_empty() {
            let breaks = self.breaks.min(2);
            (0..breaks).for_each(|_| self.out.push('\n'));
            if breaks == 0 && self.blank {
                self.out.push(' ');
            }
        }
        (self.breaks, self.blank) = (0, false);
        self.out.push(c);
    }

    fn tag(&mut self, name: &str, attributes: &str, start: bool) {
        // Longer than the names below; without it each tag's name would be copied.
        let mut lower = [0; 12];
        let Some(lower) = lower.get_mut(..name.len()) else { return };
        lower.copy_from_slice(name.as_bytes());
        lower.make_ascii_lowercase();
        match &*lower {
            b"br" => self.breaks += 1,
            b"p" | b"h1" | b"h2" | b"h3" | b"h4" | b"h5" | b"h6" | b"ul" | b"ol" | b"dl"
            | b"blockquote" => self.breaks = self.breaks.max(2),
            b"pre" => {
                self.breaks = self.breaks.max(2);
                let open = self.preformatted;
                self.preformatted = if start { open + 1 } else { open.saturating_sub(1) };
            }
            b"li" => {
                self.breaks = self.breaks.max(1);
                if start {
                    self.put('-');
                    self.blank = true;
                }
            }
            b"td" | b"th" => self.blank = true,
            b"img" => {
                if let Some(description) = attribute(attributes, "alt") {
                    self.blank = true;
                    self.text(&description);
                    self.blank = true;
                }
            }
            b"div" | b"tr" | b"table" | b"tbody" | b"thead" | b"hr" | b"body" | b"section"
            | b"article" | b"header" | b"footer" | b"main" | b"aside" | b"nav" | b"center"
            | b"form" | b"fieldset" | b"address" | b"figure" | b"figcaption" | b"dt" | b"dd"
            | b"caption" | b"title" | b"html" | b"head" | b"option" | b"details" | b"summary" => {
                self.breaks = self.breaks.max(1);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn becomes_readable() {
        for (html, readable) in [
            ("<p>Hello</p><p>World</p>", "Hello\n\nWorld"),
            ("a<br>b<br/><br />c<BR><BR><BR><BR>d", "a\nb\n\nc\n\nd"),
            ("<div>one</div>\n  <div>two <b>bold</b>.</div>", "one\ntwo bold."),
            ("<ul><li>one</li><li>two</li></ul>", "- one\n- two"),
            ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
            ("<head><title>T</title><style>p{}</style></head><body>x", "x"),
            ("<script>if (a<b) alert('</p>')</script>y<STYLE>.</sTyLe >z", "yz"),
            ("read <a href='https://x.example'>this\n page</a>!", "read this page!"),
            ("a<!-- <p>no</p> -->b<!--[if mso]>no<![endif]-->c<![if !mso]>d<![endif]>", "abcd"),
            ("<pre>a\n  b</pre>c", "a\n  b\n\nc"),
            ("1 &lt; 2 &amp;&nbsp;3 < 4 <5", "1 < 2 & 3 < 4 <5"),
            ("<img src=x alt='A  cat'>sat", "A cat sat"),
            ("<a title=\"a>b\" href=x>t</a>", "t"),
            ("text<a href=\"never closed>more", "text"),
            ("text<!-- never closed", "text"),
            ("text<script>never closed", "text"),
            ("<br/>lead<x-y-very-long-name-of-a-tag>ing", "leading"),
            ("12&zwnj;3\u{200b}456&#8203;", "12\u{200c}3456"),
            ("", ""),
        ] {
            assert_eq!(text(html, 1000), readable, "{html:?}");
        }
        assert_eq!(text("äöü", 3), "ä");
    }
}
