//! The framing of messages, for a line that loses and damages bytes.
//!
//! ```text
//! 0x00  COBS( postcard(Envelope)  CRC-32, little-endian )  0x00 0x00
//! ```
//!
//! COBS removes zeros, so a zero is always a delimiter. The leading zero ends any noise before the frame. The two
//! trailing zeros end the frame even if one of them is lost, and show that the sender is done: a damaged piece that
//! ends with a single zero may be half of a frame; one that ends with two is reported at once as [`Event::Damaged`]. So
//! a damaged frame is one event, wherever the damage is.

use serde::{Deserialize, Serialize};

use crate::message::{MAX_LINES, MAX_LISTED, Reply, Request};

/// Longest frame with its three zeros, bytes: what a Linux terminal buffers for a slow reader.
pub const MAX_FRAME: usize = 4095;

/// Longest envelope with its CRC, bytes, such that COBS and the zeros stay within [`MAX_FRAME`].
const MAX_PAYLOAD: usize = 4064;

/// Bytes of the CRC.
const CRC: usize = 4;

const _: () = assert!(cobs::max_encoding_length(MAX_PAYLOAD) + 3 <= MAX_FRAME);

/// What a frame carries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    /// The session it belongs to, which the host chose at random.
    pub session: u32,
    /// Number of the host's request; a reply has its request's number.
    pub sequence: u32,
    /// The content.
    pub body: Body,
}

/// The content of a frame.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Body {
    /// From the host.
    Request(Request),
    /// From the badge.
    Reply(Reply),
    /// Something was damaged or is late. From the host: the reply with this sequence number is missing. From the badge:
    /// a damaged frame arrived, and the last request that it answered has this sequence number.
    Again,
}

/// An event of a stream of bytes.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A good frame.
    Frame(Envelope),
    /// A good frame of a later version, with a message that this program does not know.
    Unknown {
        /// The session it belongs to.
        session: u32,
        /// Its number.
        sequence: u32,
    },
    /// A frame that was damaged on its way.
    Damaged,
}

/// A message that does not fit in [`MAX_FRAME`] bytes; the limits of [`crate::message`] exclude it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this message does not fit in a frame of {MAX_FRAME} bytes; shorten its texts or its data")]
pub struct TooLong;

/// Encodes frames in a buffer that is reused.
#[derive(Debug)]
pub struct Encoder {
    payload: Box<[u8]>,
    frame: Box<[u8]>,
}

impl Default for Encoder {
    fn default() -> Self {
        Self { payload: vec![0; MAX_PAYLOAD].into(), frame: vec![0; MAX_FRAME].into() }
    }
}

impl Encoder {
    /// The frame of an envelope.
    ///
    /// # Errors
    /// [`TooLong`].
    pub fn encode(&mut self, envelope: &Envelope) -> Result<&[u8], TooLong> {
        let room = &mut self.payload[..MAX_PAYLOAD - CRC];
        let length = postcard::to_slice(envelope, room).map_err(|_| TooLong)?.len();
        let crc = crc32fast::hash(&self.payload[..length]);
        self.payload[length..length + CRC].copy_from_slice(&crc.to_le_bytes());
        let stuffed = cobs::encode(&self.payload[..length + CRC], &mut self.frame[1..]);
        self.frame[0] = 0;
        self.frame[stuffed + 1..stuffed + 3].fill(0);
        Ok(&self.frame[..stuffed + 3])
    }
}

/// Whether an envelope fits in a frame.
pub(crate) fn fits(envelope: &Envelope) -> bool {
    let mut room = [0; MAX_PAYLOAD - CRC];
    postcard::to_slice(envelope, &mut room).is_ok()
}

/// Splits a stream of bytes into frames; needs no memory beyond its buffer and the frame that it returns.
#[derive(Debug)]
pub struct Decoder {
    buffer: Box<[u8]>,
    /// Length of the piece since the last zero, bytes, without those that do not fit in the buffer.
    length: usize,
    /// Whether the piece does not fit, so that it cannot be a frame.
    too_long: bool,
    /// Whether a piece was damaged and no good frame came since.
    damaged: bool,
    /// Whether the last byte was a zero.
    ended: bool,
}

impl Default for Decoder {
    fn default() -> Self {
        let buffer = vec![0; MAX_FRAME].into();
        Self { buffer, length: 0, too_long: false, damaged: false, ended: false }
    }
}

