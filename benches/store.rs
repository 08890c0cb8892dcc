//! Fills a store on the disk and asks it: how quickly messages are kept for good, what they take,
//! and how long each question takes with so many there.
//!
//! `cargo bench --bench store -- --messages 1000000 [--data DIR]` prints a table in Markdown. The
//! folder must be empty, and is left there where it was named.

use bytes::Bytes;
use doorpost::mail::{Envelope, ForwardPath, MessageId, Recipient, ReversePath};
use doorpost::search;
use doorpost::storage::{Arrival, Bounds, Find, Marks, Selection, Settings, Store};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use time::OffsetDateTime;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Connections that keep messages at the same time.
const CONNECTIONS: u64 = 100;
/// Octets of a message, about.
const SIZE: usize = 2048;
/// Times that each question is asked.
const TIMES: usize = 41;

/// Random numbers, the same each time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A word; some come often and most seldom, as in a language.
    fn word(&mut self) -> String {
        const SYLLABLES: [&str; 16] = [
            "ba", "cor", "de", "fin", "ga", "hel", "in", "jo", "kal", "lu", "mer", "no", "par",
            "qui", "ros", "ta",
        ];
        let uniform = (self.next() >> 11) as f64 / (1u64 << 53) as f64;
        let mut number = (20_000f64.powf(uniform)) as usize;
        let mut word = String::new();
        while number > 0 || word.is_empty() {
            word.push_str(SYLLABLES[number % 16]);
            number /= 16;
        }
        word
    }
}

fn message(number: u64) -> Outcome<(Arrival, Bytes)> {
    let mut random = Random(number);
    let sender = format!("user{}@example.org", random.next() % 1000);
    let recipient = format!("box{}@example.net", random.next() % 1000);
    let subject: Vec<_> = (0..6).map(|_| random.word()).collect();
    let mut text = format!(
        "From: User <{sender}>\r\nTo: Box <{recipient}>\r\nSubject: {}\r\n\
        Date: Tue, 24 Nov 2026 10:00:00 +0000\r\nMessage-ID: <{number}@example.org>\r\n\
        MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n",
        subject.join(" ")
    );
    while text.len() < SIZE {
        for _ in 0..10 {
            text.push_str(&random.word());
            text.push(' ');
        }
        text.push_str("\r\n");
    }
    let (path, _) = ForwardPath::parse_front(&format!("<{recipient}>"))?;
    let mut envelope = Envelope::new(ReversePath::parse_front(&format!("<{sender}>"))?.0);
    envelope.forward_paths.push(Recipient { path, notify: None, orcpt: None });
    let arrival = Arrival {
        received_at: OffsetDateTime::now_utc(),
        door: "submission".into(),
        hostname: "doorpost.test".into(),
        session: None,
        peer: ([127, 0, 0, 1], 40_000).into(),
        envelope,
        is_sender_unknown: false,
        protocol: "ESMTPSA",
        hello: "client.example".into(),
        findings: Arc::default(),
        auth_user: Some(format!("team{}", random.next() % 100).into()),
        tls: None,
    };
    Ok((arrival, text.into()))
}

/// Keeps messages from many connections; how long that took.
async fn fill(store: &Arc<Store>, messages: u64) -> Outcome<Duration> {
    let next = Arc::new(AtomicU64::new(0));
    let start = Instant::now();
    let connection = |_| {
        let (store, next) = (Arc::clone(store), Arc::clone(&next));
        tokio::spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= messages {
                    return Ok::<_, String>(());
                }
                let (arrival, bytes) = message(number).map_err(|error| error.to_string())?;
                store.keep(arrival, bytes).await.map_err(|error| error.to_string())?;
            }
        })
    };
    let connections: Vec<_> = (0..CONNECTIONS).map(connection).collect();
    for connection in connections {
        connection.await??;
    }
    Ok(start.elapsed())
}

fn find(store: &Store, query: &str, before: Option<u64>) -> Outcome<u64> {
    let query = search::parse(query, OffsetDateTime::now_utc())?;
    let before = before.and_then(MessageId::new);
    let find = Find { query, inbox: None, before, after: None, limit: 50 };
    Ok(store.find(&find)?.total.count)
}

/// Asks a question many times; prints the median and the slowest.
fn ask(name: &str, mut question: impl FnMut() -> Outcome<u64>) -> Outcome<()> {
    let found = question()?;
    let mut times = Vec::new();
    for _ in 0..TIMES {
        let start = Instant::now();
        question()?;
        times.push(start.elapsed());
    }
    times.sort();
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    let (median, slowest) = (ms(times[TIMES / 2]), ms(times[TIMES - 1]));
    println!("| {name} | {found} | {median:.2} | {slowest:.2} |");
    Ok(())
}

