//! 250 means kept: the program is killed under load, again and again, and every message that was
//! acknowledged is there afterwards, once, with its octets, and found.
//!
//! `DOORPOST_KILL_ROUNDS` says how often (5 where it is not set).

#![allow(clippy::unwrap_used)] // a test may stop at the first surprise

use doorpost::search;
use doorpost::storage::{Bounds, Find, Settings, Store};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use time::OffsetDateTime;

const CLIENTS: usize = 8;

/// A program that is killed when it is dropped.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(folder: &Path) -> (Program, SocketAddr) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_doorpost"))
        .args(["--ports", "ephemeral", "--web", "0", "--ready", "json", "-qq"])
        .args(["--max-messages", "1000000", "--data"])
        .arg(folder.join("data"))
        .arg("--certs")
        .arg(folder.join("certs"))
        .current_dir(folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ready = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut ready).unwrap();
    let ready: serde_json::Value = serde_json::from_str(&ready).unwrap();
    let address = ready["doors"]["relay"]["address"].as_str().unwrap().parse().unwrap();
    (Program(child), address)
}

/// The octets of the message with that number: of all sizes, and no two alike.
fn message(number: u64) -> Vec<u8> {
    let mut bytes = format!("Subject: token{number}x\r\n\r\n").into_bytes();
    for line in 0..(number * 37) % 600 {
        bytes.extend(format!("line {line} of message {number}, which is kept whole\r\n").bytes());
    }
    bytes
}

/// Sends messages until the server is gone; notes the number of each that got its 250.
fn send(address: SocketAddr, next: &AtomicU64, kept: &Mutex<Vec<u64>>) -> std::io::Result<()> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.set_nodelay(true)?;
    let mut replies = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    let mut reply = |wanted: &str| {
        let mut line = String::new();
        loop {
            line.clear();
            if replies.read_line(&mut line)? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            if line.as_bytes().get(3) != Some(&b'-') {
                break;
            }
        }
        if line.starts_with(wanted) { Ok(()) } else { Err(std::io::Error::other(line)) }
    };
    reply("220")?;
    stream.write_all(b"EHLO client.example\r\n")?;
    reply("250")?;
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        stream.write_all(b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n")?;
        reply("250")?;
        reply("250")?;
        reply("354")?;
        stream.write_all(&message(number))?;
        stream.write_all(b".\r\n")?;
        reply("250")?;
        kept.lock().unwrap().push(number);
    }
}

/// Everything that was acknowledged so far is in the folder once, and is found.
fn check(folder: &Path, kept: &[u64], round: u64) {
    let bounds = Bounds { messages: 1_000_000, ..Bounds::default() };
    let data = Some(folder.join("data"));
    let store = Store::open(&Settings { bounds, data, ..Settings::default() }).unwrap();
    let mut there = HashMap::new();
    for found in store.newest() {
        let text = String::from_utf8_lossy(&found.bytes()[..40.min(found.bytes().len())]);
        let number = text.split(['n', 'x']).nth(1).unwrap().parse().unwrap();
        assert!(found.bytes() == &message(number), "message {number} in round {round}");
        assert_eq!(there.insert(number, found.id()), None, "{number} is there twice");
    }
    for number in kept {
        assert!(there.contains_key(number), "{number} is lost in round {round}");
    }
    for number in kept.iter().rev().take(20) {
        let query = search::parse(&format!("token{number}x"), OffsetDateTime::now_utc()).unwrap();
        let find = Find { query, inbox: None, before: None, after: None, limit: 9 };
        let found = store.find(&find).unwrap().entries;
        assert_eq!(found.iter().map(|e| e.id).collect::<Vec<_>>(), [there[number]]);
    }
    assert_eq!(store.usage().messages, there.len() as u64);
}

#[test]
fn nothing_that_was_acknowledged_is_lost_or_doubled_by_a_kill() {
    let rounds = std::env::var("DOORPOST_KILL_ROUNDS").map_or(5, |text| text.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let next = Arc::new(AtomicU64::new(0));
    let kept = Arc::new(Mutex::new(Vec::new()));
    for round in 0..rounds {
        let (mut program, address) = start(folder.path());
        let before = kept.lock().unwrap().len();
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                let (next, kept) = (Arc::clone(&next), Arc::clone(&kept));
                std::thread::spawn(move || send(address, &next, &kept).unwrap_err())
            })
            .collect();
        // Killed in the middle of it: not before something was kept, and each time elsewhere.
        let wanted = before + 1 + usize::try_from(round * 53 % 200).unwrap();
        let mut count = before;
        let start = std::time::Instant::now();
        while count < wanted {
            assert!(start.elapsed() < Duration::from_secs(60), "round {round} stands still");
            std::thread::yield_now();
            count = kept.lock().unwrap().len();
        }
        program.0.kill().unwrap();
        program.0.wait().unwrap();
        for client in clients {
            let error = client.join().unwrap();
            assert_ne!(error.kind(), std::io::ErrorKind::Other, "{error}");
        }
        let kept = kept.lock().unwrap();
        if round % 5 == 4 || round + 1 == rounds {
            check(folder.path(), &kept, round);
        }
    }
    println!("{rounds} rounds, {} messages acknowledged", kept.lock().unwrap().len());
}
