//! The link: frames, messages, both of its sides, and the inbox.

mod client;
mod frames;
mod inbox;
mod server;

pub use client::LINK_CLIENT;
pub use frames::LINK_FRAMES;
pub use inbox::LINK_INBOX;
pub use server::LINK_SERVER;

use std::path::Path;

use arbitrary::{Result, Unstructured};
use emocue_link::frame::{Body, Encoder, Envelope};
use emocue_link::message::{FileKind, Request, VERSION};
use tempfile::TempDir;

/// A frame around any payload, with the CRC that fits.
fn sealed(payload: &[u8]) -> Vec<u8> {
    let crc = crc32fast::hash(payload).to_le_bytes();
    let stuffed = cobs::encode_vec(&[payload, &crc].concat());
    [&[0], stuffed.as_slice(), &[0, 0]].concat()
}

fn frame(session: u32, sequence: u32, body: Body) -> Vec<u8> {
    let envelope = Envelope { session, sequence, body };
    Encoder::default().encode(&envelope).expect("a short message").to_vec()
}

/// A file that a host may send, and the hash that it announces: the right one, or another.
fn announced(input: &mut Unstructured<'_>) -> Result<(FileKind, Vec<u8>, [u8; 32])> {
    let kind = if input.arbitrary()? { FileKind::Bundle } else { FileKind::Config };
    let length = usize::from(input.arbitrary::<u8>()?) * 17;
    let file: Vec<u8> = (0..length).map(|at| (at * 7) as u8).collect();
    let right = input.ratio(7_u8, 8)?;
    let hash = emocue_sha(if right { &file } else { b"another" });
    Ok((kind, file, hash))
}

fn emocue_sha(bytes: &[u8]) -> [u8; 32] {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).into()
}

/// A request without a file.
fn request(input: &mut Unstructured<'_>) -> Result<Request> {
    Ok(match input.int_in_range(0..=9)? {
        0 => Request::Hello { version: VERSION },
        1 => Request::Status,
        2 => Request::Log { from: input.arbitrary()? },
        3 => Request::GetConfig { offset: input.arbitrary()? },
        4 => Request::Progress,
        5 => Request::Rollback,
        6 => Request::SelfTest,
        7 => Request::Journals { from: input.arbitrary()? },
        8 => Request::GetJournal { number: input.arbitrary()?, offset: input.arbitrary()? },
        _ => Request::Bye,
    })
}

/// A folder in memory where there is one.
pub(crate) fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.expect("a temporary folder")
}
