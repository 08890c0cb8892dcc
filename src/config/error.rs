//! What is wrong with a configuration, told as the Rust compiler tells it: the place, the value,
//! and what is allowed.
//!
//! Never shows a secret that came as a flag or a variable; of a file it shows the line.

use super::kind::Fault;
use super::source::Origin;
use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Everything that is wrong with a configuration.
#[derive(Debug)]
pub struct ConfigError {
    problems: Vec<Problem>,
    file: Option<File>,
}

/// A file of the configuration.
#[derive(Clone, Debug)]
pub(super) struct File {
    /// As it was named.
    pub(super) path: Arc<str>,
    /// What stands in it.
    pub(super) text: Arc<str>,
}

impl File {
    /// A place in the file.
    pub(super) fn at(&self, span: Range<usize>) -> Origin {
        let before = self.text.as_bytes().iter().take(span.start);
        let line = 1 + before.filter(|byte| **byte == b'\n').count();
        Origin::File { path: Arc::clone(&self.path), line, span }
    }
}

/// One thing that is wrong.
#[derive(Debug)]
pub(super) struct Problem {
    title: String,
    /// Where, and what to say there.
    places: Vec<(Origin, String)>,
    help: Vec<String>,
}

impl Problem {
    /// Something that is wrong.
    pub(super) fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), places: Vec::new(), help: Vec::new() }
    }

    /// A value that is not taken; `key` says whose it is, `origin` where it stands.
    pub(super) fn value(key: &str, fault: Fault, origin: Origin) -> Self {
        let written = fault.written.map(|written| format!(": {written}")).unwrap_or_default();
        let near = fault.near.map(|near| format!("did you mean {near}?"));
        Self::new(format!("wrong value for {key}{written}"))
            .at(origin, fault.label)
            .maybe_help(near)
    }

    /// Adds a place, the most important one first.
    pub(super) fn at(mut self, origin: Origin, label: impl Into<String>) -> Self {
        self.places.push((origin, label.into()));
        self
    }

    /// Adds what to do about it.
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// Adds what to do about it, where something is known.
    pub(super) fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help.extend(help);
        self
    }

    /// The order in which problems are told: as they stand in the file, then the rest.
    fn position(&self) -> usize {
        match self.places.first() {
            Some((Origin::File { span, .. }, _)) => span.start,
            _ => usize::MAX,
        }
    }

    /// What to say about a place that is not in the file.
    fn note(&self, origin: &Origin, label: &str) -> String {
        let name = origin.to_string();
        match origin {
            Origin::Default | Origin::Like(_) => format!("{label} ({name})"),
            _ if self.title.contains(&name) => label.to_owned(),
            _ => format!("{label} ({name})"),
        }
    }

    fn group<'a>(&'a self, file: Option<&'a File>) -> Group<'a> {
        let mut group = Group::with_title(Level::ERROR.primary_title(self.title.as_str()));
        let mut notes = Vec::new();
        let mut marks = Vec::new();
        for (at, (origin, label)) in self.places.iter().enumerate() {
            match (origin, file) {
                (Origin::File { span, .. }, Some(_)) => {
                    let kind =
                        if at == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
                    marks.push(kind.span(span.clone()).label(label.as_str()));
                }
                _ => notes.push(self.note(origin, label)),
            }
        }
        if let (Some(file), false) = (file, marks.is_empty()) {
            let snippet = Snippet::source(&*file.text).path(&*file.path).annotations(marks);
            group = group.element(snippet);
        }
        group = group.elements(notes.into_iter().map(|note| Level::NOTE.message(note)));
        group.elements(self.help.iter().map(|help| Level::HELP.message(help.as_str())))
    }
}

impl ConfigError {
    /// An error, if there is any problem.
    pub(super) fn unless_empty(problems: Vec<Problem>, file: Option<File>) -> Result<(), Self> {
        if problems.is_empty() { Ok(()) } else { Err(Self::new(problems, file)) }
    }

    /// An error that lists these problems.
    pub(super) fn new(mut problems: Vec<Problem>, file: Option<File>) -> Self {
        problems.sort_by_key(Problem::position);
        Self { problems, file }
    }

    /// The text with colours, for a terminal.
    #[must_use]
    pub fn styled(&self) -> String {
        self.text(&Renderer::styled())
    }

    fn text(&self, renderer: &Renderer) -> String {
        let renderer = renderer.clone().decor_style(DecorStyle::Ascii);
        let told = self.problems.iter().map(|problem| {
            let told = renderer.render(&[problem.group(self.file.as_ref())]);
            told.trim_end().to_owned()
        });
        told.collect::<Vec<_>>().join("\n\n")
    }
}

/// The text without colours.
impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(&Renderer::plain()))
    }
}

impl std::error::Error for ConfigError {}

/// In one line, for where there is no file to show.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(written) = &self.written {
            write!(f, "{written}: ")?;
        }
        f.write_str(&self.label)?;
        self.near.as_ref().map_or(Ok(()), |near| write!(f, ", did you mean {near}?"))
    }
}
