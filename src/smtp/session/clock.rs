//! Time in a session: it is handed in, and what is waited for follows from the state.

use super::super::replies;
use super::{Action, Awaiting, Ended, Session, State};
use std::time::Duration;

/// Moments of a session, since the client connected.
#[derive(Debug, Default)]
pub(super) struct Clock {
    pub(super) now: Duration,
    /// When the current command, or wait for the shell, began.
    since: Duration,
    /// When the current message's data began.
    data_since: Duration,
    /// When its last block was complete.
    block_since: Duration,
    /// When a session that is told to stop must have stopped.
    stop_at: Option<Duration>,
}

impl Clock {
    /// The session lets time pass before it speaks: what it says next is said then.
    pub(super) fn pauses(&mut self, pause: Duration) {
        self.now = self.now.saturating_add(pause);
        self.since = self.now;
    }

    pub(super) fn command_begins(&mut self) {
        self.since = self.now;
    }

    pub(super) fn wait_begins(&mut self) {
        self.since = self.now;
    }

    pub(super) fn data_begins(&mut self) {
        self.data_since = self.now;
        self.block_since = self.now;
    }

    pub(super) fn block_is_complete(&mut self) {
        self.block_since = self.now;
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stop_at.is_some()
    }
}

impl Session {
    /// When the session wants [`super::Input::Time`], if nothing else comes before; since the
    /// client connected.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        let own = self.own_deadline()?;
        let whole = self.policy.deadlines.session;
        Some(self.clock.stop_at.map_or(own, |stop| own.min(stop)).min(whole.max(self.clock.since)))
    }

    fn own_deadline(&self) -> Option<Duration> {
        let deadlines = &self.policy.deadlines;
        match &self.state {
            State::Closed | State::AwaitingShell(Awaiting::Store) => None,
            State::AwaitingShell(Awaiting::Nothing) => Some(deadlines.session),
            State::AwaitingShell(Awaiting::Greeting) => Some(deadlines.greeting_delay),
            State::AwaitingShell(Awaiting::Delay { until, .. }) => Some(*until),
            State::AwaitingShell(Awaiting::Tls) => Some(self.clock.since + deadlines.handshake),
            State::ReceivingData(_) | State::ReceivingChunk(_) => {
                Some(self.clock.block_since + deadlines.data)
            }
            _ => Some(self.clock.since + deadlines.command),
        }
    }

    pub(super) fn time_passed(&mut self, actions: &mut Vec<Action>) {
        if self.deadline().is_none_or(|deadline| self.clock.now < deadline) {
            return;
        }
        match std::mem::replace(&mut self.state, State::Connected) {
            State::AwaitingShell(Awaiting::Greeting) => self.greet(actions),
            State::AwaitingShell(Awaiting::Delay { reply, until }) if self.clock.now >= until => {
                self.state = State::Identified;
                self.refuse("AUTH", reply, actions);
                self.use_pending(actions);
            }
            State::AwaitingShell(Awaiting::Nothing) => self.end(Ended::Fault, actions),
            State::AwaitingShell(Awaiting::Tls) => {
                self.end(
                    Ended::TlsFailed("the client did not finish the handshake".into()),
                    actions,
                );
            }
            state => {
                self.state = state;
                let stopped = self.clock.stop_at.is_some_and(|stop| self.clock.now >= stop);
                let reply = if stopped { replies::SHUTTING_DOWN } else { replies::TIMEOUT };
                self.reply(reply, actions);
            }
        }
    }

    /// Whether mail data has lasted long and come too slowly on average.
    pub(super) fn is_too_slow(&self, received: u64) -> bool {
        let deadlines = &self.policy.deadlines;
        let lasted = self.clock.now.saturating_sub(self.clock.data_since);
        lasted > deadlines.data && received < u64::from(deadlines.minimum_rate) * lasted.as_secs()
    }

    pub(super) fn shut_down(&mut self, actions: &mut Vec<Action>) {
        if self.in_transaction() {
            self.clock.stop_at.get_or_insert(self.clock.now + self.policy.deadlines.grace);
        } else if self.greeted
            && !matches!(self.state, State::AwaitingShell(Awaiting::Tls | Awaiting::Nothing))
        {
            self.reply(replies::SHUTTING_DOWN, actions);
        } else {
            self.end(Ended::Stopped, actions);
        }
    }
}
