//! One connection: reads for its session, does what the session asks, keeps its deadlines.
//!
//! A connection that waits holds no buffer: bytes are read into a buffer of the thread and
//! handed to the session at once. Replies of a pipelined group leave in one write.

use super::farewell::LINGER;
use super::slowly::Manner;
use super::transport::{Transport, in_words};
use super::{Shared, is_stopping};
use crate::smtp::{Action, Context, Input, Session, Vouch};
use crate::storage::{Door, SessionEntry, Store};
use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use tokio::io::ReadBuf;
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

/// Read at a time while mail data comes.
const DATA_PIECE: usize = 64 * 1024;
/// Read at a time otherwise: commands are short, and their replies longer than they are.
pub(super) const COMMAND_PIECE: usize = 4 * 1024;
/// How often a running session is looked at for findings.
const LOOKS: u32 = 64;
/// Octets of room for the replies that go out together: enough for those of one pipelined message.
const REPLIES: usize = 256;

thread_local! {
    pub(super) static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; DATA_PIECE].into());
}

/// Tells doorpost's own reports from what else comes from this address.
#[derive(Debug)]
struct Visitor {
    store: Arc<Store>,
    peer: SocketAddr,
}

impl Vouch for Visitor {
    fn is_own(&self) -> bool {
        self.store.outbox().is_report(self.peer)
    }
}

pub(super) struct Connection<'a> {
    pub(super) shared: &'a Shared,
    pub(super) door: &'a Door,
    pub(super) entry: Arc<SessionEntry>,
    pub(super) transport: Transport,
    pub(super) started: Instant,
    pub(super) actions: Vec<Action>,
    pub(super) output: Vec<u8>,
    pub(super) timer: Pin<Box<Sleep>>,
    /// Set once the session knows that the server stops: when it is to be over.
    pub(super) stop_by: Option<Instant>,
    /// What the session had remarked when it was last looked at for findings, and how often that was.
    pub(super) remarked: (u32, u32),
    /// Whether replies carry enhanced status codes.
    enhanced: bool,
    /// How badly it is to be sent, where a fault asked for that.
    pub(super) manner: Manner,
}

/// What woke a connection.
enum Woken {
    Read(io::Result<()>),
    Time,
    Stop,
}

/// Serves one connection to its end.
pub(super) async fn serve(
    stream: TcpStream,
    (peer, local): (SocketAddr, SocketAddr),
    shared: &Shared,
    door: &Door,
) {
    // Without it every reply that is not answered yet would wait for the client's acknowledgement.
    // A socket that refuses it is slower, not wrong.
    let _ = stream.set_nodelay(true);
    let entropy = match entropy() {
        Ok(entropy) => entropy,
        Err(error) => {
            tracing::error!(%error, "the system gives no random numbers, the connection is closed");
            return;
        }
    };
    let context = Context {
        peer: peer.ip(),
        budget: Arc::clone(&shared.budget),
        faults: Some(Arc::clone(&shared.faults) as _),
        entropy,
    };
    let mut session = Session::new(Arc::clone(&door.policy), context);
    if door.policy.recipients.is_choosy() {
        session.vouched_by(Arc::new(Visitor { store: Arc::clone(&shared.store), peer }));
    }
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
        remarked: (0, 0),
        enhanced: false,
        manner: Manner::default(),
    };
    connection.run().await;
    file(&entry, shared, door);
    connection.linger().await;
}

