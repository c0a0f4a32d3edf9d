//! NumPy archives.

use emocue_data::npz::{self, PARTS};
use emocue_models::label::FER_7;

use super::{SIDE, check, file, scratch};
use crate::FuzzTarget;
use crate::zip::zip;

/// An archive of arrays.
pub const NPZ: FuzzTarget = FuzzTarget {
    name: "npz",
    what: "a NumPy archive, as it is and around any arrays: rows, or what is wrong",
    run: archive,
    seeds: || {
        let pictures = array("|u1", "(2, 4, 4)", &(0..32).collect::<Vec<u8>>());
        let floats: Vec<u8> = (0..32).flat_map(|at| (at as f32 / 32.0).to_le_bytes()).collect();
        let floats = array("<f4", "(2, 16)", &floats);
        let labels = array("<i8", "(2,)", &[3_i64.to_le_bytes(), 6_i64.to_le_bytes()].concat());
        let names = array(
            "<U5",
            "(2,)",
            &"happyfear ".chars().flat_map(|c| (c as u32).to_le_bytes()).collect::<Vec<_>>(),
        );
        let one_hot = array("|b1", "(2, 7)", &[0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
        let both = |kind: u8, x: &[u8], y: &[u8]| {
            [&[kind][..], &(x.len() as u16).to_le_bytes(), x, y].concat()
        };
        vec![
            both(1, &pictures, &labels),
            both(3, &floats, &names),
            both(5, &pictures, &one_hot),
            [&[0], zip(&[("x.npy", &pictures), ("y.npy", &labels)]).as_slice()].concat(),
        ]
    },
};

fn array(dtype: &str, shape: &str, bytes: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut out = b"\x93NUMPY\x01\0".to_vec();
    out.extend((header.len() as u16).to_le_bytes());
    out.extend(header.as_bytes());
    out.extend(bytes);
    out
}

fn archive(data: &[u8]) {
    let Some((kind, rest)) = data.split_first() else { return };
    let bytes = match (kind % 2, rest.split_first_chunk()) {
        (1, Some((length, arrays))) => {
            let (x, y) = arrays.split_at(arrays.len().min(u16::from_le_bytes(*length).into()));
            let names: Vec<_> = PARTS.iter().flat_map(|(_, names)| *names).collect();
            let (pictures, labels) = names[usize::from(kind / 2) % names.len()];
            zip(&[(&format!("{pictures}.npy"), x), (&format!("{labels}.npy"), y)])
        }
        _ => rest.to_vec(),
    };
    let path = scratch().join("data.npz");
    file(&path, &bytes);
    check(npz::read(&path, "npz", FER_7, SIDE));
}
