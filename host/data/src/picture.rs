//! Picture files: decoding to luma, with checks.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use emocue_models::luma::Luma;
use emocue_models::picture::{Rules, decode};
use image::metadata::Orientation as Exif;
use image::{ImageDecoder as _, ImageError, ImageReader};
use walkdir::WalkDir;

use super::DataError;

const UNREADABLE: &str =
    "Fetch or unpack it again; a picture that stays unreadable must be taken out by hand.";

const EXTENSIONS: [&str; 9] = ["jpg", "jpeg", "png", "bmp", "pgm", "ppm", "pnm", "tif", "tiff"];

/// Whether the file name has the extension of a picture.
pub fn is_picture(path: &Path) -> bool {
    let extension = path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
    extension.is_some_and(|e| EXTENSIONS.contains(&e.as_str()))
}

/// The kind under which a file that is not a picture is counted: its extension in lower case, such as `".heic"`.
pub fn kind(path: &Path) -> String {
    match path.extension() {
        Some(ending) => format!(".{}", ending.to_string_lossy().to_lowercase()),
        None => "without an ending".to_owned(),
    }
}

/// Counts by [`kind`] as one line, such as `".heic 2, .txt 1"`.
pub fn kinds(counts: &BTreeMap<String, usize>) -> String {
    let parts = counts.iter().take(12).map(|(kind, count)| format!("{kind} {count}"));
    parts.collect::<Vec<_>>().join(", ")
}

/// All pictures in `folder` and below, by name.
///
/// # Errors
/// [`DataError`] when the folder cannot be read or has none.
pub fn pictures_in(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let mut pictures = Vec::new();
    for entry in WalkDir::new(folder).follow_links(true).sort_by_file_name() {
        let entry = entry
            .map_err(|error| DataError::Io { path: folder.to_owned(), source: error.into() })?;
        if entry.file_type().is_file() && is_picture(entry.path()) {
            pictures.push(entry.into_path());
        }
    }
    if pictures.is_empty() {
        return Err(DataError::Asked {
            what: format!("there is no picture in {}", folder.display()),
            help: "Name a folder with JPEG, PNG, BMP, PNM or TIFF files.",
        });
    }
    Ok(pictures)
}

