//! `doorpost import`: brings messages from files. One that cannot be brought is named, and the rest goes on.

use super::client::{Purpose, Response, Server, Target, done};
use super::files::source::{self, Content, Source};
use super::files::{mbox, message_of_a_file, progress, with_crlf};
use super::{Failure, print};
use crate::mail::Mailbox;
use clap::Args;
use indicatif::ProgressBar;
use std::io::BufRead;
use std::path::{Path, PathBuf};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

#[derive(Args, Debug)]
#[command(after_help = "\
A message of its own is taken octet by octet; where its file has no CRLF at all, as with programs of Unix, LF becomes CRLF, \
and in an mbox it always does. The envelope is taken from the header (and, in an \
mbox, the reverse-path and the time from the line `From …`), since no such file keeps it.")]
pub(super) struct ImportArgs {
    /// A message (.eml), an mbox (.mbox, or a file that begins with `From `), a Maildir (with cur and new), or a folder of
    /// .eml files
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    target: Target,
}

/// What has come of it so far.
struct Import {
    server: Server,
    bar: ProgressBar,
    brought: u64,
    broken: u64,
}

pub(super) fn run(args: &ImportArgs) -> Result<(), Failure> {
    let server = Server::open_for(&args.target, Purpose::Bring)?;
    let mut import = Import { server, bar: progress(0, true), brought: 0, broken: 0 };
    let mut sources = Vec::new();
    for path in &args.paths {
        match source::find(path) {
            Ok(found) => sources.extend(found),
            Err(error) => import.tell(path, None, &error.to_string()),
        }
    }
    import.bar.set_length(sources.iter().map(|source| source.size).sum());
    let result = sources.iter().try_for_each(|source| import.source(source));
    import.bar.finish_and_clear();
    let noun = if import.brought == 1 { "message" } else { "messages" };
    let printed = print::text(&format!("{} {noun} imported\n", import.brought));
    result?;
    match import.broken {
        0 => printed,
        1 => Err(Failure::of("1 could not be imported")),
        broken => Err(Failure::of(format_args!("{broken} could not be imported"))),
    }
}

impl Import {
    fn source(&mut self, source: &Source) -> Result<(), Failure> {
        let path = &source.path;
        match source.open() {
            Ok(Content::Mbox(reader)) => self.mbox(path, reader)?,
            Ok(Content::Message(reader)) => {
                self.message(path, reader)?;
                self.bar.inc(source.size);
            }
            Err(error) => self.tell(path, None, &error.to_string()),
        }
        Ok(())
    }

    fn message(&mut self, path: &Path, mut reader: impl BufRead) -> Result<(), Failure> {
        let mut octets = Vec::new();
        match reader.read_to_end(&mut octets) {
            Ok(_) => self.bring(path, None, &message_of_a_file(&octets), &[]),
            Err(error) => {
                self.tell(path, None, &error.to_string());
                Ok(())
            }
        }
    }

    fn mbox(&mut self, path: &Path, reader: impl BufRead) -> Result<(), Failure> {
        for (entry, number) in mbox::Reader::new(reader).zip(1..) {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    self.tell(path, None, &error.to_string());
                    return Ok(());
                }
            };
            let received = entry.received.and_then(|at: OffsetDateTime| at.format(&Rfc3339).ok());
            let mut parameters = Vec::new();
            // A sender that no path can carry is one of a local program's own, or of a careless one.
            if Mailbox::parse(&entry.sender).is_ok() {
                parameters.push(("from", &*entry.sender));
            }
            parameters.extend(received.as_deref().map(|at| ("received_at", at)));
            let message = with_crlf(&entry.message);
            self.bring(path, Some(number), &message, &parameters)?;
            self.bar.inc(entry.octets);
        }
        Ok(())
    }

    /// Brings one message. Fails only where no further one can be brought either.
    fn bring(
        &mut self,
        path: &Path,
        number: Option<u64>,
        octets: &[u8],
        parameters: &[(&str, &str)],
    ) -> Result<(), Failure> {
        match self.server.post(&["api", "messages"], parameters, octets)? {
            Response::Done(_) => self.brought += 1,
            // The same would be said of each.
            refused @ Response::Refused(403 | 404 | 405 | 500.., _) => {
                done(refused, &[])?;
            }
            Response::Refused(_, problem) => self.tell(path, number, &problem.detail()),
        }
        Ok(())
    }

    fn tell(&mut self, path: &Path, number: Option<u64>, why: &str) {
        self.broken += 1;
        let place = number.map(|number| format!(", message {number}")).unwrap_or_default();
        let line = format!("{}{place}: {why}\n", path.display());
        self.bar.suspend(|| print::note(&line));
    }
}
