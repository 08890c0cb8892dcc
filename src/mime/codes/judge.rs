//! Whether a candidate is a code, by the words around it. The order of likelihood: named by the words
//! next to it, alone on its line after a line that names it, near such words, alone, six digits.

use super::Code;
use super::candidate::{Candidate, Form, Word, find, words};
use super::words::{Says, is_money, labels_prefix, measures, says, unspaced};

/// Lines longer than this are read to here; people do not write them.
const LINE: usize = 4096;
/// Candidates that are judged at most.
const JUDGED: usize = 500;
/// Words on either side that may name a code.
const NEAR: usize = 6;
/// Octets on either side that are shown as context.
const CONTEXT: usize = 60;
/// From here on a candidate is likely.
const LIKELY: u32 = 50;

/// A code and how likely it is.
pub(super) struct Judged {
    pub(super) code: Code,
    pub(super) score: u32,
}

/// A line that is not empty.
struct Line<'a> {
    text: &'a str,
    words: Vec<Word<'a>>,
    /// The strongest that a word in it says.
    says: Says,
}

/// Everything in a text that may be a code.
pub(super) fn all(text: &str) -> Vec<Judged> {
    let text = plain(text);
    let lines: Vec<Line<'_>> = text.lines().filter_map(line).collect();
    let mut judged = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        for candidate in find(line.text, &line.words) {
            if judged.len() == JUDGED {
                return judged;
            }
            let place = Place { lines: &lines, at, candidate: &candidate };
            judged.extend(place.judge());
        }
    }
    judged
}

/// Digits of other scripts are the same digits, and what has no width is not there.
fn plain(text: &str) -> String {
    let digit = |c: char| {
        let zero = [0xFF10, 0x0660, 0x06F0, 0x0966].into_iter().rev();
        let value = zero.map(|zero| u32::from(c).wrapping_sub(zero)).find(|value| *value < 10)?;
        char::from_digit(value, 10)
    };
    let seen =
        |c: &char| !matches!(c, '\u{200B}'..='\u{200D}' | '\u{2060}' | '\u{FEFF}' | '\u{AD}');
    text.chars()
        .filter(seen)
        .map(|c| if c.is_ascii() { c } else { digit(c).unwrap_or(c) })
        .collect()
}

fn line(text: &str) -> Option<Line<'_>> {
    let text = super::beginning(text.trim(), LINE);
    if text.is_empty() {
        return None;
    }
    let words = words(text);
    let mut all = (0..words.len()).map(|at| meaning(&words, at));
    let code = unspaced(text) || all.clone().any(|says| says == Says::Code);
    let hint = all.any(|says| says == Says::Hint);
    let says = match (code, hint) {
        (true, _) => Says::Code,
        (_, true) => Says::Hint,
        _ => Says::Nothing,
    };
    Some(Line { text, words, says })
}

fn meaning(words: &[Word<'_>], at: usize) -> Says {
    let before = at.checked_sub(1).and_then(|at| words.get(at));
    says(&words[at].lower, before.map(|word| &*word.lower))
}

fn has_digit(word: &Word<'_>) -> bool {
    word.text.bytes().any(|c| c.is_ascii_digit())
}

/// A candidate where it stands.
struct Place<'a> {
    lines: &'a [Line<'a>],
    at: usize,
    candidate: &'a Candidate,
}

impl<'a> Place<'a> {
    fn line(&self) -> &'a Line<'a> {
        &self.lines[self.at]
    }

