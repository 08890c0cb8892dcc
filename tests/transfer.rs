//! `doorpost export` and `doorpost import`, as they are run. What a doorpost answers is played.

#![cfg(unix)] // names of a Maildir
#![allow(clippy::unwrap_used)] // a test may stop at the first surprise

#[path = "support/fake.rs"]
mod fake;
#[path = "support/program.rs"]
mod program;

use ::doorpost::Doorpost;
use fake::{Fake, Request, respond, respond_json};
use program::{Ran, ask, doorpost, feed, with_doorpost};
use serde_json::json;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// The messages that a doorpost has, the oldest first.
type Kept = Arc<Mutex<Vec<Vec<u8>>>>;

/// As much of a doorpost as both commands ask for.
fn api(kept: &Kept) -> Fake {
    let kept = Arc::clone(kept);
    Fake::start(move |request, stream| {
        let mut kept = kept.lock().unwrap();
        let raw =
            request.path.strip_prefix("/api/messages/").and_then(|rest| rest.strip_suffix("/raw"));
        match (&*request.method, raw) {
            ("GET", Some(id)) => match id.parse().ok().and_then(|id: usize| kept.get(id - 1)) {
                Some(octets) if !octets.is_empty() => {
                    respond(stream, 200, "message/rfc822", octets)
                }
                _ => respond_json(
                    stream,
                    404,
                    json!({"title": "Not Found", "status": 404, "detail": "gone"}),
                ),
            },
            ("GET", None) => {
                let message = |id| {
                    json!({
                        "id": id, "received_at": "2026-01-02T03:04:05Z", "envelope": {"reverse_path": "a@x.org"},
                    })
                };
                let messages: Vec<_> = (1..=kept.len()).rev().map(message).collect();
                respond_json(
                    stream,
                    200,
                    json!({"total": messages.len(), "messages": messages, "next": null}),
                );
            }
            ("POST", None) if request.body.starts_with(b"X-Refuse") => {
                let problem =
                    json!({"title": "Bad Request", "status": 400, "detail": "it has no recipient"});
                respond_json(stream, 400, problem);
            }
            ("POST", None) => {
                kept.push(request.body.clone());
                respond_json(stream, 201, json!({"id": kept.len()}));
            }
            _ => respond(stream, 405, "text/plain", ""),
        }
    })
}

fn run(api: &Fake, folder: &Path, arguments: &[&str]) -> Ran {
    let mut command = doorpost(folder);
    command.args(arguments).args(["--server", &format!("http://{}", api.address)]);
    command.output().unwrap().into()
}

fn posted(api: &Fake) -> Vec<Request> {
    api.requests().into_iter().filter(|request| request.method == "POST").collect()
}

const MAILS: [&[u8]; 3] = [
    b"Subject: 1\r\n\r\nFrom here\r\n>From there\r\n\r\nFrom behind an empty line\r\n",
    b"Subject: 2\r\n\r\n\xff\x00 octets\r\n",
    b"Subject: 3\r\n\r\n",
];

