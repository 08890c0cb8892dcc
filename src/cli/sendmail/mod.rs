//! `doorpost sendmail`: what programs call `/usr/sbin/sendmail` for, so that PHP, cron and `mail` need no change.
//! It is the same where the program is called by that name, through a link.
//!
//! The message goes by SMTP to the relay door. Nothing is queued: what is not taken is told at once, on standard
//! error and by the exit code (`sysexits.h`). A recipient that is refused does not stop the message for others.

pub(super) mod addresses;
mod flags;
mod identity;
mod message;
mod smtp;
mod speak;

use super::client::answers::{Door, Doors};
use super::client::{self, Server, Target};
use super::{Cli, Failure, print};
use crate::config::Config;
use clap::{Args, CommandFactory as _};
use flags::{Flags, Mode};
use message::Message;
use smtp::{Mail, Problem, Step};
use std::ffi::OsString;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use time::format_description::well_known::Rfc2822;
use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};

/// The variable that names the door: `HOST:PORT`.
pub(in crate::cli) const DOOR: &str = "DOORPOST_SENDMAIL";
/// The name that a link to the program has.
const NAME: &str = "sendmail";

// sysexits.h
const USAGE: u8 = 64;
const DATA: u8 = 65;
const NO_USER: u8 = 67;
const NO_HOST: u8 = 68;
const UNAVAILABLE: u8 = 69;
const TRY_LATER: u8 = 75;

/// Only for the help and the manual: [`flags`] reads them.
#[derive(Args, Debug)]
#[command(
    disable_help_flag = true,
    disable_version_flag = true,
    override_usage = "doorpost sendmail [FLAGS] [--] [RECIPIENT]…",
    after_help = "\
Flags:
  -t                 Recipients are those in To, Cc and Bcc; Bcc is taken out
  -i, -oi            A line with a lone dot does not end the message
  -f ADDR, -r ADDR   The reverse-path; '' is the null one
  -F NAME            The sender's name, where the message has no From
  -B 7BIT|8BITMIME   The kind of the body
  -N WHEN            NOTIFY: never, or some of success,failure,delay
  -R full|hdrs       RET
  -V ID              ENVID
  -bs                Speak SMTP on standard input and output
  -v                 Show the conversation
  --smtp HOST:PORT   The door [env: DOORPOST_SENDMAIL]
  --server URL       The doorpost whose relay door it is [env: DOORPOST_URL]; --token as elsewhere

Other flags of sendmail (-oem, -odb, -O…, -n, -m, -h N …) are accepted and change nothing; -bp, -bi and other modes are not there.
From, Date and Message-ID are added where they are missing. A recipient without a domain is one of this machine.

Exit codes: 0 taken, 64 usage, 65 the message is refused as it is, 67 no such user, 68 no such host, 69 unavailable,
75 try again later.

A link called sendmail does the same: ln -s \"$(command -v doorpost)\" /usr/sbin/sendmail"
)]
pub(super) struct SendmailArgs {
    /// Flags as sendmail has them, and recipients
    #[arg(value_name = "FLAGS|RECIPIENT", trailing_var_arg = true, allow_hyphen_values = true)]
    pub(super) arguments: Vec<OsString>,
}

/// The arguments behind the name, where this is what the program was called for.
pub(super) fn arguments(all: impl IntoIterator<Item = OsString>) -> Option<Vec<OsString>> {
    let mut all = all.into_iter();
    let called = all.next()?;
    if Path::new(&called).file_stem().is_some_and(|stem| stem == NAME) {
        return Some(all.collect());
    }
    (all.next()? == NAME).then(|| all.collect())
}

/// Does what the flags say.
pub(super) fn run(arguments: Vec<OsString>) -> Result<(), Failure> {
    // The zone can be asked for only while there is one thread.
    let offset = UtcOffset::current_local_offset().unwrap_or(UtcOffset::UTC);
    let flags = flags::parse(arguments).map_err(|why| failure(USAGE, why))?;
    match flags.mode {
        Mode::Help => help(),
        Mode::Version => {
            print::text(concat!("doorpost sendmail ", env!("CARGO_PKG_VERSION"), "\n"))
        }
        Mode::Smtp => speak_smtp(&flags),
        Mode::Message => hand_in(&flags, offset),
    }
}

