//! Whole transfers, over good and bad cables.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::common::{Fake, count, file, on, quick, quick_server, serve};
use emocue_link::faulty::{Faults, Faulty};
use emocue_link::frame::MAX_FRAME;
use emocue_link::message::{FileKind, MAX_CHUNK, Progress};
use emocue_link::transport::{PipeEnd, pipe};
use emocue_link::{Client, ClientError, Inbox, LinkError, Transport};

/// Sends 100 KB through `faults` in both directions and returns how many bytes that took.
fn through(faults: Faults, seed: u64) -> u64 {
    let file = file(100_000);
    let (near, far) = pipe();
    let near = Faulty::new(near, faults, seed);
    let traffic = near.traffic();
    let server = serve(far, Fake::default(), quick_server());
    let started = Instant::now();
    let mut client = Client::connect(near, quick()).unwrap();
    assert_eq!(client.send(FileKind::Bundle, &file, &mut on).unwrap(), Progress::Working);
    client.bye();
    let badge = server.join().unwrap();
    assert_eq!(badge.received.as_deref(), Some(file.as_slice()));
    println!(
        "{faults:?}, seed {seed}: {} ms, {} bytes there in {} frames, {} back, {} chunks",
        started.elapsed().as_millis(),
        traffic.written(),
        traffic.writes(),
        traffic.read(),
        count(&badge.counts.chunks),
    );
    traffic.written()
}

#[test]
fn a_good_cable_carries_little_more_than_the_file() {
    assert!(through(Faults::default(), 0) < 103_000);
}

#[test]
fn a_cable_that_loses_one_byte_in_a_hundred_is_enough() {
    for seed in 1..4 {
        assert!(through(Faults { lose: 0.01, ..Faults::default() }, seed) < 600_000);
    }
}

#[test]
fn a_cable_that_flips_bits_is_enough() {
    for seed in 1..4 {
        assert!(through(Faults { flip: 0.01, ..Faults::default() }, seed) < 600_000);
        assert!(through(Faults { flip: 0.0005, ..Faults::default() }, seed) < 250_000);
    }
}

#[test]
fn frames_that_come_twice_change_nothing() {
    for seed in 1..4 {
        assert!(through(Faults { repeat: 0.2, ..Faults::default() }, seed) < 150_000);
        let all = Faults { lose: 0.003, flip: 0.003, repeat: 0.1, ..Faults::default() };
        assert!(through(all, seed) < 600_000);
    }
}

#[test]
fn a_transfer_goes_on_after_a_cut() {
    let file = file(200_000);
    // Also after a power failure, which keeps what was synced: the first 128 KiB.
    for power in [true, false] {
        let (near, far) = pipe();
        let near = Faulty::new(near, Faults::default(), 0).cut_after(150_000);
        let server = serve(far, Fake::default(), quick_server());
        let mut client = Client::connect(near, quick()).unwrap();
        let cut = client.send(FileKind::Bundle, &file, &mut on).unwrap_err();
        assert!(matches!(cut, ClientError::Link(LinkError::Closed)), "{cut}");
        drop(client);
        let mut badge = server.join().unwrap();
        if !power {
            badge.inbox = Inbox::new(badge.folder.path());
        }

        let (near, far) = pipe();
        let near = Faulty::new(near, Faults::default(), 0);
        let traffic = near.traffic();
        let server = serve(far, badge, quick_server());
        let mut client = Client::connect(near, quick()).unwrap();
        let mut first = None;
        let mut progress = |offset| {
            first.get_or_insert(offset);
            on(offset)
        };
        client.send(FileKind::Bundle, &file, &mut progress).unwrap();
        client.bye();
        let badge = server.join().unwrap();
        assert_eq!(badge.received.as_deref(), Some(file.as_slice()));
        let kept = if power { 140_000 } else { 131_072 };
        assert!(first.unwrap() >= kept, "{first:?}");
        assert!(traffic.written() < 210_000 - u64::from(kept), "{}", traffic.written());
    }
}

#[test]
fn a_caller_may_stop_and_go_on_later() {
    let file = file(50_000);
    let (near, far) = pipe();
    let badge = Fake::default();
    let counts = badge.counts.clone();
    let server = serve(far, badge, quick_server());
    let mut client = Client::connect(near, quick()).unwrap();
    let mut stop =
        |offset| if offset >= 30_000 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
    let stopped = client.send(FileKind::Bundle, &file, &mut stop).unwrap_err();
    assert!(matches!(stopped, ClientError::Stopped), "{stopped}");
    let chunks = count(&counts.chunks);
    client.send(FileKind::Bundle, &file, &mut on).unwrap();
    assert!(count(&counts.chunks) - chunks < chunks);
    drop(client);
    assert_eq!(server.join().unwrap().received, Some(file));
}

#[test]
fn an_empty_file_is_a_file() {
    let (near, far) = pipe();
    let server = serve(far, Fake::default(), quick_server());
    let mut client = Client::connect(near, quick()).unwrap();
    client.send(FileKind::Config, &[], &mut on).unwrap();
    drop(client);
    assert_eq!(server.join().unwrap().received, Some(Vec::new()));
}

#[test]
fn a_file_that_no_badge_takes_is_not_begun() {
    let (near, far) = pipe();
    let badge = Fake::default();
    let counts = badge.counts.clone();
    let server = serve(far, badge, quick_server());
    let mut client = Client::connect(near, quick()).unwrap();
    let large = client.send(FileKind::Bundle, &vec![0; (64 << 20) + 1], &mut on).unwrap_err();
    assert!(matches!(large, ClientError::TooLarge(67_108_865)), "{large}");
    drop(client);
    server.join().unwrap();
    assert_eq!(count(&counts.begins), 0);
}

/// Measures how many bytes wait for a badge.
struct Watched {
    inner: PipeEnd,
    most: Arc<AtomicUsize>,
}

impl Transport for Watched {
    fn read(&mut self, buffer: &mut [u8], timeout: Duration) -> Result<usize, LinkError> {
        // The bytes that waited, whichever thread was first: those that were read and those after them.
        let read = self.inner.read(buffer, timeout)?;
        self.most.fetch_max(read + self.inner.waiting(), Ordering::SeqCst);
        Ok(read)
    }

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
        self.most.fetch_max(self.inner.waiting(), Ordering::SeqCst);
        self.inner.write_all(bytes)
    }
}

#[test]
fn a_slow_badge_never_has_more_than_one_part_waiting() {
    let file = file(60_000);
    let (near, far) = pipe();
    let near = Faulty::new(near, Faults::default(), 0);
    let traffic = near.traffic();
    let most = Arc::new(AtomicUsize::new(0));
    let far = Watched { inner: far, most: Arc::clone(&most) };
    // Sometimes slower than the host's timeout.
    let badge = Fake { slow: Duration::from_millis(40), ..Fake::default() };
    let server = serve(far, badge, quick_server());
    let settings =
        emocue_link::client::ClientSettings { answer: Duration::from_millis(1), ..quick() };
    let mut client = Client::connect(near, settings).unwrap();
    client.send(FileKind::Bundle, &file, &mut on).unwrap();
    drop(client);
    server.join().unwrap();
    let most = most.load(Ordering::SeqCst);
    assert!((MAX_CHUNK..MAX_CHUNK + 200).contains(&most) && most < MAX_FRAME, "{most}");
    // The host asked for the reply, and sent no part twice.
    assert!(traffic.writes() > 43, "{}", traffic.writes());
    assert!(traffic.written() < 63_000, "{}", traffic.written());
}
