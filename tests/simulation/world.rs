//! A network, a store and a clock that are values: everything that happens in them follows from one seed.

use super::client::{Client, Heard};
use doorpost::config::Config;
use doorpost::mail::MessageId;
use doorpost::smtp::{Action, Budget, Context, Input, Policy, Session, replies};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// Numbers that follow from a seed (SplitMix64).
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    pub fn one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }
}

/// Where a connection is reset.
#[derive(Clone, Copy, Debug)]
pub enum Cut {
    Never,
    /// After so many octets of the client have come to the server.
    Up(usize),
    /// After so many octets of the server have come to the client.
    Down(usize),
}

/// What a world is like.
#[derive(Clone, Copy, Debug)]
pub struct Weather {
    /// Whether octets are split and late, and now and then later than a deadline.
    pub rough: bool,
    /// The store refuses one message in so many.
    pub refuses_one_in: Option<u64>,
    /// The store says that it has kept what it has thrown away: for the test of the test.
    pub lies: bool,
}

enum Event {
    ToServer(Vec<u8>),
    ToClient(Vec<u8>),
    /// The server closed in order; what it sent before has come.
    Closed,
    /// The server learns that the connection is gone, or that the client has closed.
    Gone,
    /// The store has done what it was asked to.
    StoreIsDone(Vec<u8>),
    Clock,
}

struct Link {
    client: usize,
    session: Session,
    began: Duration,
    unread: VecDeque<u8>,
    cut: Cut,
    delivered: [usize; 2],
    arrival: [Duration; 2],
    is_reset: bool,
    is_closed: bool,
    waits_for_store: bool,
}

pub struct World {
    pub clients: Vec<Client>,
    /// The octets that the store holds.
    pub store: Vec<Vec<u8>>,
    dice: Dice,
    weather: Weather,
    cuts: VecDeque<Cut>,
    now: Duration,
    order: u64,
    events: BinaryHeap<Reverse<(Duration, u64)>>,
    what: HashMap<u64, (usize, Event)>,
    links: Vec<Link>,
    policy: Arc<Policy>,
    budget: Arc<Budget>,
}

impl World {
    pub fn new(seed: u64, weather: Weather, cuts: Vec<Cut>, clients: Vec<Client>) -> Self {
        let config = Config::ephemeral();
        let door = config.door("relay").unwrap();
        Self {
            clients,
            store: Vec::new(),
            dice: Dice(seed),
            weather,
            cuts: cuts.into(),
            now: Duration::ZERO,
            order: 0,
            events: BinaryHeap::new(),
            what: HashMap::new(),
            links: Vec::new(),
            policy: Arc::new(door.policy(&config, Arc::new(config.directory()))),
            budget: Budget::new(1 << 20),
        }
    }

    /// Lets everything happen, until nothing is left that could.
    pub fn run(&mut self) {
        for client in 0..self.clients.len() {
            self.connect(client);
        }
        while let Some(Reverse((time, number))) = self.events.pop() {
            self.now = time;
            let (link, event) = self.what.remove(&number).unwrap();
            self.happen(link, event);
            assert!(self.order < 1_000_000, "the world does not come to an end");
        }
        assert!(self.clients.iter().all(Client::is_done), "a client waits for ever");
        self.links.clear();
        assert_eq!(self.budget.free(), 1 << 20, "memory in flight was not given back");
    }

    fn connect(&mut self, client: usize) {
        if self.clients[client].is_done() {
            return;
        }
        let context = Context {
            peer: [127, 0, 0, 1].into(),
            budget: Arc::clone(&self.budget),
            faults: None,
            entropy: [1; 16],
        };
        self.clients[client].connects();
        self.links.push(Link {
            client,
            session: Session::new(Arc::clone(&self.policy), context),
            began: self.now,
            unread: VecDeque::new(),
            cut: self.cuts.pop_front().unwrap_or(Cut::Never),
            delivered: [0; 2],
            arrival: [self.now; 2],
            is_reset: false,
            is_closed: false,
            waits_for_store: false,
        });
        self.feed(self.links.len() - 1, Input::Connected);
    }

