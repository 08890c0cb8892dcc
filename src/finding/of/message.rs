//! What is wrong with one message: with what it says, and with how it was sent. What was wrong with the one before is
//! no matter of it.

use super::{Code, Observed, client};
use crate::finding::Letter;
use crate::smtp::Note;

/// What concerns the message that came last, and no other ([`Code::is_of_one_message`]).
#[must_use]
pub fn of_message(observed: &Observed<'_>, letter: &Letter) -> Vec<Code> {
    let mut codes = letter.codes();
    if letter.is_submission() && is_nobodys(observed) {
        codes.push(Code::CredentialsNotUsed);
    }
    codes.extend(observed.session.notes_of_message().iter().filter_map(|note| match note {
        Note::BareLf => Some(Code::BareLf),
        Note::BareCr => Some(Code::BareCr),
        Note::Nul => Some(Code::Nul),
        Note::DataBeforeReply => Some(Code::DataBeforeReply),
        _ => None,
    }));
    codes
}

/// Whether nobody has logged in who should have: servers need not.
pub(super) fn is_nobodys(observed: &Observed<'_>) -> bool {
    observed.session.identity().is_none()
        && client(observed).is_none_or(|client| !client.is_server())
}
