//! A data directory as a doorpost that can be asked.

use crate::cli::Failure;
use std::any::Any;
use std::path::Path;

/// What answers for a directory.
pub(super) struct Opened {
    /// Where it answers.
    pub(super) url: String,
    /// What has to live as long as it is asked; nothing where another process answers.
    pub(super) keeps: Option<Box<dyn Any>>,
}

/// Opens a data directory, or finds the doorpost that has it open.
pub(super) fn open(directory: &Path) -> Result<Opened, Failure> {
    Err(Failure::of(format_args!("{}: --data is not wired", directory.display())))
}
