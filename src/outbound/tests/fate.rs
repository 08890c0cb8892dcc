//! What outcomes make of an entry, on a schedule of two waits.

use super::*;
use crate::mail::QueueId;
use crate::storage::outbox::{Attempt, NewItem, Reason};

const RETRY: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(300)];

fn item(notify: &[Option<&str>]) -> Item {
    let bound = |notify: &Option<&str>| Bound {
        path: "bob@example.org".into(),
        notify: notify.map(str::to_owned),
        orcpt: None,
        standing: Standing::Waiting,
        said: None,
    };
    let now = OffsetDateTime::now_utc();
    Item {
        id: QueueId::new(1).unwrap(),
        new: NewItem {
            reason: Reason::Route,
            message: None,
            target: "smtp://127.0.0.1".into(),
            reverse_path: "a@example.org".into(),
            recipients: notify.iter().map(bound).collect(),
            ret: None,
            envid: None,
            body: "7BIT".into(),
            smtputf8: false,
            head: String::new(),
            not_before: now,
            refused: None,
            bytes: Default::default(),
        },
        created_at: now,
        state: State::Running,
        next_at: now,
        tries: 0,
        attempts: Vec::new(),
        delay_told: false,
        arrived: Vec::new(),
    }
}

fn attempt(item: &mut Item, fates: Vec<Fate>, hands_on_notify: bool) -> Vec<(Action, String)> {
    let waiting = item.waiting();
    let outcome = Outcome { fates, reply_lost: false, hands_on_notify };
    let at = OffsetDateTime::now_utc();
    item.remember(Attempt { at, session: None, outcome: in_words(&outcome), reply_lost: false });
    let settled = apply(item, &waiting, &outcome, &RETRY);
    settled
        .reports
        .into_iter()
        .map(|told| {
            // What the server said is quoted as it was, whatever the status is.
            assert!(matches!(&*told.said.enhanced, "4.7.1" | "5.1.1" | "2.0.0"), "{:?}", told.said);
            (told.action, told.status.map_or(told.said.enhanced, str::to_owned))
        })
        .collect()
}

fn later() -> Fate {
    Fate::Later(Said::by_us(451, "4.7.1", "RCPT", "greylisted"))
}

fn never() -> Fate {
    Fate::Never(Said::by_us(550, "5.1.1", "RCPT", "no such user"))
}

fn taken() -> Fate {
    Fate::Delivered(Said::by_us(250, "2.0.0", "the end of the data", "kept"))
}

#[test]
fn a_4xx_is_tried_again_by_the_schedule_and_given_up_behind_it() {
    let mut item = item(&[None]);
    assert_eq!(attempt(&mut item, vec![later()], true), []);
    assert_eq!(item.state, State::Waiting);
    let wait = item.next_at - OffsetDateTime::now_utc();
    assert!((55..=60).contains(&wait.whole_seconds()), "{wait}");
    assert_eq!(attempt(&mut item, vec![later()], true), []);
    assert!((item.next_at - OffsetDateTime::now_utc()).whole_seconds() > 290);
    assert_eq!(attempt(&mut item, vec![later()], true), [(Action::Failed, "4.4.7".into())]);
    assert_eq!(item.state, State::Failed);
    assert!(item.attempts[0].outcome.starts_with("not now: 451 4.7.1 greylisted"));
}

#[test]
fn a_5xx_is_given_up_at_once_and_the_others_go_on() {
    let mut item = item(&[None, None, None]);
    let told = attempt(&mut item, vec![never(), taken(), later()], true);
    assert_eq!(told, [(Action::Failed, "5.1.1".into())]);
    assert_eq!(item.waiting(), [2]);
    assert_eq!(attempt(&mut item, vec![taken()], true), []);
    assert_eq!(item.state, State::Failed);
    let standings: Vec<_> = item.new.recipients.iter().map(|bound| bound.standing).collect();
    assert_eq!(standings, [Standing::Failed, Standing::Delivered, Standing::Delivered]);
}

#[test]
fn notify_says_of_what_the_sender_hears() {
    let mut silent = item(&[Some("NEVER"), Some("SUCCESS,DELAY")]);
    assert_eq!(attempt(&mut silent, vec![never(), never()], true), []);
    // A server without DSN takes the message: nobody else will tell.
    let mut asked = item(&[Some("SUCCESS"), Some("FAILURE"), None]);
    let told = attempt(&mut asked, vec![taken(), taken(), taken()], false);
    assert_eq!(told, [(Action::Relayed, "2.0.0".into())]);
    assert_eq!(asked.state, State::Done);
    let mut handed_on = item(&[Some("SUCCESS")]);
    assert_eq!(attempt(&mut handed_on, vec![taken()], true), []);
}

#[test]
fn a_delay_is_told_once_and_only_to_who_asked() {
    let mut item = item(&[Some("DELAY"), None]);
    assert_eq!(attempt(&mut item, vec![later(), later()], true), []);
    let told = attempt(&mut item, vec![later(), later()], true);
    assert_eq!(told, [(Action::Delayed, "4.7.1".into())]);
    assert!(item.delay_told);
    // The first had asked for DELAY only, so that its failure is not told.
    let told = attempt(&mut item, vec![later(), later()], true);
    assert_eq!(told, [(Action::Failed, "4.4.7".into())]);
}