#[test]
fn a_folder_gets_each_message_with_its_octets() {
    let kept: Kept = Arc::new(Mutex::new(MAILS.iter().map(|mail| mail.to_vec()).collect()));
    let api = api(&kept);
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let ran = run(
        &api,
        folder.path(),
        &["export", "subject:x", "a", "--inbox", "in", "--to", "out/mail"],
    );
    assert_eq!(ran.good(), "3 messages written to out/mail\n");
    for (n, mail) in MAILS.iter().enumerate() {
        assert_eq!(fs::read(at(&format!("out/mail/{}.eml", n + 1))).unwrap(), *mail);
    }
    let asked = &api.requests()[0];
    assert_eq!((asked.parameter("query"), asked.parameter("inbox")), ("subject:x a", "in"));

    // Nothing is overwritten, and where something would be, nothing is written.
    fs::remove_file(at("out/mail/1.eml")).unwrap();
    fs::write(at("out/mail/2.eml"), "mine").unwrap();
    let refused = run(&api, folder.path(), &["export", "--to", "out/mail"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.err.contains("2.eml is there already; --force"), "{}", refused.err);
    assert_eq!(fs::read(at("out/mail/2.eml")).unwrap(), b"mine");
    assert!(!at("out/mail/1.eml").exists());
    // One that went while the others were fetched is told of.
    kept.lock().unwrap()[2].clear();
    let ran = run(&api, folder.path(), &["export", "--to", "out/mail", "--force"]);
    assert_eq!(ran.err, "1 were deleted meanwhile\n");
    assert_eq!(ran.good(), "2 messages written to out/mail\n");
    assert_eq!(fs::read(at("out/mail/2.eml")).unwrap(), MAILS[1]);
}

#[test]
fn an_mbox_brings_back_what_was_put_into_it() {
    let kept: Kept = Arc::new(Mutex::new(MAILS.iter().map(|mail| mail.to_vec()).collect()));
    let api = api(&kept);
    let folder = tempfile::tempdir().unwrap();
    run(&api, folder.path(), &["export", "--to", "all.mbox"]).good();
    let mbox = fs::read(folder.path().join("all.mbox")).unwrap();
    let text = String::from_utf8_lossy(&mbox);
    assert!(
        text.starts_with(
            "From a@x.org Fri Jan  2 03:04:05 2026\nSubject: 1\n\n>From here\n>>From there\n"
        ),
        "{text}"
    );
    let again = run(&api, folder.path(), &["export", "--to", "all.mbox"]);
    assert_eq!(again.code, Some(1));
    assert_eq!(fs::read(folder.path().join("all.mbox")).unwrap(), mbox);
    run(&api, folder.path(), &["export", "--to", "all.mbox", "--force"]).good();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "something was left behind");

    kept.lock().unwrap().clear();
    assert_eq!(run(&api, folder.path(), &["import", "all.mbox"]).good(), "3 messages imported\n");
    assert_eq!(*kept.lock().unwrap(), MAILS.map(<[u8]>::to_vec));
    let first = &posted(&api)[0];
    assert_eq!(
        (first.parameter("from"), first.parameter("received_at")),
        ("a@x.org", "2026-01-02T03:04:05Z")
    );
    assert_eq!(first.header("content-type"), "message/rfc822");
}

