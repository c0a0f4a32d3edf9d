//! The badge's side against any host.

use std::collections::VecDeque;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use arbitrary::{Result, Unstructured};
use emocue_link::frame::{Body, Decoder, Event, MAX_FRAME};
use emocue_link::message::{
    BadgeStatus, BundleSource, CameraState, FileKind, JournalEntry, LogLine, MAX_CHUNK,
    MAX_TRANSFER, Progress, Request, VERSION,
};
use emocue_link::server::ServerSettings;
use emocue_link::transport::{LinkError, Transport};
use emocue_link::{Badge, Server};

use super::{frame, request, sealed};
use crate::FuzzTarget;

/// The badge's side.
pub const LINK_SERVER: FuzzTarget = FuzzTarget {
    name: "link_server",
    what: "a badge under any host: one whole reply at most to a request, no file beyond what was begun",
    run: server,
    seeds: || {
        let talk = (0..50).map(|at| at * 5).collect();
        vec![talk, vec![2; 60], vec![1, 3, 9, 9, 9], (0..200).rev().collect()]
    },
};

/// Hands over what the host says, then closes.
struct Script {
    incoming: VecDeque<u8>,
    replies: Vec<u8>,
}

impl Transport for Script {
    fn read(&mut self, buffer: &mut [u8], _: Duration) -> std::result::Result<usize, LinkError> {
        if self.incoming.is_empty() {
            return Err(LinkError::Closed);
        }
        std::io::Read::read(&mut self.incoming, buffer).map_err(|_| LinkError::Closed)
    }

    fn write_all(&mut self, bytes: &[u8]) -> std::result::Result<(), LinkError> {
        assert!(bytes.len() <= MAX_FRAME);
        self.replies.extend(bytes);
        Ok(())
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        let mut decoder = Decoder::default();
        for byte in &self.replies {
            match decoder.push(*byte) {
                None => {}
                Some(Event::Frame(frame)) => assert!(!matches!(frame.body, Body::Request(_))),
                Some(other) => panic!("the badge said {other:?}"),
            }
        }
    }
}

/// Takes everything, and checks that it may be asked for it.
#[derive(Default)]
struct Willing {
    begun: Option<u32>,
    in_session: bool,
}

impl Badge for Willing {
    fn status(&mut self) -> BadgeStatus {
        self.in_session = true;
        BadgeStatus {
            state: CameraState::Streaming,
            uptime_ms: u64::MAX,
            fps_milli: u32::MAX,
            latency_ms: Some(u32::MAX),
            temperature_milli: Some(i32::MIN),
            slowdown: 1,
            battery_low: None,
            running: BundleSource::Embedded,
            bundle: "ä".repeat(3000),
            content_version: 1,
            trial: Some(255),
            faults: 0,
            log_next: u32::MAX,
        }
    }

    fn log(&mut self, from: u32) -> Vec<LogLine> {
        let line = |number| LogLine { number, time_ms: 1, text: "ö".repeat(1500) };
        (from..=u32::MAX).take(9).map(line).collect()
    }

    fn config(&mut self) -> String {
        "[pace]\nfps = 5\n".repeat(500)
    }

    fn begin(&mut self, _: FileKind, bytes: u32, _: [u8; 32]) -> std::result::Result<u32, String> {
        assert!(bytes <= MAX_TRANSFER);
        self.begun = Some(bytes);
        Ok(0)
    }

    fn chunk(&mut self, offset: u32, data: &[u8]) -> std::result::Result<u32, String> {
        let bytes = self.begun.expect("a part of what was begun");
        assert!(data.len() <= MAX_CHUNK);
        assert!(u64::from(offset) + data.len() as u64 <= u64::from(bytes));
        Ok(offset + data.len() as u32)
    }

    fn finish(&mut self) -> std::result::Result<Progress, String> {
        assert!(self.begun.take().is_some(), "the end of what was not begun");
        Ok(Progress::Working)
    }

    fn progress(&mut self) -> Progress {
        Progress::PressButton("ü".repeat(2000))
    }

    fn rollback(&mut self) -> std::result::Result<Progress, String> {
        Err("é".repeat(2000))
    }

    fn self_test(&mut self) -> std::result::Result<Progress, String> {
        Ok(Progress::Done("done".into()))
    }

    fn journals(&mut self, from: u32) -> std::result::Result<Vec<JournalEntry>, String> {
        let entry = |number| JournalEntry { number, bytes: u32::MAX };
        Ok((from..=u32::MAX).take(70).map(entry).collect())
    }

    fn journal(&mut self, number: u32, _: u32) -> std::result::Result<(u32, Vec<u8>), String> {
        if number == 0 { Err("ß".repeat(2000)) } else { Ok((u32::MAX, vec![0; 5000])) }
    }

    fn session_ended(&mut self) {
        self.begun = None;
    }
}

fn server(data: &[u8]) {
    let mut incoming = Vec::new();
    let _ = talk(&mut Unstructured::new(data), &mut incoming);
    let script = Script { incoming: incoming.into(), replies: Vec::new() };
    let settings = ServerSettings::new("0.1.0");
    let mut badge = Willing::default();
    let ended = Server::new(script, &mut badge, settings).serve(&AtomicBool::new(false));
    assert!(matches!(ended, Err(LinkError::Closed)));
    assert!(badge.begun.is_none(), "a session outlives its cable");
}

/// What a host says: mostly requests of a session in their order, now and then anything.
fn talk(input: &mut Unstructured<'_>, out: &mut Vec<u8>) -> Result<()> {
    let mut sequence = input.arbitrary::<u32>()?;
    out.extend(frame(1, sequence, Body::Request(Request::Hello { version: VERSION })));
    while !input.is_empty() {
        sequence = sequence.wrapping_add(1);
        let session = if input.ratio(1_u8, 16)? { input.arbitrary()? } else { 1 };
        let body = match input.int_in_range(0..=7)? {
            0 => {
                let length = input.arbitrary_len::<u8>()?;
                out.extend(input.bytes(length)?);
                continue;
            }
            1 => {
                let length = input.arbitrary_len::<u8>()?.min(4000);
                let header = postcard::to_stdvec(&(session, sequence)).unwrap_or_default();
                out.extend(sealed(&[&header, input.bytes(length)?].concat()));
                continue;
            }
            2 => Body::Again,
            3 => {
                let bytes = input.arbitrary::<u32>()? >> input.int_in_range(0..=31)?;
                Body::Request(Request::Begin { kind: FileKind::Config, bytes, sha256: [1; 32] })
            }
            4 => {
                let offset = input.arbitrary::<u32>()? >> input.int_in_range(0..=31)?;
                let data = vec![7; usize::from(input.arbitrary::<u16>()? % 2100)];
                Body::Request(Request::Chunk { offset, data })
            }
            5 => Body::Request(Request::Finish),
            _ => Body::Request(request(input)?),
        };
        sequence = if input.ratio(1_u8, 16)? { input.arbitrary()? } else { sequence };
        out.extend(frame(session, sequence, body));
    }
    Ok(())
}
