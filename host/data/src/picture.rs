//! Pictures in files: decoded to luma and checked.

use std::fs::File;
use std::io::{Cursor, Read as _};
use std::path::{Path, PathBuf};

use emocue_models::luma::{Luma, luma_of_rgb};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, Limits};
use walkdir::WalkDir;

use super::DataError;

/// The largest picture file that is read, bytes.
const MAX_FILE: u64 = 64 << 20;
/// The largest picture that is decoded, px.
const MAX_PIXELS: u64 = 50_000_000;

const FORMATS: [ImageFormat; 5] =
    [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Bmp, ImageFormat::Pnm, ImageFormat::Tiff];
const EXTENSIONS: [&str; 9] = ["jpg", "jpeg", "png", "bmp", "pgm", "ppm", "pnm", "tif", "tiff"];

/// Whether the name says that this is a picture.
pub fn is_picture(path: &Path) -> bool {
    let extension = path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
    extension.is_some_and(|e| EXTENSIONS.contains(&e.as_str()))
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
            what: format!("no picture in {}", folder.display()),
            help: "Name a folder with JPEG, PNG, BMP, PNM or TIFF files.",
        });
    }
    Ok(pictures)
}

/// Decodes a JPEG, PNG, BMP, PNM or TIFF file to full-range luma, turned upright by its EXIF orientation.
///
/// # Errors
/// [`DataError`] naming the file: not readable, damaged, cut off, of another format or too large.
pub fn read(path: &Path) -> Result<Luma, DataError> {
    let io = |source| DataError::Io { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    File::open(path).map_err(io)?.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(io)?;
    decode(&bytes).map_err(|what| DataError::File {
        path: path.to_owned(),
        what,
        help: "Fetch or unpack it again; a picture that stays unreadable must be taken out by hand.",
    })
}

/// Decodes the bytes of a picture file; see [`read`].
///
/// # Errors
/// What is wrong with it.
pub fn decode(bytes: &[u8]) -> Result<Luma, String> {
    if bytes.len() as u64 > MAX_FILE {
        return Err(format!("a picture file of more than {} MiB is not read", MAX_FILE >> 20));
    }
    let format = image::guess_format(bytes).ok().filter(|format| FORMATS.contains(format));
    let format = format.ok_or("no JPEG, PNG, BMP, PNM or TIFF picture")?;
    if format == ImageFormat::Jpeg && !jpeg_has_its_end(bytes) {
        return Err("the JPEG is cut off".to_owned());
    }
    let broken = |error: image::ImageError| format!("a damaged picture: {error}");
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(8 * MAX_PIXELS);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(broken)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(format!("{width}x{height} px are more than {MAX_PIXELS} px in all"));
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(broken)?;
    picture.apply_orientation(orientation);
    Ok(luma(picture))
}

/// The JPEG decoder paints what is missing grey instead of failing.
fn jpeg_has_its_end(jpeg: &[u8]) -> bool {
    let last = |marker| jpeg.windows(2).rposition(|pair| pair == [0xFF, marker]);
    let (scan, end) = (last(0xDA), last(0xD9));
    end.is_some() && end > scan
}

fn luma(picture: DynamicImage) -> Luma {
    let mut out = Luma::new(picture.width() as usize, picture.height() as usize);
    if picture.color().has_color() {
        for (to, from) in out.pixels_mut().iter_mut().zip(picture.into_rgb8().pixels()) {
            *to = luma_of_rgb(from.0);
        }
    } else {
        out.pixels_mut().copy_from_slice(&picture.into_luma8());
    }
    out
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage};
    use proptest::prelude::*;

    use super::*;
    use crate::fixture;

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

    #[test]
    fn an_incomplete_picture_is_refused() {
        let jpeg = encoded(fixture::face(32, 1), ImageFormat::Jpeg);
        assert!(decode(&jpeg).is_ok());
        assert_eq!(decode(&jpeg[..jpeg.len() - 2]).unwrap_err(), "the JPEG is cut off");
        let png = encoded(fixture::face(32, 1), ImageFormat::Png);
        assert!(decode(&png[..png.len() / 2]).unwrap_err().contains("damaged"));
        assert!(decode(b"GIF89a").unwrap_err().contains("JPEG, PNG"));
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
