//! Tables for people: a line for each message or session, cut where the terminal ends.

use super::client::answers::{Address, Message, Session};
use super::print::{Clock, line};
use super::style::{BOLD, DIM, paint};
use anstyle::Style;
use bytesize::ByteSize;
use comfy_table::{
    CellAlignment, ColumnConstraint, ContentArrangement, Row, Table, TableStyle, presets,
};

/// Marks what nobody has read.
const UNREAD: &str = "•";
/// Characters of a cell: more are not shown even where the line may be as long as it likes.
const LONGEST: usize = 120;

/// How a column behaves where the terminal is narrow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Column {
    /// It is shown whole.
    Whole,
    /// It is a number.
    Number,
    /// It is cut.
    Cut,
}

/// The table of messages.
pub(super) fn messages(messages: &[Message], clock: Clock, width: Option<u16>) -> String {
    use Column::{Cut, Number, Whole};
    let columns = [
        ("", Whole),
        ("id", Number),
        ("received", Whole),
        ("door", Whole),
        ("from", Cut),
        ("to", Cut),
        ("subject", Cut),
        ("size", Number),
    ];
    let rows = messages.iter().map(|message| {
        let is_unread = message.read == Some(false);
        let cells = vec![
            if is_unread { UNREAD } else { "" }.to_owned(),
            message.id.to_string(),
            clock.short(message.received_at),
            message.door.clone(),
            sender(message),
            recipients(message),
            message.subject.clone().unwrap_or_default(),
            ByteSize::b(message.size).to_string(),
        ];
        (if is_unread { BOLD } else { Style::new() }, cells)
    });
    render(&columns, rows, width)
}

/// The table of sessions.
pub(super) fn sessions(sessions: &[Session], clock: Clock, width: Option<u16>) -> String {
    use Column::{Cut, Number, Whole};
    let columns = [
        ("id", Number),
        ("connected", Whole),
        ("door", Whole),
        ("client", Whole),
        ("hello", Cut),
        ("TLS", Whole),
        ("user", Cut),
        ("messages", Number),
        ("outcome", Cut),
    ];
    let rows = sessions.iter().map(|session| {
        let cells = vec![
            session.id.to_string(),
            clock.short(session.connected_at),
            session.door.clone(),
            session.peer.clone(),
            session.hello.as_ref().map(|hello| hello.name.clone()).unwrap_or_default(),
            session.tls.as_ref().map_or_else(|| "-".into(), |tls| tls.version.clone()),
            session.auth.as_ref().map_or_else(|| "-".into(), |auth| auth.user.clone()),
            session.messages.to_string(),
            outcome(session),
        ];
        (if session.ended_at.is_none() { BOLD } else { Style::new() }, cells)
    });
    render(&columns, rows, width)
}

/// What became of a session, in a few words.
pub(super) fn outcome(session: &Session) -> String {
    let kept: Vec<_> = session
        .transactions
        .iter()
        .filter_map(|one| one.message.as_ref())
        .map(|id| &*id.0)
        .collect();
    if !kept.is_empty() {
        let more =
            if kept.len() > 3 { format!(" and {} more", kept.len() - 3) } else { String::new() };
        return format!("kept as {}{more}", kept[..kept.len().min(3)].join(", "));
    }
    let refused = session.transactions.iter().find(|one| one.verdict == "refused");
    if let Some(reply) = refused.and_then(|one| one.reply.as_ref()) {
        return format!("{} {}", reply.code, reply.text);
    }
    if let Some(note) = session.notes.last() {
        return note.clone();
    }
    if let Some(refusal) = &session.last_refusal {
        let at = if refusal.command.is_empty() { "" } else { " at " };
        return format!("{}{at}{}: {}", refusal.reply.code, refusal.command, refusal.reply.text);
    }
    match &session.ended {
        Some(ended) => ended.text.clone(),
        None => "running".into(),
    }
}

/// Who it says it is from; the reverse-path where its header says nothing.
pub(super) fn sender(message: &Message) -> String {
    match (message.from.first(), &*message.envelope.reverse_path) {
        (Some(first), _) => person(first),
        (None, "") => "<>".to_owned(),
        (None, path) => path.to_owned(),
    }
}

