//! A cable with a simulated clock, on which a day takes seconds: waiting advances the clock, and nothing sleeps. Host
//! and badge run in one thread, so the same seed gives the same day.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::{Duration, Instant};

use emocue_link::faulty::{Faults, FaultyLine};
use emocue_link::frame::{Decoder, Event};
use emocue_link::random::Random;
use emocue_link::server::ServerSettings;
use emocue_link::{Badge, LinkError, Server, Transport};

use crate::weather::Weather;

/// How long a byte takes at 115200 baud.
const BYTE: Duration = Duration::from_nanos(86_806);

/// Bytes arrive in pieces, as from a USB adapter.
const PIECE: usize = 62;

/// Buffer of a terminal for a program that does not read, bytes; more is lost.
const KEPT: usize = 4096;

/// Interval at which a badge that receives nothing checks the timeouts of session and frame.
const TICK: Duration = Duration::from_millis(50);

/// The longest time between two moments at which the badge is busy with something else.
const BUSY_EVERY: Duration = Duration::from_secs(20);

/// Time after which a badge opens its port again.
const REOPEN: Duration = Duration::from_secs(2);

/// Counters of the cable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Carried {
    /// Requests, each counted once.
    pub(crate) requests: u64,
    /// Frames of the host that repeat a request or ask for a reply again.
    pub(crate) repeats: u64,
    /// Frames of the badge.
    pub(crate) answers: u64,
    /// Bytes of both.
    pub(crate) bytes: u64,
    /// How often it was pulled out.
    pub(crate) pulls: u64,
}

/// One direction.
struct Lane {
    line: FaultyLine,
    random: Random,
    pieces: VecDeque<(Instant, Vec<u8>)>,
    /// The time until which it is busy.
    free: Instant,
}

impl Lane {
    fn send(&mut self, bytes: &[u8], now: Instant) {
        let mut out = Vec::new();
        self.line.pass(bytes, &mut out);
        self.free = self.free.max(now);
        let unread = self.pieces.iter().filter(|(at, _)| *at <= now);
        let mut room = KEPT.saturating_sub(unread.map(|(_, piece)| piece.len()).sum());
        for piece in out.chunks(PIECE) {
            self.free += BYTE * piece.len() as u32;
            if room < piece.len() {
                continue;
            }
            room -= piece.len();
            self.pieces.push_back((self.free, piece.to_vec()));
        }
    }

    fn take(&mut self, buffer: &mut [u8], now: Instant) -> usize {
        let Some((_, piece)) = self.pieces.front_mut().filter(|(at, _)| *at <= now) else {
            return 0;
        };
        let length = piece.len().min(buffer.len());
        buffer[..length].copy_from_slice(&piece[..length]);
        piece.drain(..length);
        if piece.is_empty() {
            self.pieces.pop_front();
        }
        length
    }

    fn next(&self) -> Option<Instant> {
        self.pieces.front().map(|(at, _)| *at)
    }

    /// When a sender may continue that waits until its bytes fit into its terminal's buffer.
    fn room(&self) -> Instant {
        self.free.checked_sub(BYTE * KEPT as u32).unwrap_or(self.free)
    }
}

struct Wire {
    now: Instant,
    to_badge: Lane,
    to_host: Lane,
    weather: Weather,
    /// Time of the last change.
    since: Instant,
    /// The next changes, and their times.
    forecast: VecDeque<(Instant, Weather)>,
    /// Changes whenever it is pulled out.
    plug: u64,
    carried: Carried,
    decoder: Decoder,
    last: Option<(u32, u32)>,
    /// Numbers of sessions.
    sessions: Random,
    chatters: Instant,
    /// The most bytes that waited.
    waited: usize,
}

impl Wire {
    /// Advances the clock.
    fn go(&mut self, now: Instant) {
        self.now = now.max(self.now);
        while let Some((since, weather)) = self.forecast.pop_front() {
            if since > self.now {
                self.forecast.push_front((since, weather));
                break;
            }
            self.since = since;
            self.set(weather);
        }
    }

    fn set(&mut self, weather: Weather) {
        if weather.pulled && !self.weather.pulled {
            self.plug += 1;
            self.carried.pulls += 1;
            self.to_badge.pieces.clear();
            self.to_host.pieces.clear();
        }
        self.weather = weather;
        for lane in [&mut self.to_badge, &mut self.to_host] {
            lane.line = FaultyLine::new(weather.faults, lane.random.number());
        }
    }

