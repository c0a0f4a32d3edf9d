use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use proptest::prelude::*;

use super::*;
use crate::picture::{PictureError, Rules, decode};

const EOI: [u8; 2] = [0xFF, 0xD9];

/// A noisy colour picture of 48x40 px.
fn encoded() -> Vec<u8> {
    let noise = |x: u32, y: u32| ((x * 37) ^ (y * 91)).wrapping_mul(2_654_435_761) as u8;
    let picture = RgbImage::from_fn(48, 40, |x, y| Rgb([noise(x, y), noise(y, x), x as u8 * 5]));
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::from(picture).write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
    bytes.into_inner()
}

/// Where the entropy-coded data begin.
fn data_start(jpeg: &[u8]) -> usize {
    let scan = jpeg.windows(2).position(|pair| pair == [0xFF, 0xDA]).unwrap();
    scan + 2 + usize::from(u16::from_be_bytes([jpeg[scan + 2], jpeg[scan + 3]]))
}

/// Without the segments of `code`.
fn without(jpeg: &[u8], code: u8) -> Vec<u8> {
    let (mut bare, mut rest) = (SOI.to_vec(), &jpeg[2..]);
    while rest[1] != 0xDA {
        let length = 2 + usize::from(u16::from_be_bytes([rest[2], rest[3]]));
        if rest[1] != code {
            bare.extend(&rest[..length]);
        }
        rest = &rest[length..];
    }
    [&bare, rest].concat()
}

#[test]
fn data_that_end_early_are_cut_off_even_with_an_end_marker() {
    let jpeg = encoded();
    let start = data_start(&jpeg);
    assert_eq!(extent(&jpeg), Ok(Extent { end: jpeg.len(), has_tables: true, held: 0 }));
    let last = jpeg.len() - EOI.len();
    for keep in (start..last - 2).step_by(13) {
        // A cut must not split a stuffed byte.
        let keep = keep - usize::from(jpeg[keep - 1] == 0xFF);
        let cut = [&jpeg[..keep], &EOI].concat();
        assert_eq!(extent(&cut), Err(JpegError::CutOff { at: keep as u64 }), "{keep} of {last}");
        for rules in [Rules::BADGE, Rules::DATASET] {
            let error = decode(&cut, &rules).unwrap_err();
            assert_eq!(error, PictureError::CutOff { at: keep as u64 });
        }
    }
    // Bytes lost in the middle, the rest in place.
    let middle = (start + last) / 2;
    let lost = [&jpeg[..middle - 100], &jpeg[middle..]].concat();
    assert!(extent(&lost).is_err());
}

/// zune-jpeg 0.5.15 panics on such a frame of 9x17 px.
#[test]
fn luma_coarser_than_colour_is_refused() {
    let mut jpeg = encoded();
    let frame = jpeg.windows(2).position(|pair| matches!(pair, [0xFF, 0xC0])).unwrap();
    // The sampling of the first and of the last of three components.
    (jpeg[frame + 11], jpeg[frame + 17]) = (0x11, 0x21);
    assert!(matches!(extent(&jpeg), Err(JpegError::Damaged(what)) if what.contains("sampling")));
    for rules in [Rules::BADGE, Rules::DATASET] {
        assert!(decode(&jpeg, &rules).is_err());
    }
}

/// The decoder must not see what was not read before it.
#[test]
fn a_second_frame_header_and_unsupported_kinds_are_refused() {
    let jpeg = encoded();
    let at = jpeg.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
    let length = 2 + usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
    let twice = [&jpeg[..at + length], &jpeg[at..]].concat();
    assert_eq!(extent(&twice), Err(JpegError::Damaged("a second frame header")));
    // Lossless, arithmetic coding, 12 bits, no component.
    for (offset, value) in [(1, 0xC3), (1, 0xC9), (4, 12), (9, 0)] {
        let mut other = jpeg.clone();
        other[at + offset] = value;
        assert_eq!(extent(&other), Err(UNSUPPORTED), "{offset}");
        for rules in [Rules::BADGE, Rules::DATASET] {
            assert!(decode(&other, &rules).is_err(), "{offset}");
        }
    }
}

