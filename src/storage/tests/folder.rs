//! What a data folder has to stand: being opened again, being cut off, being damaged.

use super::super::{Marks, OpenError, Selection};
use super::*;
use rusqlite::Connection;
use std::fs;

fn filled() -> Opened {
    let store = Kept::Disk.open();
    for subject in ["one", "two", "three"] {
        keep(&store, to(&["bob@example.org"]), format!("Subject: {subject}\r\n\r\n"));
    }
    let marks = Marks { read: Some(true), add_tags: vec!["blue".into()], ..Marks::default() };
    store.mark(&Selection::Ids(vec![id(2)]), &marks).unwrap();
    store
}

/// Everything that `filled` has put in, and a next message under the next number.
fn is_as_filled(store: &Store) {
    assert_eq!(numbers(store, ""), [3, 2, 1]);
    assert_eq!(numbers(store, "subject:two"), [2]);
    assert_eq!(numbers(store, "is:read tag:blue"), [2]);
    assert_eq!((store.unread().unwrap(), store.usage().messages), (2, 3));
    assert_eq!(keep(store, to(&["bob@example.org"]), "Subject: four\r\n\r\n").id(), id(4));
    assert_eq!(numbers(store, "four"), [4]);
}

/// Changes what lies in the folder of a store that is closed meanwhile.
fn change(store: &mut Opened, file: &str, work: impl FnOnce(&PathBuf)) {
    store.store.close();
    let path = store.folder().join(file);
    work(&path);
    store.reopen();
}

#[test]
fn what_was_kept_is_there_again() {
    let mut store = filled();
    store.reopen();
    is_as_filled(&store);
    store.remove(&Selection::All).unwrap();
    store.reopen();
    assert_eq!(numbers(&store, ""), [0; 0]);
    assert_eq!(keep(&store, to(&["bob@example.org"]), "").id(), id(5), "no name comes again");
}

#[test]
fn an_index_that_is_gone_or_broken_is_made_anew() {
    let mut store = filled();
    change(&mut store, "index.db", |path| fs::remove_file(path).unwrap());
    is_as_filled(&store);
    let mut store = filled();
    change(&mut store, "index.db", |path| fs::write(path, "no index at all").unwrap());
    is_as_filled(&store);
    let mut store = filled();
    change(&mut store, "index.db", |path| {
        let bytes = fs::read(path).unwrap();
        fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
    });
    is_as_filled(&store);
    // The root of the words.
    let mut store = filled();
    change(&mut store, "index.db", |path| wipe(path, "words_data"));
    is_as_filled(&store);
}

/// Fills the first page of a table with zeros.
fn wipe(path: &PathBuf, table: &str) {
    let index = Connection::open(path).unwrap();
    let sql = "SELECT rootpage FROM sqlite_master WHERE name = ?";
    let page: u32 = index.query_row(sql, [table], |row| row.get(0)).unwrap();
    let size: u32 = index.pragma_query_value(None, "page_size", |row| row.get(0)).unwrap();
    drop(index);
    let (page, size) = (page as usize, size as usize);
    let mut bytes = fs::read(path).unwrap();
    bytes[(page - 1) * size..page * size].fill(0);
    fs::write(path, bytes).unwrap();
}

/// What a start does not look at is met later; then the next start makes it anew.
#[test]
fn an_index_that_turns_out_to_be_damaged_is_made_anew_by_the_next_start() {
    let mut store = filled();
    change(&mut store, "index.db", |path| wipe(path, "message_received_at"));
    keep(&store, to(&["bob@example.org"]), "Subject: four\r\n\r\n");
    let error = store.find(&find("four")).unwrap_err().to_string();
    assert!(error.contains("damaged") && error.contains("started again"), "{error}");
    store.reopen();
    assert_eq!(numbers(&store, "larger:1"), [4, 3, 2, 1]);
    assert_eq!(numbers(&store, "four"), [4]);
}

