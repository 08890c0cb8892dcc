//! Arguments that clap hears of when their command is the one that was called: there are many commands, and to describe the
//! arguments of all was a quarter of what a start did.

use clap::builder::Resettable;
use clap::{ArgMatches, Args, Command, FromArgMatches};
use std::ops::Deref;

/// Arguments of a subcommand.
#[derive(Debug)]
pub(super) struct Later<A>(pub(super) A);

impl<A> Deref for Later<A> {
    type Target = A;

    fn deref(&self) -> &A {
        &self.0
    }
}

impl<A: Args> Args for Later<A> {
    fn augment_args(command: Command) -> Command {
        command.defer(told::<A>)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

/// What the command is for stands with the command, and not with its arguments.
fn told<A: Args>(command: Command) -> Command {
    let (about, more) = (command.get_about().cloned(), command.get_long_about().cloned());
    A::augment_args(command).about(Resettable::from(about)).long_about(Resettable::from(more))
}

impl<A: FromArgMatches> FromArgMatches for Later<A> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        A::from_arg_matches(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0.update_from_arg_matches(matches)
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::Cli;
    use clap::CommandFactory as _;

    #[test]
    fn arguments_come_when_they_are_wanted_and_leave_the_command_as_it_was() {
        let (early, mut built) = (Cli::command(), Cli::command());
        built.build();
        for late in early.get_subcommands().filter(|command| command.get_name() != "queue") {
            let name = late.get_name();
            let found = built.find_subcommand(name).map(|command| {
                let all = command.get_arguments().map(|argument| argument.get_id().as_str());
                let own = all.filter(|id| !["help", "version"].contains(id));
                (command.get_about(), command.get_long_about(), own.count())
            });
            let (about, more, count) = found.unwrap_or_default();
            assert_eq!(late.get_arguments().count(), 0, "{name}");
            assert_ne!(count, 0, "{name}");
            assert_eq!((about, more), (late.get_about(), late.get_long_about()), "{name}");
        }
    }
}
