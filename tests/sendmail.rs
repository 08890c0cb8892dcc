//! `doorpost sendmail` in every form in which programs call it, against doors that are open.

#![cfg(unix)] // links
#![allow(clippy::unwrap_used)] // a test may stop at the first surprise

#[path = "support/fake.rs"]
mod fake;
#[path = "support/program.rs"]
mod program;

use doorpost::Doorpost;
use doorpost::storage::Message;
use fake::{Fake, respond_json};
use program::{Ran, doorpost, feed, program};
use serde_json::json;
use std::net::SocketAddr;

/// A doorpost, and `sendmail` pointed at its relay door.
struct Post {
    doorpost: Doorpost,
    folder: tempfile::TempDir,
}

impl Post {
    async fn open(rules: &[(&str, &str)]) -> Self {
        let mut builder = Doorpost::builder().web();
        for (key, value) in rules {
            builder = builder.set("relay", key, value);
        }
        Self { doorpost: builder.start().await.unwrap(), folder: tempfile::tempdir().unwrap() }
    }

    fn relay(&self) -> SocketAddr {
        self.doorpost.door("relay").unwrap().addresses[0]
    }

    fn send(&self, flags: &[&str], input: impl AsRef<[u8]>) -> Ran {
        let mut command = doorpost(self.folder.path());
        command.arg("sendmail").args(flags).env("DOORPOST_SENDMAIL", self.relay().to_string());
        feed(&mut command, input.as_ref())
    }

    fn last(&self) -> Message {
        self.doorpost.messages().pop().unwrap()
    }

    /// The reverse-path, and the forward-paths.
    fn envelope(&self) -> (String, Vec<String>) {
        let message = self.last();
        let envelope = message.envelope();
        let to = envelope.forward_paths.iter().map(|to| to.path.to_string()).collect();
        (envelope.reverse_path.to_string(), to)
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(self.last().bytes()).into_owned()
    }
}

const MAIL: &str = "From: alice@example.org\nTo: Bob <bob@example.org>,\n carol@example.org\nBcc: dave@example.org\nDate: x\nMessage-ID: <1@x>\nSubject: Hi\n\nhi\n";

