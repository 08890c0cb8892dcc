//! Reports of a run: JUnit for CI servers, JSON for programs, HTML for people. What came from a mail is text in all
//! of them.

use super::html;
use super::judge::{Check, Verdict, in_words};
use crate::cli::Failure;
use crate::finding::Finding;
use crate::storage::SessionRecord;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use serde_json::{Value, json};
use std::ffi::OsString;
use std::fs;
use std::path::Path;

/// Which kind of report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Junit,
    Json,
    Html,
}

impl Kind {
    /// The kind that the file's name asks for.
    pub(super) fn of(path: &Path) -> Result<Self, Failure> {
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
        match ending.as_deref() {
            Some("xml") => Ok(Self::Junit),
            Some("json") => Ok(Self::Json),
            Some("html" | "htm") => Ok(Self::Html),
            _ => Err(Failure::usage(format_args!(
                "--report {}: expected a file that ends in .xml (JUnit), .json or .html",
                path.display()
            ))),
        }
    }
}

/// Writes a report.
pub(super) fn write(path: &Path, verdict: &Verdict, command: &[OsString]) -> Result<(), Failure> {
    let words: Vec<_> = command.iter().map(|word| word.to_string_lossy()).collect();
    let command = words.join(" ");
    let text = match Kind::of(path)? {
        Kind::Junit => junit(verdict, &command)?,
        Kind::Json => format!("{:#}\n", document(verdict, &command)),
        Kind::Html => html::page(verdict, &command),
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let made = folder.map_or(Ok(()), fs::create_dir_all);
    made.and_then(|()| fs::write(path, text))
        .map_err(|error| Failure::of(format_args!("--report: {}: {error}", path.display())))
}

/// What was said in a session, as people write it down.
pub(super) fn conversation(session: &SessionRecord) -> String {
    let mut text = format!("session {} of {} at {}\n", session.id, session.peer, session.door);
    for (number, line) in session.lines().enumerate() {
        let who = match line.kind.as_str() {
            "client" => "C:",
            "server" => "S:",
            "note" => "!!",
            _ => "--",
        };
        let seal = if line.tls { '*' } else { ' ' };
        let at = line.at_us as f64 / 1e6;
        for words in line.text.split('\n') {
            text.push_str(&format!("{at:>11.6} {seal} {who} {words}\n"));
        }
        for found in session.findings.iter().filter(|found| found.line == Some(number)) {
            let Finding { severity, code, what, change, .. } = found;
            text.push_str(&format!("              >> {severity} {code}: {what} {change}\n"));
        }
    }
    text
}

fn junit(verdict: &Verdict, command: &str) -> Result<String, Failure> {
    let mut suite = TestSuite::new("doorpost");
    for Check { name, failure } in &verdict.checks {
        let status = match failure {
            None => TestCaseStatus::success(),
            Some(failure) => {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                status.set_message(failure.lines().next().unwrap_or_default());
                status.set_description(failure.as_str());
                status
            }
        };
        let mut case = TestCase::new(name.as_str(), status);
        case.set_classname("doorpost");
        suite.add_test_case(case);
    }
    let is_told = |session: &&SessionRecord| session.was_refused() || !session.findings.is_empty();
    let said: Vec<String> = verdict.sessions.iter().filter(is_told).map(conversation).collect();
    let messages: Vec<String> = verdict.messages.iter().map(in_words).collect();
    suite.set_system_out(format!("{command}\n{}\n\n{}", messages.join("\n"), said.join("\n")));
    let mut report = Report::new("doorpost");
    report.add_test_suite(suite);
    report.to_string().map_err(Failure::of)
}

fn document(verdict: &Verdict, command: &str) -> Value {
    let checks = verdict.checks.iter().map(|check| {
        json!({ "name": check.name, "ok": check.failure.is_none(), "failure": check.failure })
    });
    let messages = verdict.messages.iter().map(|message| {
        let paths = message.envelope().forward_paths.iter().map(|one| one.path.to_string());
        json!({
            "id": message.id(),
            "door": &*message.arrival().door,
            "session": message.arrival().session,
            "reverse_path": message.envelope().reverse_path.to_string(),
            "forward_paths": paths.collect::<Vec<_>>(),
            "size": message.bytes().len(),
        })
    });
    json!({
        "command": command,
        "exit_code": verdict.exit_code,
        "ok": verdict.is_good(),
        "checks": checks.collect::<Vec<_>>(),
        "messages": messages.collect::<Vec<_>>(),
        "sessions": verdict.sessions,
    })
}
