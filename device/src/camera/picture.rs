//! JPEG and PNG pictures.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};

use emocue_models::luma::{Luma, Orientation, Rotation, luma_of_rgb};
use image::metadata::Orientation as Exif;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use super::{Camera, CameraError, FrameInfo, MAX_PIXELS};
use emocue_run::portraits::PORTRAITS;

/// The largest picture file read, bytes.
const MAX_FILE: u64 = 128 << 20;

/// The largest decoded picture, bytes: [`MAX_PIXELS`] with four 8-bit channels.
const MAX_DECODED: u64 = MAX_PIXELS * 4;

/// Still pictures, one after the other.
pub struct Stills {
    items: std::vec::IntoIter<Still>,
    index: u64,
}

enum Still {
    File(PathBuf),
    Embedded { file: &'static str, bytes: &'static [u8] },
}

impl Stills {
    /// Pictures from files.
    pub fn files(paths: Vec<PathBuf>) -> Self {
        Self::new(paths.into_iter().map(Still::File))
    }

    /// The embedded [`PORTRAITS`].
    pub fn portraits() -> Self {
        Self::new(
            PORTRAITS.map(|portrait| Still::Embedded { file: portrait.file, bytes: portrait.jpeg }),
        )
    }

    fn new(items: impl IntoIterator<Item = Still>) -> Self {
        Self { items: items.into_iter().collect::<Vec<_>>().into_iter(), index: 0 }
    }
}

impl Camera for Stills {
    fn next(&mut self, frame: &mut Luma, info: &mut FrameInfo) -> Result<bool, CameraError> {
        let Some(item) = self.items.next() else { return Ok(false) };
        info.index = self.index;
        info.time_ms = None;
        self.index += 1;
        info.source.clear();
        match item {
            Still::File(path) => {
                let name = path.file_name().unwrap_or(path.as_os_str());
                info.source.push_str(&name.to_string_lossy());
                *frame = decode(&path.display().to_string(), &read(&path)?)?;
            }
            Still::Embedded { file, bytes } => {
                info.source.push_str(file);
                *frame = decode(file, bytes)?;
            }
        }
        Ok(true)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, CameraError> {
    let fail = |reason| CameraError::Io { name: path.display().to_string(), reason };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(fail)?;
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(fail)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(fail(io::Error::other("a picture file of more than 128 MiB is not read")));
    }
    Ok(bytes)
}

/// Decodes a JPEG or PNG file, turned upright by its EXIF orientation.
///
/// Colours become BT.601 luma, grey stays as it is, transparency is ignored. `name` is for the errors.
///
/// # Errors
/// [`CameraError`] for another format, a picture over [`MAX_PIXELS`], a damaged or a cut-off file.
pub fn decode(name: &str, bytes: &[u8]) -> Result<Luma, CameraError> {
    let fail = |reason: image::ImageError| {
        let ends_early = matches!(&reason, image::ImageError::IoError(error)
            if error.kind() == io::ErrorKind::UnexpectedEof);
        if ends_early {
            return cut_off(name, bytes);
        }
        CameraError::Picture { name: name.to_owned(), reason: reason.to_string() }
    };
    if bytes.is_empty() {
        return Err(CameraError::Truncated {
            name: name.to_owned(),
            at: 0,
            missing: "the file is empty",
        });
    }
    let mut reader = ImageReader::new(Cursor::new(bytes));
    match image::guess_format(bytes) {
        Ok(format @ (ImageFormat::Jpeg | ImageFormat::Png)) => reader.set_format(format),
        _ => return Err(CameraError::UnknownFormat { name: name.to_owned() }),
    }
    // The JPEG decoder paints what is missing grey instead of failing.
    if reader.format() == Some(ImageFormat::Jpeg) && !jpeg_has_its_end(bytes) {
        return Err(cut_off(name, bytes));
    }
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_DECODED);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(fail)?;
    let (width, height) = decoder.dimensions();
    let (width, height) = (u64::from(width), u64::from(height));
    if width * height > MAX_PIXELS || decoder.total_bytes() > MAX_DECODED {
        return Err(CameraError::TooLarge { name: name.to_owned(), width, height });
    }
    let exif = decoder.orientation().map_err(fail)?;
    let picture = luma(DynamicImage::from_decoder(decoder).map_err(fail)?);
    let orientation = upright(exif);
    if orientation.is_identity() {
        return Ok(picture);
    }
    let mut turned = Luma::default();
    orientation.apply(&picture, &mut turned);
    Ok(turned)
}

fn cut_off(name: &str, bytes: &[u8]) -> CameraError {
    let missing = "the picture goes on";
    CameraError::Truncated { name: name.to_owned(), at: bytes.len() as u64, missing }
}

fn luma(picture: DynamicImage) -> Luma {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let mut out = Luma::new(width, height);
    if picture.color().has_color() {
        let rgb = picture.into_rgb8();
        for (to, from) in out.pixels_mut().iter_mut().zip(rgb.pixels()) {
            *to = luma_of_rgb(from.0);
        }
    } else {
        out.pixels_mut().copy_from_slice(&picture.into_luma8());
    }
    out
}

/// EXIF's eight orientations as a clockwise turn followed by a mirror.
fn upright(exif: Exif) -> Orientation {
    let (rotation, mirror) = match exif {
        Exif::NoTransforms => (Rotation::None, false),
        Exif::FlipHorizontal => (Rotation::None, true),
        Exif::Rotate90 => (Rotation::Cw90, false),
        Exif::Rotate90FlipH => (Rotation::Cw90, true),
        Exif::Rotate180 => (Rotation::Half, false),
        Exif::FlipVertical => (Rotation::Half, true),
        Exif::Rotate270 => (Rotation::Cw270, false),
        Exif::Rotate270FlipH => (Rotation::Cw270, true),
    };
    Orientation { rotation, mirror }
}

