//! The demo on the screen: what it is about, the conversations beside each other, what came of
//! them.
//!
//! Colours carry nothing that the text does not say: who speaks stands in front of each line, and
//! a bar in the margin marks what goes through TLS.

use super::conversation::{Conversation, Line, Said, Stage};
use super::layout::{Cell, Row, beside, columns, heading, span, width_of, wrap};
use super::place::Words;
use super::style::{BOLD, CLIENT, DIM, NOTE, REFUSED, SEALED, SERVER, paint};
use super::words;
use anstyle::Style;

const BAR: &str = "┃ ";
const PLAIN: Style = Style::new();

/// The whole text, with colours.
pub(super) fn everything(place: &Words, conversations: &[Conversation], width: usize) -> String {
    let mut text = beginning(place, conversations.len(), width);
    let (count, each) = columns(conversations.len(), width);
    for group in conversations.chunks(count) {
        text.push('\n');
        text.push_str(&titles(group, each));
        for stage in Stage::ALL {
            text.push_str(&heading(stage.name(), stage.meaning(), width));
            let cells: Vec<_> = group.iter().map(|it| cell(it, stage, each)).collect();
            text.push_str(&beside(&cells, each));
        }
    }
    text.push('\n');
    text.push_str(&summary(conversations, width));
    text.push('\n');
    paragraph(&mut text, PLAIN, &place.end, width);
    text
}

fn paragraph(text: &mut String, style: Style, words: &str, width: usize) {
    for line in wrap(words, width, 0) {
        text.push_str(&paint(style, &line));
        text.push('\n');
    }
}

fn beginning(place: &Words, count: usize, width: usize) -> String {
    let mut text = String::new();
    let what = match count {
        1 => "One message goes through one door".to_owned(),
        _ => format!("One message goes through each of {count} doors"),
    };
    paragraph(
        &mut text,
        BOLD,
        &format!("{what}, as a well-behaved client of that door sends it."),
        width,
    );
    paragraph(&mut text, PLAIN, &place.beginning, width);
    text.push_str(&legend(width));
    text
}

fn legend(width: usize) -> String {
    const GAP: &str = "   ";
    let legend = [
        (CLIENT, "C:", "the client"),
        (SERVER, "S:", "the server"),
        (DIM, "→", "what it means"),
        (SEALED, "┃", "through TLS: nobody can read along"),
    ];
    let mut text = String::new();
    let mut used = 0;
    for (style, mark, meaning) in legend {
        let needed = width_of(mark) + 1 + width_of(meaning);
        if used > 0 && used + GAP.len() + needed > width {
            text.push('\n');
            used = 0;
        } else if used > 0 {
            text.push_str(GAP);
            used += GAP.len();
        }
        text.push_str(&format!("{} {meaning}", paint(style, mark)));
        used += needed;
    }
    text.push('\n');
    text
}

fn titles(group: &[Conversation], width: usize) -> String {
    let title = |conversation: &Conversation| {
        let door = &conversation.door;
        let mut rows = vec![vec![span(BOLD, "  "), span(BOLD.underline(), &door.name)]];
        for line in wrap(&words::title(door), width.saturating_sub(2), 0) {
            rows.push(vec![span(PLAIN, "  "), span(PLAIN, line)]);
        }
        Cell { rows, filler: Row::new() }
    };
    beside(&group.iter().map(title).collect::<Vec<_>>(), width)
}

/// What one door says at one stage.
fn cell(conversation: &Conversation, stage: Stage, width: usize) -> Cell {
    let mut cell = Cell::default();
    for line in conversation.at(stage) {
        rows(&mut cell.rows, line, width);
        let goes_on = line.sealed || line.said == Said::TlsBegins;
        let has_bar = goes_on && line.said != Said::Closed;
        cell.filler = if has_bar { vec![span(SEALED, BAR.trim_end())] } else { Row::new() };
    }
    if cell.rows.is_empty() {
        cell.rows.push(vec![span(DIM, "  – not reached –")]);
    }
    cell
}

