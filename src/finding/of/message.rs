//! What is wrong with one message: with what it says, and with how it was sent. What was wrong with the one before is
//! no matter of it.

use super::{Code, Observed, client};
use crate::finding::Letter;
use crate::smtp::{Note, Session};

/// What concerns the message that came last, and no other ([`Code::is_of_one_message`]). Servers need not log in;
/// whether one sends is asked where it matters.
pub fn of_message(
    session: &Session,
    letter: &Letter,
    is_no_server: impl FnOnce() -> bool,
) -> Vec<Code> {
    let mut codes = letter.codes();
    if letter.is_submission() && session.identity().is_none() && is_no_server() {
        codes.push(Code::CredentialsNotUsed);
    }
    codes.extend(session.notes_of_message().iter().filter_map(|note| match note {
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
    observed.session.identity().is_none() && is_no_server(observed)
}

/// Whether the client is none of those that are known as servers.
#[must_use]
pub fn is_no_server(observed: &Observed<'_>) -> bool {
    client(observed).is_none_or(|client| !client.is_server())
}
