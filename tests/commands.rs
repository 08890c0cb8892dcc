//! The commands that look at what was caught, as they are run, against a doorpost that has caught something.

#![allow(clippy::unwrap_used)] // a test may stop at the first surprise

#[path = "support/fake.rs"]
mod fake;
#[path = "support/program.rs"]
mod program;
mod support;

use fake::{Fake, respond, respond_json};
use program::{ask, doorpost, with_doorpost};
use serde_json::{Value, json};
use std::net::SocketAddr;
use support::Client;

const MAIL: &str = concat!(
    "From: =?utf-8?q?J=C3=BCrgen?= <alice@example.org>\r\nTo: Bob <bob@example.org>\r\n",
    "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= \u{1b}[2J\r\nMIME-Version: 1.0\r\n",
    "Content-Type: multipart/mixed; boundary=b\r\n\r\n",
    "--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n",
    "Your code is 483920.\r\n\tOr go to https://app.example/reset?t=1&u=2 \u{1b}]0;x\u{7}\r\n",
    "--b\r\nContent-Type: text/html\r\n\r\n<p>Hello\u{1b}[31m</p>\r\n",
    "--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=\"bill.pdf\"\r\n\r\nPDF\r\n",
    "--b--\r\n",
);

fn send(relay: SocketAddr, mail: &str) {
    // The client adds the last line's end.
    let mail = mail.strip_suffix("\r\n").unwrap();
    assert!(Client::connect(relay).mail(mail).starts_with("250"));
}

