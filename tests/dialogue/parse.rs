//! The text of a dialogue, read into steps. `tests/dialogues/README.md` describes the format.

use std::net::IpAddr;
use std::time::Duration;

/// One file.
#[derive(Debug)]
pub struct Dialogue {
    pub name: String,
    pub door: String,
    pub settings: Vec<(String, String)>,
    pub users: Vec<(String, String, Vec<String>)>,
    pub peer: IpAddr,
    pub whole: bool,
    /// Presets, and the lines of a scenario.
    pub faults: Vec<String>,
    pub scenario: String,
    pub steps: Vec<(usize, Step)>,
}

/// What happens next.
#[derive(Debug)]
pub enum Step {
    /// The client sends these pieces together.
    Send(Vec<Piece>),
    /// The server's next reply.
    Expect(Pattern),
    Silence,
    Handshake,
    Wait(Duration),
    Open,
    Closed,
    Eof,
    Shutdown,
    User(String),
    Note(String),
    Finding(String),
    NoFinding,
    Fault(String),
    /// A key and what it must be, about the messages that were kept.
    Stored(String, String),
}

/// What one line of the client sends, before `${…}` is computed.
#[derive(Debug)]
pub struct Piece {
    pub text: String,
    /// Whether escapes stand in it, and CRLF must not be added.
    pub raw: bool,
}

/// What a reply must look like.
#[derive(Debug)]
pub struct Pattern {
    pub code: String,
    pub shape: Shape,
}

#[derive(Debug)]
pub enum Shape {
    /// `*` stands for anything.
    Text(String),
    Keywords {
        has: Vec<String>,
        lacks: Vec<String>,
    },
}

impl Dialogue {
    pub fn parse(name: &str, text: &str) -> Result<Self, String> {
        let mut dialogue = Self {
            name: name.to_owned(),
            door: String::new(),
            settings: Vec::new(),
            users: Vec::new(),
            peer: [127, 0, 0, 1].into(),
            whole: false,
            faults: Vec::new(),
            scenario: String::new(),
            steps: Vec::new(),
        };
        for (number, line) in text.lines().enumerate().map(|(n, line)| (n + 1, line)) {
            if line.starts_with('#') || line.trim().is_empty() {
                continue;
            }
            dialogue
                .line(number, line)
                .map_err(|error| format!("line {number}: {error}: {line}"))?;
        }
        if dialogue.door.is_empty() || dialogue.steps.is_empty() {
            return Err("needs @door and a turn".into());
        }
        Ok(dialogue)
    }

    fn line(&mut self, number: usize, line: &str) -> Result<(), String> {
        if let Some(directive) = line.strip_prefix('@') {
            return self.directive(directive.trim());
        }
        let sends = |text: &str, raw| Piece {
            text: text.strip_prefix(' ').unwrap_or(text).to_owned(),
            raw,
        };
        let piece = match line.split_at_checked(2) {
            Some(("C:", text)) => Some(sends(text, false)),
            Some(("B:", text)) => Some(sends(text, true)),
            _ => None,
        };
        let step = match piece {
            Some(piece) => {
                if let Some((_, Step::Send(pieces))) = self.steps.last_mut() {
                    pieces.push(piece);
                    return Ok(());
                }
                Step::Send(vec![piece])
            }
            None => match line.split_at_checked(2) {
                Some(("S:", text)) => Step::Expect(Pattern::parse(text.trim())),
                Some(("==", text)) => happening(text.trim())?,
                _ => return Err("neither C:, B:, S:, ==, @ nor #".into()),
            },
        };
        self.steps.push((number, step));
        Ok(())
    }

    fn directive(&mut self, text: &str) -> Result<(), String> {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        match word {
            "door" => self.door = rest.to_owned(),
            "set" => {
                let (key, value) = rest.split_once('=').ok_or("needs key = value")?;
                self.settings.push((key.trim().to_owned(), value.trim().to_owned()));
            }
            "user" => {
                let mut words = rest.split_whitespace().map(str::to_owned);
                let (name, secret) = (words.next(), words.next());
                self.users.push((
                    name.ok_or("needs a name")?,
                    secret.ok_or("needs a secret")?,
                    words.collect(),
                ));
            }
            "peer" => self.peer = rest.parse().map_err(|_| "needs an address")?,
            "whole" => self.whole = true,
            "fault" => self.faults.push(rest.to_owned()),
            "scenario" => self.scenario.push_str(&format!("{rest}\n")),
            _ => return Err("unknown directive".into()),
        }
        Ok(())
    }
}