/// Whether an end-of-image marker follows the first scan; a thumbnail's own end comes before it.
fn jpeg_has_its_end(jpeg: &[u8]) -> bool {
    const FIRST_SCAN: u8 = 0xDA;
    let mut rest = jpeg.get(2..).unwrap_or_default();
    loop {
        match *rest {
            [0xFF, 0xFF, ..] => rest = &rest[1..],
            [0xFF, FIRST_SCAN, ..] => return rest.windows(2).any(|pair| pair == [0xFF, 0xD9]),
            [0xFF, 0x01 | 0xD0..=0xD7, ..] => rest = &rest[2..],
            [0xFF, _, high, low, ..] => {
                let length = 2 + usize::from(u16::from_be_bytes([high, low]));
                let Some(next) = rest.get(length..) else { return false };
                rest = next;
            }
            // Shorter than a segment's head, or no marker where one must be: the decoder tells that better.
            _ => return rest.len() >= 4,
        }
    }
}

#[cfg(test)]
mod tests {
    use image::{GrayImage, Luma as Grey, Rgb, RgbImage};
    use proptest::prelude::*;

    use super::*;

    fn encoded(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        picture.into().write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn ramp() -> GrayImage {
        GrayImage::from_fn(24, 16, |x, y| Grey([(x * 10 + y) as u8]))
    }

    /// `jpeg` with an EXIF block that holds only an orientation.
    fn with_orientation(jpeg: &[u8], orientation: u8) -> Vec<u8> {
        let mut exif = b"\xFF\xE1\x00\x22Exif\0\0MM\x00\x2A\x00\x00\x00\x08\x00\x01".to_vec();
        exif.extend([0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0]);
        [&jpeg[..2], &exif, &jpeg[2..]].concat()
    }

    #[test]
    fn grey_stays_and_colour_becomes_luma() {
        let grey = decode("grey.png", &encoded(ramp(), ImageFormat::Png)).unwrap();
        assert_eq!(grey.pixels(), ramp().as_raw().as_slice());
        let red = RgbImage::from_pixel(3, 2, Rgb([255, 0, 0]));
        let red = decode("red.png", &encoded(red, ImageFormat::Png)).unwrap();
        assert_eq!((red.width(), red.height(), red.pixels()), (3, 2, [76; 6].as_slice()));
    }

    #[test]
    fn exif_orientation_turns_the_picture_upright() {
        let jpeg = encoded(ramp(), ImageFormat::Jpeg);
        let plain = decode("plain.jpg", &jpeg).unwrap();
        // 6 is what a phone writes when held upright: turn clockwise to see it right.
        let turned = decode("turned.jpg", &with_orientation(&jpeg, 6)).unwrap();
        assert_eq!((turned.width(), turned.height()), (16, 24));
        assert_eq!(turned.row(0)[15], plain.row(0)[0], "the top-left corner moves to the right");
        let mirrored = decode("mirrored.jpg", &with_orientation(&jpeg, 2)).unwrap();
        assert!(plain.row(3).iter().rev().eq(mirrored.row(3)));
    }

    #[test]
    fn a_size_bomb_is_refused_by_its_header() {
        let mut png = encoded(ramp(), ImageFormat::Png);
        png[16..24].copy_from_slice(&[0, 0, 0x70, 0, 0, 0, 0x70, 0]);
        let crc = crc32(&png[12..29]).to_be_bytes();
        png[29..33].copy_from_slice(&crc);
        let error = decode("bomb.png", &png).unwrap_err().to_string();
        assert!(error.starts_with("bomb.png: 28672x28672 px"), "{error}");
    }

    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0u32, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |c, _| {
                (c >> 1) ^ (0xEDB8_8320 & (c & 1).wrapping_neg())
            })
        })
    }

    #[test]
    fn other_formats_are_told_what_to_do() {
        let error = decode("clip.mp4", b"\0\0\0\x20ftypisom").unwrap_err().to_string();
        assert!(error.contains("ffmpeg"), "{error}");
    }

    #[test]
    fn every_cut_of_a_picture_is_told_with_its_byte() {
        for format in [ImageFormat::Jpeg, ImageFormat::Png] {
            let bytes = encoded(ramp(), format);
            // PNG's closing chunk of 12 bytes carries no pixels, and its decoder does not ask for it.
            let pixels_end = bytes.len() - if format == ImageFormat::Png { 12 } else { 0 };
            for length in (0..pixels_end).step_by(7).chain([pixels_end - 1]) {
                let error = decode("cut", &bytes[..length]).unwrap_err();
                if length > 8 {
                    let expected = format!("cut: cut off at byte {length}");
                    assert!(error.to_string().starts_with(&expected), "{format:?}: {error}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn damaged_pictures_never_panic(
            jpeg in any::<bool>(),
            flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
            keep in any::<prop::sample::Index>(),
        ) {
            let format = if jpeg { ImageFormat::Jpeg } else { ImageFormat::Png };
            let mut bytes = encoded(ramp(), format);
            for (at, value) in flips {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            bytes.truncate(keep.index(bytes.len() * 2));
            if let Ok(picture) = decode("damaged", &bytes) {
                prop_assert_eq!(picture.pixels().len(), picture.width() * picture.height());
            }
        }

        #[test]
        fn arbitrary_bytes_never_panic(
            magic in prop::sample::select(vec![&b""[..], b"\xFF\xD8\xFF", b"\x89PNG\r\n\x1a\n"]),
            tail in proptest::collection::vec(any::<u8>(), 0..256),
        ) {
            let _ = decode("arbitrary", &[magic, &tail].concat());
        }
    }
}
