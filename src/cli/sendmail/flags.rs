//! The flags that programs hand to `/usr/sbin/sendmail`, read by hand: some take a value behind them or attached,
//! some only attached, and those without a value may stand together (`-ti`, `-tif alice@example.org`).
//!
//! What only concerns a mail system that sends on is accepted and does nothing. Modes that are not there (`-bp`
//! and its like) and flags that nobody knows are refused: a program that needs them should hear of it.

use std::ffi::OsString;

/// What is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Mode {
    /// Take a message from standard input (`-bm`).
    #[default]
    Message,
    /// Speak SMTP on standard input and output (`-bs`).
    Smtp,
    /// Say what there is.
    Help,
    /// Say which version it is.
    Version,
}

/// All that was given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Flags {
    pub(super) mode: Mode,
    /// `-t`: the header names recipients.
    pub(super) from_header: bool,
    /// `-i`, `-oi`: a lone dot does not end the message.
    pub(super) ignore_dots: bool,
    /// `-f`, `-r`: the reverse-path.
    pub(super) sender: Option<String>,
    /// `-F`: the sender's name.
    pub(super) full_name: Option<String>,
    /// `-B8BITMIME`.
    pub(super) eight_bit: bool,
    /// `-N`: NOTIFY (RFC 3461).
    pub(super) notify: Option<String>,
    /// `-R`: RET.
    pub(super) ret: Option<String>,
    /// `-V`: ENVID.
    pub(super) envid: Option<String>,
    /// `-v`: show the conversation.
    pub(super) verbose: bool,
    pub(super) recipients: Vec<String>,
    /// `--smtp HOST:PORT`, `--server URL`, `--token TOKEN`: doorpost's own.
    pub(super) smtp: Option<String>,
    pub(super) server: Option<String>,
    pub(super) token: Option<String>,
}

/// Reads the arguments behind the program's name.
///
/// # Errors
/// Says which flag is wrong, and why.
pub(super) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Flags, String> {
    let texts = arguments.into_iter().map(|argument| {
        argument.into_string().map_err(|text| format!("{} is no UTF-8", text.to_string_lossy()))
    });
    let texts: Vec<String> = texts.collect::<Result<_, _>>()?;
    let mut flags = Flags::default();
    let mut rest = texts.into_iter();
    while let Some(argument) = rest.next() {
        if argument == "--" {
            flags.recipients.extend(rest);
            break;
        } else if let Some(long) = argument.strip_prefix("--") {
            flags.long(long, &mut rest)?;
        } else if let Some(letters) =
            argument.strip_prefix('-').filter(|letters| !letters.is_empty())
        {
            flags.letters(letters, &mut rest)?;
        } else {
            // As getopt of GNU does: flags may stand behind recipients.
            flags.recipients.push(argument);
        }
    }
    Ok(flags)
}