fn happening(text: &str) -> Result<Step, String> {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    Ok(match (word, rest) {
        ("silence", "") => Step::Silence,
        ("TLS", "handshake") => Step::Handshake,
        ("wait", time) => Step::Wait(humantime::parse_duration(time).map_err(|e| e.to_string())?),
        ("open", "") => Step::Open,
        ("closed", "") => Step::Closed,
        ("eof", "") => Step::Eof,
        ("shutdown", "") => Step::Shutdown,
        ("user", name) => Step::User(name.to_owned()),
        ("fault", name) => Step::Fault(name.to_owned()),
        ("finding", code) => Step::Finding(code.to_owned()),
        ("no", "finding") => Step::NoFinding,
        ("note", code) => Step::Note(code.to_owned()),
        ("stored", what) => match what.split_once(' ') {
            Some((key, value)) => Step::Stored(key.to_owned(), value.to_owned()),
            None => Step::Stored("count".into(), what.to_owned()),
        },
        _ => return Err("unknown happening".into()),
    })
}

impl Pattern {
    fn parse(text: &str) -> Self {
        let (code, rest) = text.split_at_checked(3).unwrap_or((text, ""));
        let rest = rest.trim_start();
        let list = |words: &str| words.split(',').map(|w| w.trim().to_owned()).collect::<Vec<_>>();
        let (mut has, mut lacks) = (Vec::new(), Vec::new());
        let mut is_keywords = false;
        for part in rest.split(';').map(str::trim) {
            if let Some(words) = part.strip_prefix("has ") {
                (has, is_keywords) = (list(words), true);
            } else if let Some(words) = part.strip_prefix("lacks ") {
                (lacks, is_keywords) = (list(words), true);
            }
        }
        let shape =
            if is_keywords { Shape::Keywords { has, lacks } } else { Shape::Text(rest.to_owned()) };
        Self { code: code.to_owned(), shape }
    }

    /// Says what does not fit.
    pub fn check(&self, lines: &[String]) -> Result<(), String> {
        let shown = || lines.join(" / ");
        if lines.iter().any(|line| !line.starts_with(&self.code)) {
            return Err(format!("expected {}, got {}", self.code, shown()));
        }
        match &self.shape {
            Shape::Text(glob) => {
                let text = lines
                    .iter()
                    .map(|line| line.get(4..).unwrap_or(""))
                    .collect::<Vec<_>>()
                    .join("\n");
                if matches(glob, &text) {
                    Ok(())
                } else {
                    Err(format!("expected {} {glob}, got {}", self.code, shown()))
                }
            }
            Shape::Keywords { has, lacks } => {
                let offers =
                    |wanted: &str| lines.iter().skip(1).any(|line| offers(&line[4..], wanted));
                if let Some(missing) = has.iter().find(|wanted| !offers(wanted)) {
                    return Err(format!("{missing} is not offered: {}", shown()));
                }
                match lacks.iter().find(|unwanted| offers(unwanted)) {
                    Some(surplus) => Err(format!("{surplus} is offered: {}", shown())),
                    None => Ok(()),
                }
            }
        }
    }
}

/// The keyword is the line's, and all named parameters are among the line's.
fn offers(line: &str, wanted: &str) -> bool {
    let mut words = line.split(' ');
    let mut wanted = wanted.split(' ');
    if words.next() != wanted.next() {
        return false;
    }
    let words: Vec<_> = words.collect();
    wanted.all(|parameter| words.contains(&parameter))
}

fn matches(glob: &str, text: &str) -> bool {
    match glob.split_once('*') {
        None => glob == text,
        Some((front, rest)) => {
            let Some(text) = text.strip_prefix(front) else { return false };
            (0..=text.len())
                .filter(|at| text.is_char_boundary(*at))
                .any(|at| matches(rest, &text[at..]))
        }
    }
}
