//! The flags that say how the server runs, for every command that runs it or shows its settings.
//!
//! They are made from the table in [`crate::config`], so that a flag, its variable and its key in
//! the file cannot drift apart. Values are not judged here: what is wrong with one is told by
//! [`ServeArgs::load`], in the same words as for a file.

use super::{client, sendmail};
use crate::config::{self, Config, ConfigError, FLAGS, Flag, FlagValue, Sources, Takes};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

/// What was given on the command line. Flatten it into a command:
///
/// ```
/// use clap::Parser;
///
/// #[derive(Parser)]
/// struct Options {
///     #[command(flatten)]
///     serve: doorpost::cli::ServeArgs,
/// }
///
/// let options = Options::parse_from(["mail-fixture", "--hostname", "mail.example.org"]);
/// let (config, _sources) = options.serve.load()?;
/// assert_eq!(config.hostname, "mail.example.org");
/// # Ok::<(), doorpost::config::ConfigError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct ServeArgs {
    given: Vec<FlagValue>,
}

impl ServeArgs {
    /// The configuration that these flags, the environment and the file give.
    ///
    /// # Errors
    /// Lists everything that is wrong with any of them.
    pub fn load(&self) -> Result<(Config, Sources), ConfigError> {
        config::load(&self.given)
    }

    /// The same with flags that are as good as given, chosen by what was set otherwise.
    ///
    /// # Errors
    /// Lists everything that is wrong with any of them.
    pub(super) fn load_with(
        &self,
        usual: impl FnOnce(&Sources) -> Vec<(&'static str, &'static str)>,
    ) -> Result<(Config, Sources), ConfigError> {
        let (_, sources) = self.load()?;
        let mut given = self.given.clone();
        for (name, text) in usual(&sources) {
            if let Some(flag) = FLAGS.iter().find(|flag| flag.name == name) {
                given.push(FlagValue { flag, texts: vec![text.to_owned()] });
            }
        }
        config::load(&given)
    }
}

/// Variables that look like ours and are none: a misspelt one would otherwise be ignored without a
/// word. Those that Kubernetes sets for a service of this name are not meant for us.
pub(super) fn unknown_variables() -> Vec<String> {
    let of_commands = [client::URL, client::TOKEN, sendmail::DOOR];
    // What `doorpost run` sets for its command.
    let is_of_run = |name: &str| {
        let is_set = |name: String| std::env::var_os(name).is_some();
        name == "DOORPOST_CA"
            || name.strip_suffix("_HOST").is_some_and(|door| is_set(format!("{door}_PORT")))
            || name.strip_suffix("_PORT").is_some_and(|door| is_set(format!("{door}_HOST")))
    };
    let is_ours = |name: &String| {
        of_commands.contains(&&**name)
            || is_of_run(name)
            || FLAGS.iter().any(|flag| flag.variable() == *name)
    };
    let is_of_service =
        |name: &str| name.contains("_SERVICE_") || name.starts_with("DOORPOST_PORT_");
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let mut unknown: Vec<_> = names
        .filter(|name| name.starts_with("DOORPOST_") && !is_ours(name) && !is_of_service(name))
        .collect();
    unknown.sort();
    unknown
}

impl Args for ServeArgs {
    fn augment_args(command: Command) -> Command {
        command.args(FLAGS.iter().map(argument))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for ServeArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = FLAGS.iter().filter_map(|flag| {
            let by_user = matches.value_source(flag.name) == Some(ValueSource::CommandLine);
            by_user.then(|| FlagValue { flag, texts: texts(flag, matches) })
        });
        Ok(Self { given: given.collect() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        let later = Self::from_arg_matches(matches)?;
        self.given.retain(|old| later.given.iter().all(|new| new.flag.name != old.flag.name));
        self.given.extend(later.given);
        Ok(())
    }
}

fn texts(flag: &Flag, matches: &ArgMatches) -> Vec<String> {
    match flag.takes {
        Takes::Nothing => vec![matches.get_flag(flag.name).to_string()],
        Takes::Count => vec![matches.get_count(flag.name).to_string()],
        Takes::One | Takes::Many => {
            matches.get_many(flag.name).into_iter().flatten().cloned().collect()
        }
    }
}

fn argument(flag: &'static Flag) -> Arg {
    let repeated = if flag.takes == Takes::Many { "; may be repeated" } else { "" };
    let default = flag.default_value().map(|value| format!(" [default: {value}]"));
    let help = format!("{}{repeated}{}", flag.help, default.unwrap_or_default());
    let action = match flag.takes {
        Takes::Nothing => ArgAction::SetTrue,
        Takes::Count => ArgAction::Count,
        Takes::Many => ArgAction::Append,
        Takes::One => ArgAction::Set,
    };
    let mut argument = Arg::new(flag.name)
        .long(flag.name)
        .long_help(format!("{help} [env: {}{}]", flag.variable(), flag.separated()))
        .help(help)
        .help_heading(flag.heading)
        .action(action);
    if let Some(letter) = flag.short {
        argument = argument.short(letter);
    }
    if let Some(opposite) = flag.excludes() {
        argument = argument.conflicts_with(opposite);
    }
    if matches!(flag.takes, Takes::One | Takes::Many) {
        argument = argument.value_name(flag.value);
    }
    argument
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may stop at the first surprise
mod tests {
    use super::*;
    use std::path::Path;

    fn parse(line: &str) -> Result<ServeArgs, clap::Error> {
        let command = ServeArgs::augment_args(Command::new("doorpost"));
        let words = std::iter::once("doorpost").chain(line.split_whitespace());
        ServeArgs::from_arg_matches(&command.try_get_matches_from(words)?)
    }

    fn load(line: &str) -> (Config, Sources) {
        let nowhere = |_: &str| None;
        config::load_from(&parse(line).unwrap().given, &nowhere, Path::new("/nowhere")).unwrap()
    }

    #[test]
    fn the_command_is_well_formed() {
        ServeArgs::augment_args(Command::new("doorpost")).debug_assert();
    }

    #[test]
    fn flags_reach_the_configuration() {
        let (config, sources) = load("--port relay=0 --host ::1,127.0.0.2 --host 127.0.0.3 -vv");
        assert_eq!((config.host.len(), config.verbosity), (3, 2));
        assert_eq!(config.door("relay").unwrap().port, 0);
        assert_eq!(sources.of("host").to_string(), "--host");
        assert!(!sources.of("memory").is_set());
        assert!(load("--no-web --show-secrets").0.web.is_none());
    }

    #[test]
    fn opposites_exclude_each_other() {
        assert!(parse("--no-web --web 0").is_err());
        assert!(parse("--max-size").is_err());
    }

    #[test]
    fn the_help_names_variables_and_defaults() {
        let mut command = ServeArgs::augment_args(Command::new("doorpost"));
        let help = command.render_long_help().to_string();
        for flag in FLAGS {
            assert!(help.contains(&flag.variable()), "{}", flag.name);
        }
        assert!(help.contains("[default: 50MiB]") && help.contains("TLS and logins:"));
        assert!(!help.contains("[default: 0]"), "that is how the program says that it is not set");
    }
}