/// Decodes a JPEG, PNG, BMP, PNM or TIFF file to full-range luma, turned upright by its EXIF orientation.
///
/// # Errors
/// [`DataError`] naming the file: not readable, damaged, truncated, of another format or too large.
pub fn read(path: &Path) -> Result<Luma, DataError> {
    let io = |source| DataError::Io { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let rules = Rules::DATASET;
    File::open(path).map_err(io)?.take(rules.max_file + 1).read_to_end(&mut bytes).map_err(io)?;
    decode(&bytes, &rules).map_err(|error| DataError::File {
        path: path.to_owned(),
        what: error.to_string(),
        help: UNREADABLE,
    })
}

/// Width and height of a picture file after its EXIF orientation, px; only its header is decoded.
///
/// # Errors
/// [`DataError`] naming the file: not readable, or not a picture.
pub fn size(path: &Path) -> Result<(usize, usize), DataError> {
    let io = |source| DataError::Io { path: path.to_owned(), source };
    let bad = |error: ImageError| DataError::File {
        path: path.to_owned(),
        what: error.to_string(),
        help: UNREADABLE,
    };
    let reader = ImageReader::open(path).and_then(ImageReader::with_guessed_format).map_err(io)?;
    let mut decoder = reader.into_decoder().map_err(bad)?;
    let (width, height) = decoder.dimensions();
    let (width, height) = (width as usize, height as usize);
    let lies = match decoder.orientation() {
        Ok(orientation) => matches!(
            orientation,
            Exif::Rotate90 | Exif::Rotate270 | Exif::Rotate90FlipH | Exif::Rotate270FlipH
        ),
        Err(_) => false,
    };
    Ok(if lies { (height, width) } else { (width, height) })
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use emocue_models::picture::PictureError;
    use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
    use proptest::prelude::*;

    use super::*;
    use crate::fixture;

    const FORMATS: [ImageFormat; 5] = [
        ImageFormat::Jpeg,
        ImageFormat::Png,
        ImageFormat::Bmp,
        ImageFormat::Pnm,
        ImageFormat::Tiff,
    ];

    fn decode(bytes: &[u8]) -> Result<Luma, PictureError> {
        super::decode(bytes, &Rules::DATASET)
    }

    fn encoded(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        picture.into().write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn every_format_gives_the_same_luma() {
        let face = fixture::face(20, 3);
        for format in [ImageFormat::Png, ImageFormat::Bmp, ImageFormat::Pnm, ImageFormat::Tiff] {
            let picture = decode(&encoded(face.clone(), format)).unwrap();
            assert_eq!(picture.pixels(), face.as_raw(), "{format:?}");
        }
        let red = RgbImage::from_pixel(3, 3, Rgb([255, 0, 0]));
        assert_eq!(decode(&encoded(red, ImageFormat::Png)).unwrap().pixels(), [76; 9]);
    }

    /// A TIFF file of 2x2 px with a palette, in either byte order.
    fn with_palette(is_big_endian: bool) -> Vec<u8> {
        let (mut file, order) = match is_big_endian {
            true => (b"MM\0\x2A".to_vec(), u16::to_be_bytes as fn(u16) -> [u8; 2]),
            false => (b"II\x2A\0".to_vec(), u16::to_le_bytes as fn(u16) -> [u8; 2]),
        };
        let long = |value: u16| match is_big_endian {
            true => [order(0), order(value)].concat(),
            false => [order(value), order(0)].concat(),
        };
        let short = |value: u16| [order(value), order(0)].concat();
        let entries: [(u16, u16, u16, Vec<u8>); 9] = [
            (256, 3, 1, short(2)),
            (257, 3, 1, short(2)),
            (258, 3, 1, short(8)),
            (259, 3, 1, short(1)),
            (262, 3, 1, short(3)),
            (273, 4, 1, long(8 + 2 + 9 * 12 + 4)),
            (278, 3, 1, short(2)),
            (279, 4, 1, long(4)),
            (320, 3, 768, long(8 + 2 + 9 * 12 + 4 + 4)),
        ];
        file.extend(long(8));
        file.extend(order(9));
        for (tag, kind, count, value) in entries {
            file.extend([&order(tag)[..], &order(kind), &long(count), &value].concat());
        }
        file.extend([0, 0, 0, 0, 7, 8, 9, 7]);
        // Colour 7 is red, 8 is green, 9 is blue.
        for color in [7, 8, 9] {
            (0..256).for_each(|i| file.extend(order(if i == color { 0xFFFF } else { 0 })));
        }
        file
    }

    #[test]
    fn the_size_is_known_from_the_header() {
        let folder = tempfile::tempdir().unwrap();
        for ending in ["jpg", "png", "bmp", "tiff"] {
            let file = folder.path().join(format!("a.{ending}"));
            image::GrayImage::new(30, 20).save(&file).unwrap();
            assert_eq!(size(&file).unwrap(), (30, 20), "{ending}");
        }
        let file = folder.path().join("b.png");
        assert!(size(&file).is_err());
        fixture::write(&file, b"GIF89a");
        assert!(size(&file).is_err());
    }

    #[test]
    fn the_colours_of_a_palette_become_luma() {
        for is_big_endian in [false, true] {
            let bytes = with_palette(is_big_endian);
            assert_eq!(decode(&bytes).unwrap().pixels(), [76, 150, 29, 76]);
            assert!(decode(&bytes[..bytes.len() - 1]).is_err(), "a cut palette");
        }
    }

    #[test]
    fn an_incomplete_picture_is_refused() {
        let jpeg = encoded(fixture::face(32, 1), ImageFormat::Jpeg);
        assert!(decode(&jpeg).is_ok());
        let at = jpeg.len() as u64 - 2;
        assert_eq!(decode(&jpeg[..jpeg.len() - 2]).unwrap_err(), PictureError::CutOff { at });
        let png = encoded(fixture::face(32, 1), ImageFormat::Png);
        assert!(decode(&png[..png.len() / 2]).is_err());
        assert!(decode(b"GIF89a").unwrap_err().to_string().contains("JPEG, PNG"));
        assert!(decode(b"").is_err());
    }

    proptest! {
        #[test]
        fn damaged_pictures_never_panic(
            format in prop::sample::select(FORMATS.to_vec()),
            flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
            keep in any::<prop::sample::Index>(),
        ) {
            let mut bytes = encoded(fixture::face(16, 5), format);
            for (at, value) in flips {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            bytes.truncate(keep.index(bytes.len() * 2));
            if let Ok(picture) = decode(&bytes) {
                prop_assert_eq!(picture.pixels().len(), picture.width() * picture.height());
            }
        }
    }
}
