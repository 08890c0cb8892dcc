//! What stands at a path that `import` was given: a message, an mbox, a Maildir, or a folder of messages.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};

/// How an mbox begins.
const MBOX: &[u8] = b"From ";

/// A file with messages in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Source {
    pub(in crate::cli) path: PathBuf,
    /// Whether many may be in it; where its name says nothing, how it begins does.
    is_mbox: Option<bool>,
    /// Its size in octets.
    pub(in crate::cli) size: u64,
}

/// What stands in a file. It is opened once: what comes through a pipe comes once.
pub(in crate::cli) enum Content<R> {
    Message(R),
    Mbox(R),
}

impl Source {
    /// Opens it.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub(in crate::cli) fn open(&self) -> io::Result<Content<impl BufRead + use<>>> {
        let mut file = File::open(&self.path)?;
        let mut beginning = Vec::new();
        file.by_ref().take(MBOX.len() as u64).read_to_end(&mut beginning)?;
        let is_mbox = self.is_mbox.unwrap_or(beginning == MBOX);
        let whole = BufReader::new(io::Cursor::new(beginning).chain(file));
        Ok(if is_mbox { Content::Mbox(whole) } else { Content::Message(whole) })
    }
}

/// The files at a path, in the order in which they are to be brought in.
///
/// # Errors
/// Where there is nothing, or nothing that holds mail.
pub(in crate::cli) fn find(path: &Path) -> io::Result<Vec<Source>> {
    let about = fs::metadata(path)?;
    if !about.is_dir() {
        let size = about.len();
        let by_name = |extension| has_extension(path, extension);
        let is_mbox = by_name("mbox").then_some(true).or(by_name("eml").then_some(false));
        return Ok(vec![Source { path: path.to_owned(), is_mbox, size }]);
    }
    let maildir: Vec<_> = ["new", "cur"].map(|folder| path.join(folder)).into();
    if maildir.iter().all(|folder| folder.is_dir()) {
        let mut found = Vec::new();
        for folder in maildir {
            found.extend(files(&folder, |path| !name(path).starts_with('.'))?);
        }
        // Their names begin with the time at which they came.
        found.sort_by(|a, b| natural(&name(&a.path), &name(&b.path)));
        return Ok(found);
    }
    let found = files(path, |path| has_extension(path, "eml"))?;
    if found.is_empty() {
        let text = "it is no Maildir (cur and new are not both there), and no .eml file is in it";
        return Err(io::Error::new(io::ErrorKind::NotFound, text));
    }
    Ok(found)
}

fn files(folder: &Path, wanted: impl Fn(&Path) -> bool) -> io::Result<Vec<Source>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        // A link to a file is as good; a folder is no message.
        let Ok(about) = fs::metadata(&path) else { continue };
        if about.is_file() && wanted(&path) {
            found.push(Source { path, is_mbox: Some(false), size: about.len() });
        }
    }
    found.sort_by(|a, b| natural(&name(&a.path), &name(&b.path)));
    Ok(found)
}

/// Its name as far as it is text: one that is not is a file all the same.
fn name(path: &Path) -> Cow<'_, str> {
    path.file_name().unwrap_or_default().to_string_lossy()
}

fn has_extension(path: &Path, wanted: &str) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(wanted))
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
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    fn names(path: &Path) -> Vec<String> {
        find(path).unwrap().iter().map(|source| name(&source.path).into_owned()).collect()
    }

    // Unix: a Maildir has colons in its names.
    #[test]
    fn each_kind_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["10.eml", "9.EML", "a.eml", "notes.txt"] {
            fs::write(at(name), "A: b\n").unwrap();
        }
        let odd = folder.path().join(OsStr::from_bytes(b"f\xff.eml"));
        fs::write(odd, "A: b\n").unwrap();
        assert_eq!(names(folder.path()), ["9.EML", "10.eml", "a.eml", "f\u{fffd}.eml"]);
        fs::write(at("inbox"), "From a b\n").unwrap();
        fs::write(at("message"), "From: b\n").unwrap();
        for (name, is_mbox) in [("inbox", true), ("message", false), ("9.EML", false)] {
            let content = find(&at(name)).unwrap()[0].open().unwrap();
            assert_eq!(matches!(content, Content::Mbox(_)), is_mbox, "{name}");
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