fn send_subjects(relay: SocketAddr, subjects: &[&str]) {
    for subject in subjects {
        send(relay, &format!("From: a@x.org\r\nTo: b@x.org\r\nSubject: {subject}\r\n\r\nhi\r\n"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_listed_for_people_and_for_programs() {
    with_doorpost(|web, relay| {
        let nothing = ask(web, &["list"]);
        assert_eq!((nothing.code, &*nothing.err), (Some(0), "there are no messages\n"));
        send_subjects(relay, &["one", "two late", "three late"]);
        let table = ask(web, &["list"]).good();
        let rows: Vec<_> = table.lines().collect();
        assert_eq!(rows.len(), 4, "{table}");
        assert!(rows[0].contains("received") && rows[0].contains("subject"), "{table}");
        assert!(
            rows[1].contains(" 3 ") && rows[1].contains("relay") && rows[1].contains("three late"),
            "{table}"
        );
        assert!(!table.contains('\u{1b}'), "{table}");
        let found = ask(web, &["list", "late", "subject:two"]).good();
        assert!(found.contains("two late") && found.lines().count() == 2, "{found}");
        let not = ask(web, &["list", "-has:attachment", "-subject:late", "--limit", "9"]).good();
        assert!(not.contains("one") && not.lines().count() == 2, "{not}");
        for unknown in
            [&["list", "--jsn"][..], &["wait", "x", "--timout=1s"], &["rm", "--query", "--all"]]
        {
            let ran = ask(web, unknown);
            assert_eq!(ran.code, Some(2), "{unknown:?}");
            assert!(ran.err.contains("--"), "{}", ran.err);
        }
        let cut = ask(web, &["list", "--limit", "2"]).good();
        assert!(cut.ends_with("2 of 3 messages; --limit shows more\n"), "{cut}");
        let list: Value =
            serde_json::from_str(&ask(web, &["list", "late", "--json"]).good()).unwrap();
        assert_eq!(
            (&list["total"], &list["messages"][1]["subject"]),
            (&json!(2), &json!("two late"))
        );
        let sessions = ask(web, &["list", "--sessions"]).good();
        assert!(
            sessions.contains("kept as 2") && sessions.contains("client.example"),
            "{sessions}"
        );
        let sessions = ask(web, &["list", "--sessions", "--json"]).good();
        assert_eq!(serde_json::from_str::<Value>(&sessions).unwrap()["total"], json!(3));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_shown_and_commands_no_terminal() {
    with_doorpost(|web, relay| {
        send(relay, MAIL);
        let show = |arguments: &[&str]| {
            let ran = ask(web, &[&["show"], arguments].concat());
            assert!(!ran.out.contains('\u{1b}') || arguments.contains(&"--raw"), "{}", ran.out);
            ran
        };
        let page = show(&["latest"]).good();
        for words in [
            "message 1  received ",
            "From       Jürgen <alice@example.org>",
            "Subject    Grüße \\u{1b}[2J",
            "Your code is 483920.\n\tOr go to",
            "attached bill.pdf  application/pdf",
            "by session 1",
        ] {
            assert!(page.contains(words), "{words} is not in {page}");
        }
        // The envelope is what the header says.
        assert!(!page.contains("RCPT TO") && !page.contains("MAIL FROM"), "{page}");
        assert_eq!(show(&["1", "--raw"]).out, MAIL);
        assert_eq!(show(&["1", "--codes"]).good(), "483920\n");
        assert_eq!(show(&["1", "--links"]).good(), "https://app.example/reset?t=1&u=2\n");
        assert!(show(&["1", "--html"]).good().contains("<p>Hello\\u{1b}[31m</p>"));
        assert!(show(&["1", "--text"]).good().starts_with("Your code is 483920.\n\tOr"));
        assert!(show(&["1", "--headers"]).good().contains("To: Bob <bob@example.org>\n"));
        let talk = show(&["1", "--session"]).good();
        assert!(
            talk.contains("C: RCPT TO:<bob@example.org>") && talk.contains("S: 250 2.0.0"),
            "{talk}"
        );
        let message: Value = serde_json::from_str(&show(&["1", "--json"]).good()).unwrap();
        assert_eq!((&message["id"], &message["door"]), (&json!("1"), &json!("relay")));
        let links: Value = serde_json::from_str(&show(&["1", "--links", "--json"]).good()).unwrap();
        assert_eq!(links["links"][0]["host"], json!("app.example"));

        send(relay, "From: Else <else@example.org>\r\nTo: list@example.org\r\n\r\nhi\r\n");
        let page = show(&["latest"]).good();
        assert!(
            page.contains("MAIL FROM  <alice@example.org>\nRCPT TO    <bob@example.org>\n"),
            "{page}"
        );
        for (arguments, why) in [
            (&["7"][..], "there is no message 7"),
            (&["../sessions", "--json"], "there is no message ../sessions"),
            (&["2", "--html"], "message 2 has no HTML"),
            (&["2", "--codes"], "message 2 has no one-time code"),
        ] {
            let ran = show(arguments);
            assert_eq!(ran.code, Some(1));
            assert_eq!(ran.err, format!("error: {why}\n"));
        }
        assert_eq!(show(&["1", "--raw", "--text"]).code, Some(2));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_waits_and_is_told_what_came_instead() {
    with_doorpost(|web, relay| {
        send(relay, MAIL);
        assert_eq!(ask(web, &["wait", "rcpt:bob@example.org", "--codes"]).good(), "483920\n");
        assert_eq!(ask(web, &["wait", "from:alice", "--raw"]).out, MAIL);
        let waiting = std::thread::spawn(move || {
            ask(
                web,
                &[
                    "wait",
                    "subject:late",
                    "--count",
                    "2",
                    "--since",
                    "1",
                    "--timeout",
                    "30s",
                    "--json",
                ],
            )
        });
        send_subjects(relay, &["early", "late", "later", "late again"]);
        let list: Value = serde_json::from_str(&waiting.join().unwrap().good()).unwrap();
        assert_eq!(list["messages"][0]["subject"], json!("late again"));

        let in_vain =
            ask(web, &["wait", "subject:late", "--count=3", "--since=1", "--timeout=100ms"]);
        assert_eq!((in_vain.code, &*in_vain.out), (Some(1), ""));
        assert!(
            in_vain.err.starts_with("these arrived:\n") && in_vain.err.contains("early"),
            "{}",
            in_vain.err
        );
        assert!(
            in_vain.err.ends_with("error: 2 of 3 messages like that came within 100ms\n"),
            "{}",
            in_vain.err
        );
        let nothing = ask(web, &["wait", "x", "--since=5", "--timeout=0"]);
        assert!(nothing.err.starts_with("nothing arrived\n"), "{}", nothing.err);

        for command in [&["wait"][..], &["list"], &["export", "--to", "x"], &["rm", "--query"]] {
            let wrong = ask(web, &[command, &["grüße is:unred"]].concat());
            assert_eq!(wrong.code, Some(2), "{command:?}: {}", wrong.err);
            assert!(
                wrong.err.contains("\ngrüße is:unred\n         ^^^^^ `is:` takes"),
                "{}",
                wrong.err
            );
        }
        for usage in [
            &["wait"][..],
            &["wait", "x", "--timeout", "soon"],
            &["wait", "x", "--raw", "--count", "2"],
        ] {
            assert_eq!(ask(web, usage).code, Some(2), "{usage:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_deleted_and_everything_only_where_that_is_said() {
    with_doorpost(|web, relay| {
        send_subjects(relay, &["one", "two", "three", "four", "five"]);
        for unclear in [
            &[][..],
            &["--query", " "],
            &["--inbox", ""],
            &[""],
            &["--all", "1"],
            &["--all", "--query", "x"],
        ] {
            assert_eq!(ask(web, &[&["rm"], unclear].concat()).code, Some(2), "{unclear:?}");
        }
        assert_eq!(ask(web, &["rm", "1", "2"]).good(), "2 messages deleted\n");
        let some = ask(web, &["rm", "3", "99"]);
        assert_eq!((some.code, &*some.out), (Some(1), "1 message deleted\n"));
        assert_eq!(some.err, "error: there is no message 99\n");
        assert_eq!(ask(web, &["rm", "--query", "subject:four"]).good(), "1 message deleted\n");
        assert_eq!(ask(web, &["rm", "--all"]).good(), "1 message deleted\n");
        assert_eq!(ask(web, &["rm", "--all"]).good(), "0 messages deleted\n");
    })
    .await;
}

#[test]
fn what_is_asked_is_what_was_meant() {
    let api = Fake::start(|request, stream| match &*request.line() {
        "GET /api/messages" if request.header("authorization") == "Bearer t" => {
            let limit: usize = request.parameter("limit").parse().unwrap();
            let cursor = request.parameter("cursor").parse().unwrap_or(1300);
            let ids = (1..cursor).rev().take(limit);
            let messages: Vec<_> = ids
                .map(|id| json!({"id": id, "received_at": "2026-01-02T03:04:05Z", "read": id % 2 == 0, "colour": "red"}))
                .collect();
            let next = messages.last().map(|last| &last["id"]).filter(|id| **id != json!(1));
            respond_json(
                stream,
                200,
                json!({"messages": messages, "next": next, "total": 1299, "total_is_exact": true}),
            );
        }
        "DELETE /api/messages" => respond_json(stream, 200, json!({"deleted": 3})),
        "GET /api/messages" => respond(stream, 401, "text/plain", "who?"),
        _ => respond(stream, 404, "text/html", "<html>"),
    });
    let web = api.address;
    let list = ask(
        web,
        &["list", "a", "b:\"c d\"", "--inbox", "x&y", "--token", "t", "--limit", "1200", "--json"],
    )
    .good();
    let list: Value = serde_json::from_str(&list).unwrap();
    assert_eq!((list["messages"].as_array().unwrap().len(), &list["next"]), (1200, &json!(100)));
    let requests = api.requests();
    let asked = |name| requests.iter().map(|request| request.parameter(name)).collect::<Vec<_>>();
    assert_eq!(asked("query"), ["a b:\"c d\""; 2]);
    assert_eq!((asked("inbox"), asked("limit")), (vec!["x&y"; 2], vec!["1000", "200"]));
    assert!(
        ask(web, &["list", "--token", "t", "--limit=1"])
            .good()
            .lines()
            .nth(1)
            .unwrap()
            .starts_with("•  1299")
    );
    assert!(
        ask(web, &["list", "--token", "t", "--limit=2"])
            .good()
            .lines()
            .nth(2)
            .unwrap()
            .starts_with("   1298")
    );

    assert_eq!(ask(web, &["rm", "--inbox", "x&y", "--query", "a"]).good(), "3 messages deleted\n");
    let last = api.requests().pop().unwrap();
    assert_eq!((last.parameter("inbox"), last.parameter("query")), ("x&y", "a"));

    // Who asks with a login has it in the URL; who is not known is told how to be.
    let denied = ask(web, &["list", "--server", &format!("http://alice:s%40cret@{web}")]);
    assert_eq!(denied.code, Some(1));
    assert!(
        denied.err.contains("--token (DOORPOST_TOKEN)") && !denied.err.contains("cret@"),
        "{}",
        denied.err
    );
    // alice:s@cret
    assert_eq!(api.requests().pop().unwrap().header("authorization"), "Basic YWxpY2U6c0BjcmV0");
    let other = ask(web, &["show", "1"]);
    assert!(
        other.err.contains("is no doorpost") && other.err.lines().count() == 1,
        "{}",
        other.err
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doorpost_that_cannot_be_asked_is_one_clear_line() {
    with_doorpost(|_, relay| {
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        for (url, code, words) in [
            (format!("http://{closed}"), 1, "no doorpost answers at"),
            (format!("http://{relay}"), 1, "does not speak HTTP"),
            (format!("https://{closed}"), 2, "begins with http://"),
            ("http://".to_owned(), 2, "needs a host"),
        ] {
            let ran = ask(relay, &["list", "--server", &url]);
            assert_eq!((ran.code, ran.err.lines().count()), (Some(code), 1), "{}", ran.err);
            assert!(ran.err.contains(words), "{}", ran.err);
            assert!(
                code == 2 || (ran.err.contains(&url) && ran.err.contains("--server")),
                "{}",
                ran.err
            );
        }
    })
    .await;
}

#[test]
fn shells_and_man_know_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let output = doorpost(folder.path()).args(arguments).output().unwrap();
        program::Ran::from(output).good()
    };
    let commands = ["list", "show", "wait", "rm", "export", "import", "watch", "sendmail", "serve"];
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = run(&["completions", shell]);
        assert!(commands.iter().all(|command| script.contains(command)), "{shell}");
    }
    assert!(run(&["man"]).contains(".TH doorpost"));
    run(&["man", "pages"]);
    for command in commands {
        let page =
            std::fs::read_to_string(folder.path().join(format!("pages/doorpost-{command}.1")))
                .unwrap();
        assert!(page.contains(".SH SYNOPSIS"), "{command}");
    }
}
