//! How often: each way to count, what is counted apart, and that odds are the same every time.

use super::super::count::{Counters, chance};
use super::super::limit::Limiter;
use super::{at_rcpt, faults, occasion, strikes, times};
use crate::smtp::misbehave::{Misbehave, Occasion, Point};
use proptest::prelude::*;
use std::time::{Duration, Instant};

#[test]
fn each_way_to_count_strikes_when_it_says() {
    assert_eq!(times(&at_rcpt(""), 3), [1, 2, 3]);
    assert_eq!(times(&at_rcpt("nth = 2"), 5), [2]);
    assert_eq!(times(&at_rcpt("nth = [1, 4]"), 5), [1, 4]);
    assert_eq!(times(&at_rcpt("first = 2"), 5), [1, 2]);
    assert_eq!(times(&at_rcpt("every = 3"), 7), [3, 6]);
    assert_eq!(times(&at_rcpt("after = { messages = 2, within = \"1h\" }"), 5), [3, 4, 5]);
    assert_eq!(times(&at_rcpt("limit = \"2/1h\""), 5), [3, 4, 5]);
    assert_eq!(times(&at_rcpt("greylist = \"0s\""), 5), [1]);
    assert_eq!(times(&at_rcpt("greylist = \"1h\""), 3), [1, 2, 3]);
    assert_eq!(times(&at_rcpt("odds = 0"), 50), [0_usize; 0]);
    assert_eq!(times(&at_rcpt("odds = 1.0"), 3), [1, 2, 3]);
}

#[test]
fn what_is_counted_apart_does_not_add_up() {
    let apart = at_rcpt("first = 1\nper = \"recipient\"");
    assert!(strikes(&apart, "alice@example.org"));
    assert!(strikes(&apart, "carol@example.org"));
    assert!(!strikes(&apart, "ALICE@example.org"), "an address is the same in either case");
    let together = at_rcpt("first = 1");
    assert!(strikes(&together, "alice@example.org"));
    assert!(!strikes(&together, "carol@example.org"));
}

#[test]
fn a_triplet_is_client_sender_and_recipient() {
    let faults = at_rcpt("greylist = \"0s\"");
    let paths = ["alice@example.org".to_owned()];
    let usual = Occasion { forward_paths: &paths, ..occasion(Point::Rcpt) };
    let other_sender = Occasion { reverse_path: Some("eve@example.net"), ..usual };
    let other_client = Occasion { peer: "192.0.2.7".parse().unwrap(), ..usual };
    for occasion in [usual, other_sender, other_client] {
        assert!(faults.ask(&occasion).is_some());
        assert!(faults.ask(&occasion).is_none());
    }
}

#[test]
fn a_message_is_known_again_by_its_message_id() {
    let rule = "[[rules]]\nname = \"r\"\nat = \"end-of-data\"\nfirst = 1\nper = \"message\"\ndo = { lose = true }\n";
    let faults = faults(rule);
    let ask = |id: &str, path: &str| {
        let message = format!("Message-ID: <{id}@example>\r\n\r\nHello\r\n");
        let paths = [path.to_owned()];
        let occasion = Occasion {
            forward_paths: &paths,
            message: Some(message.as_bytes()),
            ..occasion(Point::EndOfData)
        };
        faults.ask(&occasion).is_some()
    };
    assert!(ask("1", "alice@example.org"));
    assert!(!ask("1", "carol@example.org"), "the same message to somebody else");
    assert!(ask("2", "alice@example.org"));
}

#[test]
fn a_window_forgets_what_is_older() {
    let mut counters = Counters::default();
    let begin = Instant::now();
    let minute = Duration::from_mins(1);
    let mut came = |seconds: u64| {
        let now = begin + Duration::from_secs(seconds);
        counters.count("k".into(), now, 2).came(2, minute, now)
    };
    assert!(!came(0));
    assert!(!came(10));
    assert!(came(50), "two came in the minute before");
    assert!(!came(120), "only one did: 50 is too old, and 10 and 0 with it");
}

