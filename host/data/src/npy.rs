//! Reads a NumPy array in the `.npy` format (versions 1 to 3). Memory is allocated only for bytes that exist.
//!
//! The header is not read by `npyz`, since that trusts any declared header length, nesting and shape.

use std::io::{self, Read};

/// The longest header that is read, bytes; NumPy's are about 100.
const MAX_HEADER: usize = 4096;
/// Most axes.
const MAX_AXES: usize = 8;

/// An array as it is stored.
#[derive(Clone, Debug)]
pub(super) struct Array {
    pub(super) shape: Vec<usize>,
    /// Whether the first axis is contiguous (column-major order).
    fortran: bool,
    dtype: Dtype,
    bytes: Vec<u8>,
}

/// The type of an element, such as `'<f4'`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Dtype {
    kind: u8,
    /// Bytes of one element.
    size: usize,
    big_endian: bool,
}

impl Array {
    /// Reads a whole array of at most `limit` bytes.
    pub(super) fn read(mut input: impl Read, limit: u64) -> Result<Self, String> {
        let broken = |error: io::Error| format!("a damaged array: {error}");
        let mut start = [0; 8];
        input.read_exact(&mut start).map_err(broken)?;
        let &[b'\x93', b'N', b'U', b'M', b'P', b'Y', version @ 1..=3, _] = &start else {
            return Err("no NumPy array (.npy)".to_owned());
        };
        let mut length = [0; 4];
        input.read_exact(&mut length[..if version == 1 { 2 } else { 4 }]).map_err(broken)?;
        let length = u32::from_le_bytes(length) as usize;
        if length > MAX_HEADER {
            return Err(format!("a header of {length} bytes, expected at most {MAX_HEADER}"));
        }
        let mut header = vec![0; length];
        input.read_exact(&mut header).map_err(broken)?;
        let header = String::from_utf8_lossy(&header);
        let (dtype, fortran, shape) = parse(&header)
            .ok_or_else(|| format!("cannot use the array's header {:.120}", header.trim()))?;
        let size = shape.iter().try_fold(dtype.size, |product, axis| product.checked_mul(*axis));
        let size = size.filter(|size| *size as u64 <= limit).ok_or_else(|| {
            format!("an array of shape {shape:?} is larger than {} MiB", limit >> 20)
        })?;
        // The vector grows with the bytes that are read, so that a header alone cannot allocate memory.
        let mut bytes = Vec::new();
        input.take(size as u64).read_to_end(&mut bytes).map_err(broken)?;
        if bytes.len() != size {
            return Err(format!("{} bytes, but shape {shape:?} needs {size}", bytes.len()));
        }
        Ok(Self { shape, fortran, dtype, bytes })
    }

    /// Number of elements.
    pub(super) fn len(&self) -> usize {
        self.bytes.len() / self.dtype.size
    }

    /// Stride of each axis, in elements.
    pub(super) fn strides(&self) -> Vec<usize> {
        let mut strides = vec![0; self.shape.len()];
        let mut step = 1_usize;
        let axes = 0..self.shape.len();
        let order: Vec<usize> = if self.fortran { axes.collect() } else { axes.rev().collect() };
        for axis in order {
            strides[axis] = step;
            // An empty array may have other axes of any size.
            step = step.saturating_mul(self.shape[axis]);
        }
        strides
    }

    /// Whether elements are floats; if not, they are integers, booleans or text.
    pub(super) fn is_float(&self) -> bool {
        self.dtype.kind == b'f'
    }

    /// Whether elements are text.
    pub(super) fn is_text(&self) -> bool {
        matches!(self.dtype.kind, b'S' | b'U')
    }

    /// Element `index` as stored, exact up to 2^53; NaN for text.
    ///
    /// # Panics
    /// When `index` is not below [`Array::len`].
    pub(super) fn number(&self, index: usize) -> f64 {
        let Dtype { kind, size, big_endian } = self.dtype;
        let stored = &self.bytes[index * size..(index + 1) * size];
        if self.is_text() {
            return f64::NAN;
        }
        // Little-endian, in the low bytes.
        let mut bytes = [0; 8];
        bytes[..size].copy_from_slice(stored);
        if big_endian {
            bytes[..size].reverse();
        }
        let bits = u64::from_le_bytes(bytes);
        let unused = 64 - 8 * size as u32;
        match (kind, size) {
            (b'f', 4) => f64::from(f32::from_bits(bits as u32)),
            (b'f', _) => f64::from_bits(bits),
            (b'i', _) => (((bits << unused) as i64) >> unused) as f64,
            _ => bits as f64,
        }
    }

    /// Element `index` as text, without the padding; `None` for numbers.
    ///
    /// # Panics
    /// When `index` is not below [`Array::len`].
    pub(super) fn text(&self, index: usize) -> Option<String> {
        let Dtype { kind, size, big_endian } = self.dtype;
        let stored = &self.bytes[index * size..(index + 1) * size];
        let text: String = match kind {
            b'S' => String::from_utf8_lossy(stored).into_owned(),
            b'U' => {
                let code = |four: &[u8]| {
                    let four: [u8; 4] = four.try_into().unwrap_or_default();
                    let code = u32::from_le_bytes(four);
                    let code = if big_endian { code.swap_bytes() } else { code };
                    char::from_u32(code).unwrap_or('\u{fffd}')
                };
                stored.chunks_exact(4).map(code).collect()
            }
            _ => return None,
        };
        Some(text.trim_end_matches('\0').to_owned())
    }
}

