//! What has the form of a code: a line taken apart into words, and the words, or runs of words, that
//! are long enough and not too long. What they mean is judged elsewhere.

use crate::mime::urls;
use std::ops::Range;

/// Digits of a code.
const DIGITS: std::ops::RangeInclusive<usize> = 4..=8;

/// A word, without the punctuation around it.
pub(super) struct Word<'a> {
    pub(super) text: &'a str,
    pub(super) lower: String,
    /// Where it is in its line.
    pub(super) at: Range<usize>,
    /// Whether a sentence ends behind it.
    pub(super) ends: bool,
    /// Whether a comma stands behind it.
    pub(super) comma: bool,
    /// The characters that touch it.
    pub(super) touching: (Option<char>, Option<char>),
}

/// The form of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Digits.
    Digits,
    /// Digits in groups: `123 456`, `123-456`.
    Groups,
    /// `G-123456`.
    Prefixed,
    /// `AB12-CD34`.
    LetterGroups,
    /// `A1B2C3`.
    Letters,
}

/// Something that looks like a code.
pub(super) struct Candidate {
    pub(super) form: Form,
    pub(super) code: String,
    /// The words it is made of.
    pub(super) words: Range<usize>,
}

/// The words of a line. What belongs to a URL or an address is no word.
pub(super) fn words(line: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut at = 0;
    for url in urls::find(line) {
        split(line, at..url.start, &mut words);
        at = url.end;
    }
    split(line, at..line.len(), &mut words);
    words
}

fn split<'a>(line: &'a str, range: Range<usize>, words: &mut Vec<Word<'a>>) {
    let mut start = range.start;
    let mut previous = None;
    for (offset, c) in line[range.clone()].char_indices() {
        let at = range.start + offset;
        // A colon ends `code:`, but is part of `12:30`.
        let apart =
            separates(c) || (c == ':' && !previous.is_some_and(|p: char| p.is_ascii_digit()));
        if apart {
            word(line, start..at, words);
            start = at + c.len_utf8();
        }
        previous = Some(c);
    }
    word(line, start..range.end, words);
}

/// What stands between words. Scripts without blanks stand between the numbers in them.
fn separates(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '=' | '|' | '(' | ')' | '[' | ']' | '{' | '}' | '<' | '>' | '"' | '*' | '_')
        || matches!(c, '“' | '”' | '„' | '«' | '»' | '‘' | '’' | '→' | '•' | '·' | '—' | '✓')
        || matches!(c, '\u{2500}'..='\u{257F}' | '\u{E00}'..='\u{E7F}')
        || c >= '\u{2E80}'
}

fn word<'a>(line: &'a str, range: Range<usize>, words: &mut Vec<Word<'a>>) {
    let whole = &line[range.clone()];
    let loose = |c: char| {
        matches!(c, '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '`' | '-' | '–' | '~' | '#')
    };
    let text = whole.trim_end_matches(loose);
    let behind = &whole[text.len()..];
    let (ends, comma) = (behind.contains(['.', '!', '?', ';']), behind.contains(','));
    let text = text.trim_start_matches(loose);
    if text.is_empty() || text.contains('@') {
        return;
    }
    let start = range.start + (text.as_ptr() as usize - whole.as_ptr() as usize);
    let at = start..start + text.len();
    let touching = (line[..at.start].chars().next_back(), line[at.end..].chars().next());
    words.push(Word { text, lower: text.to_lowercase(), at, ends, comma, touching });
}

/// The candidates of a line.
pub(super) fn find(line: &str, words: &[Word<'_>]) -> Vec<Candidate> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let run = run(line, &words[at..]);
        if run > 0 {
            found.extend(numbers(&words[at..at + run], at));
            at += run;
            continue;
        }
        if let Some((form, code)) = single(&words[at]) {
            found.push(Candidate { form, code, words: at..at + 1 });
        }
        at += 1;
    }
    found
}

/// How many words from here are numbers with one blank between them: they are one number.
fn run(line: &str, words: &[Word<'_>]) -> usize {
    let number = |word: &Word<'_>| word.text.bytes().all(|c| c.is_ascii_digit());
    let joined = |pair: &[Word<'_>]| {
        let between = &line[pair[0].at.end..pair[1].at.start];
        matches!(between, " " | "\u{A0}" | "\u{2009}" | "\u{202F}")
    };
    if !words.first().is_some_and(number) {
        return 0;
    }
    1 + words.windows(2).take_while(|pair| number(&pair[1]) && joined(pair)).count()
}

fn numbers(run: &[Word<'_>], at: usize) -> Option<Candidate> {
    let lengths: Vec<_> = run.iter().map(|word| word.text.len()).collect();
    let form = groups(&lengths)?;
    let code = run.iter().map(|word| word.text).collect();
    Some(Candidate { form, code, words: at..at + run.len() })
}

/// The form of digits in groups of these lengths: all the same, and not too many in all.
fn groups(lengths: &[usize]) -> Option<Form> {
    let (first, all) = (*lengths.first()?, lengths.iter().sum::<usize>());
    let even = lengths.iter().all(|length| *length == first);
    let few = lengths.len() <= 3 || first == 1;
    match lengths.len() {
        _ if !DIGITS.contains(&all) => None,
        1 => Some(Form::Digits),
        _ => (even && few).then_some(Form::Groups),
    }
}

/// A word that is a code by itself, and no plain number.
fn single(word: &Word<'_>) -> Option<(Form, String)> {
    let parts: Vec<_> = word.text.split(['-', '–', '\u{2010}', '\u{2011}']).collect();
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|c| c.is_ascii_alphanumeric());
    if parts.len() > 4 || !parts.iter().all(|part| plain(part)) {
        return None;
    }
    let digits = |part: &str| part.bytes().all(|c| c.is_ascii_digit());
    let capitals = |part: &str| !part.bytes().any(|c| c.is_ascii_lowercase());
    let letters = |part: &str| part.bytes().all(|c| c.is_ascii_uppercase());
    if parts.iter().all(|part| digits(part)) {
        let lengths: Vec<_> = parts.iter().map(|part| part.len()).collect();
        return groups(&lengths).map(|form| (form, parts.concat()));
    }
    match parts[..] {
        [one] => {
            let mixed = one.bytes().any(|c| c.is_ascii_digit())
                && one.bytes().any(|c| c.is_ascii_alphabetic());
            let one_case = capitals(one) || !one.bytes().any(|c| c.is_ascii_uppercase());
            ((4..=10).contains(&one.len()) && mixed && one_case)
                .then(|| (Form::Letters, one.to_owned()))
        }
        [prefix, number]
            if letters(prefix)
                && prefix.len() <= 4
                && digits(number)
                && DIGITS.contains(&number.len()) =>
        {
            Some((Form::Prefixed, parts.join("-")))
        }
        _ => {
            let fits = |part: &&str| capitals(part) && (3..=6).contains(&part.len());
            parts.iter().all(fits).then(|| (Form::LetterGroups, parts.join("-")))
        }
    }
}
