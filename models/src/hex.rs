//! Bytes as hexadecimal digits.

use std::fmt;

/// 32 bytes from 64 hexadecimal digits of either case; `None` for any other text.
pub fn decode(text: &str) -> Option<[u8; 32]> {
    let text = text.as_bytes();
    if text.len() != 64 {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        let digit = |digit: u8| char::from(digit).to_digit(16);
        *byte = (digit(pair[0])? * 16 + digit(pair[1])?) as u8;
    }
    Some(bytes)
}

/// Each byte as two lower-case digits.
pub fn encode(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes each byte as two lower-case digits.
///
/// # Errors
/// The error of `f`.
pub fn write(bytes: &[u8], f: &mut impl fmt::Write) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_read_as_they_are_written_and_nothing_else_is() {
        let bytes: [u8; 32] = std::array::from_fn(|i| (i * 37) as u8);
        let (text, mut written) = (encode(&bytes), String::new());
        write(&bytes, &mut written).unwrap();
        assert_eq!(text, written);
        assert!(text.starts_with("00254a6f94"), "{text}");
        assert_eq!(decode(&text), Some(bytes));
        assert_eq!(decode(&text.to_uppercase()), Some(bytes));
        for other in ["", &text[2..], &text.replace('0', "g"), &format!("{text}00")] {
            assert_eq!(decode(other), None, "{other}");
        }
    }
}