    fn waits(&mut self) {
        let bytes = |lane: &Lane| lane.pieces.iter().map(|(_, piece)| piece.len()).sum::<usize>();
        self.waited = self.waited.max(bytes(&self.to_badge)).max(bytes(&self.to_host));
    }
}

/// The badge's end.
struct BadgeEnd {
    wire: Rc<RefCell<Wire>>,
    plug: u64,
}

impl Transport for BadgeEnd {
    fn read(&mut self, buffer: &mut [u8], _: Duration) -> Result<usize, LinkError> {
        let mut wire = self.wire.borrow_mut();
        if wire.plug != self.plug {
            return Err(LinkError::Closed);
        }
        let now = wire.now;
        Ok(wire.to_badge.take(buffer, now))
    }

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
        let mut wire = self.wire.borrow_mut();
        if wire.plug != self.plug {
            return Err(LinkError::Closed);
        }
        wire.carried.answers += 1;
        wire.carried.bytes += bytes.len() as u64;
        let now = wire.now;
        wire.to_host.send(bytes, now);
        wire.waits();
        Ok(())
    }

    fn now(&self) -> Instant {
        self.wire.borrow().now
    }
}

/// Serves, and opens its port again after the cable was pulled out.
struct BadgeSide<B: Badge> {
    wire: Rc<RefCell<Wire>>,
    settings: ServerSettings,
    server: Option<Server<BadgeEnd, B>>,
    badge: B,
    /// When it does something next.
    due: Instant,
    /// When it is busy with something else next.
    turns: Instant,
    random: Random,
}

impl<B: Badge + Clone> BadgeSide<B> {
    fn step(&mut self) {
        let (now, weather, plug) = {
            let wire = self.wire.borrow();
            (wire.now, wire.weather, wire.plug)
        };
        let Some(server) = &mut self.server else {
            if weather.pulled {
                self.due = now + REOPEN;
                return;
            }
            let end = BadgeEnd { wire: Rc::clone(&self.wire), plug };
            self.server = Some(Server::new(end, self.badge.clone(), self.settings.clone()));
            self.due = now;
            return;
        };
        self.due = now + TICK;
        if !weather.busy.is_zero() && now >= self.turns {
            self.due = now + weather.busy.mul_f64(self.random.part());
            self.turns = self.due + BUSY_EVERY.mul_f64(self.random.part());
            return;
        }
        if server.step(Duration::ZERO).is_err() {
            self.server = None;
            self.due = now + REOPEN;
        }
        let room = self.wire.borrow().to_host.room();
        if room > now {
            self.due = self.due.max(room);
        }
    }
}

/// The cable, the badge at one end, and the clock.
pub(crate) struct Bench<B: Badge> {
    wire: Rc<RefCell<Wire>>,
    badge: Rc<RefCell<BadgeSide<B>>>,
}

impl<B: Badge> Clone for Bench<B> {
    fn clone(&self) -> Self {
        Self { wire: Rc::clone(&self.wire), badge: Rc::clone(&self.badge) }
    }
}

impl<B: Badge + Clone> Bench<B> {
    /// A good cable until the first of `forecast`, each of which lasts until the next.
    pub(crate) fn new(
        badge: B,
        settings: ServerSettings,
        seed: u64,
        forecast: impl IntoIterator<Item = (Duration, Weather)>,
    ) -> Self {
        let now = Instant::now();
        let forecast = forecast.into_iter().map(|(after, weather)| (now + after, weather));
        let lane = |purpose| Lane {
            line: FaultyLine::new(Faults::default(), 0),
            random: Random::of(seed, purpose),
            pieces: VecDeque::new(),
            free: now,
        };
        let wire = Rc::new(RefCell::new(Wire {
            now,
            to_badge: lane("to badge"),
            to_host: lane("to host"),
            weather: Weather::default(),
            since: now,
            forecast: forecast.collect(),
            plug: 0,
            carried: Carried::default(),
            decoder: Decoder::default(),
            last: None,
            sessions: Random::of(seed, "sessions"),
            chatters: now,
            waited: 0,
        }));
        let badge = BadgeSide {
            wire: Rc::clone(&wire),
            settings,
            server: None,
            badge,
            due: now,
            turns: now,
            random: Random::of(seed, "badge"),
        };
        Self { wire, badge: Rc::new(RefCell::new(badge)) }
    }