impl Decoder {
    /// Takes the next byte.
    pub fn push(&mut self, byte: u8) -> Option<Event> {
        if byte != 0 {
            self.ended = false;
            match self.buffer.get_mut(self.length) {
                Some(free) => {
                    *free = byte;
                    self.length += 1;
                }
                None => self.too_long = true,
            }
            return None;
        }
        if self.ended {
            return std::mem::take(&mut self.damaged).then_some(Event::Damaged);
        }
        self.ended = true;
        if self.length == 0 {
            return None;
        }
        let piece = &mut self.buffer[..self.length];
        let event = if self.too_long { None } else { open(piece) };
        (self.length, self.too_long) = (0, false);
        self.damaged = event.is_none();
        event
    }

    /// Whether bytes came whose frame has not ended yet. When the line then stays quiet, call [`Decoder::quiet`].
    pub fn unfinished(&self) -> bool {
        self.length > 0 || self.damaged
    }

    /// Reports that no more bytes come: an unfinished frame has lost its end, and is damaged.
    pub fn quiet(&mut self) -> Option<Event> {
        let unfinished = self.unfinished();
        (self.length, self.too_long, self.damaged) = (0, false, false);
        unfinished.then_some(Event::Damaged)
    }
}

/// Decodes the bytes between two zeros; `None` when they are damaged.
fn open(piece: &mut [u8]) -> Option<Event> {
    let length = cobs::decode_in_place(piece).ok()?;
    let (payload, crc) = piece[..length].split_last_chunk::<CRC>()?;
    if crc32fast::hash(payload).to_le_bytes() != *crc {
        return None;
    }
    let (session, sequence, _) = header(payload)?;
    let unknown = Event::Unknown { session, sequence };
    if claims_too_many(payload) {
        return Some(unknown);
    }
    Some(match postcard::take_from_bytes::<Envelope>(payload) {
        Ok((envelope, [])) => Event::Frame(envelope),
        _ => unknown,
    })
}

/// The first fields of an envelope, which every version has, and the rest.
fn header(payload: &[u8]) -> Option<(u32, u32, &[u8])> {
    let ((session, sequence), rest) = postcard::take_from_bytes::<(u32, u32)>(payload).ok()?;
    Some((session, sequence, rest))
}