#[test]
fn odds_follow_from_the_seed_and_the_mail_alone() {
    let people: Vec<String> = (0..200).map(|n| format!("user{n}@example.org")).collect();
    let scenario = |seed: u64| {
        faults(&format!(
            "seed = {seed}\n[[rules]]\nname = \"r\"\nat = \"rcpt\"\nodds = 0.3\ndo = {{ reply = \"450 no\" }}\n"
        ))
    };
    let run = |seed: u64, order: Vec<&String>| {
        let faults = scenario(seed);
        let mut struck: Vec<_> = order.into_iter().filter(|one| strikes(&faults, one)).collect();
        struck.sort();
        struck.into_iter().cloned().collect::<Vec<_>>()
    };
    let once = run(7, people.iter().collect());
    assert_eq!(once, run(7, people.iter().collect()));
    assert_eq!(once, run(7, people.iter().rev().collect()), "in another order too");
    assert_ne!(once, run(8, people.iter().collect()));
    assert!((40..=80).contains(&once.len()), "{} of 200 at 0.3", once.len());
}

#[test]
fn a_retry_has_odds_of_its_own() {
    let faults = at_rcpt("odds = 0.5");
    let struck = times(&faults, 200).len();
    assert!((70..=130).contains(&struck), "{struck} of 200 at 0.5");
}

#[test]
fn a_limit_lets_through_what_it_says_and_recovers() {
    let limiter = Limiter::new(2, Duration::from_millis(100));
    let key = "k".to_owned();
    assert!(!limiter.is_over(&key) && !limiter.is_over(&key));
    assert!(limiter.is_over(&key));
    assert!(!limiter.is_over(&"another".to_owned()));
    std::thread::sleep(Duration::from_millis(120));
    assert!(!limiter.is_over(&key), "by then it is full again");
}

#[test]
fn buckets_and_counters_are_bounded() {
    let limiter = Limiter::new(1, Duration::from_hours(1));
    for n in 0..120_000 {
        limiter.is_over(&n.to_string());
    }
    assert!(limiter.held() <= 50_000, "{}", limiter.held());
    let mut counters = Counters::default();
    let now = Instant::now();
    for n in 0..120_000 {
        counters.count(n.to_string(), now, 0);
    }
    assert!(counters.held() <= 100_000, "{}", counters.held());
    assert_eq!(counters.count("119999".into(), now, 0).times, 2, "what came just now is known");
}

#[test]
fn what_tells_things_apart_is_short() {
    let paths: Vec<String> =
        (0..1000).map(|n| format!("{n}@{}.example", "x".repeat(200))).collect();
    let point = Occasion { forward_paths: &paths, ..occasion(Point::Data) };
    let key = super::super::scenario::Per::Recipient.key(&point);
    assert_eq!(key.len(), 64);
    let fewer = Occasion { forward_paths: &paths[1..], ..point };
    assert_ne!(key, super::super::scenario::Per::Recipient.key(&fewer));
}

proptest! {
    /// Whatever it is about, a chance is one, and is the same the next time.
    #[test]
    fn a_chance_lies_between_0_and_1(seed: u64, rule in ".{0,20}", key in ".{0,50}", times: u64) {
        let once = chance(seed, &rule, &key, times);
        prop_assert!((0.0..1.0).contains(&once));
        prop_assert_eq!(once, chance(seed, &rule, &key, times));
    }

    /// `first = n` strikes n times, `every = n` in n times once, whatever n is.
    #[test]
    fn counts_are_exact(n in 1_usize..20, more in 0_usize..40) {
        prop_assert_eq!(times(&at_rcpt(&format!("first = {n}")), n + more).len(), n);
        prop_assert_eq!(times(&at_rcpt(&format!("every = {n}")), more).len(), more / n);
    }
}
