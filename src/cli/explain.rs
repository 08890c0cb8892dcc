//! `doorpost explain`: the findings by name, and the long text of one: what happened, why, and what to change
//! in each language.
//!
//! It asks nobody: the texts are in the program, so no doorpost need run. A code or a language that it does not
//! know is refused, with those that come near.

use super::style::{BOLD, CLIENT, DIM, NOTE, REFUSED, paint};
use super::{Failure, print};
use crate::finding::text::{LANGUAGES, Language, Text};
use crate::finding::{Code, Severity};
use anstyle::Style;
use clap::Args;

/// Prose is set as wide as the terminal, but no wider than this, and so wide where nobody looks.
const COLUMN: usize = 100;

#[derive(Args, Debug)]
pub(super) struct ExplainArgs {
    /// Explain this one; without it, all are listed
    #[arg(value_name = "CODE")]
    code: Option<String>,
    /// What to change in this language alone, by its name or that of a library
    #[arg(long, value_name = "LANGUAGE", requires = "code")]
    language: Option<String>,
}

pub(super) fn run(args: &ExplainArgs) -> Result<(), Failure> {
    let language = args.language.as_deref().map(language).transpose()?;
    match &args.code {
        Some(name) => print::text(&long(code(name)?, language, Page::of_terminal())),
        None => print::text(&list()),
    }
}

fn code(name: &str) -> Result<Code, Failure> {
    Code::parse(name).ok_or_else(|| {
        let near: Vec<_> = Code::near(name).into_iter().map(Code::as_str).collect();
        let meant = match near.as_slice() {
            [] => String::new(),
            some => format!("did you mean {}? ", some.join(" or ")),
        };
        Failure::usage(format!(
            "there is no finding {name:?}: {meant}`doorpost explain` lists them all"
        ))
    })
}

fn language(name: &str) -> Result<Language, Failure> {
    Language::find(name).ok_or_else(|| {
        let names: Vec<_> = LANGUAGES.iter().map(|language| language.names.join(", ")).collect();
        Failure::usage(format!("there is no language {name:?}; there are: {}", names.join("; ")))
    })
}

fn style(severity: Severity) -> Style {
    match severity {
        Severity::Error => REFUSED,
        Severity::Warning => NOTE,
        Severity::Info => DIM,
    }
}

fn list() -> String {
    let mut text = String::from("What doorpost finds, and `doorpost explain CODE` explains:\n\n");
    let width = Code::ALL.iter().map(|code| code.as_str().len()).max().unwrap_or(0);
    for code in Code::ALL.iter().copied() {
        let name = paint(BOLD, &format!("{:width$}", code.as_str()));
        let severity = paint(style(code.severity()), &format!("{:7}", code.severity().as_str()));
        text.push_str(&format!("  {name}  {severity}  {}\n", code.title()));
    }
    text
}

fn long(code: Code, language: Option<Language>, page: Page) -> String {
    let text = Text::of(code);
    let severity = paint(style(code.severity()), code.severity().as_str());
    let mut shown = format!("{}\n", paint(BOLD, text.title));
    shown.push_str(&format!("{code}, {severity}, {}\n", code.rfc()));
    for (heading, prose) in
        [("What happened", text.happened), ("Why", text.why), ("What to change", text.change)]
    {
        shown.push_str(&format!("\n{}\n", paint(BOLD, heading)));
        for paragraph in prose.split("\n\n") {
            shown.push_str(&page.set(paragraph, "  "));
            shown.push('\n');
        }
        // Paragraphs are parted by a line; what follows brings its own.
        shown.truncate(shown.trim_end().len());
        shown.push('\n');
    }
    let is_wanted = |label: &crate::finding::text::Mend<'_>| {
        language.is_none_or(|language| label.is_for(language))
    };
    for mend in text.mends.iter().filter(|mend| is_wanted(mend)) {
        shown.push_str(&format!(
            "\n  {}\n{}",
            paint(BOLD, mend.label),
            page.set(mend.text, "    ")
        ));
    }
    shown
}