/// The decoder panics on some of these.
#[test]
fn a_component_in_two_scans_is_refused() {
    let jpeg = encoded();
    let scan = jpeg.windows(2).position(|pair| pair == [0xFF, 0xDA]).unwrap();
    let last = jpeg.len() - EOI.len();
    let twice = [&jpeg[..last], &jpeg[scan..]].concat();
    assert_eq!(extent(&twice), Err(JpegError::Damaged("a component in two scans")));
    // Its header lists three components, each by two bytes after the length and the count.
    let mut alike = jpeg.clone();
    alike[scan + 7] = alike[scan + 5];
    assert_eq!(extent(&alike), Err(JpegError::Damaged("an invalid header of a scan")));
    for jpeg in [twice, alike] {
        for rules in [Rules::BADGE, Rules::DATASET] {
            assert!(decode(&jpeg, &rules).is_err());
        }
    }
}

#[test]
fn what_follows_a_whole_picture_is_ignored() {
    let jpeg = encoded();
    let film = b"\0\0\0\x18ftypmp42\0\0\0\x20mdat\x01\x02\xFF\xDA\x03\x04\x05\x06";
    for tail in [&film[..], &jpeg, b"\xFF\xDA", &[0; 300]] {
        let both = [&jpeg[..], tail].concat();
        assert_eq!(extent(&both).unwrap().end, jpeg.len());
        for rules in [Rules::BADGE, Rules::DATASET] {
            assert_eq!(decode(&both, &rules), decode(&jpeg, &rules));
        }
    }
}

#[test]
fn a_thumbnail_does_not_end_the_picture() {
    let jpeg = encoded();
    let mut thumbnail = vec![0xFF, 0xE1];
    thumbnail.extend((2 + jpeg.len() as u16).to_be_bytes());
    thumbnail.extend(&jpeg);
    let nested = [&jpeg[..2], &thumbnail, &jpeg[2..]].concat();
    assert_eq!(extent(&nested).unwrap().end, nested.len());
    let cut = [&nested[..nested.len() - 600], &EOI].concat();
    assert!(matches!(extent(&cut), Err(JpegError::CutOff { .. })));
}

#[test]
fn missing_huffman_tables_are_the_standards() {
    let jpeg = encoded();
    let bare = without(&jpeg, 0xC4);
    assert!(bare.len() + 400 < jpeg.len());
    assert_eq!(extent(&bare), Ok(Extent { end: bare.len(), has_tables: false, held: 0 }));
    for rules in [Rules::BADGE, Rules::DATASET] {
        assert_eq!(decode(&bare, &rules), decode(&jpeg, &rules));
    }
}

/// Writes bits as a scan has them.
#[derive(Default)]
struct Writer {
    bytes: Vec<u8>,
    bits: String,
}

impl Writer {
    fn put(&mut self, bits: &str) {
        self.bits.push_str(bits);
    }

    /// Fills the last byte with ones.
    fn finish(mut self) -> Vec<u8> {
        while !self.bits.len().is_multiple_of(8) {
            self.bits.push('1');
        }
        for byte in self.bits.as_bytes().chunks(8) {
            let byte = u8::from_str_radix(std::str::from_utf8(byte).unwrap(), 2).unwrap();
            self.bytes.push(byte);
            if byte == 0xFF {
                self.bytes.push(0);
            }
        }
        self.bytes
    }
}

/// A file with one grey component of `side` px, its segments after the frame, and an end.
fn grey(code: u8, side: u8, segments: &[&[u8]]) -> Vec<u8> {
    let frame = [0xFF, code, 0, 11, 8, 0, side, 0, side, 1, 1, 0x11, 0];
    let quantization = [&[0xFF, 0xDB, 0, 67, 0][..], &[1; 64]].concat();
    [&SOI[..], &quantization, &frame, &segments.concat(), &EOI].concat()
}

