//! Messages and conversations as files, for whoever looks at a failed run later.

use super::judge::Verdict;
use crate::cli::Failure;
use std::fs;
use std::path::Path;

/// Writes everything to a folder; what has these names there is overwritten.
pub(super) fn everything(folder: &Path, verdict: &Verdict) -> Result<(), Failure> {
    let about = |path: &Path, error: std::io::Error| {
        Failure::of(format_args!("--save: {}: {error}", path.display()))
    };
    fs::create_dir_all(folder).map_err(|error| about(folder, error))?;
    for message in &verdict.messages {
        let path = folder.join(format!("{}.eml", message.id()));
        fs::write(&path, message.bytes()).map_err(|error| about(&path, error))?;
    }
    for session in &verdict.sessions {
        let path = folder.join(format!("session-{}.txt", session.id));
        fs::write(&path, super::report::conversation(session))
            .map_err(|error| about(&path, error))?;
    }
    Ok(())
}
