//! A data directory as a doorpost that can be asked: where one has it open, that one; else the
//! directory is opened here, with no door, and answers on a port of this machine as long as the
//! command runs. Who would keep it open for long, or look into a directory that has no mail, is refused.

use crate::app::{Reader, StartError};
use crate::cli::Failure;
use crate::storage::{OpenError, announced, has_mail};
use std::any::Any;
use std::path::Path;

/// What answers for a directory.
pub(super) struct Opened {
    /// Where it answers.
    pub(super) url: String,
    /// The token that it asks for, where it was made here.
    pub(super) token: Option<String>,
    /// What has to live as long as it is asked; nothing where another process answers.
    pub(super) keeps: Option<Box<dyn Any>>,
}

/// What a directory is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Purpose {
    /// To look at what is there, or change it.
    Look,
    /// To bring something, be there anything or not.
    Bring,
    /// To follow what comes: only a doorpost with doors brings anything.
    Follow,
}

/// Opens a data directory, or finds the doorpost that has it open.
pub(super) fn open(directory: &Path, purpose: Purpose) -> Result<Opened, Failure> {
    let place = directory.display();
    if !directory.is_dir() {
        return Err(Failure::of(format_args!("{place} is no folder; `doorpost --data` makes one")));
    }
    if purpose == Purpose::Follow {
        // Whoever opens it keeps out the one that is waited for.
        return match announced(directory) {
            Some((url, None)) => Ok(Opened { url, token: None, keeps: None }),
            _ => Err(Failure::of(format_args!(
                "no doorpost has {place} open, so nothing comes in: start one with `doorpost --data {place}`"
            ))),
        };
    }
    if purpose == Purpose::Look && !has_mail(directory) {
        return Err(Failure::of(format_args!(
            "{place} is no data folder: there is no mail.db in it"
        )));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(Failure::of)?;
    match runtime.block_on(Reader::start(directory)) {
        Ok(reader) => {
            let (url, token) = (reader.url().to_owned(), Some(reader.token().to_owned()));
            // Dropped in this order: the reader's tasks need the runtime.
            Ok(Opened { url, token, keeps: Some(Box::new((reader, runtime))) })
        }
        Err(StartError::Store(OpenError::Locked { server: Some(url), token, .. })) => {
            Ok(Opened { url, token, keeps: None })
        }
        Err(error) => Err(Failure::of(error)),
    }
}
