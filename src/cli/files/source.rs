//! What stands at a path that `import` was given: a message, an mbox, a Maildir, or a folder of messages.

use std::cmp::Ordering;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// A file with messages in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Source {
    pub(in crate::cli) path: PathBuf,
    /// Whether many may be in it.
    pub(in crate::cli) is_mbox: bool,
    /// Its size in octets.
    pub(in crate::cli) size: u64,
}

/// The files at a path, in the order in which they are to be brought in.
///
/// # Errors
/// Where there is nothing, or nothing that holds mail.
pub(in crate::cli) fn find(path: &Path) -> io::Result<Vec<Source>> {
    let about = fs::metadata(path)?;
    if !about.is_dir() {
        let size = about.len();
        return Ok(vec![Source { path: path.to_owned(), is_mbox: is_mbox(path)?, size }]);
    }
    let maildir: Vec<_> = ["new", "cur"].map(|folder| path.join(folder)).into();
    if maildir.iter().all(|folder| folder.is_dir()) {
        let mut found = Vec::new();
        for folder in maildir {
            found.extend(files(&folder, |name| !name.starts_with('.'))?);
        }
        // Their names begin with the time at which they came.
        found.sort_by(|a, b| natural(name(&a.path), name(&b.path)));
        return Ok(found);
    }
    let found = files(path, |name| has_extension(Path::new(name), "eml"))?;
    if found.is_empty() {
        let text = "it is no Maildir (cur and new are not both there), and no .eml file is in it";
        return Err(io::Error::new(io::ErrorKind::NotFound, text));
    }
    Ok(found)
}

fn files(folder: &Path, wanted: impl Fn(&str) -> bool) -> io::Result<Vec<Source>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        // A link to a file is as good; a folder is no message.
        let Ok(about) = fs::metadata(&path) else { continue };
        if about.is_file() && wanted(name(&path)) {
            found.push(Source { path, is_mbox: false, size: about.len() });
        }
    }
    found.sort_by(|a, b| natural(name(&a.path), name(&b.path)));
    Ok(found)
}

fn name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

fn has_extension(path: &Path, wanted: &str) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(wanted))
}

/// By its name, or else by how it begins.
fn is_mbox(path: &Path) -> io::Result<bool> {
    if has_extension(path, "mbox") || has_extension(path, "eml") {
        return Ok(has_extension(path, "mbox"));
    }
    let mut beginning = [0; 5];
    let read = File::open(path)?.take(5).read(&mut beginning)?;
    Ok(&beginning[..read] == b"From ")
}

/// `9.eml` comes before `10.eml`.
fn natural(a: &str, b: &str) -> Ordering {
    let number = |name: &str| {
        let end = name.find(|c: char| !c.is_ascii_digit()).unwrap_or(name.len());
        name[..end].parse::<u64>().unwrap_or(u64::MAX)
    };
    number(a).cmp(&number(b)).then_with(|| a.cmp(b))
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)] // a test may stop at the first surprise
mod tests {
    use super::*;

    fn names(path: &Path) -> Vec<String> {
        find(path).unwrap().iter().map(|source| name(&source.path).to_owned()).collect()
    }

    // Unix: a Maildir has colons in its names.
    #[test]
    fn each_kind_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["10.eml", "9.EML", "a.eml", "notes.txt"] {
            fs::write(at(name), "A: b\n").unwrap();
        }
        assert_eq!(names(folder.path()), ["9.EML", "10.eml", "a.eml"]);
        fs::write(at("inbox"), "From a b\n").unwrap();
        fs::write(at("message"), "From: b\n").unwrap();
        for (name, is_mbox) in [("inbox", true), ("message", false), ("9.EML", false)] {
            assert_eq!(find(&at(name)).unwrap()[0].is_mbox, is_mbox, "{name}");
        }
        for name in ["mail", "mail/cur", "mail/new", "mail/tmp", "mail/new/folder", "empty"] {
            fs::create_dir(at(name)).unwrap();
        }
        for name in ["mail/cur/2.a:2,S", "mail/new/1.b", "mail/tmp/0.c", "mail/cur/.hidden"] {
            fs::write(at(name), "A: b\n").unwrap();
        }
        assert_eq!(names(&at("mail")), ["1.b", "2.a:2,S"]);
        assert!(find(&at("empty")).unwrap_err().to_string().contains("Maildir"));
        assert!(find(&at("nowhere")).is_err());
    }
}