/// Who it says it is to; the forward-paths where its header says nothing.
pub(super) fn recipients(message: &Message) -> String {
    let named: Vec<_> = match message.to.as_slice() {
        [] => message.envelope.forward_paths.iter().map(|to| to.path.clone()).collect(),
        to => to.iter().map(|to| to.address.clone()).collect(),
    };
    match named.as_slice() {
        [one, _, ..] if named.len() > 3 => format!("{one} and {} more", named.len() - 1),
        some => some.join(", "),
    }
}

fn person(Address { name, address }: &Address) -> String {
    match name.as_deref() {
        Some(name) if !name.is_empty() => name.to_owned(),
        _ => address.clone(),
    }
}

fn render(
    columns: &[(&str, Column)],
    rows: impl Iterator<Item = (Style, Vec<String>)>,
    width: Option<u16>,
) -> String {
    const PLAIN: TableStyle = presets::NOTHING;
    let mut table = Table::new();
    table.load_style(PLAIN).set_truncation_indicator("…");
    match width {
        Some(width) => {
            table.set_width(width).set_content_arrangement(ContentArrangement::Dynamic);
        }
        None => {
            table.set_content_arrangement(ContentArrangement::Disabled);
        }
    }
    table.set_header(one_line(columns.iter().map(|(name, _)| (*name).to_owned())));
    let mut styles = vec![DIM];
    for (style, cells) in rows {
        styles.push(style);
        table.add_row(one_line(cells.into_iter()));
    }
    let last = columns.len().saturating_sub(1);
    for (at, (_, kind)) in columns.iter().enumerate() {
        let Some(column) = table.column_mut(at) else { continue };
        column.set_padding((0, if at == last { 0 } else { 2 }));
        if *kind != Column::Cut {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
        if *kind == Column::Number {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let lines = table.lines().zip(styles);
    lines.map(|(line, style)| paint(style, line.trim_end()) + "\n").collect()
}

fn one_line(cells: impl Iterator<Item = String>) -> Row {
    let cells = cells.map(|cell| line(&cell.chars().take(LONGEST).collect::<String>()));
    let mut row = Row::from(cells.collect::<Vec<_>>());
    row.max_height(1);
    row
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may stop at the first surprise
mod tests {
    use super::*;
    use serde_json::json;

    fn list(subject: &str) -> Vec<Message> {
        let message = json!({
            "id": 7, "received_at": "2026-01-02T03:04:05Z", "door": "relay", "size": 1234,
            "envelope": {"reverse_path": "", "forward_paths": [{"path": "bob@example.org"}]},
            "subject": subject, "read": false, "colour": "a field from the future",
        });
        vec![serde_json::from_value(message).unwrap()]
    }

    #[test]
    fn a_table_is_as_wide_as_the_terminal() {
        let subject = "日本語の件名 with a very long tail ".repeat(9);
        for width in [50, 80, 120] {
            let text = messages(&list(&subject), Clock::local(), Some(width));
            let text = anstream::adapter::strip_str(&text).to_string();
            assert_eq!(text.lines().count(), 2, "{text}");
            for line in text.lines() {
                let columns: usize = line
                    .chars()
                    .map(|c| if ('\u{2e80}'..'\u{ffe0}').contains(&c) { 2 } else { 1 })
                    .sum();
                assert!(columns <= usize::from(width), "{columns} > {width}: {line}");
            }
            assert!(text.contains('…') && text.contains("relay"), "{text}");
        }
    }

    #[test]
    fn a_pipe_gets_it_whole_and_nothing_that_drives_a_terminal() {
        let text = messages(&list("one\n\u{1b}[2Jtwo"), Clock::local(), None);
        let text = anstream::adapter::strip_str(&text).to_string();
        let row = text.lines().nth(1).unwrap();
        assert!(row.starts_with("•   7  2026-01-02") && row.contains("one \\u{1b}[2Jtwo"), "{row}");
        assert!(
            row.contains("<>") && row.contains("bob@example.org") && row.contains("1.2 KiB"),
            "{row}"
        );
    }
}
