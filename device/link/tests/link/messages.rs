//! Encodings of messages: round trips, arbitrary input, and the same bytes in every release.

use std::fmt::Write as _;

use emocue_link::consent::{Ask, Question};
use emocue_link::frame::{Body, Decoder, Encoder, Envelope, Event, MAX_FRAME};
use emocue_link::message::{
    BadgeStatus, BundleSource, CameraState, FileKind, JournalEntry, LogLine, MAX_CHUNK, MAX_LINES,
    MAX_LISTED, MAX_TEXT, Progress, Refusal, Reply, Request, Version,
};
use proptest::prelude::*;

fn frame(envelope: &Envelope) -> Vec<u8> {
    Encoder::default().encode(envelope).unwrap().to_vec()
}

fn events(bytes: &[u8]) -> Vec<Event> {
    let mut decoder = Decoder::default();
    let mut events: Vec<Event> = bytes.iter().filter_map(|byte| decoder.push(*byte)).collect();
    events.extend(decoder.quiet());
    events
}

fn text() -> impl Strategy<Value = String> {
    // A char has at most four bytes.
    prop::collection::vec(any::<char>(), 0..MAX_TEXT / 4).prop_map(String::from_iter)
}

fn data() -> impl Strategy<Value = Vec<u8>> {
    let sparse = prop::collection::vec(prop_oneof![Just(0), any::<u8>()], 0..=MAX_CHUNK);
    prop_oneof![sparse, prop::collection::vec(1..=u8::MAX, MAX_CHUNK)]
}

fn version() -> impl Strategy<Value = Version> {
    any::<(u16, u16)>().prop_map(|(major, minor)| Version { major, minor })
}

fn request() -> impl Strategy<Value = Request> {
    let kind = prop_oneof![Just(FileKind::Bundle), Just(FileKind::Config)];
    prop_oneof![
        version().prop_map(|version| Request::Hello { version }),
        Just(Request::Status),
        any::<u32>().prop_map(|from| Request::Log { from }),
        any::<u32>().prop_map(|offset| Request::GetConfig { offset }),
        (kind, any::<u32>(), any::<[u8; 32]>()).prop_map(|(kind, bytes, sha256)| Request::Begin {
            kind,
            bytes,
            sha256
        }),
        (any::<u32>(), data()).prop_map(|(offset, data)| Request::Chunk { offset, data }),
        Just(Request::Finish),
        Just(Request::Progress),
        Just(Request::Rollback),
        Just(Request::SelfTest),
        Just(Request::Bye),
        any::<u32>().prop_map(|from| Request::Journals { from }),
        any::<(u32, u32)>().prop_map(|(number, offset)| Request::GetJournal { number, offset }),
    ]
}

fn progress() -> impl Strategy<Value = Progress> {
    prop_oneof![
        Just(Progress::Idle),
        Just(Progress::Working),
        text().prop_map(Progress::PressButton),
        text().prop_map(Progress::Done),
        text().prop_map(Progress::Failed),
        (prop::sample::select(&Ask::ALL[..]), any::<([u8; 32], [u8; 32], [u8; 16])>()).prop_map(
            |(ask, (key, sha256, number))| Progress::Asks(Question { ask, key, sha256, number })
        ),
    ]
}

fn status() -> impl Strategy<Value = BadgeStatus> {
    let state = prop_oneof![
        Just(CameraState::Starting),
        Just(CameraState::Streaming),
        Just(CameraState::Paused),
        Just(CameraState::CameraMissing),
    ];
    let running = prop_oneof![
        Just(BundleSource::Embedded),
        Just(BundleSource::A),
        Just(BundleSource::B),
        Just(BundleSource::File)
    ];
    let numbers = any::<(u64, u32, Option<u32>, Option<i32>, u32, Option<bool>)>();
    let others = any::<(u32, Option<u8>, u32, u32)>();
    (state, running, text(), numbers, others).prop_map(|(state, running, bundle, n, o)| {
        BadgeStatus {
            state,
            uptime_ms: n.0,
            fps_milli: n.1,
            latency_ms: n.2,
            temperature_milli: n.3,
            slowdown: n.4,
            battery_low: n.5,
            running,
            bundle,
            content_version: o.0,
            trial: o.1,
            faults: o.2,
            log_next: o.3,
        }
    })
}