    pub(crate) fn now(&self) -> Instant {
        self.wire.borrow().now
    }

    /// What is wrong with the cable, and since when.
    pub(crate) fn weather(&self) -> (Weather, Instant) {
        let wire = self.wire.borrow();
        (wire.weather, wire.since)
    }

    pub(crate) fn carried(&self) -> Carried {
        self.wire.borrow().carried
    }

    /// The most bytes that ever waited in one direction.
    pub(crate) fn waited(&self) -> usize {
        self.wire.borrow().waited
    }

    /// The host's port, unless the cable is pulled out.
    pub(crate) fn open(&self) -> Option<HostEnd<B>> {
        let wire = self.wire.borrow();
        (!wire.weather.pulled).then(|| HostEnd { bench: self.clone(), plug: wire.plug })
    }

    /// Advances the badge's time.
    pub(crate) fn pass(&self, time: Duration) {
        let until = self.now() + time;
        while self.now() < until {
            self.advance(until, false);
        }
    }

    /// Advances the clock to the next event, at most to `until`; bytes for the host are an event only if it reads.
    fn advance(&self, until: Instant, host_reads: bool) {
        let due = {
            let mut wire = self.wire.borrow_mut();
            let badge = self.badge.borrow();
            // A badge that is busy, or has closed its port, receives nothing.
            let hears = badge.server.is_some() && badge.due <= wire.now + TICK;
            let heard = wire.to_badge.next().filter(|_| hears);
            let due = heard.map_or(badge.due, |at| at.min(badge.due));
            let comes = wire.to_host.next().filter(|_| host_reads).unwrap_or(until);
            let change = wire.forecast.front().map_or(until, |(at, _)| *at);
            wire.go(due.min(comes).min(change).min(until));
            if let Some(every) = wire.weather.chatter
                && wire.now >= wire.chatters
            {
                let now = wire.now;
                wire.chatters = now + every;
                wire.to_badge.send(b"AT+GCAP\r\n\0\r\nlogin: ", now);
            }
            due <= wire.now
        };
        if due {
            self.badge.borrow_mut().step();
        }
    }
}

/// The host's end, until the cable is pulled out.
pub(crate) struct HostEnd<B: Badge> {
    bench: Bench<B>,
    plug: u64,
}

impl<B: Badge> std::fmt::Debug for HostEnd<B> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "HostEnd({})", self.plug)
    }
}

impl<B: Badge + Clone> Transport for HostEnd<B> {
    fn read(&mut self, buffer: &mut [u8], timeout: Duration) -> Result<usize, LinkError> {
        let until = self.now() + timeout;
        loop {
            {
                let mut wire = self.bench.wire.borrow_mut();
                if wire.plug != self.plug {
                    return Err(LinkError::Closed);
                }
                let now = wire.now;
                let length = wire.to_host.take(buffer, now);
                if length > 0 || now >= until {
                    return Ok(length);
                }
            }
            self.bench.advance(until, true);
        }
    }

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
        let mut wire = self.bench.wire.borrow_mut();
        if wire.plug != self.plug {
            return Err(LinkError::Closed);
        }
        wire.carried.bytes += bytes.len() as u64;
        for byte in bytes {
            if let Some(Event::Frame(envelope)) = wire.decoder.push(*byte) {
                let asked = Some((envelope.session, envelope.sequence));
                let is_new = wire.last != asked;
                wire.last = asked;
                wire.carried.requests += u64::from(is_new);
                wire.carried.repeats += u64::from(!is_new);
            }
        }
        let now = wire.now;
        wire.to_badge.send(bytes, now);
        wire.waits();
        let room = wire.to_badge.room();
        drop(wire);
        while self.now() < room {
            self.bench.advance(room, false);
        }
        Ok(())
    }

    fn now(&self) -> Instant {
        self.bench.now()
    }

    fn new_session(&mut self) -> u32 {
        self.bench.wire.borrow_mut().sessions.number() as u32
    }
}
