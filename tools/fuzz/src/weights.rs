//! Weights that other programs wrote.

use std::fs;

use emocue_models::failure::{self, Failure as _};
use emocue_weights::{WeightsError, WeightsFile};
use tempfile::TempDir;

use crate::FuzzTarget;
use crate::link::folder;
use crate::zip::zip;

/// Tensors whose values are read have at most so many: a file may claim a shape of many more than it holds.
const MOST: usize = 1 << 16;

/// safetensors files and PyTorch state dicts.
pub const WEIGHTS: FuzzTarget = FuzzTarget {
    name: "weights",
    what: "a file of weights, as it is, and as a pickle, header or tables inside one: finite floats as many as the \
           shape says, or what is wrong",
    run: weights,
    seeds: || {
        let header = br#"{"a.weight":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"b":{"dtype":"BF16","shape":[4],"data_offsets":[24,32]},"n":{"dtype":"I64","shape":[],"data_offsets":[32,40]}}"#;
        let kind = |kind: u8, rest: &[u8]| [&[kind], rest].concat();
        vec![
            kind(0, &safetensors(header)),
            kind(0, &saved(STATE)),
            kind(0, b"\x80\x02}q\0X\x01\0\0\0aK\x01s."),
            kind(0, &legacy(STATE)),
            kind(1, STATE),
            kind(1, MODULE),
            kind(2, header),
            kind(3, STATE),
            kind(4, &tables()),
        ]
    },
};

/// `{"weight": a tensor of 2 x 3 floats}` with the first storage's floats.
const STATE: &[u8] = b"\x80\x02}q\0X\x06\0\0\0weightq\x01ctorch._utils\n_rebuild_tensor_v2\nq\x02((X\x07\0\0\0storageq\x03ctorch\nFloatStorage\nq\x04X\x01\0\0\x000q\x05X\x03\0\0\0cpuq\x06K\x20tq\x07QK\x01K\x02K\x03\x86q\x08K\x03K\x01\x86q\x09\x89ccollections\nOrderedDict\nq\x0a)Rq\x0btq\x0cRq\x0ds.";

/// A whole module with one parameter, a child and a buffer that is not saved.
const MODULE: &[u8] = b"\x80\x02c__main__\nM\nq\0)\x81q\x01}q\x02(X\x0b\0\0\0_parametersq\x03}q\x04X\x04\0\0\0biasq\x05NsX\x08\0\0\0_buffersq\x06}q\x07X\x08\0\0\0_modulesq\x0f}q\x10X\x02\0\0\0fcq\x11h\0)\x81q\x12}q\x13(h\x03}q\x14X\x06\0\0\0weightq\x15K\x01sh\x06}q\x16h\x0f}q\x17ubsub.";

/// What stands before the state of a legacy file: magic number, protocol, and the system.
const BEFORE: &[u8] = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}q\0X\x0d\0\0\0little_endianq\x01\x88s.";

/// The values of a storage.
fn storage() -> Vec<u8> {
    (0..32).flat_map(|at| (at as f32 / 8.0).to_le_bytes()).collect()
}

/// As `torch.save` writes a file.
fn saved(pickle: &[u8]) -> Vec<u8> {
    let members: [(&str, &[u8]); 4] = [
        ("net/data.pkl", pickle),
        ("net/byteorder", b"little"),
        ("net/data/0", &storage()),
        ("net/version", b"3\n"),
    ];
    zip(&members)
}

/// As it wrote files before.
fn legacy(pickle: &[u8]) -> Vec<u8> {
    let count = 32_i64.to_le_bytes();
    [BEFORE, pickle, b"\x80\x02]q\0X\x01\0\0\x000q\x01a.", &count, &storage()].concat()
}

/// A header with as many values as the first claims.
fn safetensors(header: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header, &storage()[..40]].concat()
}

/// The four members of the oldest files, each behind its length.
fn tables() -> Vec<u8> {
    let storage = [
        &b"\x80\x02K\x01.\x80\x02K\x07X\x03\0\0\0cpuctorch\nFloatStorage\n\x87."[..],
        &32_i64.to_le_bytes(),
        &storage(),
        b"\x80\x02].",
    ]
    .concat();
    let tensor = [
        &b"\x80\x02K\x01.\x80\x02K\x09K\x07ctorch\nFloatTensor\n\x87."[..],
        &[1, 0, 0, 0, 0, 0, 0, 0],
        &3_i64.to_le_bytes(),
        &1_i64.to_le_bytes(),
        &0_i64.to_le_bytes(),
    ]
    .concat();
    let members: [&[u8]; 3] =
        [&storage, &tensor, b"\x80\x02}q\0X\x01\0\0\0wq\x01X\x01\0\0\x009Qs."];
    members
        .iter()
        .flat_map(|member| [&(member.len() as u16).to_le_bytes(), *member].concat())
        .collect()
}

/// A tar file of these members.
fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, bytes) in members {
        let mut header = [0_u8; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[124..135].copy_from_slice(format!("{:011o}", bytes.len()).as_bytes());
        header[148..156].fill(b' ');
        header[156] = b'0';
        header[257..263].copy_from_slice(b"ustar\0");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        out.extend(header);
        out.extend(*bytes);
        out.resize(out.len().next_multiple_of(512), 0);
    }
    out.extend([0; 1024]);
    out
}

/// The next member of [`tables`].
fn member<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let Some((length, more)) = rest.split_first_chunk() else { return std::mem::take(rest) };
    let (member, more) = more.split_at(more.len().min(u16::from_le_bytes(*length).into()));
    *rest = more;
    member
}

fn weights(data: &[u8]) {
    thread_local!(static FOLDER: TempDir = folder());
    let path = FOLDER.with(|folder| folder.path().join("weights"));
    let Some((kind, mut rest)) = data.split_first() else { return };
    let bytes = match kind % 5 {
        1 => saved(rest),
        2 => safetensors(rest),
        3 => legacy(rest),
        4 => {
            let [storages, tensors] = [member(&mut rest), member(&mut rest)];
            tar(&[("storages", storages), ("tensors", tensors), ("pickle", member(&mut rest))])
        }
        _ => rest.to_vec(),
    };
    fs::write(&path, bytes).expect("memory takes it");
    let told = |error: WeightsError| {
        assert!(!failure::line(&error).is_empty());
        drop((error.help(), error.exit_code()));
    };
    let file = match WeightsFile::open(&path) {
        Ok(file) => file,
        Err(error) => return told(error),
    };
    for (name, tensor) in file.tensors() {
        let count = tensor.shape().iter().try_fold(1_usize, |all, size| all.checked_mul(*size));
        let Some(count) = count.filter(|count| *count <= MOST) else { continue };
        match file.floats_of_shape(name, tensor.shape()) {
            Ok(floats) => {
                assert_eq!(floats.len(), count, "{name}");
                assert!(tensor.is_float() && floats.iter().all(|value| value.is_finite()));
            }
            Err(error) => told(error),
        }
    }
}
