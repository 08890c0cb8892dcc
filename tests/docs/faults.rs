//! docs/faults.md: every fault, every address, and the language of scenarios key by key.

use super::hold;
use doorpost::fault::language::{DO, Key, MOMENTS, RULE, WHEN};
use doorpost::fault::magic::{ADDRESSES, HEADER, WORDS};
use doorpost::fault::presets::PRESETS;
use std::fmt::Write as _;

#[test]
fn the_page_of_faults_is_current() {
    let mut page = String::from(INTRODUCTION);
    page.push_str("| fault | value | on the wire |\n|---|---|---|\n");
    for preset in PRESETS {
        let value = match preset.value {
            Some((what, usual)) => format!("{what}; `{usual}`"),
            None => String::new(),
        };
        writeln!(page, "| `{}` | {value} | {} |", preset.name, prose(preset.about)).unwrap();
    }
    page.push_str(MAGIC);
    page.push_str("| local part | RCPT is answered | known from |\n|---|---|---|\n");
    for magic in &ADDRESSES {
        let reply = match magic.reply {
            Some((code, subject, detail, text)) => {
                format!("{code} {}.{subject}.{detail} {text}", code / 100)
            }
            None => "250, taken".to_owned(),
        };
        writeln!(page, "| `{}` | {reply} | {} |", magic.local_part, magic.known_from).unwrap();
    }
    page.push_str("| `bounce+CODE`, `bounce+CODE+TEXT` | that code, 400 to 599, with that text; `-`, `_` and `+` in it are spaces | Mailtrap |\n");
    write!(page, "\nA header field does the same for what comes after DATA:\n\n| `{HEADER}:` | the message |\n|---|---|\n| `CODE X.Y.Z TEXT` | is refused with that reply |\n").unwrap();
    for (word, about) in WORDS {
        writeln!(page, "| `{word}` | {about} |").unwrap();
    }
    page.push_str(SCENARIOS);
    page.push_str("| moment | when it is |\n|---|---|\n");
    for (names, about) in MOMENTS {
        let names = names.split(", ").map(|name| format!("`{name}`")).collect::<Vec<_>>();
        writeln!(page, "| {} | {about} |", names.join(", ")).unwrap();
    }
    table(&mut page, "\n### A rule\n\n", RULE);
    table(&mut page, CONDITIONS, WHEN);
    table(
        &mut page,
        "\n### What it does: `do`\n\nSeveral go together, unless they contradict each other.\n\n",
        DO,
    );
    page.push_str(ORDER);
    hold("faults.md", &page);
}

fn table(page: &mut String, heading: &str, keys: &[Key]) {
    page.push_str(heading);
    page.push_str("| key | what it says | such as |\n|---|---|---|\n");
    for key in keys {
        let name = key.key.rsplit('.').next().unwrap();
        let lines = key.example.lines().map(|line| format!("`{}`", escaped(line)));
        let example = lines.collect::<Vec<_>>().join("<br>");
        writeln!(page, "| `{name}` | {} | {example} |", escaped(key.about)).unwrap();
    }
}

/// Outside of code, an asterisk would begin emphasis.
fn prose(text: &str) -> String {
    escaped(text).replace('*', "\\*")
}

/// In a table, a bar would end the cell, also in code.
fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
}

/// The example in the text is a scenario.
#[test]
fn the_example_of_the_page_is_taken() {
    let (_, rest) = SCENARIOS.split_once("```toml\n").unwrap();
    let (scenario, _) = rest.split_once("```").unwrap();
    let read = doorpost::fault::Scenario::parse(scenario).unwrap();
    assert_eq!(read.rules().count(), scenario.matches("[[rules]]").count());
}

const INTRODUCTION: &str = r#"# Faults

Doorpost misbehaves on request: a named fault, an address, a header field, or a scenario of your own. What it did stands in the
conversation (`fault: greylist, try 1`) and is counted (`GET /api/faults`). Without a request it behaves.

This page is made from the code (`REWRITE_DOCS=1 cargo test --test docs`).

## Named faults

```sh
doorpost --fault greylist --fault slow=2s@submission     # NAME[=VALUE][@DOOR]; without a door, all of them
doorpost faults                                          # lists them
doorpost faults greylist                                 # its rules, to copy and change
curl -X PUT localhost:8025/api/faults -H 'Content-Type: application/json' -d '{"faults": ["busy=1@relay"]}'
curl -X DELETE localhost:8025/api/faults                 # behaves again
```

In a Rust test it is `mail.fault("busy=1@relay")`. With `?inbox=NAME` the API puts faults in force for one inbox only, so that tests that run
side by side do not meet each other's; a rule whose moment comes before the inbox is known is refused.

"#;

const MAGIC: &str = r#"
A door that is `port-blocked` is closed by doorpost itself. Where systemd opened the socket, it holds it open too: connections are then
neither refused nor taken. To lose the packets of a port silently takes a firewall; `port-blackhole` is as near as a program can come.

## Addresses and a header field that ask for a fault

Without any configuration, under any domain whose last label is `test` (RFC 6761: nobody can own one), on every door. Upper and lower
case, hyphens and a `+label` make no difference: `HardBounce+signup@example.test`. `--magic off` switches this off, in a file `magic = false`.

"#;

const SCENARIOS: &str = r#"
## Scenarios

A scenario is an ordered list of rules: *when* (conditions, a count), *at* which moment, *do* what.

```toml
seed = 7

[[rules]]
name = "slow-for-one-network"
at = "any"
when = { door = "relay", client = "127.0.0.0/8" }
do = { pause = "200ms" }

[[rules]]
name = "busy-at-first"
at = "rcpt"
when = { forward_path = "*@shop.example" }
first = 2
per = "recipient"
do = { reply = "450 4.2.1 Mailbox busy, try again later" }

[[rules]]
name = "one-in-ten-is-refused"
at = "end-of-data"
odds = 0.1
do = { reply = "554 5.7.1 Content refused" }
```

`doorpost --scenario FILE` puts it in force at the start; `curl -X PUT localhost:8025/api/faults -H 'Content-Type: application/toml'
--data-binary @FILE` while it runs. One with a mistake is refused whole, naming rule, line, key, value and what is allowed, and the one
before stays in force.

"#;

const CONDITIONS: &str = "
### When: `when`

All that are named have to hold; one about what is not known yet does not. Texts are patterns: a glob with `*` and `?`, or a regular
expression between slashes. Upper and lower case make no difference.

";

const ORDER: &str = "
### Which rule

Rules are asked in their order, those of the inbox before those for all. Of those that answer (a reply, garbage, silence, the end of the
connection) the first that strikes is the last that is asked; those that only slow it down, hide or limit something are asked as well, in
front of it or behind it. A real refusal stands: no rule turns a
550 of doorpost into a 250.

The same scenario, seed and mail give the same faults, in whatever order connections come: nothing is drawn. What a rule counts begins
anew when a scenario is put in force. Up to 50,000 different things are remembered at least; beyond that, what has not come again for
longest is forgotten.
";