fn failure(code: u8, why: impl std::fmt::Display) -> Failure {
    Failure { code, text: format!("sendmail: {why}") }
}

fn help() -> Result<(), Failure> {
    let mut command = Cli::command();
    let help = command.find_subcommand_mut(NAME).map(|command| command.render_long_help());
    print::text(&help.map(|help| help.ansi().to_string()).unwrap_or_default())
}

fn hand_in(flags: &Flags, offset: UtcOffset) -> Result<(), Failure> {
    let host = identity::host();
    let path = |address: &str| addresses::path(address, &host);
    if flags.recipients.is_empty() && !flags.from_header {
        return Err(failure(
            USAGE,
            "no recipient is named: name one, or take those of the header with -t",
        ));
    }
    let named = flags.recipients.iter().flat_map(|text| addresses::list(text));
    let mut recipients = named
        .map(|address| path(&address).map_err(|why| failure(USAGE, why)))
        .collect::<Result<Vec<_>, _>>()?;
    let sender = reverse_path(flags.sender.as_deref(), &host)?;
    let octets = message::read(io::stdin().lock(), flags.ignore_dots)
        .map_err(|error| failure(DATA, format_args!("the message cannot be read: {error}")))?;
    let message = Message::new(&octets);
    // One that is malformed does not stop the message for others either.
    let mut malformed = Vec::new();
    if flags.from_header {
        for address in message.recipients() {
            match path(&address) {
                Ok(path) => recipients.push(path),
                Err(why) => malformed.push(failure(DATA, why)),
            }
        }
    }
    let mut seen = std::collections::HashSet::new();
    recipients.retain(|address| seen.insert(address.clone()));
    if recipients.is_empty() {
        let told = all_of(malformed);
        return Err(told.unwrap_or_else(|| failure(DATA, "there is no recipient in To, Cc or Bcc")));
    }
    let octets = message.finished(&missing(flags, &sender, &host, offset)?, flags.from_header);
    let header = message::header(&octets);
    let mail = Mail {
        reverse_path: &sender,
        forward_paths: &recipients,
        message: &octets,
        is_eight_bit: flags.eight_bit || !octets.is_ascii(),
        has_utf8_header: !header.is_ascii() && std::str::from_utf8(header).is_ok(),
        notify: flags.notify.as_deref(),
        ret: flags.ret.as_deref(),
        envid: flags.envid.as_deref(),
    };
    let sent = door(flags).and_then(|door| {
        let stream = smtp::connect(&door).map_err(|problem| told(&problem))?;
        smtp::send(stream, &hello(&host), &mail, flags.verbose).map_err(|problem| told(&problem))
    });
    match sent {
        Ok(refused) => {
            let refused = refused.iter().map(told);
            all_of(malformed.into_iter().chain(refused)).map_or(Ok(()), Err)
        }
        // Nobody got it: that says how it ends, not the addresses.
        Err(failed) => {
            let code = failed.code;
            let all = all_of(malformed.into_iter().chain([failed]));
            all.map_or(Ok(()), |all| Err(Failure { code, ..all }))
        }
    }
}

/// All that went wrong, as one. What may be tried again is the lesser evil: the first that cannot be says how it ends.
fn all_of(failures: impl IntoIterator<Item = Failure>) -> Option<Failure> {
    failures.into_iter().reduce(|all, next| Failure {
        code: if all.code == TRY_LATER { next.code } else { all.code },
        text: all.text + "\n" + &next.text,
    })
}

/// `-f`'s address; without it, the user who runs this.
fn reverse_path(given: Option<&str>, host: &str) -> Result<String, Failure> {
    let Some(given) = given else { return Ok(format!("{}@{host}", identity::user())) };
    match addresses::list(given).as_slice() {
        [] if matches!(given.trim(), "" | "<>") => Ok(String::new()),
        [one] => addresses::path(one, host).map_err(|why| failure(USAGE, why)),
        _ => Err(failure(USAGE, format_args!("-f {given:?} is not one address"))),
    }
}