    fn at(&mut self, time: Duration, link: usize, event: Event) {
        self.order += 1;
        self.events.push(Reverse((time, self.order)));
        self.what.insert(self.order, (link, event));
    }

    /// Sends octets one way (0 up, 1 down): in pieces, each late by some time, in their order.
    fn transmit(&mut self, link: usize, way: usize, octets: &[u8]) {
        if self.links[link].is_reset {
            return;
        }
        let mut rest = octets;
        while !rest.is_empty() {
            let most = if self.weather.rough { 1 + self.dice.below(rest.len() as u64) } else { 1 }
                as usize;
            let (piece, after) = rest.split_at(most.min(rest.len()));
            rest = after;
            let time = self.arrival(link, way);
            let piece = piece.to_vec();
            self.at(
                time,
                link,
                if way == 0 { Event::ToServer(piece) } else { Event::ToClient(piece) },
            );
        }
    }

    fn arrival(&mut self, link: usize, way: usize) -> Duration {
        let mut late = Duration::from_millis(1);
        if self.weather.rough {
            late = Duration::from_millis(self.dice.below(200));
            if self.dice.one_in(400) {
                late = Duration::from_secs(self.dice.below(600));
            }
        }
        let time = (self.now + late).max(self.links[link].arrival[way]);
        self.links[link].arrival[way] = time;
        time
    }

    fn happen(&mut self, link: usize, event: Event) {
        match event {
            Event::ToServer(octets) => {
                let octets = self.delivered(link, 0, &octets);
                self.links[link].unread.extend(octets);
                self.read(link);
            }
            Event::ToClient(octets) => {
                let octets = self.delivered(link, 1, &octets);
                if !octets.is_empty() {
                    self.client_hears(link, &octets);
                }
            }
            Event::Closed => self.client_loses(link),
            Event::Gone => self.feed(link, Input::Broken("reset".into())),
            Event::StoreIsDone(octets) => self.store_is_done(link, octets),
            Event::Clock => {
                let due = self.links[link].session.deadline();
                if due.is_some_and(|at| self.links[link].began + at <= self.now) {
                    self.feed(link, Input::Time);
                    self.read(link);
                }
            }
        }
    }

    /// Counts what arrives, and resets the connection where it is to be.
    fn delivered(&mut self, link: usize, way: usize, octets: &[u8]) -> Vec<u8> {
        let one = &mut self.links[link];
        if one.is_reset {
            return Vec::new();
        }
        let before = one.delivered[way];
        let end = match (one.cut, way) {
            (Cut::Up(at), 0) | (Cut::Down(at), 1) => at,
            _ => usize::MAX,
        };
        let taken = octets.len().min(end.saturating_sub(before));
        one.delivered[way] += taken;
        if one.delivered[way] >= end {
            one.is_reset = true;
            // Each side learns it in its own time: the client at once, the server some time later.
            let later = self.now + Duration::from_millis(1 + self.dice.below(50));
            self.at(later, link, Event::Closed);
            let later = self.now + Duration::from_millis(self.dice.below(100));
            self.at(later, link, Event::Gone);
        }
        octets[..taken].to_vec()
    }

    fn client_hears(&mut self, link: usize, octets: &[u8]) {
        let client = self.links[link].client;
        match self.clients[client].hears(octets) {
            Ok(answer) => self.transmit(link, 0, &answer),
            Err(()) => {
                self.links[link].is_reset = true;
                self.at(self.now, link, Event::Gone);
                self.connect(client);
            }
        }
    }

    fn client_loses(&mut self, link: usize) {
        let client = self.links[link].client;
        // Only the client's newest connection is its own.
        if self.links.iter().rposition(|one| one.client == client) == Some(link) {
            self.clients[client].breaks();
            self.links[link].is_reset = true;
            self.at(self.now, link, Event::Gone);
            self.connect(client);
        }
    }

