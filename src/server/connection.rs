//! One connection: reads for its session, does what the session asks, keeps its deadlines.
//!
//! A connection that waits holds no buffer: bytes are read into a buffer of the thread and
//! handed to the session at once. Replies of a pipelined group leave in one write.

use super::transport::{TLS_HANDSHAKE, Transport, in_words};
use super::{Shared, is_stopping};
use crate::smtp::policy::TlsMode;
use crate::smtp::{Action, Context, Ended, Incoming, Input, Note, Reply, Session, replies};
use crate::storage::{Arrival, Door, SessionEntry, StoreError};
use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use time::OffsetDateTime;
use tokio::io::ReadBuf;
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

/// Read at a time while mail data comes.
const DATA_PIECE: usize = 64 * 1024;
/// Read at a time otherwise: commands are short, and their replies longer than they are.
const COMMAND_PIECE: usize = 4 * 1024;
/// Silence after which a client on an implicit-TLS door is named.
const SILENCE: Duration = Duration::from_secs(3);
/// Silence that is more than a look at the port.
const GLANCE: Duration = Duration::from_millis(500);
/// How long a closed connection is read on, so that the last reply is not lost to a reset.
const LINGER: Duration = Duration::from_millis(500);
/// How much is read in that time.
const LINGER_BYTES: usize = 1024 * 1024;

thread_local! {
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; DATA_PIECE].into());
}

struct Connection<'a> {
    shared: &'a Shared,
    door: &'a Door,
    entry: Arc<SessionEntry>,
    transport: Transport,
    started: Instant,
    actions: Vec<Action>,
    output: Vec<u8>,
    timer: Pin<Box<Sleep>>,
    /// Set once the session knows that the server stops: when it is to be over.
    stop_by: Option<Instant>,
    /// Notes of the session that were told.
    noted: usize,
}

/// What woke a connection.
enum Woken {
    Read(io::Result<()>),
    Time,
    Stop,
}

/// Serves one connection to its end.
pub(super) async fn serve(stream: TcpStream, peer: SocketAddr, shared: &Shared, door: &Door) {
    // Without it every reply that is not answered yet would wait for the client's acknowledgement.
    // A socket that refuses it is slower, not wrong.
    let _ = stream.set_nodelay(true);
    let local = stream.local_addr().unwrap_or(peer);
    let mut entropy = [0; 16];
    if let Err(error) = getrandom::fill(&mut entropy) {
        tracing::error!(%error, "the system gives no random numbers, the connection is closed");
        return;
    }
    let context = Context { peer: peer.ip(), budget: Arc::clone(&shared.budget), entropy };
    let session = Session::new(Arc::clone(&door.policy), context);
    let entry = shared.store.session_began(session, peer, local);
    door.counts.add_session();
    let started = Instant::now();
    let mut connection = Connection {
        shared,
        door,
        entry: Arc::clone(&entry),
        transport: Transport::Plain(stream),
        started,
        actions: Vec::new(),
        output: Vec::new(),
        timer: Box::pin(tokio::time::sleep_until(started)),
        stop_by: None,
        noted: 0,
    };
    connection.run().await;
    file(&entry, shared, door);
    connection.linger().await;
}

/// Files an ended session and announces it.
fn file(entry: &Arc<SessionEntry>, shared: &Shared, door: &Door) {
    if !entry.session().went_well() {
        door.counts.add_refused();
    }
    shared.store.session_ended(entry);
    if let Some(announce) = &shared.announce {
        // Whoever looks on too slowly misses lines; the doors do not wait.
        let _ = announce.try_send(Arc::clone(entry));
    }
}