/// Whether it is a [`Reply::Log`] with more lines than allowed, or a [`Reply::Journals`] with more journals. The
/// decoder allocates for the announced number, so it is checked before.
fn claims_too_many(payload: &[u8]) -> bool {
    /// Indices of [`Body::Reply`], and of [`Reply::Log`] and [`Reply::Journals`], in their enums.
    const LOG: (u32, u32) = (1, 2);
    const JOURNALS: (u32, u32) = (1, 8);
    let Some((_, _, rest)) = header(payload) else { return false };
    match postcard::take_from_bytes::<(u32, u32, u32)>(rest) {
        Ok(((body, reply, many), _)) => match (body, reply) {
            LOG => many as usize > MAX_LINES,
            JOURNALS => many as usize > MAX_LISTED,
            _ => false,
        },
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::LogLine;

    fn envelope() -> Envelope {
        let data = (0..600).map(|i| (i % 251) as u8).collect();
        let body = Body::Request(Request::Chunk { offset: 70_000, data });
        Envelope { session: 0xdead_beef, sequence: 300, body }
    }

    fn frame(envelope: &Envelope) -> Vec<u8> {
        Encoder::default().encode(envelope).unwrap().to_vec()
    }

    fn events(bytes: &[u8]) -> Vec<Event> {
        let mut decoder = Decoder::default();
        let mut events: Vec<Event> = bytes.iter().filter_map(|b| decoder.push(*b)).collect();
        events.extend(decoder.quiet());
        events
    }

    /// A frame around any payload, with a valid CRC.
    fn sealed(payload: &[u8]) -> Vec<u8> {
        let mut payload = payload.to_vec();
        payload.extend(crc32fast::hash(&payload).to_le_bytes());
        [&[0], cobs::encode_vec(&payload).as_slice(), &[0, 0]].concat()
    }

    #[test]
    fn every_flipped_bit_is_noticed_at_once() {
        let good = frame(&envelope());
        let last = good.len() - 1;
        for at in 1..last {
            for bit in 0..8 {
                let mut bytes = good.clone();
                bytes[at] ^= 1 << bit;
                assert_eq!(events(&bytes), [Event::Damaged], "bit {bit} of byte {at}");
            }
        }
        // The second trailing zero is not needed.
        let mut bytes = good.clone();
        bytes[last] = 7;
        assert_eq!(events(&bytes), [Event::Frame(envelope()), Event::Damaged]);
    }

    #[test]
    fn every_lost_byte_is_noticed_and_the_next_frame_is_not_lost_with_it() {
        let good = frame(&envelope());
        let next = Envelope { sequence: 301, body: Body::Again, ..envelope() };
        for lost in 1..good.len() - 2 {
            let mut bytes = good.clone();
            bytes.remove(lost);
            bytes.extend(frame(&next));
            assert_eq!(events(&bytes), [Event::Damaged, Event::Frame(next.clone())], "{lost}");
        }
        for lost in [0, good.len() - 2, good.len() - 1] {
            let mut bytes = good.clone();
            bytes.remove(lost);
            bytes.extend(frame(&next));
            let both = [Event::Frame(envelope()), Event::Frame(next.clone())];
            assert_eq!(events(&bytes), both, "{lost}");
        }
    }

    #[test]
    fn finds_the_next_frame_after_garbage() {
        let good = frame(&envelope());
        for garbage in [&[1, 2, 3][..], &[0; 9], &[255; 9000], b"login: ", &good[..50]] {
            let bytes = [garbage, &good].concat();
            assert_eq!(events(&bytes), [Event::Frame(envelope())], "{garbage:?}");
        }
    }

    #[test]
    fn a_frame_without_its_end_is_damaged_once_it_is_quiet() {
        let good = frame(&envelope());
        let mut decoder = Decoder::default();
        assert!(!decoder.unfinished());
        assert_eq!(decoder.quiet(), None);
        assert!(good[..good.len() - 2].iter().all(|byte| decoder.push(*byte).is_none()));
        assert!(decoder.unfinished());
        assert_eq!(decoder.quiet(), Some(Event::Damaged));
        assert_eq!(decoder.quiet(), None);
    }

    #[test]
    fn a_frame_torn_in_two_is_one_event() {
        let mut bytes = frame(&envelope());
        bytes[90] = 0;
        assert_eq!(events(&bytes), [Event::Damaged]);
    }

    #[test]
    fn what_a_later_version_says_is_not_damaged() {
        let later = sealed(&[5, 9, 0, 200, 1]);
        assert_eq!(events(&later), [Event::Unknown { session: 5, sequence: 9 }]);
        // Unknown trailing fields make a message unknown.
        let longer = sealed(&[5, 9, 2, 0]);
        assert_eq!(events(&longer), [Event::Unknown { session: 5, sequence: 9 }]);
    }

    #[test]
    fn the_longest_frames_fit_and_longer_ones_are_refused() {
        let text = "x".repeat(MAX_PAYLOAD);
        let log = |length: usize| {
            let line = LogLine { number: u32::MAX, time_ms: u64::MAX, text: text[..length].into() };
            let body = Body::Reply(Reply::Log { lines: vec![line] });
            Envelope { session: u32::MAX, sequence: u32::MAX, body }
        };
        let longest = (0..MAX_PAYLOAD).rev().find(|length| fits(&log(*length))).unwrap();
        let bytes = frame(&log(longest));
        assert!(bytes.len() <= MAX_FRAME && bytes.len() > MAX_FRAME - 20, "{}", bytes.len());
        assert_eq!(events(&bytes), [Event::Frame(log(longest))]);
        assert_eq!(Encoder::default().encode(&log(longest + 1)), Err(TooLong));
    }

    #[test]
    fn a_log_that_claims_many_lines_makes_no_room_for_them() {
        let lines = vec![LogLine { number: 0, time_ms: 0, text: String::new() }; MAX_LINES + 1];
        let body = Body::Reply(Reply::Log { lines });
        let bytes = frame(&Envelope { session: 1, sequence: 2, body });
        assert_eq!(events(&bytes), [Event::Unknown { session: 1, sequence: 2 }]);
        // 3000 lines of three zeros each: 3000 times the size of a line in memory.
        let mut payload = vec![1, 2, 1, 2, 0xb8, 0x17];
        payload.resize(4000, 0);
        let bytes = sealed(&payload);
        let mut decoder = Decoder::default();
        let used = allocation_counter::measure(|| {
            for byte in &bytes {
                decoder.push(*byte);
            }
        });
        assert_eq!(used.bytes_total, 0);
    }
}
