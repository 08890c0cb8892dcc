//! Faults over real sockets: doors that refuse, fall silent, reset or are slow, certificates that are wrong, messages
//! that are lost or come twice, and scenarios that are replaced and refused over HTTP.

#![allow(clippy::unwrap_used)] // a test may stop at the first surprise

use doorpost::test::blocking::{self, Fixture};
use lettre::message::Message;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{SmtpTransport, Transport as _};
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(5);

fn address(mail: &Fixture, door: &str) -> SocketAddr {
    mail.door(door).unwrap().addresses[0]
}

/// A client that says exactly what it is told to.
struct Client(BufReader<TcpStream>);

impl Client {
    fn connect(mail: &Fixture, door: &str) -> Self {
        let stream = TcpStream::connect(address(mail, door)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(BufReader::new(stream))
    }

    fn say(&mut self, line: &str) {
        self.0.get_mut().write_all(format!("{line}\r\n").as_bytes()).unwrap();
    }

    /// The last line of the next reply.
    fn hear(&mut self) -> String {
        loop {
            let mut line = String::new();
            assert!(self.0.read_line(&mut line).unwrap() > 0, "the connection has ended");
            if line.as_bytes().get(3) != Some(&b'-') {
                return line.trim_end().to_owned();
            }
        }
    }

    fn ask(&mut self, line: &str) -> String {
        self.say(line);
        self.hear()
    }

    /// Greeting, EHLO, MAIL and RCPT, which are as they should be.
    fn envelope(mail: &Fixture, recipient: &str) -> Self {
        let mut client = Self::connect(mail, "relay");
        assert!(client.hear().starts_with("220 "));
        assert!(client.ask("EHLO client.example").starts_with("250 "));
        assert!(client.ask("MAIL FROM:<alice@example.org>").starts_with("250 "));
        assert!(client.ask(&format!("RCPT TO:<{recipient}>")).starts_with("250 "));
        client
    }

    /// A message up to the end of its data, whose reply is still to come.
    fn message(mail: &Fixture, recipient: &str) -> Self {
        let mut client = Self::envelope(mail, recipient);
        assert!(client.ask("DATA").starts_with("354 "));
        client.say("Subject: fault\r\nMessage-ID: <1@client.example>\r\n\r\nHello\r\n.");
        client
    }

    /// What is left until the end of the connection, or the error that ends it.
    fn rest(&mut self) -> Result<String, ErrorKind> {
        let mut rest = String::new();
        self.0.read_to_string(&mut rest).map_err(|error| error.kind())?;
        Ok(rest)
    }

    fn is_silent_for(&mut self, time: Duration) -> bool {
        self.0.get_mut().set_read_timeout(Some(time)).unwrap();
        matches!(self.rest(), Err(ErrorKind::WouldBlock | ErrorKind::TimedOut))
    }
}

/// Waits until it is so.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_blocked_port_refuses_and_comes_back_with_its_number() {
    let mail = blocking::start();
    let before = address(&mail, "submission");
    mail.fault("port-blocked@submission");
    let error = TcpStream::connect(before).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    assert!(Client::connect(&mail, "relay").hear().starts_with("220 "), "the others are open");
    mail.behave();
    assert!(Client::connect(&mail, "submission").hear().starts_with("220 "));
}

#[test]
fn a_door_whose_port_somebody_took_meanwhile_is_not_ready() {
    let mail = blocking::start();
    let at = address(&mail, "submission");
    let is_ready = || mail.door("submission").unwrap().is_accepting();
    mail.fault("port-blocked@submission");
    let taken = std::cell::RefCell::new(None);
    until("the port does not come free", || {
        *taken.borrow_mut() = std::net::TcpListener::bind(at).ok();
        taken.borrow().is_some()
    });
    assert!(is_ready(), "it is closed because somebody asked for it");
    mail.behave();
    until("it is said to be open", || !is_ready());
    taken.take();
    until("the door does not open again", || TcpStream::connect(at).is_ok() && is_ready());
}

#[test]
fn a_black_hole_takes_connections_and_says_nothing() {
    let mail = blocking::start();
    mail.fault("port-blackhole@relay");
    let mut client = Client::connect(&mail, "relay");
    client.say("EHLO client.example");
    assert!(client.is_silent_for(Duration::from_millis(600)));
    assert!(Client::connect(&mail, "alternate").hear().starts_with("220 "));
}

#[test]
fn a_reset_is_one_and_a_close_is_none() {
    let mail = blocking::start();
    mail.fault("reset@relay");
    let mut client = Client::envelope(&mail, "bob@example.net");
    client.say("DATA");
    assert_eq!(client.rest(), Err(ErrorKind::ConnectionReset));
    mail.behave();
    mail.fault("drop-message@relay");
    assert_eq!(Client::message(&mail, "bob@example.net").rest(), Ok(String::new()));
    mail.expect_none("rcpt:bob@example.net");
}

#[test]
fn silence_at_the_end_lasts_and_keeps_nothing() {
    let mail = blocking::start();
    mail.fault("silent");
    let mut client = Client::message(&mail, "bob@example.net");
    assert!(client.is_silent_for(Duration::from_millis(600)));
    mail.expect_none("rcpt:bob@example.net");
}

