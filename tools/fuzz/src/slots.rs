//! What a badge keeps about its slots.

use emocue_device::slots::{Held, Pointer};

use crate::FuzzTarget;

/// The file that says which slot runs.
pub const SLOT_POINTER: FuzzTarget = FuzzTarget {
    name: "slot_pointer",
    what: "the file of the slots, as it is and with its CRC repaired: what is read is written the same",
    run: pointer,
    seeds: || {
        let mut pointer = Pointer::default();
        let mut seeds = vec![b"\n".to_vec(), pointer.encode()];
        pointer.active = Some(emocue_device::slots::Slot::A);
        pointer.a = Held::Good;
        pointer.b = Held::Trial { starts_left: 2 };
        pointer.newest = [("default".to_owned(), 7)].into();
        seeds.push(pointer.encode());
        seeds
    },
};

fn pointer(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let json = text.split_once('\n').map_or(&*text, |(_, json)| json.trim_end_matches('\n'));
    let repaired = format!("{:08x}\n{json}\n", crc32fast::hash(json.as_bytes()));
    for bytes in [data, repaired.as_bytes()] {
        let Some(pointer) = Pointer::decode(bytes) else { continue };
        assert_eq!(Pointer::decode(&pointer.encode()), Some(pointer.clone()));
        assert_ne!(Some(pointer.spare()), pointer.active, "the running slot is written over");
        let _ = pointer.next();
    }
}
