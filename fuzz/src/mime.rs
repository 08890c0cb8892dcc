//! Reading a message: never an error, never more than the limits, and every part that is named can be had.

use doorpost::mime::{
    Part, Reading, Searchable, Summary, codes, header_lines, images, links, part,
};

fn count(part: &Part, depth: usize) -> usize {
    assert!(depth <= 34, "parts lie deeper than is read");
    1 + part.children.iter().map(|child| count(child, depth + 1)).sum::<usize>()
}

/// Stops at the first promise that this input breaks.
pub fn check(bytes: &[u8]) {
    let reading = Reading::of(bytes);
    assert!(count(&reading.parts, 0) <= 2_001, "more parts than are read");
    assert!(reading.headers.len() <= 2_000, "more fields than are read");
    for attachment in &reading.attachments {
        let content = part(bytes, &attachment.id).expect("an attachment that is listed is there");
        assert_eq!(content.bytes.len(), attachment.size);
        let name = content.file_name.unwrap_or_default();
        assert!(!name.contains(['/', '\\', '\0', '\r', '\n']), "{name:?} leads elsewhere");
        assert!(!content.content_type.contains(['\r', '\n']), "a header could be split");
    }
    for link in links(&reading) {
        assert!(link.url.len() <= 8 * 1024);
    }
    let _ = images(&reading);
    for code in codes(&reading) {
        assert!(!code.code.is_empty());
    }
    let summary = Summary::read(bytes);
    assert_eq!(summary.subject, reading.subject);
    let searchable = Searchable::of(bytes);
    assert_eq!(searchable.message_id, reading.message_id);
    let _ = header_lines(bytes);
}
