//! What fuzzing begins with and what it has found, held to what must hold, without a fuzzer. `fuzz/README.md` says what each target promises.

#![allow(clippy::unwrap_used)] // a test may stop at the first surprise

#[path = "../fuzz/src/lib.rs"]
#[allow(clippy::expect_used, missing_docs)]
mod fuzz;

use std::fs;
use std::path::Path;

/// Every input of one target; at least so many, or the folder was not found.
fn play(target: &str, least: usize, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let input = fs::read(&path).unwrap();
        // The name is what one wants to know when it stops here.
        println!("{}", path.display());
        check(&input);
        count += 1;
    }
    assert!(count >= least, "{count} inputs");
}

#[test]
fn sessions() {
    play("session", 200, fuzz::session::check);
}

#[test]
fn chunks() {
    play("bdat", 3, fuzz::bdat::check);
}

#[test]
fn logins() {
    play("auth", 8, fuzz::auth::check);
}

#[test]
fn first_octets() {
    play("client_hello", 6, fuzz::client_hello::check);
}

#[test]
fn paths() {
    play("paths", 100, fuzz::paths::check);
}

#[test]
fn queries() {
    play("query", 100, fuzz::query::check);
}

#[test]
fn messages() {
    play("mime", 7, fuzz::mime::check);
}

#[test]
fn scenarios() {
    play("scenario", 6, fuzz::scenario::check);
}

#[test]
fn settings() {
    play("config", 16, fuzz::config::check);
}
