//! Signals that reach doorpost and are meant for the command: they are kept from ending doorpost, which has to judge
//! what the command did, and are passed on.

use tokio::process::Child;

#[cfg(unix)]
pub(super) use unix::{Signals, pass_on};

#[cfg(unix)]
mod unix {
    use super::Child;
    use rustix::process::{Pid, Signal, kill_process};
    use std::future::poll_fn;
    use std::io::IsTerminal as _;
    use std::task::Poll;
    use tokio::signal::unix::{SignalKind, signal};

    /// What a person, a shell or a CI server sends to end, reload or ask a program. (Stopping and going on are the whole
    /// process group's.)
    const PASSED_ON: [Signal; 6] =
        [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT, Signal::USR1, Signal::USR2];

    /// Those that came and were not yet passed on.
    pub(in super::super) struct Signals(Vec<(Signal, tokio::signal::unix::Signal)>);

    impl Signals {
        /// From here on they are the command's.
        pub(in super::super) fn listen() -> std::io::Result<Self> {
            let each = PASSED_ON.into_iter().map(|passed| {
                signal(SignalKind::from_raw(passed.as_raw())).map(|stream| (passed, stream))
            });
            each.collect::<Result<_, _>>().map(Self)
        }

        /// The next one.
        pub(in super::super) async fn next(&mut self) -> Signal {
            let came = poll_fn(|context| {
                for (signal, stream) in &mut self.0 {
                    if stream.poll_recv(context).is_ready() {
                        return Poll::Ready(*signal);
                    }
                }
                Poll::Pending
            });
            came.await
        }
    }

    /// Hands it to the command.
    pub(in super::super) fn pass_on(child: &Child, signal: Signal) {
        let is_by_key = signal == Signal::INT || signal == Signal::QUIT;
        if is_by_key && std::io::stdin().is_terminal() {
            // The terminal has told the command too.
            return;
        }
        let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // One that has ended meanwhile is not there to be told.
            let _ = kill_process(pid, signal);
        }
    }
}

/// A console tells all its programs, so nothing is left to pass on.
#[cfg(not(unix))]
pub(super) struct Signals;

#[cfg(not(unix))]
impl Signals {
    /// From here on Ctrl-C is the command's.
    pub(super) fn listen() -> std::io::Result<Self> {
        Ok(Self)
    }

    /// The next one.
    pub(super) async fn next(&mut self) {
        // A console that cannot be listened to leaves only the end of the process.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// The command has heard of it as doorpost has.
#[cfg(not(unix))]
pub(super) fn pass_on(_: &Child, (): ()) {}