#[cfg(unix)]
#[test]
fn what_lies_there_is_nobody_elses_to_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let open = fs::Permissions::from_mode(0o755);
    fs::set_permissions(folder.path(), open).unwrap();
    // As doorpost made it once.
    fs::write(folder.path().join("queue.db"), "").unwrap();
    let data = Some(folder.path().to_owned());
    let store = Store::open(&Settings { data, ..Settings::default() }).unwrap();
    keep(&store, to(&["bob@example.org"]), "");
    for entry in fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        if entry.path().extension().is_some_and(|ending| ending.to_string_lossy().starts_with("db"))
        {
            assert_eq!(mode, 0o600, "{}", entry.path().display());
        }
    }
}

#[test]
fn an_index_that_was_left_behind_catches_up() {
    let mut store = filled();
    change(&mut store, "index.db", |path| {
        let index = Connection::open(path).unwrap();
        // As if it had been killed before it took in the last changes.
        index
            .execute_batch(
                "DELETE FROM state WHERE key = 'whole'; UPDATE message SET is_read = id = 1;
                DELETE FROM member; DELETE FROM words WHERE rowid = 3; DELETE FROM shown WHERE id = 3;
                DELETE FROM message WHERE id = 3; UPDATE name SET messages = 3, unread = 2;
                INSERT INTO message VALUES (9, 0, 0, 'relay', '', '', 0, 0, 0, '');",
            )
            .unwrap();
    });
    assert_eq!(numbers(&store, ""), [3, 2, 1]);
    assert_eq!(numbers(&store, "subject:three"), [3]);
    assert_eq!(numbers(&store, "is:read tag:blue"), [2]);
    assert_eq!(numbers(&store, "is:unread"), [3, 1]);
}

#[test]
fn other_inboxes_are_made_from_the_messages() {
    let mut store = filled();
    assert_eq!(store.inboxes().unwrap(), []);
    store.settings.inbox_by = Some(by("recipient"));
    store.reopen();
    assert_eq!(store.inboxes().unwrap()[0].name, "bob@example.org");
    store.settings.inbox_by = None;
    store.reopen();
    assert_eq!(store.inboxes().unwrap()[0].name, "bob@example.org");
    is_as_filled(&store);
}

#[test]
fn lower_bounds_hold_when_it_is_opened_again() {
    let mut store = filled();
    store.settings.bounds = few(2);
    store.reopen();
    let start = std::time::Instant::now();
    while store.usage().messages > 2 {
        assert!(start.elapsed().as_secs() < 10, "it goes on without an order");
        std::thread::yield_now();
    }
    assert_eq!(numbers(&store, ""), [3, 2]);
}

#[test]
fn a_folder_has_one_doorpost() {
    let store = filled();
    store.announce("http://localhost:1", None);
    let error = Store::open(&store.settings).unwrap_err();
    assert!(matches!(error, OpenError::Locked { .. }));
    assert!(
        error
            .to_string()
            .ends_with("in use by another doorpost, which answers at http://localhost:1"),
        "{error}"
    );
    is_as_filled(&store);
}

/// Nothing of a file that is refused changes, and the message says what to do.
fn refused(file: &str, work: impl FnOnce(&PathBuf)) -> OpenError {
    let store = filled();
    store.store.close();
    let settings = store.settings.clone();
    let folder = store.folder().to_owned();
    let Opened { store, _folder, .. } = store;
    drop(store);
    work(&folder.join(file));
    let files = || ["mail.db", "queue.db"].map(|file| fs::read(folder.join(file)).unwrap());
    let before = files();
    let error = Store::open(&settings).unwrap_err();
    assert!(files() == before, "{error}");
    assert!(error.to_string().contains("nothing was changed"), "{error}");
    error
}