    fn before(&self) -> &'a [Word<'a>] {
        &self.line().words[..self.candidate.words.start]
    }

    fn after(&self) -> &'a [Word<'a>] {
        &self.line().words[self.candidate.words.end..]
    }

    fn judge(&self) -> Option<Judged> {
        let (named, follows) = (self.named_before(), self.named_after());
        if named == Says::Label || self.is_measured() || self.is_dialled() {
            return None;
        }
        let alone = self.is_alone();
        let near = if alone { self.said_above() } else { self.line().says };
        let direct = named == Says::Code || (alone && near == Says::Code);
        // `Code Ltd., 1600 Main Street`: the comma parts the two.
        let parted = self.before().last().is_some_and(|word| word.comma);
        if (self.is_year() || self.is_date()) && !direct
            || self.is_postcode() && (!direct || parted)
        {
            return None;
        }
        let score = match (named, follows) {
            (Says::Code, _) => 100,
            (_, Says::Code) => 95,
            _ if alone && near == Says::Code => 90,
            (Says::Hint, _) => 80,
            _ if alone && near == Says::Hint => 70,
            _ if near == Says::Code || self.said_above() == Says::Code => 55,
            _ if alone => 40,
            _ if near == Says::Hint || self.said_above() == Says::Hint => 30,
            _ => 10,
        };
        let score = self.by_form(score, direct)?;
        let written = self.written().to_owned();
        let (code, context) = (self.candidate.code.clone(), self.context(alone));
        Some(Judged { code: Code { code, written, context, likely: score >= LIKELY }, score })
    }

    /// What looks like a word needs more to be said for it than what looks like nothing else.
    fn by_form(&self, score: u32, direct: bool) -> Option<u32> {
        let code = &self.candidate.code;
        let usual = u32::from(code.len() == 6);
        let enough = match self.candidate.form {
            Form::Digits => score > 10 || code.len() == 6,
            Form::Groups if code.len() == 6 => self.written().len() <= 7 || score >= 90,
            Form::Groups => score >= 90,
            Form::Prefixed => {
                let prefix = code.split('-').next().unwrap_or_default();
                score >= 30 && !labels_prefix(prefix)
            }
            Form::LetterGroups if code.bytes().any(|c| c.is_ascii_digit()) => score >= 50,
            Form::LetterGroups => direct,
            Form::Letters => direct || (score >= 90 && self.is_called()),
        };
        enough.then_some(score + usual)
    }

    /// What the nearest word in front says that says something, in the same sentence and with no
    /// other number between.
    fn named_before(&self) -> Says {
        let before = self.before();
        let line = self.line().text;
        let start = self.line().words[self.candidate.words.start].at.start;
        let since = before.iter().rev().find(|word| has_digit(word)).map_or(0, |word| word.at.end);
        let near = line.ceil_char_boundary(start.saturating_sub(CONTEXT)).max(since);
        if unspaced(&line[near..start]) {
            return Says::Code;
        }
        let mut only_fillers = true;
        let mut hint = Says::Nothing;
        for (at, word) in before.iter().enumerate().rev().take(NEAR) {
            if has_digit(word) && word.lower != "2fa" || word.ends && !self.is_short(at) {
                break;
            }
            match meaning(before, at) {
                Says::Label if only_fillers => return Says::Label,
                Says::Code => return Says::Code,
                Says::Hint => (hint, only_fillers) = (Says::Hint, false),
                Says::Filler => {}
                Says::Label | Says::Nothing => only_fillers = false,
            }
        }
        hint
    }

    /// `No.`, `Nr.`: the full stop behind a short word ends no sentence.
    fn is_short(&self, at: usize) -> bool {
        self.before()[at].text.chars().count() <= 3 && meaning(self.before(), at) != Says::Code
    }

    /// `123456 is your code`.
    fn named_after(&self) -> Says {
        let last = &self.line().words[self.candidate.words.end - 1];
        let after = self.after();
        if after.is_empty() {
            let rest = &self.line().text[last.at.end..];
            return if unspaced(rest) { Says::Code } else { Says::Nothing };
        }
        if last.ends {
            return Says::Nothing;
        }
        for at in 0..after.len().min(NEAR + 2) {
            if has_digit(&after[at]) {
                break;
            }
            if meaning(after, at) == Says::Code {
                return Says::Code;
            }
            if after[at].ends {
                break;
            }
        }
        Says::Nothing
    }

    /// Whether a verb comes next: `A1B2C3 is your code`, and not `HTML5 code`.
    fn is_called(&self) -> bool {
        let verbs = ["is", "ist", "est", "es", "è", "é", "är", "er", "jest", "je", "—", "на"];
        self.after().first().is_some_and(|word| verbs.contains(&&*word.lower))
    }

    /// Prices, percentages, amounts of anything.
    fn is_measured(&self) -> bool {
        let words = &self.line().words[self.candidate.words.clone()];
        let (Some(first), Some(last)) = (words.first(), words.last()) else { return true };
        let sign = |c: Option<char>| {
            c.is_some_and(|c| {
                matches!(c, '$' | '€' | '£' | '¥' | '₹' | '₽' | '%' | '°' | '©' | '+' | '/')
            })
        };
        let before = self.before().last();
        let lone_sign =
            |word: &Word<'_>| word.text.chars().count() == 1 && sign(word.text.chars().next());
        let next = self.after().first().filter(|_| !last.ends);
        sign(first.touching.0)
            || sign(last.touching.1)
            || before.is_some_and(|word| is_money(&word.lower) || lone_sign(word))
            || next.is_some_and(|word| {
                let is_name = meaning(self.after(), 0) == Says::Code;
                !is_name && (measures(&word.lower) || lone_sign(word))
            })
    }

    /// Phone numbers: another number right beside it, `+49 30 123456` and `(030) 1234567`.
    fn is_dialled(&self) -> bool {
        let line = self.line().text;
        let words = &self.line().words;
        let beside = |one: usize, other: usize| {
            let between = &line[words[one].at.end..words[other].at.start];
            between.chars().count() <= 2 && between.chars().all(|c| " ()/\u{A0}-".contains(c))
        };
        let number = |word: &Word<'_>| {
            let mut text = word.text.bytes();
            text.all(|c| c.is_ascii_digit() || b"+-/().".contains(&c))
        };
        let (first, end) = (self.candidate.words.start, self.candidate.words.end);
        let before = first > 0 && number(&words[first - 1]) && beside(first - 1, first);
        let after = end < words.len() && number(&words[end]) && beside(end - 1, end);
        before || after
    }

    fn is_year(&self) -> bool {
        let year =
            |digits: &str| matches!(digits.as_bytes(), [b'1', b'9', _, _] | [b'2', b'0', _, _]);
        let code = &self.candidate.code;
        match self.candidate.form {
            Form::Digits => year(code),
            // 2025-2026
            Form::Groups => code.len() == 8 && year(&code[..4]) && year(&code[4..]),
            _ => false,
        }
    }

    /// Eight digits of which a day can be made: 20260731.
    fn is_date(&self) -> bool {
        let code = &self.candidate.code;
        let number =
            |range: std::ops::Range<usize>| code.get(range).and_then(|part| part.parse().ok());
        self.candidate.form == Form::Digits
            && code.len() == 8
            && matches!(number(0..4), Some(1900..=2099))
            && matches!(number(4..6), Some(1..=12))
            && matches!(number(6..8), Some(1..=31))
    }

    /// `10115 Berlin`, `San Francisco, CA 94103`.
    fn is_postcode(&self) -> bool {
        let code = &self.candidate.code;
        if self.candidate.form != Form::Digits || !(4..=6).contains(&code.len()) {
            return false;
        }
        let capital = |word: &Word<'_>| word.text.starts_with(char::is_uppercase);
        let last = &self.line().words[self.candidate.words.end - 1];
        let town = self.after().first().is_some_and(capital) && last.touching.1 == Some(' ');
        let state = self.before().last().is_some_and(|word| {
            word.text.len() == 2 && word.text.bytes().all(|c| c.is_ascii_uppercase())
        });
        (town && self.named_after() != Says::Code) || (state && code.len() == 5)
    }

    fn is_alone(&self) -> bool {
        self.line().words.len() == self.candidate.words.len()
            && !self.line().text.contains("://")
            && self.line().text.len() < self.written().len() + CONTEXT
    }

    /// What the lines around say. Those above count from nearer.
    fn said_above(&self) -> Says {
        let above = self.lines[..self.at].iter().rev().take(3);
        let below = self.lines[self.at + 1..].iter().take(1);
        let mut said = Says::Nothing;
        for line in above.chain(below) {
            match line.says {
                Says::Code => return Says::Code,
                Says::Hint => said = Says::Hint,
                _ => {}
            }
        }
        said
    }

    fn written(&self) -> &'a str {
        let words = &self.line().words[self.candidate.words.clone()];
        let start = words.first().map_or(0, |word| word.at.start);
        let end = words.last().map_or(0, |word| word.at.end);
        &self.line().text[start..end]
    }

    fn context(&self, alone: bool) -> String {
        let line = self.line().text;
        let start = self.line().words[self.candidate.words.start].at.start;
        let from = line.ceil_char_boundary(start.saturating_sub(CONTEXT));
        let to = line.floor_char_boundary(start + self.written().len() + CONTEXT);
        let above = self.at.checked_sub(1).filter(|_| alone).map(|at| self.lines[at].text);
        match above {
            Some(above) => {
                let from = above.ceil_char_boundary(above.len().saturating_sub(CONTEXT));
                format!("{} {line}", above[from..].trim())
            }
            None => line[from..to].trim().to_owned(),
        }
    }
}
