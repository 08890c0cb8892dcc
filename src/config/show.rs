//! The effective configuration as TOML, each value with where it came from.
//!
//! What is printed, read again as a file, gives the same configuration. Only secrets are left out
//! unless they are to be shown; such a file is refused until somebody has put them in.

use super::source::{Scope, Sources};
use super::{Config, keys, numbered};
use crate::smtp::policy::AuthMode;
use std::fmt::Write;

/// The column of the comments, where the values leave room for it.
const COLUMN: usize = 44;

/// Prints the whole configuration.
#[must_use]
pub fn render(config: &Config, sources: &Sources) -> String {
    let mut page = Page { text: String::new(), sources };
    page.text.push_str("# The configuration in effect, and where each value came from.\n\n");
    for key in keys::TOP {
        let value = (key.get)(config);
        let is_empty = value.as_deref().is_none_or(|value| value == "[]");
        if key.secret && !config.show_secrets && !is_empty {
            page.hidden(key.name);
        } else {
            page.line(Scope::Top, key.name, value.as_deref());
        }
    }
    for user in &config.users {
        page.text.push_str("\n[[users]]\n");
        for key in keys::USER {
            if key.secret && !config.show_secrets {
                page.hidden(key.name);
            } else {
                page.line(Scope::User(&user.name), key.name, (key.get)(user).as_deref());
            }
        }
    }
    let mut last = String::new();
    numbered::written(config, config.show_secrets, |rows, scope, key, value| {
        let row = format!("{rows} {}", scope.name());
        if row != last {
            // Writing into a String cannot fail.
            let _ = write!(page.text, "\n[[{rows}]]\n");
            last = row;
        }
        match value {
            Some(value) if value != "[]" => page.line(scope, key, Some(&value)),
            None if page.sources.get(scope, key).is_set() => page.hidden(key),
            _ => {}
        }
    });
    for door in &config.doors {
        page.text.push_str("\n[[doors]]\n");
        // Writing into a String cannot fail.
        let _ = writeln!(page.text, "{} = \"{}\"", keys::NAME, door.name);
        for key in keys::DOOR {
            let value = (key.get)(door);
            // Mechanisms of a door without AUTH would be refused, and change nothing.
            if key.name == "mechanisms" && door.auth == AuthMode::None {
                page.text.push_str("# mechanisms are not used, since auth is \"none\"\n");
            } else {
                page.line(Scope::Door(&door.name), key.name, value.as_deref());
            }
        }
    }
    page.text
}

struct Page<'a> {
    text: String,
    sources: &'a Sources,
}

impl Page<'_> {
    fn hidden(&mut self, key: &str) {
        // Writing into a String cannot fail.
        let _ = writeln!(self.text, "# {key} is hidden: --show-secrets prints it");
    }

    fn line(&mut self, scope: Scope<'_>, key: &str, value: Option<&str>) {
        let origin = self.sources.get(scope, key);
        // Writing into a String cannot fail.
        let _ = match value.map(|value| format!("{key} = {value}")) {
            Some(line) => writeln!(self.text, "{line:COLUMN$} # {origin}"),
            None => writeln!(self.text, "# {key} is not set"),
        };
    }
}