/// A question would not wait as long as a million messages take.
fn until_indexed(store: &Store) {
    while store.index_is_behind_by() > 0 {
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn octets(folder: &Path, name: &str) -> u64 {
    [name.to_owned(), format!("{name}-wal")]
        .iter()
        .filter_map(|name| std::fs::metadata(folder.join(name)).ok())
        .map(|found| found.len())
        .sum()
}

fn questions(store: &Store, messages: u64) -> Outcome<()> {
    let rare = Random(messages / 2).next() % messages;
    println!("| question | found | median ms | slowest ms |");
    println!("|---|---|---|---|");
    ask("first page", || find(store, "", None))?;
    ask("last page", || find(store, "", Some(51)))?;
    ask("a page in the middle", || find(store, "", Some(messages / 2)))?;
    ask("unread count", || Ok(store.unread()?))?;
    ask("`is:unread`", || find(store, "is:unread", None))?;
    ask("`is:read`", || find(store, "is:read", None))?;
    ask("a word in few messages", || find(store, "rostataqui", None))?;
    ask("a word in nearly all", || find(store, "cor", None))?;
    ask("the same, last page", || find(store, "cor", Some(200)))?;
    ask("two words", || find(store, "bade corfin", None))?;
    ask("a phrase", || find(store, "\"cor de\"", None))?;
    ask("a beginning, `rosta*`", || find(store, "rosta*", None))?;
    ask("`to:`", || find(store, "to:box7@example.net", None))?;
    ask("`from:` and a word", || find(store, "from:user7 cor", None))?;
    ask("`rcpt:`", || find(store, "rcpt:box7@example.net", None))?;
    ask("`message-id:`", || find(store, &format!("message-id:{rare}@example.org"), None))?;
    ask("`inbox:`", || find(store, "inbox:team7", None))?;
    ask("`inbox:` and a word", || find(store, "inbox:team7 cor", None))?;
    ask("a word left out", || find(store, "-rostataqui", None))?;
    ask("wait, no match", || find(store, "to:nobody@example.net", None))?;
    ask("inboxes", || Ok(store.inboxes()?.len() as u64))?;
    ask("one message", || {
        Ok(store.message(MessageId::new(rare.max(1)).ok_or("no id")?)?.is_some().into())
    })
}

fn arguments() -> Outcome<(u64, Option<PathBuf>)> {
    let (mut messages, mut data) = (1_000_000, None);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--messages" => messages = words.next().ok_or("--messages NUMBER")?.parse()?,
            "--data" => data = Some(words.next().ok_or("--data DIR")?.into()),
            // cargo says that this is a benchmark.
            "--bench" => {}
            other => {
                return Err(format!("{other}: there is --messages NUMBER and --data DIR").into());
            }
        }
    }
    Ok((messages, data))
}

fn main() -> Outcome<()> {
    let (messages, named) = arguments()?;
    let scratch = tempfile::tempdir()?;
    let folder = named.unwrap_or_else(|| scratch.path().join("data"));
    let bounds = Bounds { messages: usize::MAX, message_bytes: u64::MAX, ..Bounds::default() };
    let data = Some(folder.clone());
    let store = Store::open(&Settings { bounds, data, ..Settings::default() })?;
    let runtime = tokio::runtime::Runtime::new()?;
    if store.usage().messages == 0 {
        let kept = runtime.block_on(fill(&store, messages))?;
        let start = Instant::now();
        until_indexed(&store);
        let behind = start.elapsed();
        let commits = store.usage().commits.max(1);
        println!("{messages} messages of {SIZE} octets from {CONNECTIONS} connections\n");
        println!("| kept | |\n|---|---|");
        println!(
            "| messages a second, on the disk (fsync) | {:.0} |",
            messages as f64 / kept.as_secs_f64()
        );
        println!("| messages a transaction | {:.1} |", messages as f64 / commits as f64);
        println!("| index ready after the last one, s | {:.1} |", behind.as_secs_f64());
        // One in a hundred is read.
        let read = (1..=messages).step_by(100).filter_map(MessageId::new).collect();
        let marks = Marks { read: Some(true), ..Marks::default() };
        store.mark(&Selection::Ids(read), &marks)?;
    }
    until_indexed(&store);
    let each = |name| octets(&folder, name) / messages.max(1);
    println!("| octets a message: messages, index | {}, {} |\n", each("mail.db"), each("index.db"));
    questions(&store, messages)
}