#[test]
fn what_is_newer_damaged_or_not_ours_is_left_alone() {
    let pragma = |sql: &'static str| {
        move |path: &PathBuf| Connection::open(path).unwrap().execute_batch(sql).unwrap()
    };
    for file in ["mail.db", "queue.db"] {
        let newer = refused(file, pragma("PRAGMA user_version = 99"));
        assert!(matches!(newer, OpenError::Newer { found: 99, known: 1, .. }), "{newer}");
        let foreign = refused(file, pragma("PRAGMA application_id = 1"));
        assert!(matches!(foreign, OpenError::Foreign { .. }), "{foreign}");
        let text = refused(file, |path| fs::write(path, "Dear diary, ".repeat(100)).unwrap());
        assert!(matches!(text, OpenError::Damaged { .. }), "{text}");
        let broken = refused(file, |path| {
            let mut bytes = fs::read(path).unwrap();
            // The second page; those of the mail are larger.
            let (second_page, end) = if file == "mail.db" { (8192, 8392) } else { (4096, 4296) };
            bytes[second_page..end].fill(0xff);
            fs::write(path, bytes).unwrap();
        });
        assert!(matches!(broken, OpenError::Damaged { .. }), "{broken}");
    }
}

/// Most commands have it open for a moment.
#[test]
fn who_opens_a_folder_waits_for_a_command_to_end() {
    let store = filled();
    store.announce("http://localhost:1", Some("a token"));
    let settings = store.settings.clone();
    let opening = std::thread::spawn(move || Store::open(&settings));
    store.store.close();
    let Opened { store, _folder, .. } = store;
    drop(store);
    let again = opening.join().unwrap().unwrap();
    assert_eq!(again.usage().messages, 3);
}

#[test]
fn a_folder_that_cannot_be_is_named() {
    let store = filled();
    let file = store.folder().join("mail.db");
    let settings = Settings { data: Some(file.join("below")), ..Settings::default() };
    let error = Store::open(&settings).unwrap_err();
    assert!(matches!(error, OpenError::Folder { .. }));
    assert!(error.to_string().contains(&file.display().to_string()), "{error}");
}

/// A removal of many is done in pieces, and told at its end.
#[test]
fn a_removal_that_was_cut_short_leaves_no_ghosts() {
    let mut store = Kept::Disk.open();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let keeping = (0..3000).map(|_| store.keep(to(&["b@example.org"]), "\r\nghost".into()));
    runtime.block_on(async { futures_util::future::join_all(keeping).await });
    assert_eq!(store.unread(), Ok(3000));
    let removing = std::sync::Arc::clone(&store.store);
    let removal = std::thread::spawn(move || removing.remove(&Selection::All));
    while store.usage().messages == 3000 {
        std::thread::yield_now();
    }
    store.store.close();
    // It was told that the store closed, or was just quick enough.
    let _ = removal.join().unwrap();
    store.reopen();
    let there = store.usage().messages;
    assert_eq!(store.unread(), Ok(there));
    assert_eq!(store.find(&Find { limit: 1, ..find("ghost") }).unwrap().total.count, there);
}

/// What comes while all is deleted stays, with its marks.
#[test]
fn an_index_keeps_what_is_newer_than_what_goes() {
    let store = filled();
    numbers(&store, "");
    (store.index_inlet())(id(1));
    assert_eq!(numbers(&store, ""), [3, 2]);
    assert_eq!(numbers(&store, "is:read tag:blue"), [2]);
    assert_eq!((store.unread(), numbers(&store, "three")), (Ok(1), vec![3]));
}

#[test]
fn an_index_that_cannot_take_something_in_says_so_and_mends_itself() {
    let store = filled();
    numbers(&store, "");
    let index = Connection::open(store.folder().join("index.db")).unwrap();
    index.execute_batch("ALTER TABLE shown RENAME TO away").unwrap();
    let message = keep(&store, to(&["bob@example.org"]), "Subject: four\r\n\r\n");
    let error = store.find(&find("four")).unwrap_err().to_string();
    assert!(error.contains("could not take in"), "{error}");
    assert!(store.message(message.id()).unwrap().is_some(), "what is kept can be read");
    index.execute_batch("ALTER TABLE away RENAME TO shown").unwrap();
    let start = std::time::Instant::now();
    while store.find(&find("four")).is_err() {
        assert!(start.elapsed().as_secs() < 20, "it does not mend itself");
        std::thread::yield_now();
    }
    assert_eq!(numbers(&store, "four"), [4]);
    assert_eq!(numbers(&store, "is:read tag:blue"), [2]);
}