fn reply() -> impl Strategy<Value = Reply> {
    // So short that the maximum number fits in a frame.
    let line = (any::<u32>(), any::<u64>(), prop::collection::vec(any::<char>(), 0..100));
    let line = line.prop_map(|(number, time_ms, text)| LogLine {
        number,
        time_ms,
        text: String::from_iter(text),
    });
    let refusal = prop_oneof![
        Just(Refusal::Busy),
        version().prop_map(Refusal::Version),
        Just(Refusal::NoSession),
        text().prop_map(Refusal::Cannot),
    ];
    let entry = any::<(u32, u32)>().prop_map(|(number, bytes)| JournalEntry { number, bytes });
    prop_oneof![
        (version(), text()).prop_map(|(version, program)| Reply::Hello { version, program }),
        status().prop_map(Reply::Status),
        prop::collection::vec(line, 0..=MAX_LINES).prop_map(|lines| Reply::Log { lines }),
        (any::<u32>(), data()).prop_map(|(total, data)| Reply::Config { total, data }),
        any::<u32>().prop_map(|offset| Reply::Offset { offset }),
        progress().prop_map(Reply::Progress),
        refusal.prop_map(Reply::Refused),
        Just(Reply::Bye),
        prop::collection::vec(entry, 0..=MAX_LISTED)
            .prop_map(|journals| Reply::Journals { journals }),
        (any::<u32>(), data()).prop_map(|(total, data)| Reply::Journal { total, data }),
    ]
}

fn envelope() -> impl Strategy<Value = Envelope> {
    let body = prop_oneof![
        8 => request().prop_map(Body::Request),
        8 => reply().prop_map(Body::Reply),
        1 => Just(Body::Again),
    ];
    (any::<u32>(), any::<u32>(), body).prop_map(|(session, sequence, body)| Envelope {
        session,
        sequence,
        body,
    })
}

/// Peak memory of decoding these bytes, bytes.
fn memory(bytes: &[u8]) -> u64 {
    let mut decoder = Decoder::default();
    allocation_counter::measure(|| {
        for byte in bytes {
            decoder.push(*byte);
        }
        decoder.quiet();
    })
    .bytes_max
}

proptest! {
    #[test]
    fn every_message_comes_back_from_a_frame(envelope in envelope()) {
        let bytes = frame(&envelope);
        prop_assert!(bytes.len() <= MAX_FRAME);
        prop_assert!(bytes[1..bytes.len() - 2].iter().all(|byte| *byte != 0));
        prop_assert_eq!(events(&bytes), [Event::Frame(envelope)]);
    }

    #[test]
    fn any_damage_to_any_message_is_noticed(
        envelope in envelope(), at: prop::sample::Index, flips in 1..=u8::MAX,
    ) {
        let mut bytes = frame(&envelope);
        let inside = 1 + at.index(bytes.len() - 3);
        bytes[inside] ^= flips;
        prop_assert_eq!(events(&bytes), [Event::Damaged]);
    }

    #[test]
    fn arbitrary_bytes_never_panic_and_need_no_memory(
        bytes in prop::collection::vec(prop_oneof![Just(0), any::<u8>()], 0..3 * MAX_FRAME),
    ) {
        prop_assert!(events(&bytes).iter().all(|event| *event == Event::Damaged));
        prop_assert_eq!(memory(&bytes), 0);
    }

    #[test]
    fn arbitrary_messages_with_a_good_sum_need_no_more_memory_than_a_frame(
        start in prop::collection::vec(0..14u8, 2..8),
        length in any::<u16>(),
        rest in prop::collection::vec(prop_oneof![Just(0), any::<u8>()], 0..4000),
    ) {
        let mut payload = start;
        payload.extend([length as u8 | 0x80, (length >> 7) as u8 | 0x80, (length >> 14) as u8]);
        payload.extend(rest);
        payload.extend(crc32fast::hash(&payload).to_le_bytes());
        let bytes = [&[0], cobs::encode_vec(&payload).as_slice(), &[0, 0]].concat();
        let memory = memory(&bytes);
        // A buffer that grows by doubling holds its old half meanwhile.
        prop_assert!(memory <= 2 * MAX_FRAME as u64, "{memory} bytes");
    }

    #[test]
    fn a_good_frame_comes_through_whatever_was_before(
        garbage in prop::collection::vec(any::<u8>(), 0..200), envelope in envelope(),
    ) {
        let bytes = [garbage, frame(&envelope)].concat();
        prop_assert_eq!(events(&bytes).pop(), Some(Event::Frame(envelope)));
    }
}

