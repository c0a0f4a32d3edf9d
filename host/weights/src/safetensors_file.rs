//! The safetensors format: a JSON header with each tensor's type, shape and offsets, then the values.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use safetensors::tensor::Metadata;

use crate::floats::FloatType;
use crate::{ReadError, StoredTensor, Values};

/// Bytes of the header's length, which come first.
const LENGTH: u64 = 8;
/// Longest header that is read, bytes: a tensor takes about 100.
const MAX_HEADER: u64 = 16 << 20;

/// The tensors of a file of `bytes` bytes.
pub(crate) fn tensors(
    file: &mut File,
    bytes: u64,
) -> Result<BTreeMap<String, StoredTensor>, ReadError> {
    let mut length = [0; LENGTH as usize];
    file.seek(SeekFrom::Start(0)).map_err(ReadError::Io)?;
    file.read_exact(&mut length).map_err(ReadError::Io)?;
    let length = u64::from_le_bytes(length);
    let begin = length.saturating_add(LENGTH);
    if begin > bytes {
        return Err(ReadError::Damaged(format!("a header of {length} bytes, of {bytes} in all")));
    }
    if length > MAX_HEADER {
        let why = format!("a header of {length} bytes, more than {MAX_HEADER}");
        return Err(ReadError::Damaged(why));
    }
    let mut header = Vec::with_capacity(length as usize);
    file.take(length).read_to_end(&mut header).map_err(ReadError::Io)?;
    // Deserializing checks that the tensors are contiguous and that each has the length of its type and shape.
    let header: Metadata =
        serde_json::from_slice(&header).map_err(|error| ReadError::Damaged(error.to_string()))?;
    let data = bytes - begin;
    if header.data_len() as u64 != data {
        let why = format!("values of {} bytes, {data} are there", header.data_len());
        return Err(ReadError::Damaged(why));
    }
    let stored = header.tensors().into_iter().map(|(name, tensor)| {
        let stored = StoredTensor {
            shape: tensor.shape.clone(),
            element: tensor.dtype.to_string(),
            float: FloatType::of_safetensors(tensor.dtype),
            values: Values::At(begin + tensor.data_offsets.0 as u64),
        };
        (name, stored)
    });
    Ok(stored.collect())
}

/// `count` bytes from `offset` of the file.
pub(crate) fn values(path: &Path, offset: u64, count: usize) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::with_capacity(count);
    file.take(count as u64).read_to_end(&mut bytes)?;
    if bytes.len() < count {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes)
}
