//! One-time codes, as people pull them out of mails in tests: `123456`, `123 456`, `AB12-CD34`,
//! `G-123456`. Found by form (`candidate`), judged by the words around them (`judge`, `words`).
//!
//! A guess by nature: the likely ones come first and are called so. Refused are years, dates, prices,
//! amounts, phone numbers, postcodes, numbers named as something else (order, invoice, account), and
//! whatever stands in a URL or an address.

mod candidate;
mod judge;
mod words;

#[cfg(test)]
mod tests;

use super::limits::{CODES, beginning};
use super::reading::Reading;
use judge::Judged;
use serde::Serialize;

/// Codes that are listed at most.
const LISTED: usize = 50;

/// Something that looks like a one-time code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Code {
    /// What one would type: `123456` also for `123 456`; letters as they are, hyphens between
    /// groups with letters kept.
    pub code: String,
    /// As it stands in the mail.
    pub written: String,
    /// The words around it.
    pub context: String,
    /// Whether the words around it speak of a code.
    pub likely: bool,
}

/// The codes of a message: of its subject, its text and the text of its HTML, the likeliest first,
/// each once.
#[must_use]
pub fn codes(reading: &Reading) -> Vec<Code> {
    let sources = [&reading.subject, &reading.text, &reading.text_of_html];
    let mut found: Vec<Judged> = Vec::new();
    for text in sources.into_iter().flatten() {
        for judged in judge::all(beginning(text, CODES)) {
            match found.iter_mut().find(|known| known.code.code == judged.code.code) {
                Some(known) if known.score >= judged.score => {}
                Some(known) => *known = judged,
                None => found.push(judged),
            }
        }
    }
    // Stable: of equals, what comes first in the mail comes first.
    found.sort_by_key(|judged| std::cmp::Reverse(judged.score));
    found.into_iter().take(LISTED).map(|judged| judged.code).collect()
}