/// One of each message of version 1.0.
fn each_of_1_0() -> Vec<(&'static str, Body)> {
    let line = LogLine { number: 6, time_ms: 123_400, text: "camera back".into() };
    let version = Version { major: 1, minor: 0 };
    let refused = |refusal| Body::Reply(Reply::Refused(refusal));
    let progress = |progress| Body::Reply(Reply::Progress(progress));
    let begin = |kind| Body::Request(Request::Begin { kind, bytes: 1_568_000, sha256: [0xa5; 32] });
    let plain = BadgeStatus {
        state: CameraState::Starting,
        latency_ms: None,
        temperature_milli: None,
        battery_low: None,
        running: BundleSource::Embedded,
        trial: None,
        ..crate::common::status()
    };
    let paused = BadgeStatus {
        state: CameraState::Paused,
        running: BundleSource::B,
        ..crate::common::status()
    };
    let missing = BadgeStatus {
        state: CameraState::CameraMissing,
        running: BundleSource::File,
        ..plain.clone()
    };
    let long = Request::Chunk { offset: 1, data: (1..=255).chain(1..=45).collect() };
    let chunk = Request::Chunk { offset: 70_000, data: vec![0, 1, 2, 0, 0, 255] };
    vec![
        ("request hello", Body::Request(Request::Hello { version })),
        ("request status", Body::Request(Request::Status)),
        ("request log", Body::Request(Request::Log { from: 300 })),
        ("request get-config", Body::Request(Request::GetConfig { offset: 2048 })),
        ("request begin bundle", begin(FileKind::Bundle)),
        ("request begin config", begin(FileKind::Config)),
        ("request chunk", Body::Request(chunk)),
        ("request chunk long", Body::Request(long)),
        ("request finish", Body::Request(Request::Finish)),
        ("request progress", Body::Request(Request::Progress)),
        ("request rollback", Body::Request(Request::Rollback)),
        ("request self-test", Body::Request(Request::SelfTest)),
        ("request bye", Body::Request(Request::Bye)),
        ("reply hello", Body::Reply(Reply::Hello { version, program: "0.1.0".into() })),
        ("reply status", Body::Reply(Reply::Status(crate::common::status()))),
        ("reply status plain", Body::Reply(Reply::Status(plain))),
        ("reply status paused", Body::Reply(Reply::Status(paused))),
        ("reply status missing", Body::Reply(Reply::Status(missing))),
        ("reply log", Body::Reply(Reply::Log { lines: vec![line] })),
        ("reply config", Body::Reply(Reply::Config { total: 7, data: b"[look]\n".to_vec() })),
        ("reply go-on", Body::Reply(Reply::Offset { offset: 70_006 })),
        ("reply progress idle", progress(Progress::Idle)),
        ("reply progress working", progress(Progress::Working)),
        ("reply progress press-button", progress(Progress::PressButton("to install".into()))),
        ("reply progress done", progress(Progress::Done("installed".into()))),
        ("reply progress failed", progress(Progress::Failed("no slot".into()))),
        ("reply refused busy", refused(Refusal::Busy)),
        ("reply refused version", refused(Refusal::Version(Version { major: 2, minor: 1 }))),
        ("reply refused no-session", refused(Refusal::NoSession)),
        ("reply refused cannot", refused(Refusal::Cannot("no room".into()))),
        ("reply bye", Body::Reply(Reply::Bye)),
        ("again", Body::Again),
    ]
}

/// One of each message that version 1.1 added, and its `Hello`.
fn each_of_1_1() -> Vec<(&'static str, Body)> {
    let asks = |ask| {
        let question = Question { ask, key: [0xa5; 32], sha256: [0x5a; 32], number: [7; 16] };
        Body::Reply(Reply::Progress(Progress::Asks(question)))
    };
    vec![
        (
            "request hello",
            Body::Request(Request::Hello { version: Version { major: 1, minor: 1 } }),
        ),
        ("reply progress asks new-maker", asks(Ask::NewMaker)),
        ("reply progress asks new-settings", asks(Ask::NewSettings)),
        ("reply progress asks older-bundle", asks(Ask::OlderBundle)),
    ]
}

/// One of each message that version 1.2 added, and its `Hello`.
fn each_of_1_2() -> Vec<(&'static str, Body)> {
    let journals =
        vec![JournalEntry { number: 1, bytes: 924 }, JournalEntry { number: 367, bytes: 60 }];
    let get = Request::GetJournal { number: 367, offset: 2048 };
    vec![
        (
            "request hello",
            Body::Request(Request::Hello { version: Version { major: 1, minor: 2 } }),
        ),
        ("request journals", Body::Request(Request::Journals { from: 300 })),
        ("request get-journal", Body::Request(get)),
        ("reply journals", Body::Reply(Reply::Journals { journals })),
        ("reply journals none", Body::Reply(Reply::Journals { journals: Vec::new() })),
        (
            "reply journal",
            Body::Reply(Reply::Journal { total: 924, data: vec![0, 1, 2, 0, 0, 255] }),
        ),
    ]
}

/// Badges and hosts of other releases read these bytes. If this fails, the wire format has changed: undo the change, or
/// raise `VERSION.major` and write another file.
#[test]
fn the_wire_is_that_of_the_versions_before() {
    for (each, golden) in [
        (each_of_1_0(), include_str!("../golden/v1.0.txt")),
        (each_of_1_1(), include_str!("../golden/v1.1.txt")),
        (each_of_1_2(), include_str!("../golden/v1.2.txt")),
    ] {
        let mut lines = String::new();
        for (name, body) in each {
            let envelope = Envelope { session: 0xdead_beef, sequence: 300, body };
            let bytes = frame(&envelope);
            assert_eq!(events(&bytes), [Event::Frame(envelope)]);
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            writeln!(lines, "{name}: {hex}").unwrap();
        }
        assert_eq!(lines, golden);
    }
}
