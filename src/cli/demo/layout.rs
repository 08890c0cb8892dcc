//! Text in columns: breaking lines, measuring them, setting cells side by side.
//!
//! Widths are counted so that no line is ever longer than it was told to be; with scripts that
//! combine characters it may come out shorter.

use super::style::{BOLD, DIM, paint};
use anstyle::Style;
use std::io::IsTerminal as _;

/// The width for a file or a pipe: what a projector shows, and four columns fit in.
const UNKNOWN: usize = 160;
/// Narrower than this, nothing can be read.
const NARROWEST: usize = 40;
/// Wider than this, an eye does not find the next line.
const WIDEST: usize = 240;
/// The narrowest column in which most lines of a conversation fit.
const COLUMN: usize = 36;
/// Spaces between columns.
const GAP: usize = 2;

/// A piece of text in one style.
#[derive(Clone, Debug)]
pub(super) struct Span {
    pub(super) style: Style,
    pub(super) text: String,
}

pub(super) fn span(style: Style, text: impl Into<String>) -> Span {
    Span { style, text: text.into() }
}

/// One line of a cell.
pub(super) type Row = Vec<Span>;

/// A block of text that stands beside others.
#[derive(Clone, Debug, Default)]
pub(super) struct Cell {
    pub(super) rows: Vec<Row>,
    /// What goes on below where a neighbour is longer.
    pub(super) filler: Row,
}

/// As wide as the terminal; where there is none, as `COLUMNS` says.
pub(super) fn terminal_width() -> usize {
    let size = if std::io::stdout().is_terminal() { terminal_size::terminal_size() } else { None };
    let seen = size.map(|(width, _)| usize::from(width.0));
    let told = || std::env::var("COLUMNS").ok()?.trim().parse().ok();
    seen.or_else(told).unwrap_or(UNKNOWN).clamp(NARROWEST, WIDEST)
}

/// How many columns of what width: as many as fit, and no row nearly empty.
pub(super) fn columns(count: usize, width: usize) -> (usize, usize) {
    let fitting = ((width + GAP) / (COLUMN + GAP)).clamp(1, count.max(1));
    let rows = count.max(1).div_ceil(fitting);
    let columns = count.max(1).div_ceil(rows);
    (columns, (width + GAP) / columns - GAP)
}

/// Sets cells of one width side by side.
pub(super) fn beside(cells: &[Cell], width: usize) -> String {
    let height = cells.iter().map(|cell| cell.rows.len()).max().unwrap_or(0);
    let mut text = String::new();
    for line in 0..height {
        let mut missing = 0;
        for cell in cells {
            let row = cell.rows.get(line).unwrap_or(&cell.filler);
            for Span { style, text: words } in row {
                text.push_str(&" ".repeat(std::mem::take(&mut missing)));
                text.push_str(&paint(*style, words));
            }
            let used: usize = row.iter().map(|span| width_of(&span.text)).sum();
            missing += width.saturating_sub(used) + GAP;
        }
        text.push('\n');
    }
    text
}

/// A line across the page that opens a section, and says what it is about.
pub(super) fn heading(title: &str, meaning: &str, width: usize) -> String {
    let line = |used: usize| "─".repeat(width.saturating_sub(used));
    let used = width_of(title) + 4;
    let with_meaning = used + width_of(meaning) + 3;
    let mut text = format!("{} {} ", paint(DIM, "──"), paint(BOLD, title));
    if !meaning.is_empty() && with_meaning <= width {
        text.push_str(&format!("· {meaning} {}\n", paint(DIM, &line(with_meaning))));
        return text;
    }
    text.push_str(&format!("{}\n", paint(DIM, &line(used))));
    if !meaning.is_empty() {
        for words in wrap(meaning, width.saturating_sub(3), 0) {
            text.push_str(&format!("   {words}\n"));
        }
    }
    text
}

/// Breaks at spaces, and within a word only where it fits no line. Lines after the first begin
/// with so many spaces.
pub(super) fn wrap(text: &str, width: usize, indent: usize) -> Vec<String> {
    // A column of nothing would never be filled.
    let width = width.max(indent + 2);
    let mut lines = vec![String::new()];
    let mut used = 0;
    let mut is_begun = false;
    for word in text.split(' ') {
        let needed = width_of(word) + usize::from(is_begun);
        if is_begun && used + needed > width {
            lines.push(" ".repeat(indent));
            (used, is_begun) = (indent, false);
        }
        if is_begun {
            push(&mut lines, ' ');
            used += 1;
        }
        for c in word.chars() {
            if used + width_of_char(c) > width {
                lines.push(" ".repeat(indent));
                used = indent;
            }
            push(&mut lines, c);
            used += width_of_char(c);
        }
        is_begun = true;
    }
    lines
}

fn push(lines: &mut [String], c: char) {
    if let Some(line) = lines.last_mut() {
        line.push(c);
    }
}

/// Cells of a terminal that the text takes, at most.
pub(super) fn width_of(text: &str) -> usize {
    text.chars().map(width_of_char).sum()
}

/// Everything from Hangul on may be wide, except what lies between there and CJK.
fn width_of_char(c: char) -> usize {
    match c {
        '\u{0}'..='\u{10ff}' | '\u{1160}'..='\u{22ff}' | '\u{2400}'..='\u{25fc}' => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_beside_each_other_or_two_or_one() {
        for (width, expected) in [(80, 2), (113, 2), (149, 2), (150, 4), (240, 4), (73, 1)] {
            let (columns, each) = columns(4, width);
            assert_eq!(columns, expected, "{width}");
            assert!(columns * (each + GAP) - GAP <= width);
        }
        assert_eq!((columns(5, 160).0, columns(5, 200).0, columns(0, 160).0), (3, 5, 1));
    }

    #[test]
    fn nothing_is_wider_than_it_was_told() {
        let text = "a wordthatfitsnoline and  two spaces, 中文字符中文字符中文 ┃ é";
        for width in 4..40 {
            for line in wrap(text, width, width % 3) {
                assert!(width_of(&line) <= width, "{width}: {line}");
            }
            for line in anstream::adapter::strip_str(&heading("AUTH", text, width.max(12)))
                .to_string()
                .lines()
            {
                assert!(width_of(line) <= width.max(12), "{width}: {line}");
            }
        }
        assert_eq!(wrap("one two  three", 8, 2), ["one two ", "  three"]);
        assert_eq!(wrap("", 8, 2), [""]);
    }

    #[test]
    fn short_cells_are_filled_and_no_line_ends_in_spaces() {
        let row = |text: &str| vec![span(Style::new(), text)];
        let left = Cell { rows: vec![row("a")], filler: row("|") };
        let right = Cell { rows: vec![row("b"), row("c"), row("d")], filler: Vec::new() };
        assert_eq!(beside(&[left.clone(), right.clone()], 3), "a    b\n|    c\n|    d\n");
        assert_eq!(beside(&[right, left], 3), "b    a\nc    |\nd    |\n");
    }
}