/// Random octets for one session, of which no other gets any. Asked of the system for many sessions at a time.
fn entropy() -> Result<[u8; 16], getrandom::Error> {
    thread_local! {
        static AHEAD: RefCell<Vec<[u8; 16]>> = const { RefCell::new(Vec::new()) };
    }
    AHEAD.with_borrow_mut(|ahead| {
        if let Some(next) = ahead.pop() {
            return Ok(next);
        }
        let mut octets = [[0; 16]; 64];
        getrandom::fill(octets.as_flattened_mut())?;
        let [first, rest @ ..] = octets;
        ahead.extend(rest);
        Ok(first)
    })
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

    pub(super) fn feed(&mut self, input: Input<'_>) {
        let now = self.started.elapsed();
        let mut session = self.entry.session();
        session.handle(input, now, &mut self.actions);
        self.enhanced = session.policy().extensions.enhanced_status_codes;
        let (remarks, is_over) = (session.remarks(), session.ended().is_some());
        drop(session);
        let (before, looks) = self.remarked;
        // A session that is refused on and on is looked at again only when it is over.
        if remarks != before && (looks < LOOKS || is_over) {
            self.remarked = (remarks, looks + 1);
            self.look_for_findings();
        }
    }

    /// Looks for what the client did wrong, and announces the session where something is new.
    pub(super) fn look_for_findings(&self) {
        let is_new = self.shared.store.look_for_findings(&self.entry);
        if let (true, Some(announce)) = (is_new, &self.shared.announce) {
            // Whoever looks on too slowly misses lines; the doors do not wait.
            let _ = announce.try_send(Arc::clone(&self.entry));
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
                        if self.output.is_empty() {
                            self.output.reserve(REPLIES);
                        }
                        reply.render(self.enhanced, &mut self.output);
                    }
                    Action::Store(incoming) => {
                        let result = Box::pin(self.keep(*incoming)).await;
                        self.feed(Input::Stored(result));
                    }
                    Action::StartTls(fault) => {
                        self.flush().await;
                        // Apart, or each connection would keep room for a handshake as long as it lives.
                        Box::pin(self.start_tls(fault)).await;
                    }
                    Action::Close => over = true,
                    Action::Garbage(octets) => self.output.extend(octets),
                    Action::Reset => self.manner.resets = true,
                    Action::Pause(time) => {
                        self.flush().await;
                        Box::pin(self.pause(time)).await;
                    }
                    Action::Pace(pace) => {
                        self.flush().await;
                        self.manner.pace = pace;
                    }
                    Action::Rate(rate) => {
                        self.flush().await;
                        self.manner.limit(rate);
                    }
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
    pub(super) fn tell_of_stop(&mut self) {
        if self.stop_by.is_none() {
            self.stop_by = Some(Instant::now() + self.door.policy.deadlines.grace);
            self.feed(Input::Shutdown);
        }
    }

    /// Sends what has gathered. A client that does not read is not waited for longer than one
    /// that does not write.
    pub(super) async fn flush(&mut self) {
        if self.output.is_empty() {
            return;
        }
        let output = std::mem::take(&mut self.output);
        if self.manner.is_slow() {
            return Box::pin(self.send_slowly(&output)).await;
        }
        self.send(&output).await;
    }

    /// Sends octets at once.
    pub(super) async fn send(&mut self, output: &[u8]) {
        // A reply nearly always fits: clocks and wakers are for the one that does not.
        match self.transport.try_write(output) {
            Ok(sent) if sent == output.len() => {}
            Ok(sent) => Box::pin(self.send_patiently(&output[sent..])).await,
            Err(error) => self.feed(Input::Broken(in_words(&error))),
        }
    }

    /// Sends octets as the client takes them. Each connection that waits for its client in here needs more memory than
    /// one that waits for a command.
    async fn send_patiently(&mut self, output: &[u8]) {
        let deadlines = self.door.policy.deadlines;
        let end_of_session = self.started + deadlines.session;
        let mut last_moment = (Instant::now() + deadlines.command).min(end_of_session);
        if let Some(stop_by) = self.stop_by {
            last_moment = last_moment.min(stop_by + LINGER);
        }
        let written = {
            let Self { transport, entry, actions, started, stop_by, .. } = self;
            let write = transport.write_all(output);
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

    /// Waits for the client, the clock or the server's end.
    async fn wait(&mut self) -> Woken {
        let allowed = self.may_read().await;
        let (deadline, reads, piece) = {
            let session = self.entry.session();
            let piece = if session.is_receiving() { DATA_PIECE } else { COMMAND_PIECE };
            (session.deadline(), session.wants_bytes(), piece.min(allowed))
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
                    self.manner.has_read(read.filled().len());
                    self.feed(Input::Bytes(read.filled()));
                    Poll::Ready(Ok(()))
                }
                Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                Poll::Pending => Poll::Pending,
            }
        })
    }
}
