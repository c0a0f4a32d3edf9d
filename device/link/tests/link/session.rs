//! Sessions: `Hello`, one host at a time, repeated requests, limits.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use crate::common::{Fake, LONG, Raw, count, file, on, quick, quick_server, serve, status};
use crate::consent::QUESTION;
use emocue_link::client::ClientSettings;
use emocue_link::frame::Body;
use emocue_link::message::{
    FileKind, MAX_CHUNK, MAX_TRANSFER, Progress, Refusal, Reply, Request, VERSION, Version,
};
use emocue_link::server::ServerSettings;
use emocue_link::transport::{PipeEnd, pipe};
use emocue_link::{Client, ClientError, LinkError, Server, Transport};

fn refused(reply: Reply) -> String {
    match reply {
        Reply::Refused(Refusal::Cannot(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_host_asks_and_the_badge_answers() {
    let (near, far) = pipe();
    let text = "# ä\n".repeat(1500);
    let states = vec![
        Progress::Working,
        Progress::Asks(QUESTION),
        Progress::Done("passed".into()),
        Progress::Failed("no".into()),
    ];
    let badge = Fake { text: text.clone(), states, ..Fake::default() };
    let counts = badge.counts.clone();
    let server = serve(far, badge, quick_server());
    let mut client = Client::connect(near, quick()).unwrap();
    assert_eq!((client.version(), client.program()), (VERSION, "0.1.0"));
    assert_eq!(client.status().unwrap(), status());
    assert_eq!(client.config().unwrap(), text);
    let lines: Vec<u32> = client.log(9).unwrap().iter().map(|line| line.number).collect();
    assert_eq!(lines, [9, 10, 11, 12, 13, 14, 15, 16]);
    assert!(client.log(20).unwrap().is_empty());

    assert_eq!(client.self_test().unwrap(), Progress::Working);
    let mut seen = Vec::new();
    let mut see = |state: &Progress| {
        seen.push(state.clone());
        ControlFlow::Continue(())
    };
    assert_eq!(client.wait_done(&mut see).unwrap(), "passed");
    assert_eq!(seen[1], Progress::Asks(QUESTION));
    assert_eq!(seen.len(), 3);
    let failed = client.wait_done(&mut |_| ControlFlow::Continue(()));
    assert!(matches!(failed, Err(ClientError::Failed(text)) if text == "no"));
    let forgotten = client.wait_done(&mut |_| ControlFlow::Continue(()));
    assert!(matches!(forgotten, Err(ClientError::Forgotten)));
    let stopped = client.wait_done(&mut |_| ControlFlow::Break(()));
    assert!(matches!(stopped, Err(ClientError::Stopped)));
    let refused = client.rollback().unwrap_err().to_string();
    assert_eq!(refused, "the badge refuses: no previous bundle");
    assert_eq!(count(&counts.overs), 0);
    client.bye();
    server.join().unwrap();
    assert_eq!(count(&counts.overs), 1);
}

#[test]
fn another_host_learns_that_the_badge_is_busy() {
    let (near, far) = pipe();
    let badge = Fake::default();
    let counts = badge.counts.clone();
    let server = serve(far, badge, quick_server());
    let mut raw = Raw::new(near);
    assert!(matches!(raw.hello(1), Reply::Hello { .. }));
    assert_eq!(raw.hello(2), Reply::Refused(Refusal::Busy));
    assert_eq!(raw.ask(2, 2, Request::Status), Reply::Refused(Refusal::NoSession));
    let busy = Client::connect(&mut raw.end, quick()).unwrap_err();
    assert!(matches!(busy, ClientError::Busy), "{busy}");
    assert!(matches!(raw.ask(1, 2, Request::Status), Reply::Status(_)));
    // Once the first one has gone, at once.
    assert_eq!(raw.ask(1, 3, Request::Bye), Reply::Bye);
    assert_eq!(raw.ask(1, 3, Request::Bye), Reply::Refused(Refusal::NoSession));
    assert_eq!(count(&counts.overs), 1);
    let client = Client::connect(&mut raw.end, quick()).unwrap();
    // So does a host that just drops its client.
    drop(client);
    assert_eq!(raw.hear().body, Body::Reply(Reply::Bye));
    assert!(matches!(raw.hello(3), Reply::Hello { .. }));
    assert_eq!(count(&counts.overs), 2);
    drop(raw);
    server.join().unwrap();
    assert_eq!(count(&counts.overs), 3);
}

#[test]
fn a_silent_session_ends_and_a_patient_host_waits_for_that() {
    let (near, far) = pipe();
    let badge = Fake::default();
    let counts = badge.counts.clone();
    let silence = Duration::from_millis(60);
    let server = serve(far, badge, ServerSettings { silence, ..quick_server() });
    let mut raw = Raw::new(near);
    assert!(matches!(raw.hello(1), Reply::Hello { .. }));
    let client = Client::connect(&mut raw.end, ClientSettings { busy: LONG, ..quick() });
    client.unwrap().bye();
    assert_eq!(raw.ask(1, 2, Request::Status), Reply::Refused(Refusal::NoSession));
    drop(raw);
    server.join().unwrap();
    assert_eq!(count(&counts.overs), 2);
}

#[test]
fn other_major_versions_learn_who_is_older() {
    let (near, far) = pipe();
    let server = serve(far, Fake::default(), quick_server());
    let mut raw = Raw::new(near);
    let newer = Version { major: VERSION.major + 1, minor: 0 };
    let reply = raw.ask(1, 1, Request::Hello { version: newer });
    assert_eq!(reply, Reply::Refused(Refusal::Version(VERSION)));
    let newer = Version { minor: VERSION.minor + 7, ..VERSION };
    let reply = raw.ask(1, 1, Request::Hello { version: newer });
    assert!(matches!(reply, Reply::Hello { version: VERSION, .. }), "{reply:?}");
    drop(raw);
    server.join().unwrap();

    let hello = |version| Reply::Hello { version, program: "9".into() };
    let cases = [
        (Reply::Refused(Refusal::Version(Version { major: 2, minor: 3 })), "Update this program."),
        (Reply::Refused(Refusal::Version(Version { major: 0, minor: 9 })), "Update the badge."),
        (hello(Version { major: 2, minor: 3 }), "Update this program."),
        (hello(newer), ""),
    ];
    for (reply, expected) in cases {
        let (near, far) = pipe();
        let badge = std::thread::spawn(move || {
            let mut raw = Raw::new(far);
            let hello = raw.hear();
            raw.say(hello.session, hello.sequence, Body::Reply(reply));
        });
        let connected = Client::connect(near, quick()).map(|client| client.version());
        badge.join().unwrap();
        match connected {
            Ok(version) => assert_eq!((version, expected), (newer, "")),
            Err(error) => assert_eq!(error.help().as_deref(), Some(expected), "{error}"),
        }
    }
}

#[test]
fn what_comes_twice_is_done_once() {
    let (near, far) = pipe();
    let badge = Fake::default();
    let counts = badge.counts.clone();
    let server = serve(far, badge, quick_server());
    let mut raw = Raw::new(near);
    raw.hello(1);
    let begin = Request::Begin { kind: FileKind::Config, bytes: 6, sha256: [0; 32] };
    let chunk = Request::Chunk { offset: 0, data: vec![1; 3] };
    for (sequence, request, reply) in [
        (2, begin, Reply::Offset { offset: 0 }),
        (3, chunk, Reply::Offset { offset: 3 }),
        (4, Request::SelfTest, Reply::Progress(Progress::Working)),
    ] {
        for _ in 0..3 {
            assert_eq!(raw.ask(1, sequence, request.clone()), reply);
        }
        // A host that did not receive the reply requests it.
        raw.say(1, sequence, Body::Again);
        assert_eq!(raw.hear().body, Body::Reply(reply));
    }
    assert_eq!(count(&counts.begins), 1);
    assert_eq!(count(&counts.chunks), 1);
    assert_eq!(count(&counts.self_tests), 1);
    // A request that never arrived: the badge replies with the number of the last one that did.
    raw.say(1, 5, Body::Again);
    let again = raw.hear();
    assert_eq!((again.sequence, again.body), (4, Body::Again));
    // An old copy gets no reply; the next frame is the reply to the next request.
    raw.say(1, 3, Body::Request(Request::SelfTest));
    assert!(matches!(raw.ask(1, 6, Request::Status), Reply::Status(_)));
    assert_eq!(count(&counts.self_tests), 1);
    // Damage in a session is reported at once.
    raw.end.write_all(&[0, 3, 7, 7, 0, 0]).unwrap();
    let again = raw.hear();
    assert_eq!((again.session, again.sequence, again.body), (1, 6, Body::Again));
    drop(raw);
    server.join().unwrap();
}

#[test]
fn without_a_session_damage_and_replies_get_nothing() {
    let (near, far) = pipe();
    let server = serve(far, Fake::default(), quick_server());
    let mut raw = Raw::new(near);
    raw.end.write_all(&[0, 3, 7, 7, 0, 0]).unwrap();
    raw.say(1, 1, Body::Reply(Reply::Bye));
    // The first frame that comes back is the answer to this.
    assert!(matches!(raw.hello(5), Reply::Hello { .. }));
    drop(raw);
    server.join().unwrap();
}

#[test]
fn a_host_that_sends_too_much_is_refused() {
    let (near, far) = pipe();
    let badge = Fake::default();
    let counts = badge.counts.clone();
    let server = serve(far, badge, quick_server());
    let mut raw = Raw::new(near);
    raw.hello(1);
    let begin = |bytes| Request::Begin { kind: FileKind::Bundle, bytes, sha256: [7; 32] };
    let chunk = |offset, bytes| Request::Chunk { offset, data: vec![0; bytes] };
    let cases = [
        (chunk(0, 1), "no file was begun"),
        (Request::Finish, "no file was begun"),
        (begin(MAX_TRANSFER + 1), "67108865 bytes are too many; a file has at most 67108864"),
        (begin(5000), ""),
        (chunk(0, MAX_CHUNK + 1), "a part has at most 2048 bytes, not 2049"),
        (chunk(4000, 1001), "more comes than the 5000 bytes that were announced"),
        (chunk(u32::MAX, 1), "more comes than the 5000 bytes"),
        (Request::Finish, "the file is not whole: 0 of 5000 bytes came"),
    ];
    for (sequence, (request, expected)) in (2..).zip(cases) {
        match raw.ask(1, sequence, request) {
            Reply::Offset { offset: 0 } => assert_eq!(expected, ""),
            other => {
                let why = refused(other);
                assert!(why.starts_with(expected), "{why}");
            }
        }
    }
    assert_eq!((count(&counts.begins), count(&counts.chunks)), (1, 0));
    drop(raw);
    server.join().unwrap();
}

/// Serves with one server after the other, as a badge that is restarted whenever `restart` receives something.
fn serve_restarting(mut far: PipeEnd, restart: mpsc::Receiver<()>, restarted: mpsc::Sender<()>) {
    let stop = AtomicBool::new(false);
    let mut badge = Fake::default();
    std::thread::scope(|scope| {
        let stop = &stop;
        scope.spawn(move || {
            while restart.recv().is_ok() {
                stop.store(true, Ordering::Relaxed);
            }
        });
        while Server::new(&mut far, &mut badge, quick_server()).serve(stop).is_ok() {
            stop.store(false, Ordering::Relaxed);
            restarted.send(()).unwrap();
        }
    });
}

#[test]
fn a_client_outlives_a_restart_of_the_badge() {
    let (near, far) = pipe();
    let (restart, restarts) = mpsc::channel();
    let (restarted, done) = mpsc::channel();
    let server = std::thread::spawn(move || serve_restarting(far, restarts, restarted));
    let mut client = Client::connect(near, quick()).unwrap();
    client.status().unwrap();
    let again = || {
        restart.send(()).unwrap();
        done.recv_timeout(LONG).unwrap();
    };
    again();
    client.status().unwrap();
    let file = file(20_000);
    let mut restarts = 0;
    let mut progress = |offset: u32| {
        if offset > 8000 && restarts == 0 {
            restarts += 1;
            again();
        }
        on(offset)
    };
    assert_eq!(client.send(FileKind::Bundle, &file, &mut progress).unwrap(), Progress::Working);
    assert_eq!(restarts, 1);
    drop((client, restart));
    server.join().unwrap();
}

#[test]
fn what_the_badge_may_have_done_is_not_asked_for_again() {
    let (near, far) = pipe();
    let badge = std::thread::spawn(move || {
        let mut raw = Raw::new(far);
        let mut answer = |tries: u32, reply| {
            let asked = (1..=tries).map(|_| raw.hear()).last().unwrap();
            raw.say(asked.session, asked.sequence, Body::Reply(reply));
        };
        let hello = Reply::Hello { version: VERSION, program: "0.1.0".into() };
        let over = Reply::Refused(Refusal::NoSession);
        let working = Reply::Progress(Progress::Working);
        answer(1, hello.clone());
        // Certainly not executed: the first reply says that there is no session.
        answer(1, over.clone());
        answer(1, hello.clone());
        answer(1, working.clone());
        // The request was sent twice, and only the second one was answered.
        answer(2, over.clone());
        // This request may be repeated.
        answer(2, over);
        answer(1, hello);
        answer(1, working);
    });
    let mut client = Client::connect(near, quick()).unwrap();
    assert_eq!(client.self_test().unwrap(), Progress::Working);
    let unsure = client.rollback().unwrap_err();
    assert!(matches!(unsure, ClientError::Unsure), "{unsure}");
    assert_eq!(client.progress().unwrap(), Progress::Working);
    badge.join().unwrap();
}

#[test]
fn what_a_later_host_asks_is_refused_and_not_damaged() {
    let (near, far) = pipe();
    let server = serve(far, Fake::default(), quick_server());
    let mut raw = Raw::new(near);
    raw.hello(1);
    // Session 1, number 2, a request that no version has.
    let mut later = vec![1, 2, 0, 99, 5];
    later.extend(crc32fast::hash(&later).to_le_bytes());
    raw.end.write_all(&[&[0], cobs::encode_vec(&later).as_slice(), &[0, 0]].concat()).unwrap();
    let Body::Reply(reply) = raw.hear().body else { panic!("no reply") };
    assert!(refused(reply).ends_with("update the badge"));
    drop(raw);
    server.join().unwrap();
}

/// A port whose data wires are joined.
#[derive(Debug, Default)]
struct Loop(Vec<u8>);

impl Transport for Loop {
    fn read(&mut self, buffer: &mut [u8], _: Duration) -> Result<usize, LinkError> {
        let length = self.0.len().min(buffer.len());
        buffer[..length].copy_from_slice(&self.0[..length]);
        self.0.drain(..length);
        Ok(length)
    }

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
        self.0.extend(bytes);
        Ok(())
    }
}

#[test]
fn a_port_without_a_badge_tells_what_to_check() {
    let settings = ClientSettings { connect: Duration::from_millis(50), ..quick() };
    let (near, far) = pipe();
    let nothing = Client::connect(near, settings).unwrap_err();
    assert_eq!(nothing.to_string(), "no badge answered within 0.05 s");
    let help = nothing.help().unwrap();
    assert!(help.contains("[link] port") && help.contains("cable"), "{help}");
    drop(far);
    let echo = Client::connect(Loop::default(), settings).unwrap_err();
    assert!(matches!(echo, ClientError::Echo), "{echo}");
    let (near, far) = pipe();
    drop(far);
    let closed = Client::connect(near, settings).unwrap_err();
    assert!(matches!(closed, ClientError::Link(LinkError::Closed)), "{closed}");
}

#[test]
fn a_badge_that_falls_silent_is_given_up() {
    let (near, far) = pipe();
    let badge = std::thread::spawn(move || {
        let mut raw = Raw::new(far);
        let hello = raw.hear();
        let reply = Reply::Hello { version: VERSION, program: "0.1.0".into() };
        raw.say(hello.session, hello.sequence, Body::Reply(reply));
        raw
    });
    let silence = Duration::from_millis(80);
    let mut client = Client::connect(near, ClientSettings { silence, ..quick() }).unwrap();
    let raw = badge.join().unwrap();
    let silent = client.status().unwrap_err();
    assert!(matches!(silent, ClientError::Silent(_)), "{silent}");
    drop((client, raw));
}
