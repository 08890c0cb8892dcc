//! The end of a connection: the last reply gets through, however much the client still sends; not
//! longer than a moment, and no more than a megabyte is read.

use super::connection::{BUFFER, COMMAND_PIECE, Connection};
use super::transport::Transport;
use crate::smtp::Ended;
use std::io;
use std::time::Duration;
use tokio::io::ReadBuf;

/// How long a closed connection is read on, so that the last reply is not lost to a reset.
pub(super) const LINGER: Duration = Duration::from_millis(500);
/// How much is read in that time.
const LINGER_BYTES: usize = 1024 * 1024;

impl Connection<'_> {
    /// Whether nothing can be lost: the client has closed, or has said QUIT and nothing after it. Under TLS there is an end
    /// to be sent.
    fn is_done_with(&self) -> bool {
        let Transport::Plain(stream) = &self.transport else { return false };
        match self.entry.session().ended() {
            Some(Ended::ClosedByClient) => true,
            Some(Ended::Quit) => {
                let mut octet = [0];
                matches!(stream.try_read(&mut octet), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
            }
            _ => false,
        }
    }

    /// A close with unread bytes in the socket resets the connection, and the client loses the
    /// last reply with it: say that nothing more comes, and read on for a moment.
    pub(super) async fn linger(&mut self) {
        if self.manner.resets {
            return self.transport.reset();
        }
        let polite = matches!(
            self.entry.session().ended(),
            Some(
                Ended::Quit
                    | Ended::ClosedByClient
                    | Ended::ClosedByServer { .. }
                    | Ended::NotSmtp
                    | Ended::Fault
            )
        );
        if !polite || self.is_done_with() {
            return;
        }
        let mut went_on = false;
        let farewell = async {
            self.transport.shutdown().await?;
            let mut read_on = 0;
            let now = self.started.elapsed();
            while read_on < LINGER_BYTES {
                let read = std::future::poll_fn(|cx| {
                    BUFFER.with_borrow_mut(|buffer| {
                        let mut piece = ReadBuf::new(&mut buffer[..COMMAND_PIECE]);
                        self.transport.poll_read(cx, &mut piece).map_ok(|()| {
                            let heard = piece.filled();
                            went_on |= self.entry.session().heard_after_end(heard, now);
                            heard.len()
                        })
                    })
                })
                .await?;
                if read == 0 {
                    break;
                }
                read_on += read;
            }
            io::Result::Ok(())
        };
        // The session is over either way.
        let _ = Box::pin(tokio::time::timeout(LINGER, farewell)).await;
        if went_on {
            self.shared.store.session_changed(&self.entry);
        }
    }
}