/// `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }` to its three values; `None` for records,
/// objects, complex numbers, dates and anything else that is not such a header.
fn parse(header: &str) -> Option<(Dtype, bool, Vec<usize>)> {
    let after = |key: &str| {
        let at = header.find(&format!("'{key}'"))? + key.len() + 2;
        Some(header[at..].trim_start().strip_prefix(':')?.trim_start())
    };
    let descr = after("descr")?.strip_prefix('\'')?;
    let dtype = Dtype::parse(&descr[..descr.find('\'')?])?;
    let order = after("fortran_order")?;
    let fortran = order.starts_with("True");
    if !fortran && !order.starts_with("False") {
        return None;
    }
    let shape = after("shape")?.strip_prefix('(')?;
    let axes = shape[..shape.find(')')?].split(',').map(str::trim).filter(|axis| !axis.is_empty());
    let shape = axes.map(|axis| axis.trim_end_matches('L').parse().ok());
    let shape: Vec<usize> = shape.collect::<Option<_>>()?;
    (shape.len() <= MAX_AXES).then_some((dtype, fortran, shape))
}

impl Dtype {
    fn parse(text: &str) -> Option<Self> {
        let (order, kind) = (text.chars().next()?, *text.as_bytes().get(1)?);
        let size: usize = text.get(2..)?.parse().ok()?;
        let big_endian = match order {
            '<' | '|' => false,
            '>' => true,
            _ => return None,
        };
        let size = match (kind, size) {
            (b'b' | b'u' | b'i', 1) | (b'u' | b'i', 2 | 4 | 8) | (b'f', 4 | 8) => size,
            (b'S', 1..=64) => size,
            (b'U', 1..=64) => 4 * size,
            _ => return None,
        };
        Some(Self { kind, size, big_endian })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use npyz::WriterBuilder as _;

    use super::*;

    /// The bytes of an array written by `npyz`, which is independent of this reader.
    pub(in super::super) fn written<T: npyz::AutoSerialize + Copy>(
        shape: &[u64],
        values: &[T],
    ) -> Vec<u8> {
        with_dtype(T::default_dtype(), npyz::Order::C, shape, values)
    }

    pub(in super::super) fn with_dtype<T: npyz::Serialize + Copy>(
        dtype: npyz::DType,
        order: npyz::Order,
        shape: &[u64],
        values: &[T],
    ) -> Vec<u8> {
        let mut bytes = Vec::new();
        let options = npyz::WriteOptions::new().dtype(dtype).shape(shape).order(order);
        let mut writer = options.writer(&mut bytes).begin_nd().unwrap();
        writer.extend(values.iter().copied()).unwrap();
        writer.finish().unwrap();
        bytes
    }

    /// A text of dtype `descr` without axes, like AffectNet's annotations.
    pub(in super::super) fn text(descr: &str, bytes: &[u8]) -> Vec<u8> {
        let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': (), }}");
        header.push_str(&" ".repeat(117 - header.len()));
        header.push('\n');
        let length = (header.len() as u16).to_le_bytes();
        [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), bytes].concat()
    }

    #[test]
    fn numbers_of_every_kind() {
        let read = |bytes: Vec<u8>| Array::read(&bytes[..], 1 << 20).unwrap();
        let array = read(written(&[2, 2], &[-1.5_f32, 0.0, 2.0, 255.0]));
        assert_eq!(
            (array.shape.clone(), array.strides(), array.len()),
            (vec![2, 2], vec![2, 1], 4)
        );
        assert_eq!((0..4).map(|i| array.number(i)).collect::<Vec<_>>(), [-1.5, 0.0, 2.0, 255.0]);
        assert_eq!(read(written(&[1], &[-7_i64])).number(0), -7.0);
        assert_eq!(read(written(&[1], &[-7_i16])).number(0), -7.0);
        assert_eq!(read(written(&[2], &[0_u8, 200])).number(1), 200.0);
        assert_eq!(read(written(&[1], &[1e9_f64])).number(0), 1e9);
        let big = npyz::DType::Plain(">i4".parse().unwrap());
        let fortran = with_dtype(big, npyz::Order::Fortran, &[2, 3], &[0, 1, 2, 3, 4, -5_i32]);
        let fortran = read(fortran);
        assert_eq!((fortran.strides(), fortran.number(5)), (vec![1, 2], -5.0));
    }

    #[test]
    fn texts_lose_their_padding() {
        let unicode = Array::read(&text("<U2", b"7\0\0\0\0\0\0\0")[..], 64).unwrap();
        assert_eq!((unicode.shape.len(), unicode.text(0).as_deref()), (0, Some("7")));
        let bytes = Array::read(&text("|S3", b"10\0")[..], 64).unwrap();
        assert_eq!((bytes.text(0).as_deref(), bytes.is_text()), (Some("10"), true));
    }

    #[test]
    fn impossible_arrays_are_refused() {
        let good = written(&[2, 2], &[1_u8, 2, 3, 4]);
        let cut = Array::read(&good[..good.len() - 1], 64).unwrap_err();
        assert!(cut.contains("3 bytes, but shape [2, 2] needs 4"), "{cut}");
        assert!(Array::read(&good[..], 3).unwrap_err().contains("larger"));
        for (from, to, word) in [
            ("(2, 2)", "(9999999999999999999999, )", "header"),
            ("(2, 2)", "(4294967296, 4294967296, 8)", "larger"),
            ("|u1", "|O8", "header"),
        ] {
            let header =
                "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 2), }\n".replace(from, to);
            let length = (header.len() as u16).to_le_bytes();
            let bytes = [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes()].concat();
            let error = Array::read(&bytes[..], 1 << 30).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
        let long = [b"\x93NUMPY\x02\x00".as_slice(), &u32::MAX.to_le_bytes()].concat();
        assert!(Array::read(&long[..], 64).unwrap_err().contains("header of"));
        assert!(Array::read(&b"PK\x03\x04 and more"[..], 64).unwrap_err().contains("no NumPy"));
    }
}
