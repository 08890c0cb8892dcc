//! Plays every file in `tests/dialogues`: against the pure session a turn at a time, again byte by
//! byte, and over real sockets. The replies must be the same each time.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may stop at the first surprise

#[path = "dialogue/compute.rs"]
mod compute;
#[path = "dialogue/parse.rs"]
mod parse;
#[path = "dialogue/play.rs"]
mod play;
#[path = "dialogue/pure.rs"]
mod pure;
#[path = "dialogue/socket.rs"]
mod socket;

use parse::Dialogue;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// The specification does not shrink unnoticed.
const AT_LEAST: usize = 290;
/// Servers that run at a time when the files are played over sockets.
const AT_A_TIME: usize = 12;

fn all() -> Vec<Dialogue> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dialogues");
    let mut dialogues: Vec<_> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "dialogue"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            Dialogue::parse(&name, &text).unwrap_or_else(|error| panic!("{name}: {error}"))
        })
        .collect();
    dialogues.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(dialogues.len() >= AT_LEAST, "only {} dialogues are left", dialogues.len());
    dialogues
}

fn report(how: &str, played: usize, failures: &[String]) {
    println!("{played} dialogues played {how}");
    assert!(
        failures.is_empty(),
        "{} of {played} fail {how}:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

#[test]
fn by_turns() {
    let dialogues = all();
    let failures: Vec<_> =
        dialogues.iter().filter_map(|d| pure::play(d, usize::MAX).err()).collect();
    report("a turn at a time", dialogues.len(), &failures);
}

/// What is found in each dialogue: a finding that comes or goes is seen here. `REWRITE_FINDINGS=1` writes the list.
#[test]
fn findings_are_those_that_are_listed() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dialogues/findings.txt");
    let mut now = String::new();
    for dialogue in all() {
        let codes = pure::play(&dialogue, usize::MAX).unwrap_or_default();
        if !codes.is_empty() {
            now.push_str(&format!("{}: {}\n", dialogue.name, codes.join(" ")));
        }
    }
    if std::env::var_os("REWRITE_FINDINGS").is_some() {
        std::fs::write(&path, &now).unwrap();
    }
    let listed = std::fs::read_to_string(&path).unwrap();
    let changes: Vec<_> = now
        .lines()
        .filter(|line| !listed.lines().any(|one| one == *line))
        .map(|line| format!("+ {line}"))
        .chain(
            listed
                .lines()
                .filter(|line| !now.lines().any(|one| one == *line))
                .map(|line| format!("- {line}")),
        )
        .collect();
    assert!(changes.is_empty(), "findings have changed:\n{}", changes.join("\n"));
}

#[test]
fn byte_by_byte() {
    let dialogues: Vec<_> = all().into_iter().filter(|d| !d.whole).collect();
    let failures: Vec<_> = dialogues.iter().filter_map(|d| pure::play(d, 1).err()).collect();
    report("byte by byte", dialogues.len(), &failures);
}

#[tokio::test(flavor = "multi_thread")]
async fn over_sockets() {
    let dialogues: Vec<_> = all().into_iter().filter(|d| d.peer.is_loopback()).collect();
    let played = dialogues.len();
    let places = Arc::new(Semaphore::new(AT_A_TIME));
    let mut games = tokio::task::JoinSet::new();
    for dialogue in dialogues {
        let places = Arc::clone(&places);
        games.spawn(async move {
            let _place = places.acquire_owned().await.unwrap();
            socket::play(&dialogue).await.err()
        });
    }
    let mut failures: Vec<_> = games.join_all().await.into_iter().flatten().collect();
    failures.sort();
    report("over sockets", played, &failures);
}
