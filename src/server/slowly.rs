//! A connection that is slow on purpose: replies a line or an octet at a time, a cap on octets a
//! second, pauses. The server's end and the end of the session cut all of it short.

use super::connection::Connection;
use crate::smtp::misbehave::Pace;
use std::time::Duration;
use tokio::time::Instant;

/// How badly a connection behaves below the protocol.
#[derive(Debug, Default)]
pub(super) struct Manner {
    pub(super) pace: Option<Pace>,
    /// Whether the close is a reset.
    pub(super) resets: bool,
    rate: Option<u32>,
    /// When the octets that were read are paid for.
    paid_at: Option<Instant>,
}

impl Manner {
    pub(super) fn limit(&mut self, octets_a_second: u32) {
        self.rate = Some(octets_a_second.max(1));
    }

    pub(super) fn is_slow(&self) -> bool {
        self.pace.is_some() || self.rate.is_some()
    }

    pub(super) fn has_read(&mut self, octets: usize) {
        if let Some(rate) = self.rate {
            self.paid_at = Some(Instant::now() + time_for(octets, rate));
        }
    }
}

fn time_for(octets: usize, rate: u32) -> Duration {
    Duration::from_secs_f64(octets as f64 / f64::from(rate))
}

impl Connection<'_> {
    /// Waits, unless the server stops or the session's time is over.
    pub(super) async fn pause(&mut self, time: Duration) {
        let end_of_session = self.started + self.door.policy.deadlines.session;
        let until =
            Instant::now().checked_add(time).map_or(end_of_session, |at| at.min(end_of_session));
        if self.stop_by.is_some() {
            return;
        }
        let entry = std::sync::Arc::clone(&self.entry);
        tokio::select! {
            () = tokio::time::sleep_until(until) => {}
            () = entry.stop.notified() => self.tell_of_stop(),
        }
    }

    /// How many octets may be read now; waits until there is one.
    pub(super) async fn may_read(&mut self) -> usize {
        let Some(rate) = self.manner.rate else { return usize::MAX };
        if let Some(at) = self.manner.paid_at.take() {
            Box::pin(self.pause(at.saturating_duration_since(Instant::now()))).await;
        }
        (rate as usize / 10).max(1)
    }

    /// Sends in pieces, with pauses between them.
    pub(super) async fn send_slowly(&mut self, output: &[u8]) {
        let (piece, pause) = match (self.manner.pace, self.manner.rate) {
            (Some(Pace::Octets(pause)), _) => (Some(1), pause),
            (Some(Pace::Lines(pause)), _) => (None, pause),
            (None, Some(rate)) => {
                let piece = (rate as usize / 10).max(1);
                (Some(piece), time_for(piece, rate))
            }
            (None, None) => (Some(output.len()), Duration::ZERO),
        };
        let pieces: Vec<&[u8]> = match piece {
            Some(size) => output.chunks(size.max(1)).collect(),
            None => output.split_inclusive(|octet| *octet == b'\n').collect(),
        };
        for (n, piece) in pieces.into_iter().enumerate() {
            if n > 0 {
                self.pause(pause).await;
            }
            // One that went away, or was told to, is not waited for.
            if self.entry.session().ended().is_some() && self.actions_hold_a_break() {
                return;
            }
            self.send(piece).await;
        }
    }

    /// Whether a write has failed since.
    fn actions_hold_a_break(&self) -> bool {
        matches!(self.entry.session().ended(), Some(crate::smtp::Ended::Broken(_)))
    }
}
