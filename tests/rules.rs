//! Rules of the house that the compiler does not hold: who may import whom, where numbers of
//! ports stand, how long a file may grow.

#![allow(clippy::unwrap_used)] // a test may stop at the first surprise

use std::fs;
use std::path::{Path, PathBuf};

/// The rooms from the bottom up: a room may use those on earlier lines, never its neighbours on
/// the same line or what lies above.
const STOREYS: [&[&str]; 9] = [
    &["mail"],
    &["smtp", "mime", "search", "tls"],
    &["fault", "finding"],
    &["storage"],
    &["config"],
    &["server", "web", "outbound"],
    &["app"],
    &["cli", "test"],
    &["main"],
];

/// Lines of a file beside its tests.
const LONGEST: usize = 420;

fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    let named = |path: PathBuf| {
        let name = path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
        (name, fs::read_to_string(path).unwrap())
    };
    let files: Vec<_> = files.into_iter().map(named).collect();
    assert!(files.len() > 40, "the sources were not found");
    files
}

fn room(file: &str) -> &str {
    file.split(['/', '.']).next().unwrap()
}

fn storey(room: &str) -> Option<usize> {
    STOREYS.iter().position(|rooms| rooms.contains(&room))
}

/// The text in front of the tests that stand beside it, without comments.
fn code(text: &str) -> String {
    let shipped = text.split("#[cfg(test)]").next().unwrap();
    let lines = shipped.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Every room that is named by `crate::`, in `use` lines, in groups and in paths.
fn imported(code: &str) -> Vec<String> {
    let mut rooms = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(group) => {
                let group = group.split('}').next().unwrap();
                rooms.extend(
                    group.split(',').map(|path| path.trim().split("::").next().unwrap().to_owned()),
                );
            }
            None => {
                let end =
                    rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
                rooms.push(rest[..end].to_owned());
            }
        }
    }
    rooms
}

#[test]
fn imports_run_downward_only() {
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        let own = room(&file);
        if own == "lib" {
            continue;
        }
        let own_storey =
            storey(own).unwrap_or_else(|| panic!("{file} is in no room that this test knows"));
        for other in imported(&code(&text)) {
            let allowed = match storey(&other) {
                Some(other_storey) => other == own || other_storey < own_storey,
                // Names that lib.rs gives out belong to `app`.
                None => own_storey > storey("app").unwrap(),
            };
            if !allowed {
                wrong.push(format!("{file} imports {other}"));
            }
        }
    }
    assert!(wrong.is_empty(), "imports run downward only:\n{}", wrong.join("\n"));
}

#[test]
fn the_protocol_knows_no_tokio_and_no_sockets() {
    let forbidden = [
        "tokio",
        "std::fs",
        "TcpStream",
        "UdpSocket",
        "Instant::now",
        "SystemTime",
        "OffsetDateTime",
    ];
    for (file, text) in sources() {
        if matches!(room(&file), "smtp" | "mail") {
            let code = code(&text);
            for word in forbidden {
                assert!(!code.contains(word), "{file} is pure and must not know {word}");
            }
        }
    }
}

#[test]
fn port_numbers_stand_in_the_configuration_only() {
    let ports = ["25", "465", "587", "2525", "1025", "1465", "1587", "8025"];
    for (file, text) in sources() {
        if room(&file) == "config" {
            continue;
        }
        let code = code(&text);
        let words = code.split(|c: char| !c.is_alphanumeric() && c != '_');
        for word in words {
            assert!(
                !ports.contains(&word.replace('_', "").as_str()),
                "{file} holds the port number {word}"
            );
        }
    }
}

/// Whoever connects to anything is on this list, with what keeps it on this machine.
const CONNECTS: [&str; 4] = [
    // Judges every address, and is the only way out for mail and webhooks.
    "outbound/connect.rs",
    // Commands that are clients of a doorpost that their user names.
    "cli/client/http.rs",
    "cli/sendmail/smtp.rs",
    "cli/demo/place.rs",
];

#[test]
fn only_those_who_judge_addresses_connect() {
    let words = [
        "TcpStream::connect",
        "TcpSocket",
        "UdpSocket",
        "lookup_host",
        "to_socket_addrs",
        "ureq::",
        "reqwest",
        "http1::handshake",
    ];
    let mut wrong = Vec::new();
    for (file, text) in sources().into_iter().filter(|(file, _)| !file.ends_with("tests.rs")) {
        let code = code(&text);
        for word in words.iter().filter(|word| code.contains(**word)) {
            // It speaks HTTP over what `connect` has opened.
            let is_given = file == "outbound/hooks.rs" && *word == "http1::handshake";
            if !CONNECTS.contains(&file.as_str()) && !is_given {
                wrong.push(format!("{file} has {word}"));
            }
        }
    }
    assert!(wrong.is_empty(), "these may leave the machine:\n{}", wrong.join("\n"));
}

#[test]
fn files_stay_short_enough_to_read() {
    let counted = sources().into_iter().map(|(file, text)| {
        let lines = text.split("#[cfg(test)]").next().unwrap().lines().count();
        (file, lines)
    });
    let long: Vec<_> = counted.filter(|(_, lines)| *lines > LONGEST).collect();
    assert!(long.is_empty(), "split these: {long:?}");
}

#[test]
fn every_file_opens_with_what_it_is_for() {
    for (file, text) in sources() {
        assert!(text.starts_with("//!"), "{file} does not say what it does");
    }
}
