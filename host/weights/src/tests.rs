use std::fs;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

/// A safetensors file with this header and these values.
fn safetensors(header: &str, values: &[u8]) -> (TempDir, PathBuf) {
    let bytes = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), values].concat();
    file(&bytes)
}

fn file(bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights");
    fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn refused(path: &Path) -> String {
    WeightsFile::open(path).unwrap_err().to_string()
}

#[test]
fn every_float_type_comes_as_f32_and_other_tensors_are_listed() {
    let header = r#"{"d":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},
        "f":{"dtype":"F32","shape":[2,1],"data_offsets":[8,16]},
        "h":{"dtype":"F16","shape":[1],"data_offsets":[16,18]},
        "b":{"dtype":"BF16","shape":[1],"data_offsets":[18,20]},
        "n":{"dtype":"I64","shape":[],"data_offsets":[20,28]}}"#;
    let mut values = 0.5_f64.to_le_bytes().to_vec();
    values.extend([1.5_f32, -2.0].iter().flat_map(|value| value.to_le_bytes()));
    values.extend(half::f16::from_f32(0.25).to_le_bytes());
    values.extend(half::bf16::from_f32(-8.0).to_le_bytes());
    values.extend(7_i64.to_le_bytes());
    let (_folder, path) = safetensors(header, &values);
    let weights = WeightsFile::open(&path).unwrap();
    let floats = |name: &str| weights.floats(name).unwrap();
    assert_eq!((floats("d"), floats("f")), (vec![0.5], vec![1.5, -2.0]));
    assert_eq!((floats("h"), floats("b")), (vec![0.25], vec![-8.0]));
    assert_eq!(weights.tensors()["f"].shape(), [2, 1]);
    assert!(!weights.tensors()["n"].is_float());
    let told = |result: Result<_, WeightsError>| result.unwrap_err().to_string();
    assert!(told(weights.floats("n")).contains("\"n\" is I64 []"));
    assert!(told(weights.floats("x")).contains("no tensor \"x\""));
    let other = told(weights.floats_of_shape("f", &[1, 2]));
    assert!(other.contains("F32 [2, 1], expected floats [1, 2]"), "{other}");
}

#[test]
fn a_header_that_claims_what_is_not_there_is_refused_unread() {
    let tensor = |shape: &str, end: u64| {
        format!(r#"{{"a":{{"dtype":"F32","shape":{shape},"data_offsets":[0,{end}]}}}}"#)
    };
    for (header, values) in [
        (tensor("[4611686018427387904]", 0), 0),
        (tensor("[1152921504606846976]", 4_611_686_018_427_387_904), 4),
        (tensor("[2]", 8), 4),
        (tensor("[2]", 8), 12),
        (tensor("[2]", 4), 4),
        ("{".to_owned(), 0),
        ("{}".to_owned(), 1),
    ] {
        let (_folder, path) = safetensors(&header, &vec![0; values]);
        assert!(refused(&path).contains("is damaged, or neither"), "{header}");
    }
    for length in [9, 1 << 30, u64::MAX - 7, u64::MAX] {
        let (_folder, path) = file(&[&length.to_le_bytes()[..], b"{}"].concat());
        assert!(refused(&path).contains("is damaged, or neither"), "{length}");
    }
}

#[test]
fn what_is_not_finite_is_named() {
    let header = r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#;
    let values = [1.0_f32.to_le_bytes(), f32::INFINITY.to_le_bytes()].concat();
    let (_folder, path) = safetensors(header, &values);
    let error = WeightsFile::open(&path).unwrap().floats("a").unwrap_err().to_string();
    assert!(error.ends_with("tensor \"a\" holds inf at position 1"), "{error}");
}

#[test]
fn what_is_not_a_file_of_weights_is_refused() {
    for bytes in [&b""[..], b"PK\x03\x04 no zip", b"neither of them", b"\x80\x02cos\nsystem\n."] {
        let (_folder, path) = file(bytes);
        assert!(refused(&path).contains("is damaged, or neither"), "{bytes:?}");
    }
    let folder = tempfile::tempdir().unwrap();
    assert!(refused(folder.path()).contains("not a regular file"));
    assert!(refused(&folder.path().join("none")).starts_with("cannot read"));
    let large = folder.path().join("large");
    fs::File::create(&large).unwrap().set_len(MAX_FILE_BYTES + 1).unwrap();
    assert!(refused(&large).contains("a weights file may have"));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let (_folder, path) = file(&bytes);
        let _ = WeightsFile::open(&path);
        let (_folder, path) = safetensors(&String::from_utf8_lossy(&bytes), &[0; 16]);
        let _ = WeightsFile::open(&path);
    }
}
