//! What a session writes into its transcript, and counts as remarkable.

use super::super::transcript::{Kind, Note};
use super::Session;

impl Session {
    pub(super) fn record(&mut self, kind: Kind, write: impl FnOnce(&mut Vec<u8>)) {
        self.transcript.add(self.clock.now, kind, self.tls.is_some(), write);
    }

    pub(super) fn note(&mut self, note: Note) {
        self.remark();
        if !self.message_notes.contains(&note) {
            self.message_notes.push(note);
        }
        self.record(Kind::Note(note), |out| out.extend(note.text().as_bytes()));
    }

    /// A note with more to say than its own words.
    pub(super) fn note_more(&mut self, note: Note, more: &str) {
        self.remark();
        self.record(Kind::Note(note), |out| {
            out.extend([note.text(), "; ", more].concat().as_bytes());
        });
    }

    /// Something happened that may be a mistake of the client.
    pub(super) fn remark(&mut self) {
        self.remarks = self.remarks.saturating_add(1);
    }
}