impl Flags {
    fn long(&mut self, text: &str, rest: &mut impl Iterator<Item = String>) -> Result<(), String> {
        let (name, attached) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (text, None),
        };
        let target = match name {
            "help" => return self.set_mode(Mode::Help),
            "version" => return self.set_mode(Mode::Version),
            "smtp" => &mut self.smtp,
            "server" => &mut self.server,
            "token" => &mut self.token,
            _ => return Err(format!("there is no flag --{name}")),
        };
        *target = Some(
            attached.or_else(|| rest.next()).ok_or_else(|| format!("--{name} takes a value"))?,
        );
        Ok(())
    }

    fn set_mode(&mut self, mode: Mode) -> Result<(), String> {
        self.mode = mode;
        Ok(())
    }

    /// What stands behind one dash.
    fn letters(
        &mut self,
        text: &str,
        rest: &mut impl Iterator<Item = String>,
    ) -> Result<(), String> {
        let mut behind = text;
        while let Some(letter) = behind.chars().next() {
            behind = &behind[letter.len_utf8()..];
            match letter {
                't' => self.from_header = true,
                'i' => self.ignore_dots = true,
                'v' => self.verbose = true,
                // About aliases, the sender's own copy, gateways, early ways to submit: nothing here.
                'n' | 'm' | 'G' | 'U' | 'c' | 'E' | 'J' | 'x' => {}
                // Debugging of sendmail itself: its value is attached or not there.
                'd' => return Ok(()),
                'q' => return Err("-q: there is no queue here, mail is handed in at once".into()),
                'I' => return Err("-I: there are no aliases here".into()),
                _ => {
                    let attached = (!behind.is_empty()).then(|| behind.to_owned());
                    return self.with_value(letter, attached, rest);
                }
            }
        }
        Ok(())
    }

    fn with_value(
        &mut self,
        letter: char,
        attached: Option<String>,
        rest: &mut impl Iterator<Item = String>,
    ) -> Result<(), String> {
        if !"bfrFBNRVoOeACDhLMpX".contains(letter) {
            return Err(format!("there is no flag -{letter}"));
        }
        let missing = || format!("-{letter} takes a value");
        let value = attached.or_else(|| rest.next()).ok_or_else(missing)?;
        match letter {
            'b' => self.mode = mode(&value)?,
            'f' | 'r' => self.sender = Some(value),
            'F' => self.full_name = Some(value),
            'B' => match &*value.to_ascii_uppercase() {
                "8BITMIME" => self.eight_bit = true,
                "7BIT" => self.eight_bit = false,
                _ => return Err(format!("-B {value}: it is 7BIT or 8BITMIME")),
            },
            'N' => self.notify = Some(notify(&value)?),
            'R' => match &*value.to_ascii_uppercase() {
                ret @ ("FULL" | "HDRS") => self.ret = Some(ret.to_owned()),
                _ => return Err(format!("-R {value}: it is full or hdrs")),
            },
            'V' if value.is_empty() || !value.bytes().all(|byte| matches!(byte, b' '..=b'~')) => {
                return Err("-V: an envelope identifier is of printable ASCII".into());
            }
            'V' => self.envid = Some(value),
            'o' => self.option(&value),
            'O' if value.eq_ignore_ascii_case("IgnoreDots") => self.ignore_dots = true,
            'O' => {
                let dots = value
                    .split_once('=')
                    .filter(|(name, _)| name.eq_ignore_ascii_case("IgnoreDots"));
                if let Some((_, value)) = dots {
                    self.ignore_dots = is_true(value);
                }
            }
            // Configuration, logs, hops, labels: a mail system's own affairs.
            _ => {}
        }
        Ok(())
    }

    /// `-oi` is the one that changes what is sent; `-oem`, `-odb` and all others do nothing here.
    fn option(&mut self, value: &str) {
        if let Some(value) = value.strip_prefix('i') {
            self.ignore_dots = is_true(value);
        }
    }
}

/// sendmail takes an option without a value as set.
fn is_true(value: &str) -> bool {
    !value.starts_with(['f', 'F', 'n', 'N', '0'])
}

fn mode(value: &str) -> Result<Mode, String> {
    let why = match value {
        "m" => return Ok(Mode::Message),
        "s" => return Ok(Mode::Smtp),
        "p" => "there is no queue here; `doorpost list` shows what was caught",
        "i" => "there are no aliases here",
        "d" | "D" => "`doorpost` is the server",
        "v" | "t" => "no address is looked up here",
        "h" | "H" => "no host status is kept here",
        _ => "there is no such mode",
    };
    Err(format!("-b{value}: {why}"))
}

