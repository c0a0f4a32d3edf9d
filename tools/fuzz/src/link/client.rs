//! The host's side against any badge.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::time::Duration;

use arbitrary::{Result, Unstructured};
use emocue_link::Client;
use emocue_link::client::ClientSettings;
use emocue_link::frame::{Body, Decoder, Event, MAX_FRAME};
use emocue_link::message::{FileKind, JournalEntry, Progress, Refusal, Reply, VERSION};
use emocue_link::transport::{LinkError, Transport};

use super::{frame, sealed};
use crate::FuzzTarget;

/// The host's side.
pub const LINK_CLIENT: FuzzTarget = FuzzTarget {
    name: "link_client",
    what: "a host under any badge: every call ends, with an answer or an error",
    run: |data| {
        let _ = client(Hostile {
            input: Unstructured::new(data),
            incoming: VecDeque::new(),
            decoder: Decoder::default(),
        });
    },
    seeds: || {
        let ladder = (0..80).map(|at| at * 3).collect();
        vec![ladder, vec![0; 80], [0, 4, 4, 4].repeat(30), [0, 5, 9, 1, 2].repeat(20)]
    },
};

/// Answers each request with what the input says, and closes when the input is used up.
struct Hostile<'a> {
    input: Unstructured<'a>,
    incoming: VecDeque<u8>,
    decoder: Decoder,
}

impl Hostile<'_> {
    fn answer(&mut self, session: u32, sequence: u32) -> Result<Vec<u8>> {
        let input = &mut self.input;
        let body = match input.int_in_range(0..=11)? {
            0 => Reply::Hello { version: VERSION, program: "0.1.0".into() },
            1 => {
                let length = input.arbitrary_len::<u8>()?;
                return Ok(input.bytes(length)?.to_vec());
            }
            2 | 3 => {
                let header = postcard::to_stdvec(&(session, sequence)).unwrap_or_default();
                let length = input.arbitrary_len::<u8>()?.min(4000);
                return Ok(sealed(&[&header, input.bytes(length)?].concat()));
            }
            4 => return Ok(frame(session, sequence, Body::Again)),
            5 => Reply::Offset { offset: input.arbitrary::<u32>()? >> input.int_in_range(0..=31)? },
            6 => Reply::Progress(Progress::Done("done".into())),
            7 => {
                Reply::Refused(if input.arbitrary()? { Refusal::Busy } else { Refusal::NoSession })
            }
            8 => {
                let total = input.arbitrary::<u32>()? >> input.int_in_range(0..=31)?;
                Reply::Config { total, data: vec![b'#'; usize::from(input.arbitrary::<u8>()?)] }
            }
            9 => {
                let (number, bytes) = (input.arbitrary::<u8>()?.into(), input.arbitrary()?);
                Reply::Journals { journals: vec![JournalEntry { number, bytes }] }
            }
            10 => {
                let total = input.arbitrary::<u32>()? >> input.int_in_range(0..=31)?;
                Reply::Journal { total, data: vec![7; usize::from(input.arbitrary::<u8>()?)] }
            }
            _ => Reply::Bye,
        };
        Ok(frame(session, sequence, Body::Reply(body)))
    }
}

impl Transport for Hostile<'_> {
    fn read(&mut self, buffer: &mut [u8], _: Duration) -> std::result::Result<usize, LinkError> {
        if self.incoming.is_empty() && self.input.is_empty() {
            return Err(LinkError::Closed);
        }
        std::io::Read::read(&mut self.incoming, buffer).map_err(|_| LinkError::Closed)
    }

    fn write_all(&mut self, bytes: &[u8]) -> std::result::Result<(), LinkError> {
        assert!(bytes.len() <= MAX_FRAME);
        for byte in bytes {
            let Some(event) = self.decoder.push(*byte) else { continue };
            let Event::Frame(request) = event else { panic!("the host said {event:?}") };
            let answer = self.answer(request.session, request.sequence);
            self.incoming.extend(answer.map_err(|_| LinkError::Closed)?);
        }
        Ok(())
    }
}

fn client(badge: Hostile<'_>) -> std::result::Result<(), emocue_link::ClientError> {
    let short = Duration::from_micros(20);
    let settings = ClientSettings {
        answer: short,
        quiet: short,
        silence: short,
        connect: short,
        busy: Duration::ZERO,
        poll: Duration::ZERO,
    };
    let mut client = Client::connect(badge, settings)?;
    let _ = client.status();
    let _ = client.log(0);
    let _ = client.config();
    let _ = client.journals();
    let _ = client.journal(1, &mut |_, _| ControlFlow::Continue(()));
    let mut sent = 0;
    let _ = client.send(FileKind::Config, &[b'#'; 3000], &mut |bytes| {
        sent = bytes;
        ControlFlow::Continue(())
    });
    let _ = client.wait_done(&mut |_| ControlFlow::Continue(()));
    let _ = client.self_test();
    let _ = client.rollback();
    client.bye();
    Ok(())
}
