//! A stream of bytes taken apart into frames.

use emocue_link::frame::{Body, Decoder, Encoder, Envelope, Event, MAX_FRAME};
use emocue_link::message::{FileKind, Progress, Refusal, Reply, Request, VERSION};

use super::{frame, sealed};
use crate::FuzzTarget;

/// Frames of any content.
pub const LINK_FRAMES: FuzzTarget = FuzzTarget {
    name: "link_frames",
    what: "bytes of a cable: every frame read encodes again, and a good frame after any noise is read",
    run: frames,
    seeds: || {
        let data = vec![0, 1, 2, 0xff];
        let bodies = [
            Body::Again,
            Body::Request(Request::Hello { version: VERSION }),
            Body::Request(Request::Begin { kind: FileKind::Bundle, bytes: 9, sha256: [3; 32] }),
            Body::Request(Request::Chunk { offset: 70_000, data: data.clone() }),
            Body::Reply(Reply::Progress(Progress::Failed("no room".into()))),
            Body::Reply(Reply::Refused(Refusal::Cannot("no".into()))),
            Body::Reply(Reply::Config { total: 4, data }),
            Body::Reply(Reply::Log { lines: Vec::new() }),
        ];
        let mut seeds = Vec::new();
        for body in bodies {
            let envelope = Envelope { session: 0xdead_beef, sequence: 300, body };
            // Raw, with the CRC; and the payload alone, which gets its CRC here.
            seeds.push([&[0], frame(1, 2, envelope.body.clone()).as_slice()].concat());
            let payload = postcard::to_stdvec(&envelope).expect("a message can be encoded");
            seeds.push([&[1], payload.as_slice()].concat());
        }
        seeds
    },
};

fn frames(data: &[u8]) {
    let Some((kind, rest)) = data.split_first() else { return };
    let mut bytes = match kind % 2 {
        0 => rest.to_vec(),
        _ => sealed(rest),
    };
    let next = Envelope { session: 5, sequence: 6, body: Body::Again };
    bytes.extend(frame(5, 6, Body::Again));
    let mut decoder = Decoder::default();
    let mut last = None;
    for byte in bytes {
        let Some(event) = decoder.push(byte) else { continue };
        if let Event::Frame(envelope) = &event {
            encodes_again(envelope);
        }
        last = Some(event);
    }
    assert_eq!(last, Some(Event::Frame(next)));
    assert_eq!(decoder.quiet(), None);
}

fn encodes_again(envelope: &Envelope) {
    let mut encoder = Encoder::default();
    let bytes = encoder.encode(envelope).expect("it came in a frame");
    assert!(bytes.len() <= MAX_FRAME);
    let mut decoder = Decoder::default();
    let events: Vec<_> = bytes.iter().filter_map(|byte| decoder.push(*byte)).collect();
    assert_eq!(events, [Event::Frame(envelope.clone())]);
}