/// A line of a conversation as rows of its column.
fn rows(rows: &mut Vec<Row>, line: &Line, width: usize) {
    let margin = if line.sealed { span(SEALED, BAR) } else { span(PLAIN, "  ") };
    let (mark, style) = match line.said {
        Said::Client => ("C: ", CLIENT),
        Said::Server => ("S: ", SERVER),
        Said::Telling => ("S: ", SERVER.bold()),
        Said::Refused => ("S: ", REFUSED),
        Said::Word => ("→ ", DIM),
        Said::Caution => ("! ", NOTE),
        Said::Same => ("   ", DIM),
        Said::Absent => {
            for text in wrap(&format!("– {} –", line.text), width.saturating_sub(2), 2) {
                rows.push(vec![margin.clone(), span(DIM, text)]);
            }
            return;
        }
        Said::TlsBegins => {
            rows.push(border(&format!("┏━ {} begins ", line.text), width));
            return;
        }
        Said::Closed if line.sealed => {
            rows.push(border(&format!("┗━ {} ", line.text), width));
            return;
        }
        Said::Closed => ("→ ", DIM),
    };
    let room = width.saturating_sub(2 + width_of(mark));
    // The end of a long protocol line must not look like a line of its own.
    let indent = if mark.ends_with(": ") { 2 } else { 0 };
    for (index, text) in wrap(&line.text, room, indent).into_iter().enumerate() {
        let mark = if index == 0 { mark.to_owned() } else { " ".repeat(width_of(mark)) };
        let mark = if text.is_empty() { mark.trim_end().to_owned() } else { mark };
        rows.push(vec![margin.clone(), span(style, mark), span(style, text)]);
    }
}

fn border(text: &str, width: usize) -> Row {
    let line = "━".repeat(width.saturating_sub(width_of(text)));
    vec![span(SEALED.bold(), format!("{text}{line}"))]
}

/// A line for each door: what was in the clear, what was not, the login, the message's number.
fn summary(conversations: &[Conversation], width: usize) -> String {
    let mut text = heading("What came of it", "", width);
    let longest = conversations.iter().map(|it| it.door.name.len()).max().unwrap_or(0);
    let room = width.saturating_sub(longest + 2);
    for (conversation, facts) in conversations.iter().zip(aligned(conversations, room)) {
        let name = format!("{:longest$}  ", conversation.door.name);
        let style = if conversation.stop.is_some() { REFUSED } else { PLAIN };
        for (index, line) in wrap(&facts, room, 0).into_iter().enumerate() {
            let name = if index == 0 { paint(BOLD, &name) } else { " ".repeat(name.len()) };
            text.push_str(&format!("{name}{}\n", paint(style, line.trim_end())));
        }
    }
    text
}

/// The facts of each door on one line, beneath each other where all lines have room for that.
fn aligned(conversations: &[Conversation], room: usize) -> Vec<String> {
    let facts: Vec<_> = conversations.iter().map(facts).collect();
    let mut widest = [0; 4];
    for row in &facts {
        for (widest, fact) in widest.iter_mut().zip(row) {
            *widest = width_of(fact).max(*widest);
        }
    }
    let fits = widest.iter().sum::<usize>() + 3 * 2 <= room;
    let padded = |(fact, widest): (&String, &usize)| {
        format!("{fact}{}", " ".repeat(widest.saturating_sub(width_of(fact))))
    };
    let line = |row: &[String; 4]| match fits {
        true => row.iter().zip(&widest).map(padded).collect::<Vec<_>>().join("  "),
        false => row.join("; "),
    };
    facts.iter().map(line).collect()
}

fn facts(conversation: &Conversation) -> [String; 4] {
    let clear = conversation.stages_in_the_clear();
    let (clear, sealed) = match (clear.as_slice(), &conversation.tls) {
        ([], Some(version)) => ("nothing".to_owned(), format!("under {version}: everything")),
        ([], None) => ("nothing".to_owned(), "no TLS".to_owned()),
        (stages, None) if conversation.stop.is_some() => (stages.join(", "), "no TLS".to_owned()),
        (_, None) => ("everything".to_owned(), "no TLS".to_owned()),
        (stages, Some(version)) => (stages.join(", "), format!("under {version}: the rest")),
    };
    let login = words::login(&conversation.door, conversation.user.as_deref());
    let caught = match (&conversation.kept, &conversation.stop) {
        (Some(number), _) => format!("caught as message {number}"),
        (None, Some(stop)) => format!("stopped at {}", stop.stage.name()),
        (None, None) => "the message was taken".to_owned(),
    };
    [format!("in the clear: {clear}"), sealed, login, caught]
}