impl Connection<'_> {
    async fn run(&mut self) {
        self.feed(Input::Connected);
        loop {
            if self.perform().await {
                break;
            }
            // The rest of a long pipeline, now that the replies to its beginning are sent.
            if self.entry.session().is_paused() {
                self.feed(Input::Turn);
                continue;
            }
            match self.wait().await {
                Woken::Read(Ok(())) => {}
                Woken::Read(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    self.feed(Input::Closed);
                }
                Woken::Read(Err(error)) => self.feed(Input::Broken(in_words(&error))),
                Woken::Time => self.feed(Input::Time),
                Woken::Stop => self.tell_of_stop(),
            }
        }
    }

    fn feed(&mut self, input: Input<'_>) {
        let now = self.started.elapsed();
        let mut session = self.entry.session();
        session.handle(input, now, &mut self.actions);
        let transcript = session.transcript();
        if transcript.note_count() > self.noted {
            for note in transcript.notes().skip(self.noted) {
                self.shared.store.noticed(self.entry.id, note);
            }
            self.noted = transcript.note_count();
        }
    }

    /// Does what the session wants, and sends what is to be sent; true where it is over.
    async fn perform(&mut self) -> bool {
        let mut over = false;
        loop {
            // What an action leads to comes behind it: actions are taken from the front.
            let mut next = 0;
            while next < self.actions.len() {
                match std::mem::replace(&mut self.actions[next], Action::Close) {
                    Action::Send(reply) => {
                        let enhanced = self.door.policy.extensions.enhanced_status_codes;
                        reply.render(enhanced, &mut self.output);
                    }
                    Action::Store(incoming) => {
                        let result = self.keep(*incoming).await;
                        self.feed(Input::Stored(result));
                    }
                    Action::StartTls => {
                        self.flush().await;
                        self.start_tls().await;
                    }
                    Action::Close => over = true,
                }
                next += 1;
            }
            self.actions.clear();
            self.flush().await;
            // While it was sent the server may have begun to stop, which is to be said too.
            if self.actions.is_empty() {
                return over;
            }
        }
    }

    /// Tells the session that the server stops, once.
    fn tell_of_stop(&mut self) {
        if self.stop_by.is_none() {
            self.stop_by = Some(Instant::now() + self.door.policy.deadlines.grace);
            self.feed(Input::Shutdown);
        }
    }

    /// Sends what has gathered. A client that does not read is not waited for longer than one
    /// that does not write.
    async fn flush(&mut self) {
        if self.output.is_empty() {
            return;
        }
        let output = std::mem::take(&mut self.output);
        let deadlines = self.door.policy.deadlines;
        let end_of_session = self.started + deadlines.session;
        let mut last_moment = (Instant::now() + deadlines.command).min(end_of_session);
        if let Some(stop_by) = self.stop_by {
            last_moment = last_moment.min(stop_by + LINGER);
        }
        let written = {
            let Self { transport, entry, actions, started, stop_by, .. } = self;
            let write = transport.write_all(&output);
            tokio::pin!(write);
            tokio::select! {
                biased;
                result = &mut write => Some(result),
                () = tokio::time::sleep_until(last_moment) => None,
                () = entry.stop.notified() => {
                    // Told now, not when the client has read: its grace time begins.
                    let by = *stop_by.get_or_insert_with(|| {
                        entry.session().handle(Input::Shutdown, started.elapsed(), actions);
                        Instant::now() + deadlines.grace
                    });
                    tokio::time::timeout_at(last_moment.min(by), write).await.ok()
                }
            }
        };
        match written {
            Some(Ok(())) => {}
            Some(Err(error)) => self.feed(Input::Broken(in_words(&error))),
            None => self.feed(Input::Broken("the client does not read its replies".into())),
        }
    }

    async fn keep(&mut self, incoming: Incoming) -> Result<crate::mail::MessageId, Reply> {
        let Incoming { envelope, mut bytes, protocol, hello, auth_user, tls, reservation } =
            incoming;
        bytes.shrink_to_fit();
        let arrival = Arrival {
            received_at: OffsetDateTime::now_utc(),
            door: Arc::clone(&self.door.policy.door),
            hostname: Arc::clone(&self.door.policy.hostname),
            session: Some(self.entry.id),
            peer: self.entry.peer,
            envelope,
            protocol,
            hello,
            auth_user,
            tls,
        };
        let kept = self.shared.store.keep(arrival, bytes.into()).await;
        drop(reservation);
        match kept {
            Ok(message) => {
                self.door.counts.add_message();
                Ok(message.id())
            }
            Err(StoreError::Full) => Err(replies::NO_STORAGE),
            Err(error) => {
                tracing::error!(%error, "a message could not be kept, the client was told so (451)");
                Err(replies::STORE_FAILED)
            }
        }
    }

    /// Waits for the client, the clock or the server's end.
    async fn wait(&mut self) -> Woken {
        let (deadline, reads, piece) = {
            let session = self.entry.session();
            let piece = if session.is_receiving() { DATA_PIECE } else { COMMAND_PIECE };
            (session.deadline(), session.wants_bytes(), piece)
        };
        let deadline = deadline.map(|at| self.started + at);
        // Asked before reading: a client that always has something to read would never let the
        // clock or the server's end be noticed.
        if deadline.is_some_and(|at| Instant::now() >= at) {
            return Woken::Time;
        }
        if is_stopping(self.shared) && self.stop_by.is_none() {
            return Woken::Stop;
        }
        if let Some(at) = deadline
            && self.timer.is_elapsed()
        {
            self.timer.as_mut().reset(at);
        }
        let entry = Arc::clone(&self.entry);
        let stop = std::pin::pin!(entry.stop.notified());
        let mut stop = Some(stop);
        std::future::poll_fn(|cx| {
            if reads && let Poll::Ready(result) = self.poll_read(cx, piece) {
                return Poll::Ready(Woken::Read(result));
            }
            if let Some(waiting) = &mut stop
                && waiting.as_mut().poll(cx).is_ready()
            {
                stop = None;
                return Poll::Ready(Woken::Stop);
            }
            // The timer may have been set for an earlier command: deadlines move on with every
            // line, and setting it anew each time would cost more than waking once too often.
            while let Some(at) = deadline
                && self.timer.as_mut().poll(cx).is_ready()
            {
                if Instant::now() >= at {
                    return Poll::Ready(Woken::Time);
                }
                self.timer.as_mut().reset(at);
            }
            if let Some(at) = deadline
                && at < self.timer.deadline()
            {
                self.timer.as_mut().reset(at);
                let _ = self.timer.as_mut().poll(cx);
            }
            Poll::Pending
        })
        .await
    }

    /// Reads into the thread's buffer and feeds the session from there.
    fn poll_read(&mut self, cx: &mut std::task::Context<'_>, piece: usize) -> Poll<io::Result<()>> {
        BUFFER.with_borrow_mut(|buffer| {
            let mut read = ReadBuf::new(&mut buffer[..piece]);
            match self.transport.poll_read(cx, &mut read) {
                Poll::Ready(Ok(())) if read.filled().is_empty() => {
                    Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()))
                }
                Poll::Ready(Ok(())) => {
                    self.feed(Input::Bytes(read.filled()));
                    Poll::Ready(Ok(()))
                }
                Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                Poll::Pending => Poll::Pending,
            }
        })
    }

    async fn start_tls(&mut self) {
        // One that was accepted while the server began to stop is in no list of those to be told.
        if is_stopping(self.shared) {
            return self.tell_of_stop();
        }
        let implicit = self.door.policy.tls == TlsMode::Implicit;
        let Some(deadline) = self.entry.session().deadline() else { return };
        let deadline = self.started + deadline;
        let entry = Arc::clone(&self.entry);
        let handshake = async {
            if implicit {
                self.first_octet_is_tls().await?;
            }
            self.transport.accept_tls(Arc::clone(&self.shared.tls)).await
        };
        let input = tokio::select! {
            result = handshake => match result {
                Ok(facts) => Input::TlsStarted(facts),
                Err(why) => Input::TlsFailed(why),
            },
            () = tokio::time::sleep_until(deadline) => Input::Time,
            () = entry.stop.notified() => Input::Shutdown,
        };
        self.feed(input);
    }

    /// On an implicit-TLS door: whether the client knows. One that waits for a greeting is named
    /// after a while, without a byte on the wire.
    async fn first_octet_is_tls(&mut self) -> Result<(), String> {
        let began = Instant::now();
        let silence = tokio::time::sleep(SILENCE);
        tokio::pin!(silence);
        let mut silent = false;
        let first = loop {
            tokio::select! {
                first = self.transport.first_octet() => break first,
                () = &mut silence, if !silent => {
                    silent = true;
                    self.feed(Input::Noticed(Note::SilentOnTlsPort));
                }
            }
        };
        match first {
            Ok(Some(TLS_HANDSHAKE)) => Ok(()),
            Ok(Some(_)) => {
                self.feed(Input::Noticed(Note::PlainOnTlsPort));
                Err("the client began in the clear".into())
            }
            Ok(None) => {
                // It waited for a greeting, with less patience than ours; a port scan does not wait.
                if !silent && began.elapsed() > GLANCE {
                    self.feed(Input::Noticed(Note::SilentOnTlsPort));
                }
                Err("the client closed the connection without a word".into())
            }
            Err(error) => Err(in_words(&error)),
        }
    }

    /// A close with unread bytes in the socket resets the connection, and the client loses the
    /// last reply with it: say that nothing more comes, and read on for a moment.
    async fn linger(&mut self) {
        let polite = matches!(
            self.entry.session().ended(),
            Some(
                Ended::Quit | Ended::ClosedByClient | Ended::ClosedByServer { .. } | Ended::NotSmtp
            )
        );
        if !polite {
            return;
        }
        let farewell = async {
            self.transport.shutdown().await?;
            let mut read_on = 0;
            while read_on < LINGER_BYTES {
                let read = std::future::poll_fn(|cx| {
                    BUFFER.with_borrow_mut(|buffer| {
                        let mut piece = ReadBuf::new(&mut buffer[..COMMAND_PIECE]);
                        self.transport.poll_read(cx, &mut piece).map_ok(|()| piece.filled().len())
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
        let _ = tokio::time::timeout(LINGER, farewell).await;
    }
}