#[test]
fn files_and_folders_are_brought_and_broken_ones_named() {
    let kept = Kept::default();
    let api = api(&kept);
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for name in ["mail", "mail/cur", "mail/new", "mail/tmp", "loose"] {
        fs::create_dir(at(name)).unwrap();
    }
    for (name, text) in [
        ("mail/new/1.x", "Subject: new\n\n.\n"),
        ("mail/cur/2.x:2,S", "Subject: cur\r\n\r\n"),
        ("mail/tmp/3.x", "Subject: tmp\n"),
        ("loose/10.eml", "Subject: 10\n\n"),
        ("loose/9.eml", "From me Thu\nSubject: 9\n\n"),
        ("loose/notes.txt", "no mail"),
        ("empty.eml", ""),
        ("picture.eml", "\u{89}PNG"),
        ("text.eml", "\r\nno header\r\n"),
        ("refused.eml", "X-Refuse: me\n\n"),
    ] {
        fs::write(at(name), text).unwrap();
    }
    let good = run(&api, folder.path(), &["import", "mail", "loose"]).good();
    assert_eq!(good, "4 messages imported\n");
    let subjects = [
        "Subject: new\r\n\r\n.\r\n",
        "Subject: cur\r\n\r\n",
        "From me Thu\r\nSubject: 9\r\n\r\n",
        "Subject: 10\r\n\r\n",
    ];
    assert_eq!(*kept.lock().unwrap(), subjects.map(|text| text.as_bytes().to_vec()));

    // What is mail is the API's to say.
    let paths =
        ["import", "nowhere", "empty.eml", "picture.eml", "text.eml", "refused.eml", "loose"];
    kept.lock().unwrap().clear();
    let some = run(&api, folder.path(), &paths);
    assert_eq!((some.code, &*some.out), (Some(1), "5 messages imported\n"));
    let brought = ["", "\u{89}PNG", "\r\nno header\r\n", subjects[2], subjects[3]];
    assert_eq!(*kept.lock().unwrap(), brought.map(|text| text.as_bytes().to_vec()));
    for line in ["nowhere: ", "refused.eml: it has no recipient", "error: 2 could not be imported"]
    {
        assert!(
            some.err.lines().any(|told| told.starts_with(line)),
            "{line} is not in {}",
            some.err
        );
    }
    assert!(!some.err.contains('\u{1b}'), "progress where no terminal is: {:?}", some.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_exported_is_imported_with_its_octets() {
    with_doorpost(|api, _| {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let mails: [&[u8]; 7] = [
            b"\r\nno header\r\n",
            b"this is no field\r\nSubject: x\r\n\r\nhi\r\n",
            b"From me to you\r\nSubject: x\r\n\r\nhi\r\n",
            b"Subject: bare\r\n\r\n\n\r\xff\x00\nFrom here\n\r\n",
            b"Subject: no end\r\n\r\nhi",
            b"\x89PNG",
            b"",
        ];
        fs::create_dir(at("mine")).unwrap();
        for (name, mail) in mails.iter().enumerate() {
            fs::write(at(&format!("mine/{name}.eml")), mail).unwrap();
        }
        let octets_of = |folder: &str| {
            let mut all: Vec<_> = fs::read_dir(at(folder))
                .unwrap()
                .map(|entry| fs::read(entry.unwrap().path()).unwrap())
                .collect();
            all.sort();
            all
        };
        for (from, to) in [("mine", "first"), ("first", "second")] {
            assert_eq!(ask(api, &["import", &at(from)]).good(), "7 messages imported\n");
            ask(api, &["export", "--to", &at(to)]).good();
            assert_eq!(octets_of(to), octets_of("mine"), "{to}");
            ask(api, &["rm", "--all"]).good();
        }
    })
    .await;
}

/// What wrote the mbox was less strict than a path is.
#[test]
fn a_sender_that_no_path_can_carry_is_passed_over() {
    let api = api(&Kept::default());
    let folder = tempfile::tempdir().unwrap();
    let entry = |sender: &str| format!("From {sender} Fri Jan  2 03:04:05 2026\nSubject: x\n\n\n");
    let mbox = ["a_b@c_d.example", "a@x.org", "root"].map(entry).concat();
    fs::write(folder.path().join("us.mbox"), mbox).unwrap();
    run(&api, folder.path(), &["import", "us.mbox"]).good();
    let posted = posted(&api);
    let senders: Vec<_> = posted.iter().map(|request| request.parameter("from")).collect();
    assert_eq!(senders, ["", "a@x.org", ""]);
}

/// A pipe can be read once, and does not say how large it is.
#[test]
fn what_comes_through_a_pipe_is_whole() {
    let kept = Kept::default();
    let api = api(&kept);
    let folder = tempfile::tempdir().unwrap();
    let message = "From: a@x.org\r\nSubject: piped\r\n\r\nhi\r\n";
    let mbox = "From a@x.org Fri Jan  2 03:04:05 2026\nSubject: 1\n\n\nFrom b@x.org Fri Jan  2 03:04:05 2026\nSubject: 2\n\n\n";
    for (piped, brought) in [
        (message, vec![message]),
        (mbox, vec!["Subject: 1\r\n\r\n", "Subject: 2\r\n\r\n"]),
        ("Hi", vec!["Hi"]),
    ] {
        let mut command = doorpost(folder.path());
        command.args(["import", "/dev/stdin", "--server", &format!("http://{}", api.address)]);
        feed(&mut command, piped.as_bytes()).good();
        let kept = std::mem::take(&mut *kept.lock().unwrap());
        assert_eq!(kept, brought.iter().map(|text| text.as_bytes().to_vec()).collect::<Vec<_>>());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_too_large_keeps_nobody_out() {
    let doors = ["relay", "submission", "submissions", "alternate"];
    let small =
        doors.iter().fold(Doorpost::builder(), |all, door| all.set(door, "max_size", "\"1MiB\""));
    let doorpost = small.web().start().await.unwrap();
    let web = doorpost.web_addresses()[0];
    let ran = tokio::task::spawn_blocking(move || {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("1.eml"), vec![b'x'; 16 * 1024 * 1024]).unwrap();
        fs::write(folder.path().join("2.eml"), "Subject: small\r\n\r\n").unwrap();
        ask(web, &["import", folder.path().to_str().unwrap()])
    });
    let ran = ran.await.unwrap();
    assert_eq!((ran.code, &*ran.out), (Some(1), "1 message imported\n"), "{}", ran.err);
    assert!(ran.err.contains("1.eml: the body has more than 1048576 octets\n"), "{}", ran.err);
}