/// How prose is set.
#[derive(Clone, Copy)]
struct Page {
    width: usize,
    /// Code is told by its colour; without colours it keeps its quotes.
    in_colours: bool,
}

impl Page {
    fn of_terminal() -> Self {
        let width = print::width(false).map_or(COLUMN, usize::from).min(COLUMN);
        let choice = anstream::AutoStream::choice(&std::io::stdout());
        Self { width, in_colours: choice != anstream::ColorChoice::Never }
    }

    /// A paragraph of Markdown, its lines broken anew; code is not broken.
    fn set(self, paragraph: &str, indent: &str) -> String {
        let mut lines = String::new();
        let mut line = 0;
        for word in words(paragraph) {
            let quotes = if self.in_colours { word.matches('`').count() } else { 0 };
            let length = word.chars().count().saturating_sub(quotes);
            if line == 0 || line + 1 + length > self.width {
                if line > 0 {
                    lines.push('\n');
                }
                lines.push_str(indent);
                line = indent.len() + length;
            } else {
                lines.push(' ');
                line += 1 + length;
            }
            lines.push_str(&self.word(&word));
        }
        lines + "\n"
    }

    fn word(self, word: &str) -> String {
        let word = word.replace("**", "");
        if !self.in_colours {
            return word;
        }
        let pieces = word.split('`').enumerate();
        pieces
            .map(|(at, piece)| if at % 2 == 1 { paint(CLIENT, piece) } else { piece.into() })
            .collect()
    }
}

/// The words of a paragraph; what stands in one pair of backquotes is in one word.
fn words(paragraph: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut is_open = false;
    for word in paragraph.split_whitespace() {
        match words.last_mut() {
            Some(last) if is_open => {
                last.push(' ');
                last.push_str(word);
            }
            _ => words.push(word.to_owned()),
        }
        is_open ^= word.matches('`').count() % 2 == 1;
    }
    words
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may stop at the first surprise
mod tests {
    use super::*;

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn no_line_is_wider_than_the_page_but_for_code() {
        for width in [40, 72, 100] {
            for code in Code::ALL.iter().copied() {
                for in_colours in [false, true] {
                    let text = plain(&long(code, None, Page { width, in_colours }));
                    for line in text.lines().skip(2) {
                        let is_code_alone = words(line).len() == 1;
                        let fits = line.chars().count() <= width;
                        assert!(fits || is_code_alone || in_colours, "{code} at {width}: {line}");
                    }
                    assert_eq!(text.contains('`'), !in_colours, "{code}");
                    assert!(!text.contains("**") && !text.contains("\n\n\n"), "{code}: {text}");
                }
            }
        }
    }

    #[test]
    fn nothing_of_a_text_is_lost_in_setting_it() {
        let joined = |text: &str| text.split_whitespace().collect::<String>();
        for code in Code::ALL.iter().copied() {
            let shown = joined(&plain(&long(code, None, Page { width: 60, in_colours: false })));
            let text = Text::of(code);
            for piece in [text.happened, text.why, text.change]
                .into_iter()
                .chain(text.mends.iter().map(|mend| mend.text))
            {
                assert!(shown.contains(&joined(&piece.replace("**", ""))), "{code}: {piece}");
            }
        }
    }

    #[test]
    fn one_language_is_told_apart() {
        let page = Page { width: 80, in_colours: false };
        let text = plain(&long(Code::SilentDowngrade, Language::find("node"), page));
        assert!(text.contains("requireTLS: true") && text.contains("What happened"), "{text}");
        assert!(!text.contains("lettre\n") && !text.contains("PHPMailer\n"), "{text}");
    }

    #[test]
    fn what_is_not_known_is_refused_with_what_is_near() {
        let failure = code("bare-fl").unwrap_err();
        assert_eq!(failure.code, 2);
        assert!(failure.text.contains("did you mean bare-lf"), "{}", failure.text);
        assert!(!code("zebra").unwrap_err().text.contains("mean"));
        let failure = language("cobol").unwrap_err();
        assert!(failure.code == 2 && failure.text.contains("lettre"), "{}", failure.text);
    }
}
