//! The first list, written by the server, so that it is seen before any script has run.
//!
//! The scripts put their own in its place; until then it looks the same. Whatever a sender wrote is
//! escaped by [`Text`], the only way into the markup.

use crate::mime::Correspondent;
use crate::storage::Entry;
use std::fmt::{self, Write as _};

/// Rows that are seen at once on a large screen.
pub(super) const ROWS: usize = 24;

/// Text within markup, or within a quoted attribute.
struct Text<'a>(&'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                '\0' => f.write_char('\u{fffd}')?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// The list; nothing where there is no mail.
pub(super) fn list(entries: &[Entry]) -> String {
    if entries.is_empty() {
        return String::new();
    }
    let mut html = String::from(
        "<div class=\"two mail first\"><section class=\"side\" aria-label=\"List of messages\"><div class=\"search\"><input aria-label=\"Search mail\" placeholder=\"Search mail…\" disabled></div><div class=\"tools\"></div><div class=\"rows-frame\"><ol class=\"rows\">",
    );
    for entry in entries {
        // Writing into a String cannot fail.
        let _ = row(&mut html, entry);
    }
    html.push_str("</ol></div></section><div class=\"pane\"></div></div>");
    html
}

fn row(html: &mut String, entry: &Entry) -> fmt::Result {
    let Entry { summary, arrival, .. } = entry;
    let reverse_path = arrival.envelope.reverse_path.to_string();
    let from = people(&summary.from);
    let from = match (from.is_empty(), reverse_path.is_empty()) {
        (false, _) => from,
        (true, false) => reverse_path,
        (true, true) => "<>".to_owned(),
    };
    let subject = summary.subject.as_deref().filter(|text| !text.is_empty());
    write!(
        html,
        "<li class=\"row{}\"><span class=\"pick\"></span><span class=\"who\">{}<span class=\"soft\"> to {}</span></span><span class=\"subject\">{}</span><span class=\"marks\"><span class=\"door-name\">{}</span></span></li>",
        if entry.is_read { "" } else { " new" },
        Text(&from),
        Text(&people(&summary.to)),
        Text(subject.unwrap_or("(no subject)")),
        Text(&arrival.door),
    )
}

fn people(all: &[Correspondent]) -> String {
    let names = all.iter().map(|one| one.name.as_deref().unwrap_or(&one.address));
    names.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_mail_becomes_markup() {
        let text = Text("<a href='x' b=\"y\">&\0").to_string();
        assert_eq!(text, "&lt;a href=&#39;x&#39; b=&quot;y&quot;&gt;&amp;\u{fffd}");
    }

    #[test]
    fn without_mail_there_is_no_list() {
        assert_eq!(list(&[]), "");
    }
}