    /// Reads as a connection does: not while the store is waited for.
    fn read(&mut self, link: usize) {
        loop {
            let one = &mut self.links[link];
            if one.session.is_paused() {
                self.feed(link, Input::Turn);
            } else if one.session.wants_bytes() && !one.waits_for_store && !one.unread.is_empty() {
                let most = if self.weather.rough { 1 + self.dice.below(100) } else { 1 };
                let one = &mut self.links[link];
                let length = (most as usize).min(one.unread.len());
                let piece: Vec<u8> = one.unread.drain(..length).collect();
                self.feed(link, Input::Bytes(&piece));
            } else {
                break;
            }
        }
        let one = &self.links[link];
        if let Some(deadline) = one.session.deadline() {
            let due = (one.began + deadline).max(self.now);
            self.at(due, link, Event::Clock);
        }
    }

    fn feed(&mut self, link: usize, input: Input<'_>) {
        let mut actions = Vec::new();
        let now = self.now - self.links[link].began;
        self.links[link].session.handle(input, now, &mut actions);
        for action in actions {
            match action {
                Action::Send(reply) => {
                    let mut text = Vec::new();
                    reply.render(true, &mut text);
                    self.transmit(link, 1, &text);
                }
                Action::Store(incoming) => {
                    self.links[link].waits_for_store = true;
                    let late = Duration::from_millis(self.dice.below(50));
                    self.at(self.now + late, link, Event::StoreIsDone(incoming.bytes));
                }
                Action::Close if !self.links[link].is_closed => {
                    self.links[link].is_closed = true;
                    let time = self.arrival(link, 1);
                    self.at(time, link, Event::Closed);
                }
                _ => {}
            }
        }
    }

    /// The store keeps or refuses, whether or not the client is still there to be told.
    fn store_is_done(&mut self, link: usize, octets: Vec<u8>) {
        self.links[link].waits_for_store = false;
        let refuses = self.weather.refuses_one_in.is_some_and(|many| self.dice.one_in(many));
        let word = if refuses {
            Err(replies::STORE_FAILED)
        } else {
            if !self.weather.lies {
                self.store.push(octets);
            }
            Ok(MessageId::new(self.order).unwrap())
        };
        self.feed(link, Input::Stored(word));
        self.read(link);
    }
}

/// How often something came about, so that a test can say that it was there at all.
#[derive(Debug, Default)]
pub struct Tally {
    pub kept: usize,
    pub refused: usize,
    /// Broken, and not kept: the client tries again, and that is the first.
    pub broken: usize,
    /// Kept, and the client does not know: what RFC 1047 calls a duplicate that nobody can prevent.
    pub duplicate_risk: usize,
}

impl Tally {
    /// Holds what the clients heard against what the store has.
    pub fn judge(&mut self, world: &World) -> Result<(), String> {
        let mut copies: HashMap<&[u8], usize> = HashMap::new();
        for octets in &world.store {
            *copies.entry(octets).or_default() += 1;
        }
        for attempt in world.clients.iter().flat_map(|client| &client.attempts) {
            let count = copies.remove(&*attempt.octets).unwrap_or(0);
            match (attempt.heard, count) {
                (Heard::Kept, 1) => self.kept += 1,
                (Heard::Refused, 0) => self.refused += 1,
                (Heard::Broken, 0) => self.broken += 1,
                (Heard::Broken, 1) if attempt.complete => self.duplicate_risk += 1,
                (heard, count) => {
                    return Err(format!(
                        "heard {heard:?}, and there are {count} copies: {attempt:?}"
                    ));
                }
            }
        }
        if copies.is_empty() {
            Ok(())
        } else {
            Err(format!("{} messages that nobody sent", copies.len()))
        }
    }
}