/// The fields that a message has to have, for where it does not have them.
fn missing(
    flags: &Flags,
    sender: &str,
    host: &str,
    offset: UtcOffset,
) -> Result<[(&'static str, String); 3], Failure> {
    let now = OffsetDateTime::now_utc().to_offset(offset);
    let date = now.format(&Rfc2822).map_err(|error| failure(UNAVAILABLE, error))?;
    let stamp = now
        .to_offset(UtcOffset::UTC)
        .format(format_description!("[year][month][day][hour][minute][second]"));
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|error| failure(UNAVAILABLE, error))?;
    let random = u64::from_be_bytes(random);
    let id = format!("<{}.{random:016x}@{host}>", stamp.unwrap_or_default());
    let nobody = format!("MAILER-DAEMON@{host}");
    let author = if sender.is_empty() { &nobody } else { sender };
    let from = message::from(flags.full_name.as_deref(), author);
    Ok([("From", from), ("Date", date), ("Message-ID", id)])
}

/// Whom EHLO names: a name without a dot says nothing elsewhere.
fn hello(host: &str) -> String {
    if host.contains('.') { host.to_owned() } else { "localhost".to_owned() }
}

/// Where the message goes: what the command line names before what the environment names, a door before a
/// doorpost; and else where the relay door is by default.
fn door(flags: &Flags) -> Result<String, Failure> {
    let said = match (&flags.smtp, &flags.server) {
        (Some(address), _) => Some(address.clone()),
        (None, Some(_)) => None,
        (None, None) => client::variable(DOOR),
    };
    if let Some(address) = said {
        let has_port = address
            .rsplit_once(':')
            .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
        let wrong = || failure(USAGE, format_args!("{address:?} is no door: it is HOST:PORT"));
        return has_port.then(|| address.clone()).ok_or_else(wrong);
    }
    if flags.server.is_some() || client::variable(client::URL).is_some() {
        let found = of_server(flags);
        return found.map_err(|Failure { code, text }| {
            let code = if code == 2 { USAGE } else { UNAVAILABLE };
            failure(code, text.trim_start_matches("error: "))
        });
    }
    let config = Config::default();
    let address = config.door("relay").zip(config.host.first());
    let address = address.map(|(door, host)| SocketAddr::new(*host, door.port).to_string());
    address.ok_or_else(|| failure(UNAVAILABLE, "there is no relay door by default"))
}

/// The relay door of a doorpost, or another that takes mail without TLS and without a login.
fn of_server(flags: &Flags) -> Result<String, Failure> {
    let (server, token) = (flags.server.clone(), flags.token.clone());
    let server = Server::open(&Target { server, token, data: None })?;
    let Doors { doors } = server.get(&["api", "doors"], &[])?;
    let takes_all =
        |door: &&Door| door.auth != "required" && !matches!(&*door.tls, "required" | "implicit");
    let named = doors.iter().find(|door| door.name == "relay");
    let door = named.or_else(|| doors.iter().find(takes_all)).ok_or_else(|| {
        Failure::of(format_args!(
            "the doorpost at {} has no door that takes mail without a login; name one with --smtp",
            server.url()
        ))
    })?;
    let addresses: Vec<SocketAddr> =
        door.addresses.iter().filter_map(|text| text.parse().ok()).collect();
    let chosen = addresses.iter().find(|address| address.is_ipv4()).or(addresses.first());
    let address = chosen.ok_or_else(|| {
        Failure::of(format_args!("the door {} says no address", print::line(&door.name)))
    })?;
    // A door that listens everywhere is where the doorpost is.
    match (address.ip(), host_of(server.url())) {
        (IpAddr::V4(ip), Some(host)) if ip.is_unspecified() => {
            Ok(format!("{host}:{}", address.port()))
        }
        (IpAddr::V6(ip), Some(host)) if ip.is_unspecified() => {
            Ok(format!("{host}:{}", address.port()))
        }
        _ => Ok(address.to_string()),
    }
}

