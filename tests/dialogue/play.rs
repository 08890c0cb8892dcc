//! What both players share: the door a dialogue asks for, and questions about kept messages.

use super::compute::unescape;
use super::parse::Dialogue;
use doorpost::config::{Config, Door, User};
use doorpost::fault::{Scenario, presets};
use doorpost::mail::Envelope;
use doorpost::smtp::Transcript;
use doorpost::smtp::transcript::Kind;

/// The configuration that a dialogue describes.
pub fn config(dialogue: &Dialogue) -> Result<Config, String> {
    let mut config = Config { web: None, ..Config::ephemeral() };
    config.users.extend(dialogue.users.iter().map(|(name, secret, senders)| User {
        name: name.clone(),
        secret: secret.clone(),
        senders: senders.clone(),
    }));
    for (key, value) in &dialogue.settings {
        door(&mut config, dialogue)?.set(key, value)?;
    }
    Ok(config)
}

/// What the dialogue's door does wrong on request.
pub fn scenario(dialogue: &Dialogue) -> Result<Scenario, String> {
    let mut scenario = Scenario::parse(&dialogue.scenario).map_err(|e| e.to_string())?;
    for spec in &dialogue.faults {
        let joined = scenario.and(&presets::scenario(spec).map_err(|e| e.to_string())?);
        scenario = joined.map_err(|e| e.to_string())?;
    }
    Ok(scenario)
}

/// Whether the transcript says that the fault struck.
pub fn has_struck(transcript: &Transcript, name: &str) -> bool {
    let wanted = format!("fault: {name}");
    transcript.lines().any(|line| line.kind == Kind::Fault && line.text() == wanted)
}

/// The row of the dialogue's door.
pub fn door<'a>(config: &'a mut Config, dialogue: &Dialogue) -> Result<&'a mut Door, String> {
    config.door_mut(&dialogue.door).ok_or_else(|| format!("there is no door {}", dialogue.door))
}

/// A kept message, as far as dialogues ask about it.
#[derive(Clone, Debug)]
pub struct Kept {
    pub envelope: Envelope,
    pub bytes: Vec<u8>,
    pub user: Option<String>,
}

/// Says what is not as it should be.
pub fn check_stored(messages: &[Kept], key: &str, wanted: &str) -> Result<(), String> {
    if key == "count" {
        return same(wanted, &messages.len().to_string());
    }
    let message = messages.last().ok_or("no message was kept")?;
    let envelope = &message.envelope;
    let text = |value: Option<String>| value.unwrap_or_else(|| "nothing".into());
    let paths = || {
        envelope.forward_paths.iter().map(|r| format!("<{}>", r.path)).collect::<Vec<_>>().join(" ")
    };
    let of_path = |value: &dyn Fn(&doorpost::mail::Recipient) -> Option<String>| {
        let (path, wanted) = wanted.rsplit_once("> ").ok_or("needs <path> value")?;
        let recipient = envelope.forward_paths.iter().find(|r| format!("<{}", r.path) == path);
        same(wanted, &text(value(recipient.ok_or("no such recipient")?)))
    };
    match key {
        "reverse-path" => same(wanted, &format!("<{}>", envelope.reverse_path)),
        "forward-paths" => same(wanted, &paths()),
        "size" => same(wanted, &message.bytes.len().to_string()),
        "body" => same(wanted, &envelope.body.to_string()),
        "ret" => same(wanted, &text(envelope.ret.map(|ret| ret.to_string()))),
        "envid" => same(wanted, &text(envelope.envid.clone())),
        "smtputf8" => same(wanted, &envelope.smtputf8.to_string()),
        "user" => same(wanted, &text(message.user.clone())),
        "notify" => of_path(&|r| r.notify.map(|notify| notify.to_string())),
        "orcpt" => of_path(&|r| r.orcpt.clone()),
        "bytes" => {
            let quoted =
                wanted.strip_prefix('"').and_then(|w| w.strip_suffix('"')).ok_or("needs \"…\"")?;
            let (wanted, got) = (unescape(quoted)?, &message.bytes);
            same(&wanted.escape_ascii().to_string(), &got.escape_ascii().to_string())
        }
        _ => Err(format!("unknown key {key}")),
    }
}

fn same(wanted: &str, got: &str) -> Result<(), String> {
    if wanted == got { Ok(()) } else { Err(format!("expected {wanted}, got {got}")) }
}

/// A failure with its place.
pub fn at(dialogue: &Dialogue, line: usize, error: &str) -> String {
    format!("  {}.dialogue:{line}: {error}", dialogue.name)
}
