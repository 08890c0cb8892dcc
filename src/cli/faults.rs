//! `doorpost faults`: the faults that come along, and the rules of each to copy and change.

use super::style::{BOLD, DIM, paint};
use super::{Failure, print};
use crate::fault::magic::{ADDRESSES, HEADER, WORDS};
use crate::fault::presets::{PRESETS, Preset, PresetError};
use clap::Args;
use serde_json::json;

#[derive(Args, Debug)]
pub(super) struct FaultsArgs {
    /// Print the rules of this one, as NAME[=VALUE][@DOOR]
    #[arg(value_name = "NAME")]
    spec: Option<String>,
    /// One JSON document instead of a table
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &FaultsArgs) -> Result<(), Failure> {
    match &args.spec {
        Some(spec) => one(spec),
        None if args.json => print::octets(json_list().as_bytes()),
        None => print::octets(list().as_bytes()),
    }
}

fn one(spec: &str) -> Result<(), Failure> {
    // Read, so that what is printed is known to be taken.
    crate::fault::presets::scenario(spec).map_err(Failure::usage)?;
    let (rest, door) =
        spec.rsplit_once('@').map_or((spec, None), |(rest, door)| (rest, Some(door)));
    let (name, value) =
        rest.split_once('=').map_or((rest, None), |(name, value)| (name, Some(value)));
    let preset = Preset::find(name).ok_or_else(|| PresetError::Unknown(name.to_owned()));
    let preset = preset.map_err(Failure::usage)?;
    print::octets(format!("# {}\n{}", preset.about, preset.toml(value, door)).as_bytes())
}

fn list() -> String {
    let mut text = String::from("Faults, for --fault NAME[=VALUE][@DOOR] and PUT /api/faults:\n\n");
    let width = PRESETS.iter().map(|preset| preset.name.len()).max().unwrap_or(0);
    for preset in PRESETS {
        let name = paint(BOLD, &format!("{:width$}", preset.name));
        let value = match preset.value {
            Some((what, usual)) => paint(DIM, &format!(" [={usual}: {what}]")),
            None => String::new(),
        };
        text.push_str(&format!("  {name}  {}{value}\n", preset.about));
    }
    text.push_str("\nAddresses under any domain that ends in .test ask for a fault at RCPT:\n\n");
    for magic in &ADDRESSES {
        let name = paint(BOLD, &format!("{:width$}", magic.local_part));
        let becomes = match magic.reply {
            Some(refusal) => reply(refusal),
            None => "taken".into(),
        };
        text.push_str(&format!("  {name}  {becomes}\n"));
    }
    let name = paint(BOLD, &format!("{:width$}", "bounce+CODE+TEXT"));
    text.push_str(&format!("  {name}  that code with that text, 400 to 599\n"));
    text.push_str(&format!("\nThe header field {HEADER} asks for one after DATA:\n\n"));
    let name = paint(BOLD, &format!("{:width$}", "CODE X.Y.Z TEXT"));
    text.push_str(&format!("  {name}  that reply\n"));
    for (word, about) in WORDS {
        let name = paint(BOLD, &format!("{word:width$}"));
        text.push_str(&format!("  {name}  {about}\n"));
    }
    text
}

fn reply((code, subject, detail, text): (u16, u16, u16, &str)) -> String {
    format!("{code} {}.{subject}.{detail} {text}", code / 100)
}

fn json_list() -> String {
    let presets = PRESETS.iter().map(|preset| {
        json!({
            "name": preset.name,
            "about": preset.about,
            "value": preset.value.map(|(value, _)| value),
            "usual_value": preset.value.map(|(_, usual)| usual),
            "scenario": preset.toml(None, None),
        })
    });
    let addresses = ADDRESSES.iter().map(|magic| {
        json!({
            "local_part": magic.local_part,
            "reply": magic.reply.map(reply),
            "known_from": magic.known_from,
        })
    });
    let words = WORDS.map(|(word, about)| json!({ "word": word, "about": about }));
    let document = json!({
        "presets": presets.collect::<Vec<_>>(),
        "addresses": addresses.collect::<Vec<_>>(),
        "header": { "name": HEADER, "words": words },
    });
    format!("{document:#}\n")
}