/// `http://HOST:PORT/…` → `HOST`, its brackets included.
fn host_of(url: &str) -> Option<&str> {
    let authority = url.split_once("://")?.1.split('/').next()?;
    let end = authority.rfind(':').filter(|colon| !authority[*colon..].contains(']'));
    Some(&authority[..end.unwrap_or(authority.len())])
}

/// What went wrong, and its exit code.
fn told(problem: &Problem) -> Failure {
    match problem {
        Problem::NoHost(why) => failure(NO_HOST, why),
        // Not "try again later": nothing is queued, and PHP takes that for success.
        Problem::Lost(why) | Problem::Lacks(why) => failure(UNAVAILABLE, why),
        Problem::Refused { step, whom, reply } => {
            let text = format!("{whom}: {}", reply.text());
            failure(code_of(*step, reply.code, reply.enhanced()), text)
        }
    }
}

/// The exit code for a reply.
fn code_of(step: Step, code: u16, enhanced: Option<&str>) -> u8 {
    let is_of_content =
        |status: &str| status.starts_with("5.6.") || matches!(status, "5.5.2" | "5.3.4");
    match (step, code, enhanced) {
        (_, 400..500, _) => TRY_LATER,
        (Step::Recipient, _, Some("5.1.2" | "5.4.4")) => NO_HOST,
        (Step::Recipient, _, Some(status)) if status.starts_with("5.1.") => NO_USER,
        (Step::Recipient, 550 | 551 | 553, None) => NO_USER,
        (Step::Data | Step::Command, 552, _) => DATA,
        (Step::Data, _, Some(status)) if is_of_content(status) => DATA,
        _ => UNAVAILABLE,
    }
}

/// Speaks SMTP for who asked, with their own commands.
fn speak_smtp(flags: &Flags) -> Result<(), Failure> {
    let stream = smtp::connect(&door(flags)?).map_err(|problem| told(&problem))?;
    speak::speak(stream).map_err(|problem| match problem {
        speak::Problem::Unfinished => failure(DATA, "the input ends within the message"),
        speak::Problem::Lost(why) => failure(UNAVAILABLE, why),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_meant_by_its_name_or_as_a_command() {
        let given = |line: &str| arguments(line.split(' ').map(OsString::from));
        let rest = |line: &str| Some(line.split(' ').map(OsString::from).collect());
        assert_eq!(given("/usr/sbin/sendmail -t -i"), rest("-t -i"));
        assert_eq!(given("doorpost sendmail -bs"), rest("-bs"));
        assert_eq!(given("doorpost sendmail -- -V"), rest("-- -V"));
        assert_eq!(given("doorpost list sendmail"), None);
        assert_eq!(given("doorpost"), None);
    }

    #[test]
    fn each_refusal_has_its_exit_code() {
        use Step::{Command, Data, Recipient};
        for (step, code, enhanced, exit) in [
            (Recipient, 550, Some("5.1.1"), NO_USER),
            (Recipient, 550, None, NO_USER),
            (Recipient, 554, Some("5.1.2"), NO_HOST),
            (Recipient, 554, Some("5.7.1"), UNAVAILABLE),
            (Recipient, 452, Some("4.5.3"), TRY_LATER),
            (Command, 530, Some("5.7.0"), UNAVAILABLE),
            (Command, 552, Some("5.3.4"), DATA),
            (Command, 421, Some("4.3.2"), TRY_LATER),
            (Data, 550, Some("5.5.2"), DATA),
            (Data, 552, Some("5.3.4"), DATA),
            (Data, 554, Some("5.7.1"), UNAVAILABLE),
            (Data, 452, Some("4.3.1"), TRY_LATER),
        ] {
            assert_eq!(code_of(step, code, enhanced), exit, "{step:?} {code} {enhanced:?}");
        }
    }

    #[test]
    fn the_host_of_a_url_is_found() {
        assert_eq!(host_of("http://box:90/x"), Some("box"));
        assert_eq!(host_of("http://[::1]:90"), Some("[::1]"));
        assert_eq!(host_of("http://[::1]"), Some("[::1]"));
        assert_eq!(host_of("http://box"), Some("box"));
    }
}
