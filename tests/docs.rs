//! The pages of docs/ that are made from the program are current. `REWRITE_DOCS=1 cargo test --test docs` makes them so.

#![allow(clippy::unwrap_used)] // a test may stop at the first surprise

use doorpost::finding::Code;
use doorpost::finding::text::markdown;
use std::fs;
use std::path::Path;

#[path = "docs/faults.rs"]
mod faults;

/// Holds a page to what the program says, or writes it down.
fn hold(page: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(page);
    if std::env::var_os("REWRITE_DOCS").is_some() {
        fs::write(&path, text).unwrap();
    }
    // A checkout on Windows may have other line ends.
    let written = fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    let first = written.lines().zip(text.lines()).find(|(old, new)| old != new);
    assert!(
        written == text,
        "docs/{page} is not what the program says (first: {first:?}); \
         REWRITE_DOCS=1 cargo test --test docs writes it"
    );
}

const FINDINGS: &str = "\
# Findings

What doorpost sees clients do wrong, by a name that stays. `doorpost explain CODE` prints the same texts in a
terminal, `doorpost explain CODE --language python` what to change in one language. An error refused or lost mail, or
laid a secret open; a warning worked here and will not everywhere; an info is worth knowing.

This page is made from the program: `REWRITE_DOCS=1 cargo test --test docs`.

";

/// A text with its headings two levels down, under its code.
fn chapter(code: Code) -> String {
    let text = markdown(code);
    let (title, rest) = text.split_once('\n').unwrap();
    let rest: String = rest
        .lines()
        .map(|line| format!("{}{line}\n", if line.starts_with('#') { "#" } else { "" }))
        .collect();
    let title = title.trim_start_matches("# ");
    format!("## {code}\n\n*{title}* ({}, {})\n{rest}\n", code.severity(), code.rfc())
}

#[test]
fn the_page_of_findings_is_current() {
    let mut text = FINDINGS.to_owned();
    text.push_str("| code | severity | the mistake | where it is written |\n|---|---|---|---|\n");
    for code in Code::ALL {
        text.push_str(&format!(
            "| [`{code}`](#{code}) | {} | {} | {} |\n",
            code.severity(),
            code.title(),
            code.rfc()
        ));
    }
    text.push('\n');
    for code in Code::ALL {
        text.push_str(&chapter(*code));
    }
    hold("findings.md", &(text.trim_end().to_owned() + "\n"));
}
