//! A well-behaved client, the same one for every door: what it does follows from what the server
//! offers and from nothing else.
//!
//! One command at a time, so that a room can follow. It refuses to go on after a refusal: it says
//! QUIT, and the conversation up to there is the result.

use super::conversation::{Conversation, Said, Stage, Stop};
use super::letter::{self, CLIENT, Sender};
use super::place::Visit;
use super::wire::{Reply, Trust, Wire};
use super::words;
use crate::config::Door;
use crate::smtp::policy::TlsMode;
use time::OffsetDateTime;

/// What a greeting says that comes from a doorpost.
const OURS: &str = "ESMTP doorpost";
/// How many lines that have been seen are worth leaving out.
const WORTH_LEAVING_OUT: usize = 2;

/// Sends one message through one door.
pub(super) async fn play(visit: Visit, trust: Option<&Trust>, sender: &Sender) -> Conversation {
    let Visit { door, address, stream } = visit;
    let wire = Wire::new(stream);
    let mut client = Client { wire, trust, sender, conversation: Conversation::new(door) };
    client.note(Stage::Connect, Said::Word, format!("to {address}"));
    let result = client.send_one().await;
    let result = match result {
        Err(Trouble::Refused(stop)) => {
            client.conversation.stop = Some(stop);
            client.quit().await
        }
        Ok(()) => client.quit().await,
        broken => broken,
    };
    if let Err(Trouble::Refused(stop) | Trouble::Broken(stop)) = result {
        client.note(stop.stage, Said::Caution, stop.why.clone());
        // What went wrong first is what the user should read.
        client.conversation.stop.get_or_insert(stop);
    }
    client.wire.close().await;
    client.conversation
}

/// Why the client does not go on.
enum Trouble {
    /// The server said no, and is still there.
    Refused(Stop),
    /// There is nobody to say QUIT to.
    Broken(Stop),
}

struct Client<'a> {
    wire: Wire,
    trust: Option<&'a Trust>,
    sender: &'a Sender,
    conversation: Conversation,
}

/// What a reply to EHLO offers: a keyword and its values a line, behind the server's name.
struct Offers(Vec<String>);

impl Offers {
    fn of(reply: &Reply) -> Self {
        Self(reply.texts().skip(1).map(str::to_owned).collect())
    }

    fn values(&self, keyword: &str) -> Option<Vec<&str>> {
        self.0.iter().find_map(|line| {
            let mut words = line.split(' ');
            words.next()?.eq_ignore_ascii_case(keyword).then(|| words.collect())
        })
    }

    fn has(&self, keyword: &str) -> bool {
        self.values(keyword).is_some()
    }
}

