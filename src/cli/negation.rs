//! Words of a query that begin with `-`, as on the command line: `doorpost list -from:alice`.
//!
//! To clap they are flags. The commands that take a query have none of one letter but `-h` and `-V`, so such a word is
//! spelled with the other sign that negates, `!from:alice`, before clap sees it. Long flags, values of flags and what
//! stands behind `--` stay as they are.

use clap::{Arg, Command};
use std::ffi::{OsStr, OsString};

/// What the argument for a query is called in its definition.
const QUERY: &str = "query";

/// The arguments, the program's name first, with negated words as clap lets them pass.
pub(super) fn spelled(
    arguments: impl IntoIterator<Item = OsString>,
    program: &Command,
) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    let command = arguments.get(1).and_then(|name| program.find_subcommand(name)).cloned();
    let Some(mut command) = command else { return arguments };
    // Its arguments come no sooner.
    command.build();
    if !takes_query(&command) {
        return arguments;
    }
    let mut is_value = false;
    for argument in arguments.iter_mut().skip(2) {
        if argument == "--" {
            break;
        }
        if let Some(word) = argument.to_str().and_then(negated).filter(|_| !is_value) {
            *argument = OsString::from(format!("!{word}"));
        }
        is_value = command.get_arguments().any(|flag| wants_value(flag, argument));
    }
    arguments
}

fn takes_query(command: &Command) -> bool {
    command.get_positionals().any(|argument| argument.get_id() == QUERY)
}

/// What is negated; `None` where it is something else.
fn negated(argument: &str) -> Option<&str> {
    let word = argument.strip_prefix('-')?;
    (!word.is_empty() && !word.starts_with('-') && !matches!(word, "h" | "V")).then_some(word)
}

/// Whether the value of this flag follows the argument.
fn wants_value(flag: &Arg, argument: &OsStr) -> bool {
    let long = argument.to_str().and_then(|text| text.strip_prefix("--"));
    flag.get_action().takes_values() && long.is_some() && flag.get_long() == long
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::CommandFactory as _;

    #[test]
    fn only_words_of_a_query_are_spelled_anew() {
        for (line, wanted) in [
            (
                "doorpost list -from:alice x -has:attachment",
                "doorpost list !from:alice x !has:attachment",
            ),
            (
                "doorpost wait x --json -tag:y --timeout 5s",
                "doorpost wait x --json !tag:y --timeout 5s",
            ),
            ("doorpost export --to -dir -x", "doorpost export --to -dir !x"),
            ("doorpost watch -- -x", "doorpost watch -- -x"),
            ("doorpost list -h", "doorpost list -h"),
            ("doorpost list - -V --x", "doorpost list - -V --x"),
            ("doorpost -v", "doorpost -v"),
            ("doorpost serve -v", "doorpost serve -v"),
            ("doorpost rm --query -x", "doorpost rm --query -x"),
            ("doorpost", "doorpost"),
        ] {
            let spelled = spelled(line.split(' ').map(OsString::from), &Cli::command());
            let spelled: Vec<_> = spelled.iter().map(|word| word.to_string_lossy()).collect();
            assert_eq!(spelled.join(" "), wanted);
        }
    }
}