#[test]
fn a_lost_message_and_a_lost_reply_are_opposites() {
    let mail = blocking::start();
    mail.fault("lose");
    assert!(Client::message(&mail, "lost@example.net").hear().starts_with("250 2.0.0 "));
    mail.expect_none("rcpt:lost@example.net");
    mail.behave();
    mail.fault("lost-reply");
    assert_eq!(Client::message(&mail, "twice@example.net").rest(), Ok(String::new()));
    assert!(Client::message(&mail, "twice@example.net").hear().starts_with("250 "));
    mail.expect_count("rcpt:twice@example.net", 2);
}

#[test]
fn pauses_and_rates_take_their_time_and_change_nothing_else() {
    let took = |fault: &str, least: u64, octets: usize| {
        let mail = blocking::start();
        mail.fault(fault);
        let began = Instant::now();
        let mut client = Client::envelope(&mail, "bob@example.net");
        assert!(client.ask("DATA").starts_with("354 "));
        client.say(&format!("Subject: slow\r\n\r\n{}\r\n.", "x".repeat(octets)));
        assert!(client.hear().starts_with("250 "));
        assert!(began.elapsed() >= Duration::from_millis(least), "{fault}: {:?}", began.elapsed());
        mail.expect_count("rcpt:bob@example.net", 1);
    };
    // EHLO, MAIL, RCPT, DATA, the 250; lines of EHLO's reply; octets; 1000 octets of data.
    took("slow=100ms", 500, 10);
    took("slow-greeting=300ms", 300, 10);
    took("slow-lines=50ms", 400, 10);
    took("slow-octets=3ms", 600, 10);
    took("throttle=2000", 400, 900);
}

/// What lettre says of a message over TLS, which trusts the CA and nobody else.
fn over_tls(mail: &Fixture, door: &str, tls: fn(TlsParameters) -> Tls) -> Result<(), String> {
    let ca = Certificate::from_pem(mail.ca_pem().unwrap().as_bytes()).unwrap();
    let parameters = TlsParameters::builder("localhost".into())
        .certificate_store(CertificateStore::None)
        .add_root_certificate(ca);
    let port = address(mail, door).port();
    let transport = SmtpTransport::builder_dangerous("localhost")
        .port(port)
        .tls(tls(parameters.build().unwrap()))
        .credentials(("test".to_owned(), "test".to_owned()).into())
        .timeout(Some(Duration::from_millis(1500)))
        .build();
    let message = Message::builder()
        .from("alice@example.org".parse().unwrap())
        .to("bob@example.net".parse().unwrap())
        .body("Hello\n".to_owned())
        .unwrap();
    transport.send(&message).map(drop).map_err(|error| format!("{error:?}"))
}

#[test]
fn each_wrong_handshake_is_wrong_in_its_own_way_on_both_kinds_of_doors() {
    let mail = blocking::start();
    let wrong = [
        ("tls-expired", "Expired"),
        ("tls-self-signed", "UnknownIssuer"),
        ("tls-wrong-host", "NotValidForName"),
        ("tls-refused", "AlertReceived"),
        ("tls-stall", "timed out|WouldBlock|TimedOut"),
    ];
    for (fault, said) in wrong {
        mail.behave();
        mail.fault(fault);
        for (door, tls) in
            [("submission", Tls::Required as fn(_) -> _), ("submissions", Tls::Wrapper)]
        {
            let error = over_tls(&mail, door, tls).unwrap_err();
            assert!(said.split('|').any(|word| error.contains(word)), "{fault} {door}: {error}");
        }
    }
    mail.behave();
    assert_eq!(over_tls(&mail, "submission", Tls::Required), Ok(()));
    assert_eq!(over_tls(&mail, "submissions", Tls::Wrapper), Ok(()));
    mail.expect_count("rcpt:bob@example.net", 2);
}

/// A request to the API: the status and the answer.
fn api(
    mail: &Fixture,
    method: &str,
    path: &str,
    kind: &str,
    body: &str,
) -> (u16, serde_json::Value) {
    let web = mail.web_addresses()[0];
    let mut stream = TcpStream::connect(web).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {web}\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let start = body.find('{').unwrap();
    let end = body.rfind('}').unwrap();
    (status, serde_json::from_str(&body[start..=end]).unwrap())
}

fn with_api() -> Fixture {
    blocking::with(doorpost::Doorpost::builder().web())
}