impl Client<'_> {
    fn door(&self) -> &Door {
        &self.conversation.door
    }

    fn note(&mut self, stage: Stage, said: Said, text: impl Into<String>) {
        self.conversation.add(stage, said, text);
    }

    fn is_sealed(&self) -> bool {
        self.conversation.tls.is_some()
    }

    async fn send_one(&mut self) -> Result<(), Trouble> {
        if self.door().tls == TlsMode::Implicit {
            self.begin_tls(Stage::Connect).await?;
            self.note(Stage::Connect, Said::Word, "TLS at once, nothing in the clear");
        } else {
            self.note(Stage::Connect, Said::Word, "in the clear, for now");
        }
        self.greeting().await?;
        let offers = self.say_hello().await?;
        let offers = self.upgrade(offers).await?;
        self.log_in(&offers).await?;
        self.send_envelope().await?;
        self.send_message().await
    }

    async fn greeting(&mut self) -> Result<(), Trouble> {
        let stage = Stage::Greeting;
        let reply = self.hear(stage, 2).await?;
        if reply.texts().any(|text| text.contains(OURS)) {
            return Ok(());
        }
        Err(self.unwilling(stage, "this is not a doorpost, so that it gets no mail".to_owned()))
    }

    async fn say_hello(&mut self) -> Result<Offers, Trouble> {
        let stage = Stage::Ehlo;
        self.say(stage, &format!("EHLO {CLIENT}")).await?;
        let reply = self.read(stage).await?;
        for line in &reply.lines {
            self.note(stage, said_at_ehlo(line), line);
        }
        self.expect(stage, &reply, 2)?;
        let offers = Offers::of(&reply);
        let (starttls, auth) = (offers.has("STARTTLS"), offers.has("AUTH"));
        let words = words::offered(self.door(), starttls, auth, self.is_sealed());
        self.note(stage, Said::Word, words);
        Ok(offers)
    }

    /// STARTTLS and the second EHLO, where there is something to change to.
    async fn upgrade(&mut self, before: Offers) -> Result<Offers, Trouble> {
        if self.is_sealed() {
            self.note(Stage::StartTls, Said::Absent, "nothing to do: TLS is on already");
            self.note(Stage::EhloAgain, Said::Absent, "nothing to do: nothing changed");
            return Ok(before);
        }
        if !before.has("STARTTLS") {
            self.note(Stage::StartTls, Said::Absent, "not offered here");
            self.note(Stage::EhloAgain, Said::Absent, "nothing to do: nothing changed");
            return Ok(before);
        }
        let stage = Stage::StartTls;
        self.say(stage, "STARTTLS").await?;
        self.hear(stage, 2).await?;
        self.begin_tls(stage).await?;
        let words = words::starttls(self.door());
        self.note(stage, Said::Word, words);
        self.say_hello_again(before).await
    }

    async fn begin_tls(&mut self, stage: Stage) -> Result<(), Trouble> {
        let broken = |why: String| Trouble::Broken(Stop { stage, why });
        let Some(trust) = self.trust else { return Err(broken("no CA to trust".into())) };
        let version = self.wire.start_tls(trust).await.map_err(broken)?;
        self.note(stage, Said::TlsBegins, version.clone());
        self.conversation.tls = Some(version);
        Ok(())
    }

    /// Shows only what differs from the first time.
    async fn say_hello_again(&mut self, before: Offers) -> Result<Offers, Trouble> {
        let stage = Stage::EhloAgain;
        self.say(stage, &format!("EHLO {CLIENT}")).await?;
        let reply = self.read(stage).await?;
        let mut seen = Vec::new();
        for (line, text) in reply.lines.iter().zip(reply.texts()) {
            if before.0.iter().any(|old| old == text) {
                seen.push(line.clone());
                continue;
            }
            self.leave_out(stage, &mut seen);
            self.note(stage, said_at_ehlo(line), line);
        }
        self.leave_out(stage, &mut seen);
        self.expect(stage, &reply, 2)?;
        let now = Offers::of(&reply);
        let keyword = |line: &String| line.split(' ').next().unwrap_or_default().to_owned();
        let gone = before.0.iter().map(keyword).filter(|word| !now.has(word));
        let new = now.0.iter().map(keyword).filter(|word| !before.has(word));
        let gone = gone.map(|word| format!("{word} is gone"));
        let changes: Vec<_> = gone.chain(new.map(|word| format!("{word} is new"))).collect();
        if !changes.is_empty() {
            self.note(stage, Said::Word, changes.join(", "));
        }
        Ok(now)
    }

    fn leave_out(&mut self, stage: Stage, seen: &mut Vec<String>) {
        if seen.len() > WORTH_LEAVING_OUT {
            self.note(stage, Said::Same, format!("… {} lines as before", seen.len()));
            seen.clear();
        }
        for line in seen.drain(..) {
            self.note(stage, Said::Server, line);
        }
    }

    async fn log_in(&mut self, offers: &Offers) -> Result<(), Trouble> {
        let stage = Stage::Auth;
        let Some(mechanisms) = offers.values("AUTH") else {
            let why = words::no_auth(self.door());
            self.note(stage, Said::Absent, why);
            return Ok(());
        };
        if !mechanisms.iter().any(|mechanism| mechanism.eq_ignore_ascii_case("PLAIN")) {
            let why = format!("the demo knows AUTH PLAIN only; offered: {}", mechanisms.join(" "));
            return Err(self.unwilling(stage, why));
        }
        let command = format!("AUTH PLAIN {}", self.sender.plain());
        let shown = if self.sender.shows_secrets { &command } else { "AUTH PLAIN ********" };
        self.say_but_show(stage, &command, shown).await?;
        self.hear(stage, 2).await?;
        self.conversation.user = Some(letter::shown(&self.sender.user));
        let words = words::auth(self.door(), self.is_sealed());
        self.note(stage, Said::Word, words);
        if !self.is_sealed() {
            self.note(stage, Said::Caution, "the secret crossed the wire in the clear");
        }
        Ok(())
    }

    async fn send_envelope(&mut self) -> Result<(), Trouble> {
        let reverse_path = &self.sender.reverse_path;
        let forward_path = letter::forward_path(self.door());
        let parameter = letter::utf8_parameter([reverse_path, &forward_path]);
        self.say(Stage::Mail, &format!("MAIL FROM:<{reverse_path}>{parameter}")).await?;
        self.hear(Stage::Mail, 2).await?;
        self.say(Stage::Rcpt, &format!("RCPT TO:<{forward_path}>")).await?;
        self.hear(Stage::Rcpt, 2).await?;
        self.say(Stage::Data, "DATA").await?;
        self.hear(Stage::Data, 3).await?;
        Ok(())
    }

    async fn send_message(&mut self) -> Result<(), Trouble> {
        let stage = Stage::Message;
        let message = letter::message(self.door(), self.sender, OffsetDateTime::now_utc());
        let mut data = String::new();
        for line in &message {
            let line = letter::stuffed(line);
            self.note(stage, Said::Client, letter::shown(&line));
            data.push_str(&line);
            data.push_str("\r\n");
        }
        self.note(stage, Said::Client, ".");
        data.push_str(".\r\n");
        let broken = |why| Trouble::Broken(Stop { stage, why });
        self.wire.send(&data).await.map_err(broken)?;
        let reply = self.hear(stage, 2).await?;
        self.conversation.kept =
            reply.last().rsplit_once("kept as ").map(|(_, number)| number.to_owned());
        Ok(())
    }

    async fn quit(&mut self) -> Result<(), Trouble> {
        self.say(Stage::Quit, "QUIT").await?;
        self.hear(Stage::Quit, 2).await?;
        self.note(Stage::Quit, Said::Closed, "closed");
        Ok(())
    }

    async fn say(&mut self, stage: Stage, command: &str) -> Result<(), Trouble> {
        self.say_but_show(stage, command, &letter::shown(command)).await
    }

    async fn say_but_show(
        &mut self,
        stage: Stage,
        command: &str,
        shown: &str,
    ) -> Result<(), Trouble> {
        self.note(stage, Said::Client, shown);
        let sent = self.wire.send(&format!("{command}\r\n")).await;
        sent.map_err(|why| Trouble::Broken(Stop { stage, why }))
    }

    async fn read(&mut self, stage: Stage) -> Result<Reply, Trouble> {
        self.wire.reply().await.map_err(|why| Trouble::Broken(Stop { stage, why }))
    }

    /// A reply whose code must begin with this digit.
    async fn hear(&mut self, stage: Stage, class: u16) -> Result<Reply, Trouble> {
        let reply = self.read(stage).await?;
        let said = if reply.code / 100 == class { Said::Server } else { Said::Refused };
        for line in &reply.lines {
            self.note(stage, said, line);
        }
        self.expect(stage, &reply, class)?;
        Ok(reply)
    }

    /// It is the client that does not go on.
    fn unwilling(&mut self, stage: Stage, why: String) -> Trouble {
        self.note(stage, Said::Caution, why.clone());
        Trouble::Refused(Stop { stage, why })
    }

    fn expect(&self, stage: Stage, reply: &Reply, class: u16) -> Result<(), Trouble> {
        match reply.code / 100 {
            same if same == class => Ok(()),
            // The server hangs up with it.
            _ if reply.code == 421 => Err(Trouble::Broken(Stop { stage, why: refusal(reply) })),
            _ => Err(Trouble::Refused(Stop { stage, why: refusal(reply) })),
        }
    }
}

fn refusal(reply: &Reply) -> String {
    format!("the server says {}", reply.last())
}

/// The two extensions that tell the doors apart stand out.
fn said_at_ehlo(line: &str) -> Said {
    let keyword = line.get(4..).and_then(|text| text.split(' ').next()).unwrap_or_default();
    match keyword {
        _ if line.starts_with(['4', '5']) => Said::Refused,
        "STARTTLS" | "AUTH" => Said::Telling,
        _ => Said::Server,
    }
}
