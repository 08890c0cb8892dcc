//! `doorpost export`: messages as files of their own, with their exact octets, or all in one mbox.
//!
//! Nothing is overwritten without `--force`, and where something would be, nothing is written at all. An mbox that
//! could not be finished is taken away again.

use super::client::answers::{Id, Message, MessageList};
use super::client::{Response, Server, Target, done};
use super::files::{mbox, progress};
use super::{Failure, list, print};
use clap::Args;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;
use time::OffsetDateTime;

#[derive(Args, Debug)]
pub(super) struct ExportArgs {
    /// Which messages; without it, all of them
    #[arg(value_name = "QUERY")]
    query: Vec<String>,
    /// A folder, for a file ID.eml for each message with its exact octets; or FILE.mbox, for all in one (mboxrd, LF)
    #[arg(long, value_name = "DIR|FILE.mbox")]
    to: PathBuf,
    /// Only this inbox
    #[arg(long, value_name = "NAME")]
    inbox: Option<String>,
    /// Overwrite what is there
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    target: Target,
}

/// As much of a message as is needed to write it: there may be very many.
struct Found {
    id: Id,
    received_at: OffsetDateTime,
    reverse_path: Box<str>,
}

impl From<Message> for Found {
    fn from(message: Message) -> Self {
        let Message { id, received_at, envelope, .. } = message;
        Self { id, received_at, reverse_path: envelope.reverse_path.into() }
    }
}

pub(super) fn run(args: &ExportArgs) -> Result<(), Failure> {
    let server = Server::open(&args.target)?;
    let query = args.query.join(" ");
    let mut messages = Vec::new();
    list::each_page(&server, "messages", &query, args.inbox.as_deref(), usize::MAX, |page| {
        let MessageList { messages: found } = list::read(page)?;
        messages.extend(found.into_iter().map(Found::from));
        Ok(())
    })?;
    messages.reverse();
    let is_mbox = args.to.extension().is_some_and(|end| end.eq_ignore_ascii_case("mbox"));
    let written = if is_mbox && !args.to.is_dir() {
        one_file(&server, &messages, &args.to, args.force)?
    } else {
        a_folder(&server, &messages, &args.to, args.force)?
    };
    let gone = messages.len() as u64 - written;
    if gone > 0 {
        print::note(&format!("{gone} were deleted meanwhile\n"));
    }
    let noun = if written == 1 { "message" } else { "messages" };
    print::text(&format!("{written} {noun} written to {}\n", args.to.display()))
}

/// Gives each message with its octets to `write`; says how many there were.
fn each(
    server: &Server,
    messages: &[Found],
    mut write: impl FnMut(&Found, &[u8]) -> Result<(), Failure>,
) -> Result<u64, Failure> {
    let bar = progress(messages.len() as u64, false);
    let mut written = 0;
    for message in messages {
        match server.ask(&["api", "messages", &message.id.0, "raw"], &[], Duration::ZERO)? {
            // It was there when they were listed.
            Response::Refused(404, _) => {}
            response => {
                write(message, &done(response, &[])?)?;
                written += 1;
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(written)
}

fn a_folder(
    server: &Server,
    messages: &[Found],
    folder: &Path,
    force: bool,
) -> Result<u64, Failure> {
    let path = |message: &Found| {
        // A doorpost's numbers are plain; what is none must not lead elsewhere.
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let name: String = message.id.0.chars().filter(|c| is_plain(*c)).collect();
        folder.join(name + ".eml")
    };
    if let Some(there) = messages.iter().map(path).find(|path| !force && path.exists()) {
        return Err(there_already(&there));
    }
    fs::create_dir_all(folder).map_err(|error| about(folder, &error))?;
    each(server, messages, |message, octets| {
        let path = path(message);
        let mut file = create(&path, force)?;
        file.write_all(octets).map_err(|error| about(&path, &error))
    })
}

fn one_file(server: &Server, messages: &[Found], path: &Path, force: bool) -> Result<u64, Failure> {
    // What is there stays until the new one is whole.
    let part = if force { path.with_extension("mbox.part") } else { path.to_owned() };
    let file = create(&part, force)?;
    let written = fill(server, messages, file, &part).and_then(|written| {
        if force {
            fs::rename(&part, path).map_err(|error| about(path, &error))?;
        }
        Ok(written)
    });
    if written.is_err() {
        // Half an mbox would look like a whole one. It was made here.
        let _ = fs::remove_file(&part);
    }
    written
}

fn fill(server: &Server, messages: &[Found], file: File, path: &Path) -> Result<u64, Failure> {
    let mut out = BufWriter::new(file);
    let written = each(server, messages, |message, octets| {
        let sender = &message.reverse_path;
        let result = mbox::write(&mut out, sender, message.received_at, octets);
        result.map_err(|error| about(path, &error))
    })?;
    out.flush().map_err(|error| about(path, &error))?;
    Ok(written)
}

fn create(path: &Path, force: bool) -> Result<File, Failure> {
    let mut how = OpenOptions::new();
    how.write(true);
    if force {
        how.create(true).truncate(true)
    } else {
        how.create_new(true)
    };
    how.open(path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => there_already(path),
        _ => about(path, &error),
    })
}

fn there_already(path: &Path) -> Failure {
    Failure::of(format_args!("{} is there already; --force overwrites it", path.display()))
}

fn about(path: &Path, error: &io::Error) -> Failure {
    Failure::of(format_args!("{}: {error}", path.display()))
}