#[test]
fn a_scenario_is_replaced_counted_and_refused_whole() {
    let mail = with_api();
    let (status, answer) =
        api(&mail, "PUT", "/api/faults", "application/json", r#"{"faults": ["busy=1@relay"]}"#);
    assert_eq!((status, &answer["rules"][0]["name"]), (200, &"busy.relay".into()));
    let mut client = Client::connect(&mail, "relay");
    client.hear();
    client.ask("EHLO client.example");
    client.ask("MAIL FROM:<alice@example.org>");
    assert!(client.ask("RCPT TO:<bob@example.net>").starts_with("450 4.2.1 "));
    let wrong = "[[rules]]\nname = \"mine\"\nat = \"lunch\"\ndo = { pause = \"1s\" }\n";
    let (status, answer) = api(&mail, "PUT", "/api/faults", "application/toml", wrong);
    assert_eq!(status, 400);
    let mistake = &answer["mistakes"][0];
    assert_eq!(
        (&mistake["rule"], &mistake["line"], &mistake["key"], &mistake["value"]),
        (&"mine".into(), &3.into(), &"at".into(), &"\"lunch\"".into())
    );
    assert!(mistake["problem"].as_str().unwrap().starts_with("expected one of connect, "));
    let (_, answer) = api(&mail, "GET", "/api/faults", "text/plain", "");
    assert_eq!(answer["rules"][0]["struck"], 1, "the one before is in force, and has its count");
    assert!(client.ask("RCPT TO:<bob@example.net>").starts_with("250 "));
    let text = answer["scenario"].as_str().unwrap();
    assert_eq!(api(&mail, "PUT", "/api/faults", "application/toml", text).0, 200);
    assert!(client.ask("RCPT TO:<bob@example.net>").starts_with("450 "), "it counts anew");
    let astray = text.replace("\"relay\"", "\"relai\"");
    let (status, answer) = api(&mail, "PUT", "/api/faults", "application/toml", &astray);
    assert_eq!((status, &answer["mistakes"][0]["key"]), (400, &"when.door".into()));
    assert_eq!(api(&mail, "DELETE", "/api/faults", "text/plain", "").0, 200);
    assert!(client.ask("RCPT TO:<carol@example.net>").starts_with("250 "));
}

#[test]
fn a_door_is_closed_or_open_by_the_time_the_api_says_so() {
    let mail = with_api();
    let at = address(&mail, "relay");
    for _ in 0..30 {
        let body = r#"{"faults": ["port-blocked@relay"]}"#;
        assert_eq!(api(&mail, "PUT", "/api/faults", "application/json", body).0, 200);
        let error = TcpStream::connect(at).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        assert_eq!(api(&mail, "DELETE", "/api/faults", "text/plain", "").0, 200);
        assert!(Client::connect(&mail, "relay").hear().starts_with("220 "));
    }
}

#[test]
fn an_inbox_has_faults_of_its_own_and_none_that_come_too_early() {
    let mail = with_api();
    let put = |body: &str| api(&mail, "PUT", "/api/faults?inbox=alice", "application/json", body);
    let (status, answer) = put(r#"{"faults": ["unavailable"]}"#);
    assert_eq!((status, &answer["mistakes"][0]["key"]), (400, &"at".into()));
    assert_eq!(put(r#"{"faults": ["mailbox-full"]}"#).0, 200);
    let reply = |user: &str| {
        let login = [b"\0", user.as_bytes(), b"\0secret"].concat();
        let mut client = Client::connect(&mail, "alternate");
        client.hear();
        client.ask("EHLO client.example");
        client.ask(&format!("AUTH PLAIN {}", base64(&login)));
        client.ask("MAIL FROM:<alice@example.org>");
        client.ask("RCPT TO:<bob@example.net>")
    };
    assert!(reply("alice").starts_with("452 4.2.2 "));
    assert!(reply("bob").starts_with("250 "));
}

fn base64(octets: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(octets)
}

#[test]
fn magic_can_be_switched_off_while_it_runs() {
    let mail = with_api();
    let reply = || {
        let mut client = Client::connect(&mail, "relay");
        client.hear();
        client.ask("EHLO client.example");
        client.ask("MAIL FROM:<alice@example.org>");
        client.ask("RCPT TO:<bounce+451+not-now@example.test>")
    };
    assert_eq!(reply(), "451 4.3.0 not now");
    let (status, answer) =
        api(&mail, "PUT", "/api/faults", "application/json", r#"{"magic": false}"#);
    assert_eq!((status, &answer["magic"]), (200, &false.into()));
    assert!(reply().starts_with("250 "));
}

#[test]
fn at_the_250_a_message_has_its_whole_size_and_what_was_asked_for_before_still_holds() {
    let mail = blocking::start();
    mail.fault_rules(
        r#"
        [[rules]]
        name = "pause"
        at = "end-of-data"
        do = { pause = "300ms" }
        [[rules]]
        name = "large"
        at = "kept"
        when = { size = "> 100kB" }
        do = { reply = "250 2.0.0 A large one" }
        [[rules]]
        name = "small"
        at = "kept"
        when = { size = "< 10kB" }
        do = { reply = "250 2.0.0 A small one" }
        "#,
    );
    for (lines, reply) in [(3000, "250 2.0.0 A large one"), (30, "250 2.0.0 A small one")] {
        let mut client = Client::envelope(&mail, "bob@example.net");
        assert!(client.ask("DATA").starts_with("354 "));
        client.say(&format!(
            "Subject: x\r\n\r\n{}.",
            format!("{}\r\n", "x".repeat(70)).repeat(lines)
        ));
        let asked = Instant::now();
        assert_eq!(client.hear(), reply);
        assert!(asked.elapsed() >= Duration::from_millis(250), "{:?}", asked.elapsed());
    }
}