/// NOTIFY's value: `never`, or a list.
fn notify(value: &str) -> Result<String, String> {
    let value = value.to_ascii_uppercase();
    let is_known = |word: &str| matches!(word, "SUCCESS" | "FAILURE" | "DELAY");
    if value == "NEVER" || value.split(',').all(is_known) {
        return Ok(value);
    }
    Err(format!(
        "-N {value}: it is never, or some of success, failure and delay with commas between them"
    ))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may stop at the first surprise
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Flags, String> {
        parse(line.split_whitespace().map(|word| OsString::from(word.replace("''", ""))))
    }

    #[test]
    fn every_form_is_read() {
        let plain = Flags::default;
        let from_header = || Flags { from_header: true, ignore_dots: true, ..plain() };
        let text = |text: &str| Some(text.to_owned());
        for (line, wanted) in [
            ("-t -i", from_header()),
            ("-ti", from_header()),
            ("-it", from_header()),
            ("-t -oi", from_header()),
            ("-oi -t -oem -odb -oee", from_header()),
            ("-t -o i -om -e m", from_header()),
            ("-t -O IgnoreDots=True -O DeliveryMode=b -OQueueDirectory=/tmp", from_header()),
            ("-t -O IgnoreDots", from_header()),
            ("-i -oif -t -bm", Flags { ignore_dots: false, ..from_header() }),
            ("-f a@x.org", Flags { sender: text("a@x.org"), ..plain() }),
            ("-fa@x.org", Flags { sender: text("a@x.org"), ..plain() }),
            ("-r a@x.org", Flags { sender: text("a@x.org"), ..plain() }),
            ("-f ''", Flags { sender: text(""), ..plain() }),
            ("-tifa@x.org", Flags { sender: text("a@x.org"), ..from_header() }),
            ("-tif a@x.org", Flags { sender: text("a@x.org"), ..from_header() }),
            ("-FCronDaemon -F Cron", Flags { full_name: text("Cron"), ..plain() }),
            ("-B8BITMIME", Flags { eight_bit: true, ..plain() }),
            ("-B 8bitmime -B7BIT", plain()),
            ("-N never", Flags { notify: text("NEVER"), ..plain() }),
            ("-Nfailure,delay", Flags { notify: text("FAILURE,DELAY"), ..plain() }),
            ("-R hdrs -V id-1", Flags { ret: text("HDRS"), envid: text("id-1"), ..plain() }),
            ("-bs", Flags { mode: Mode::Smtp, ..plain() }),
            ("-b s", Flags { mode: Mode::Smtp, ..plain() }),
            (
                "-n -m -v -G -U -d0.1 -h 3 -p SMTP:x -L tag -X /log -C /cf -Am",
                Flags { verbose: true, ..plain() },
            ),
            (
                "--smtp=h:1 --server u --token=",
                Flags { smtp: text("h:1"), server: text("u"), token: text(""), ..plain() },
            ),
            ("--help", Flags { mode: Mode::Help, ..plain() }),
        ] {
            assert_eq!(read(line), Ok(wanted), "{line}");
        }
    }

    #[test]
    fn recipients_stand_anywhere() {
        let flags = read("bob -i carol@x.org -- -dave -t --").unwrap();
        assert_eq!(flags.recipients, ["bob", "carol@x.org", "-dave", "-t", "--"]);
        assert!(flags.ignore_dots && !flags.from_header);
    }

    #[test]
    fn what_is_not_there_is_refused() {
        for (line, why) in [
            ("-bp", "doorpost list"),
            ("-bi", "aliases"),
            ("-bd", "server"),
            ("-bz", "no such mode"),
            ("-q", "queue"),
            ("-q30m", "queue"),
            ("-I", "aliases"),
            ("-y", "no flag -y"),
            ("-tz", "no flag -z"),
            ("-f", "takes a value"),
            ("-b", "takes a value"),
            ("-B binary", "8BITMIME"),
            ("-N sometimes", "never"),
            ("-R all", "hdrs"),
            ("-V ä", "ASCII"),
            ("--colour", "no flag --colour"),
            ("--smtp", "takes a value"),
        ] {
            let error = read(line).unwrap_err();
            assert!(error.contains(why), "{line}: {error}");
        }
    }
}