#[tokio::test(flavor = "multi_thread")]
async fn the_envelope_is_what_was_said() {
    let post = Post::open(&[]).await;
    let header = ["bob@example.org", "carol@example.org", "dave@example.org"];
    for flags in [
        &["-t", "-i", "-f", "bounce@example.org"][..],
        &["-ti", "-fbounce@example.org"],
        &["-tif", "bounce@example.org"],
        &["-t", "-oi", "-oem", "-odb", "-r", "Bounces <bounce@example.org>"],
        &[
            "-it",
            "-O",
            "DeliveryMode=b",
            "-oXwhatever",
            "-n",
            "-h",
            "3",
            "-fbounce@example.org",
            "--",
        ],
    ] {
        post.send(flags, MAIL).good();
        assert_eq!(
            post.envelope(),
            ("bounce@example.org".into(), header.map(str::to_owned).into()),
            "{flags:?}"
        );
        let sent = MAIL.replace("Bcc: dave@example.org\n", "").replace('\n', "\r\n");
        assert_eq!(post.text(), sent, "{flags:?}");
    }
    // Without -t the header says nothing, and stays as it is.
    post.send(&["-i", "-f", "", "erin@example.org", "--", "frank@example.org"], MAIL).good();
    assert_eq!(
        post.envelope(),
        (String::new(), vec!["erin@example.org".into(), "frank@example.org".into()])
    );
    assert_eq!(post.text(), MAIL.replace('\n', "\r\n"));
    // With both, both are meant, each once.
    post.send(&["-t", "-f<>", "erin@example.org,bob@example.org"], MAIL).good();
    let all = ["erin@example.org", "bob@example.org", "carol@example.org", "dave@example.org"];
    assert_eq!(post.envelope().1, all);
    // Names of this machine's users belong to this machine.
    post.send(&["-FCronDaemon", "-i", "-B8BITMIME", "-oem", "root"], "hello\n").good();
    let (from, to) = post.envelope();
    assert!(from.starts_with("tester@") && to[0].starts_with("root@"), "{from} {to:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_gets_what_it_lacks_and_nothing_else() {
    let post = Post::open(&[]).await;
    post.send(
        &["-F", "Jürgen", "-f", "j@example.org", "bob@example.org"],
        "Subject: x\n\nhi\n..\n.\nnot sent\n",
    )
    .good();
    let text = post.text();
    assert!(text.starts_with("From: =?utf-8?B?SsO8cmdlbg==?= <j@example.org>\r\nDate: "), "{text}");
    assert!(text.ends_with("\r\nSubject: x\r\n\r\nhi\r\n..\r\n"), "{text}");
    let read = doorpost::mime::Summary::read(text.as_bytes());
    assert!(read.date.is_some() && read.message_id.is_some_and(|id| id.contains('@')), "{text}");
    // Dots travel; a line that is no field begins the text.
    post.send(&["-i", "bob@example.org"], "hello: there is no field here\n.\n.x\r\n..\nend").good();
    assert!(
        post.text().ends_with("hello: there is no field here\r\n\r\n.\r\n.x\r\n..\r\nend\r\n"),
        "{}",
        post.text()
    );
    post.send(&["bob@example.org"], "").good();
    assert!(post.text().ends_with("\r\n\r\n"), "{:?}", post.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn extensions_are_asked_for_where_they_are_needed() {
    let post = Post::open(&[]).await;
    let sent = |flags: &[&str], input: &[u8]| {
        post.send(flags, input).good();
        let message = post.last();
        let envelope = message.envelope();
        (envelope.body.to_string(), envelope.smtputf8)
    };
    assert_eq!(sent(&["b@x.org"], b"A: b\n\nhi\n"), ("7BIT".into(), false));
    assert_eq!(sent(&["b@x.org"], b"A: b\n\n\xff\n"), ("8BITMIME".into(), false));
    assert_eq!(sent(&["b@x.org"], "Subject: ü\n\nhi\n".as_bytes()), ("8BITMIME".into(), true));
    assert_eq!(
        sent(&["-t"], "To: jürgen@bücher.example\n\n".as_bytes()),
        ("8BITMIME".into(), true)
    );
    assert_eq!(post.envelope().1, ["jürgen@bücher.example"]);
    post.send(&["-Nfailure,delay", "-R", "hdrs", "-V", "a+b=c d", "b@x.org"], "hi\n").good();
    let message = post.last();
    let envelope = message.envelope();
    assert_eq!(envelope.envid.as_deref(), Some("a+b=c d"));
    assert_eq!(envelope.ret.unwrap().to_string(), "HDRS");
    assert_eq!(envelope.forward_paths[0].notify.unwrap().to_string(), "FAILURE,DELAY");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_told_and_the_rest_is_sent() {
    let rules = [
        ("local_domains", "[\"example.org\"]"),
        ("local_users", "[\"bob@example.org\"]"),
        ("max_size", "\"2KiB\""),
    ];
    let post = Post::open(&rules).await;
    let flags = ["-f", "a@x.org", "nobody@example.org", "bob@example.org", "else@where.example"];
    let some = post.send(&flags, "A: b\n\nhi\n");
    assert_eq!(some.code, Some(67), "{}", some.err);
    let lines: Vec<_> = some.err.lines().collect();
    assert!(lines[0].starts_with("sendmail: <nobody@example.org>: 550 5.1.1 "), "{}", some.err);
    assert!(lines[1].starts_with("sendmail: <else@where.example>: 554 5.7.1 "), "{}", some.err);
    assert_eq!(post.envelope().1, ["bob@example.org"]);
    let before = post.doorpost.messages().len();
    for (flags, input, code) in [
        (&["else@where.example"][..], "hi\n".to_owned(), 69),
        (&["bob@example.org"], "x".repeat(4096), 65),
        (&["bob@example.org"], "A: b\n\nalone: \r!\n".to_owned(), 65),
        (&["-t"], "Subject: x\n\n".to_owned(), 65),
        (&["-t"], "To: two words\n\n".to_owned(), 65),
        (&[], "hi".to_owned(), 64),
        (&["two words"], "hi".to_owned(), 64),
        (&["-f", "a, b", "bob@example.org"], "hi".to_owned(), 64),
        (&["-bp"], String::new(), 64),
        (&["-bi"], String::new(), 64),
        (&["-q"], String::new(), 64),
        (&["-y"], String::new(), 64),
        (&["--smtp", "nowhere", "bob@example.org"], "hi".to_owned(), 64),
        (&["--smtp", "doorpost.invalid:9", "bob@example.org"], "hi".to_owned(), 68),
    ] {
        let ran = post.send(flags, input);
        assert_eq!(ran.code, Some(code), "{flags:?}: {}", ran.err);
        assert!(ran.err.starts_with("sendmail: ") && ran.err.lines().count() == 1, "{}", ran.err);
    }
    assert_eq!(post.doorpost.messages().len(), before);
    let closed =
        std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let ran = post.send(&["--smtp", &closed, "bob@example.org"], "hi");
    assert_eq!(ran.code, Some(69));
    assert!(ran.err.contains(&closed) && ran.err.contains("DOORPOST_SENDMAIL"), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_speaks_smtp_for_who_wants_to() {
    let post = Post::open(&[]).await;
    let talk = "EHLO me\r\nMAIL FROM:<a@x.org>\r\nRCPT TO:<b@x.org>\r\nDATA\r\n";
    // The text waits for its reply, as it must: the door takes what comes in one go for a smuggler's.
    let mut command = doorpost(post.folder.path());
    command.args(["sendmail", "-bs", "-oi", "--smtp", &post.relay().to_string()]);
    let mut child = command
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    use std::io::{BufRead as _, Write as _};
    let mut input = child.stdin.take().unwrap();
    let mut output = std::io::BufReader::new(child.stdout.take().unwrap()).lines();
    let mut until =
        |code: &str| output.find(|line| line.as_ref().unwrap().starts_with(code)).unwrap().unwrap();
    assert!(until("220 ").contains("ESMTP"));
    for command in talk.split_inclusive("\r\n") {
        input.write_all(command.as_bytes()).unwrap();
        until(if command.starts_with("DATA") { "354 " } else { "250 " });
    }
    input.write_all(b"Subject: by hand\r\n\r\n..dot\r\n.\r\n").unwrap();
    until("250 ");
    input.write_all(b"QUIT\r\n").unwrap();
    until("221 ");
    // Its own end stays open: the door's is what counts.
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(post.text(), "Subject: by hand\r\n\r\n.dot\r\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_address_in_the_header_does_not_stop_the_others() {
    let post = Post::open(&[("local_domains", "[\"example.org\"]")]).await;
    let mail = "To: bob@example.org, two words, \n carol@example.org\n\nhi\n";
    let ran = post.send(&["-t"], mail);
    assert_eq!((ran.code, &*ran.err), (Some(65), "sendmail: \"two words\" is no address\n"));
    assert_eq!(post.envelope().1, ["bob@example.org", "carol@example.org"]);
    // What the door refuses is told of with it.
    let ran = post.send(&["-t", "else@where.example"], mail);
    assert_eq!((ran.code, ran.err.lines().count()), (Some(65), 2), "{}", ran.err);
    assert!(ran.err.contains("sendmail: <else@where.example>: 554 "), "{}", ran.err);
    assert_eq!(post.doorpost.messages().len(), 2);
    // Where nobody gets it, the reason for that is the exit code's.
    let ran = post.send(&["-t", "--smtp", "doorpost.invalid:9"], mail);
    assert_eq!((ran.code, ran.err.lines().count()), (Some(68), 2), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_speaks_smtp_from_a_script() {
    let post = Post::open(&[]).await;
    let codes = |ran: Ran| {
        let out = ran.good();
        let last = out.lines().filter(|line| line.as_bytes()[3] == b' ');
        last.map(|line| line[..3].to_owned()).collect::<Vec<_>>().join(" ")
    };
    let begin = "EHLO me\r\nMAIL FROM:<a@x.org>\r\nRCPT TO:<b@x.org>\r\n";
    let text = "Subject: x\r\n\r\nQUIT\r\n..dot\r\n";
    let script = format!("{begin}data\r\n{text}.\r\nNOOP\r\nQUIT\r\n");
    let all = "220 250 250 250 354 250 250 221";
    assert_eq!(codes(post.send(&["-bs"], &script)), all);
    assert_eq!(post.text(), text.replace("..", "."));
    // A script of Unix has LF.
    assert_eq!(codes(post.send(&["-bs"], script.replace('\r', ""))), all);
    assert_eq!(post.text(), text.replace("..", "."));
    // Octets that BDAT counts are no lines.
    let chunks = format!("{begin}BDAT 7\r\nA: b\r\n\rBDAT 5 LAST\r\n\nQUITQUIT\r\n");
    assert_eq!(codes(post.send(&["-bs"], chunks)), "220 250 250 250 250 250 221");
    assert_eq!(post.text(), "A: b\r\n\r\nQUIT");
    let long = format!("{begin}DATA\r\n{}.\r\n", "a line of some length\r\n".repeat(20_000));
    // Its end is as good as QUIT.
    assert_eq!(codes(post.send(&["-bs"], long)), "220 250 250 250 354 250");
    assert_eq!(post.last().bytes().len(), 23 * 20_000);
    assert!(codes(post.send(&["-bs"], format!("{begin}QUIT").replace('\r', ""))).ends_with(" 221"));
    let cut = post.send(&["-bs"], format!("{begin}DATA\r\nSubject: x\r\n"));
    assert_eq!(cut.code, Some(65), "{}", cut.err);
    assert_eq!(post.doorpost.messages().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_door_that_closes_before_quit_is_a_failure() {
    let post = Post::open(&[]).await;
    for replies in [
        &["421 4.3.2 Not now\r\n"][..],
        &["554 5.3.2 No service\r\n"],
        &["220 box\r\n", "250-box\r\n250 SIZE\r\n", "421 4.3.2 Stopping\r\n"],
        &["220 box\r\n", "554 5.5.0 Out of turn\r\n"],
        &["220 box\r\n"],
    ] {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let door = std::thread::spawn(move || {
            use std::io::{BufRead as _, Write as _};
            let (stream, _) = listener.accept().unwrap();
            let mut lines = std::io::BufReader::new(stream.try_clone().unwrap()).lines();
            for (n, reply) in replies.iter().enumerate() {
                if n > 0 {
                    lines.next().unwrap().unwrap();
                }
                (&stream).write_all(reply.as_bytes()).unwrap();
            }
            // A close with something unread could take a reply along.
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            lines.for_each(drop);
        });
        let script = "EHLO me\nNOOP\nNOOP\nQUIT\n";
        let ran = post.send(&["-bs", "--smtp", &address], script);
        assert_eq!(ran.code, Some(69), "{replies:?}: {}", ran.err);
        assert_eq!(ran.out, replies.concat());
        assert!(ran.err.starts_with("sendmail: the door closed"), "{}", ran.err);
        door.join().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_called_sendmail_is_enough() {
    let post = Post::open(&[]).await;
    let link = post.folder.path().join("sendmail");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_doorpost"), &link).unwrap();
    let mut command = program(&link, post.folder.path());
    let url = format!("http://{}", post.doorpost.web_addresses()[0]);
    // As PHP calls it, with a doorpost that knows its doors.
    command.args(["-t", "-i", "-fbounce@example.org"]).env("DOORPOST_URL", &url);
    feed(&mut command, b"To: list@example.org\nSubject: x\n\nlinked\n").good();
    assert_eq!(post.envelope(), ("bounce@example.org".into(), vec!["list@example.org".into()]));
    // What a program is called by is not a command of it.
    let mut command = program(&link, post.folder.path());
    command.args(["--server", &url, "list"]);
    feed(&mut command, b"hi\n").good();
    assert!(post.envelope().1[0].starts_with("list@"), "{:?}", post.envelope());
    let help = program(&link, post.folder.path()).arg("--help").output().unwrap();
    assert!(Ran::from(help).good().contains("DOORPOST_SENDMAIL"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_door_is_found_where_the_doorpost_says() {
    let post = Post::open(&[]).await;
    let port = post.relay().port();
    let door = move |name: &str, address: String, auth: &str, tls: &str| json!({"name": name, "addresses": [address], "auth": auth, "tls": tls, "colour": "red"});
    for (doors, found) in [
        (
            vec![
                door("x", "127.0.0.1:9".into(), "required", "none"),
                door("y", format!("127.0.0.1:{port}"), "none", "starttls"),
            ],
            true,
        ),
        // Listens everywhere: it is where the API is.
        (vec![door("relay", format!("0.0.0.0:{port}"), "none", "starttls")], true),
        (vec![door("x", "127.0.0.1:9".into(), "none", "implicit")], false),
    ] {
        let api = Fake::start(move |_, stream| respond_json(stream, 200, json!({"doors": doors})));
        let ran = post.send(&["--server", &format!("http://{}", api.address), "b@x.org"], "hi\n");
        assert_eq!(ran.code, Some(if found { 0 } else { 69 }), "{}", ran.err);
    }
    assert_eq!(post.doorpost.messages().len(), 2);
}
