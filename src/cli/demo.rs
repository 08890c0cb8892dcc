//! `doorpost demo`: one message through each door, as a well-behaved client of that door sends it,
//! and the conversations side by side.
//!
//! It talks to the doorpost that listens where the configuration says, or, where nothing does, to
//! one of its own that ends with it. It refuses to send anything to a server that does not greet
//! as a doorpost: what listens on a well-known port may be a real mail server, and the login that
//! was configured would be given to it.

mod conversation;
mod layout;
mod letter;
mod place;
mod play;
mod show;
mod wire;
mod words;

use super::{Failure, ServeArgs, certificate_directory, log, style, threads};
use crate::config::Config;
use conversation::Conversation;
use letter::Sender;
use std::io::{ErrorKind, Write as _};

pub(super) fn run(args: &ServeArgs) -> Result<(), Failure> {
    let (config, sources) = args.load()?;
    // The demo's own words are on the screen already: without -v the log is for warnings.
    let verbosity = config.verbosity.saturating_sub(1);
    let _log = log::begin(&Config { verbosity, ..config.clone() }, &sources);
    let runtime = threads::runtime().map_err(Failure::of)?;
    let result = runtime.block_on(demo(&config));
    runtime.shutdown_background();
    result
}

async fn demo(config: &Config) -> Result<(), Failure> {
    let place = place::find(config).await?;
    let sender = Sender::of(config);
    let mut conversations = Vec::new();
    // One after the other, so that the messages are numbered as the doors stand.
    for visit in place.visits {
        conversations.push(play::play(visit, place.trust.as_ref(), &sender).await);
    }
    let text = show::everything(&place.words, &conversations, layout::terminal_width());
    let mut out = anstream::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // Who closed the pipe has seen enough; the exit code still tells how the doors did.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
        result => result.map_err(Failure::of)?,
    }
    if let Some(own) = place.own {
        own.stop().await;
    }
    let stops: Vec<_> = conversations.iter().filter_map(Conversation::stop_in_words).collect();
    if stops.is_empty() { Ok(()) } else { Err(Failure::of(stops.join("\nerror: "))) }
}
