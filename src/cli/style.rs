//! Colours, decided once. `anstream` takes them out where the terminal cannot show them, or
//! where `NO_COLOR` is set.

use anstyle::{AnsiColor, Style};

pub(super) const DIM: Style = Style::new().dimmed();
pub(super) const BOLD: Style = Style::new().bold();
pub(super) const CLIENT: Style = AnsiColor::Cyan.on_default();
pub(super) const SERVER: Style = AnsiColor::Green.on_default();
pub(super) const REFUSED: Style = AnsiColor::Red.on_default();
pub(super) const LOUD: Style = AnsiColor::Red.on_default().bold();
pub(super) const NOTE: Style = AnsiColor::Yellow.on_default();
pub(super) const SEALED: Style = AnsiColor::Blue.on_default();

/// The text in a style.
pub(super) fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}