fn scan(band: [u8; 3], data: &[u8]) -> Vec<u8> {
    [&[0xFF, 0xDA, 0, 8, 1, 1, 0], &band[..], data].concat()
}

#[test]
fn progressive_scans_are_read_to_their_ends() {
    // Four blocks. In the standard tables, the DC difference 0 is "00"; of the AC coefficients, 1 with no zero before
    // it is "00" and a sign bit, and the end of a block is "1010".
    let mut means = Writer::default();
    (0..4).for_each(|_| means.put("00"));
    let means = means.finish();
    let mut first = Writer::default();
    first.put("001"); // coefficient 1 of the first block
    first.put("1010");
    (0..3).for_each(|_| first.put("1010"));
    let first = first.finish();
    let mut refined = Writer::default();
    refined.put("1010"); // nothing new, then one more bit of coefficient 1
    refined.put("1");
    (0..3).for_each(|_| refined.put("1010"));
    let refined = refined.finish();
    let scans = [
        scan([0, 0, 0x01], &means),
        scan([1, 63, 0x01], &first),
        scan([0, 0, 0x10], &[0b0101_1111]),
        scan([1, 63, 0x10], &refined),
    ];
    let parts: Vec<&[u8]> = scans.iter().map(Vec::as_slice).collect();
    let whole = grey(0xC2, 16, &parts);
    assert_eq!(extent(&whole), Ok(Extent { end: whole.len(), has_tables: false, held: 4 * 128 }));
    assert!(decode(&whole, &Rules::BADGE).is_ok());
    // The same without the last byte of a scan.
    for short in [1, 3] {
        let cut = &scans[short][..scans[short].len() - 2];
        let mut parts = parts[..short].to_vec();
        parts.push(cut);
        let error = extent(&grey(0xC2, 16, &parts)).unwrap_err();
        assert!(matches!(error, JpegError::CutOff { .. }), "{short}: {error}");
    }
    assert!(extent(&grey(0xC2, 16, &parts[1..2])).is_err(), "no mean values");
}

#[test]
fn restarts_are_passed_and_a_lost_interval_is_missed() {
    let block = {
        let mut writer = Writer::default();
        writer.put("001010");
        writer.finish()
    };
    let interval = [0xFF, 0xDD, 0, 4, 0, 1];
    let data = |count: usize| -> Vec<u8> {
        (0..count).flat_map(|i| [&block[..], &[0xFF, 0xD0 + i as u8]].concat()).collect()
    };
    let whole = data(4);
    let whole = grey(0xC0, 16, &[&interval, &scan([0, 63, 0], &whole[..whole.len() - 2])]);
    assert_eq!(extent(&whole).unwrap().end, whole.len());
    let short = grey(0xC0, 16, &[&interval, &scan([0, 63, 0], &data(3))]);
    assert!(matches!(extent(&short), Err(JpegError::CutOff { .. })));
}

#[test]
fn a_claim_of_too_many_pixels_is_refused_before_anything_is_read() {
    let mut jpeg = encoded();
    let frame = jpeg.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0xFF, 0xFF, 0xFF, 0xFF]);
    assert_eq!(extent(&jpeg), Err(JpegError::TooLarge { width: 65_535, height: 65_535 }));
}

proptest! {
    #[test]
    fn damaged_files_never_panic(
        flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        keep in any::<prop::sample::Index>(),
        progressive: bool,
    ) {
        let mut bytes = encoded();
        if progressive {
            let frame = bytes.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
            bytes[frame + 1] = 0xC2;
        }
        for (at, value) in flips {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        bytes.truncate(keep.index(bytes.len() * 2));
        if let Ok(found) = extent(&bytes) {
            prop_assert!(found.end <= bytes.len());
        }
    }
}
