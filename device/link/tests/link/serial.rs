//! Serial ports, on pseudo-terminals.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use crate::common::{Fake, LONG, file, on, quick, quick_server, serve};
use emocue_link::message::FileKind;
use emocue_link::serial::{self, BAUDS, OpenError};
use emocue_link::transport::Streams;
use emocue_link::{Client, LinkError, Transport};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// The far side of a pseudo-terminal, and the path of its near one.
fn pty() -> (File, PathBuf) {
    let far = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&far).unwrap();
    unlockpt(&far).unwrap();
    let path = ptsname(&far, Vec::new()).unwrap();
    (far.into(), PathBuf::from(path.into_string().unwrap()))
}

#[test]
fn every_byte_passes_both_ways_unchanged() {
    let (mut far, path) = pty();
    let mut near = serial::open(&path, 115_200).unwrap();
    let all: Vec<u8> = (0..=255).collect();
    let mut read = [0; 256];
    assert_eq!(near.read(&mut read, Duration::ZERO).unwrap(), 0);
    assert_eq!(near.read(&mut read, Duration::from_millis(2)).unwrap(), 0);
    near.write_all(&all).unwrap();
    far.read_exact(&mut read).unwrap();
    assert_eq!(read, *all);
    far.write_all(&all).unwrap();
    let mut came: Vec<u8> = Vec::new();
    while came.len() < all.len() {
        let length = near.read(&mut read, LONG).unwrap();
        assert_ne!(length, 0);
        came.extend(&read[..length]);
    }
    assert_eq!(came, all);
}

#[test]
fn a_pulled_cable_closes_the_link() {
    let (far, path) = pty();
    let mut near = serial::open(&path, 9600).unwrap();
    drop(far);
    assert!(matches!(near.read(&mut [0; 9], LONG), Err(LinkError::Closed)));
    assert!(matches!(near.write_all(&[0]), Err(LinkError::Closed)));
}

#[test]
fn a_port_is_opened_by_one_program_at_a_time() {
    let (_far, path) = pty();
    let near = serial::open(&path, 9600).unwrap();
    let error = serial::open(&path, 9600).unwrap_err();
    assert!(matches!(error, OpenError::InUse { .. }), "{error}");
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    drop(near);
    serial::open(&path, 9600).unwrap();
}

#[test]
fn errors_tell_what_to_do() {
    let missing = serial::open("/dev/ttyNONE7", 9600).unwrap_err();
    assert_eq!(missing.to_string(), "/dev/ttyNONE7 does not exist");
    assert!(missing.help().unwrap().contains("Plug the cable in"), "{missing:?}");
    assert!(missing.to_line().contains("does not exist. Plug the cable in"), "{missing:?}");
    let rate = serial::open("/dev/ttyNONE7", 12_345).unwrap_err().to_string();
    assert!(
        rate.contains("12345 baud is not a standard rate") && rate.contains("115200"),
        "{rate}"
    );
    assert!(BAUDS.is_sorted());
    for baud in BAUDS {
        let (_far, path) = pty();
        serial::open(path, baud).unwrap();
    }
}

#[test]
fn files_and_folders_are_no_ports() {
    let file = tempfile::NamedTempFile::new().unwrap();
    for path in [file.path(), file.path().parent().unwrap()] {
        let error = serial::open(path, 9600).unwrap_err();
        assert!(matches!(error, OpenError::NotPort { .. }), "{error}");
    }
}

#[test]
fn a_file_goes_through_a_terminal_that_keeps_4_kilobytes() {
    let (far, path) = pty();
    let far = Streams::new(far.try_clone().unwrap(), far);
    let badge = serve(far, Fake::default(), quick_server());
    let near = serial::open(&path, 4_000_000).unwrap();
    let mut client = Client::connect(near, quick()).unwrap();
    let file = file(100_000);
    client.send(FileKind::Bundle, &file, &mut on).unwrap();
    client.bye();
    assert_eq!(badge.join().unwrap().received, Some(file));
}
