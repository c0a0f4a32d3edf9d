//! Pictures in files: decoded to luma, checked, and brought to one size by the badge's own resampling.

use std::fs::File;
use std::io::{Cursor, Read as _};
use std::path::{Path, PathBuf};

use emocue_models::geometry::Rect;
use emocue_models::luma::{Luma, luma_of_rgb};
use emocue_models::resample::{Similarity, resample};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, Limits};

use walkdir::WalkDir;

use super::dataset::{Dataset, Row};
use super::{DataError, threads};

/// The largest picture file that is read, bytes.
const MAX_FILE: u64 = 64 << 20;
/// The largest picture that is decoded, px.
const MAX_PIXELS: u64 = 50_000_000;
/// Pictures decoded before they are added; bounds the memory besides the dataset itself.
const CHUNK: usize = 2048;

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

/// A square of `from * from` px as one of `to * to` px; unchanged when the sides are equal.
///
/// # Panics
/// When `pixels` does not have `from * from` values.
pub fn scaled(pixels: &[u8], from: usize, to: usize) -> Vec<u8> {
    let mut source = Luma::new(from, from);
    source.pixels_mut().copy_from_slice(pixels);
    cut(&source, &Rect::new(0.0, 0.0, from as f32, from as f32), to)
}

/// The square around `rect` (its longer side) of `picture`, as `to * to` px.
pub fn cut(picture: &Luma, rect: &Rect, to: usize) -> Vec<u8> {
    let side = rect.width.max(rect.height);
    let center = rect.center();
    let transform = Similarity {
        a: side / to as f32,
        b: 0.0,
        x: center.x - side / 2.0,
        y: center.y - side / 2.0,
    };
    let mut square = vec![0; to * to];
    resample(picture, transform, to, &mut square);
    square
}

/// What a layout promises about the sizes of its pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sizes {
    /// Squares.
    Square,
    /// Squares, all as large as the first.
    Same,
}

/// A picture that is still in its file.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) file: PathBuf,
    pub(super) row: Row,
    /// The part that is the face, px of the file, where the layout tells; else the whole picture.
    pub(super) face: Option<Rect>,
}

/// Reads the pictures, on all cores, and adds them in order.
pub(super) fn push_all(data: &mut Dataset, items: &[Item], sizes: Sizes) -> Result<(), DataError> {
    let threads = threads();
    let side = data.side();
    let mut first: Option<(usize, PathBuf)> = None;
    for chunk in items.chunks(CHUNK) {
        let load = |part: &[Item]| part.iter().map(|item| load(item, side)).collect::<Vec<_>>();
        let parts: Vec<Vec<_>> = std::thread::scope(|scope| {
            let parts = chunk.chunks(chunk.len().div_ceil(threads));
            let handles: Vec<_> = parts.map(|part| scope.spawn(move || load(part))).collect();
            let join = |handle: std::thread::ScopedJoinHandle<'_, _>| {
                handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            handles.into_iter().map(join).collect()
        });
        for (item, loaded) in chunk.iter().zip(parts.into_iter().flatten()) {
            let (own_side, picture) = loaded?;
            let (expected, example) = first.get_or_insert_with(|| (own_side, item.file.clone()));
            if sizes == Sizes::Same && own_side != *expected {
                let what = format!(
                    "{own_side}x{own_side} px, but {} has {expected}x{expected}",
                    example.display()
                );
                let help =
                    "All pictures of this layout have one size: look which of the two is foreign.";
                return Err(DataError::File { path: item.file.clone(), what, help });
            }
            data.push(item.row.clone(), &picture);
        }
    }
    Ok(())
}

/// The picture's own side and its pixels at `side`.
fn load(item: &Item, side: usize) -> Result<(usize, Vec<u8>), DataError> {
    let picture = read(&item.file)?;
    let (width, height) = (picture.width(), picture.height());
    let bad = |what, help| DataError::File { path: item.file.clone(), what, help };
    let whole = Rect::new(0.0, 0.0, width as f32, height as f32);
    match item.face {
        Some(face) => {
            if face.intersection(&whole) < 0.5 * face.area() {
                let Rect { x, y, width: w, height: h } = face;
                let what =
                    format!("{width}x{height} px, but the face is said at {x},{y}, {w}x{h} px");
                let help = "Boxes belong to the pictures as published: were these cropped already?";
                return Err(bad(what, help));
            }
            Ok((width.max(height), cut(&picture, &face, side)))
        }
        None if width != height => {
            let what = format!("{width}x{height} px, expected a square");
            Err(bad(what, "`emocue data prepare` cuts square faces out of raw pictures."))
        }
        None => Ok((width, cut(&picture, &whole, side))),
    }
}

#[cfg(test)]
mod tests {
    use image::{Luma as Grey, Rgb, RgbImage};
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
    fn what_is_no_whole_picture_is_refused() {
        let jpeg = encoded(fixture::face(32, 1), ImageFormat::Jpeg);
        assert!(decode(&jpeg).is_ok());
        assert_eq!(decode(&jpeg[..jpeg.len() - 2]).unwrap_err(), "the JPEG is cut off");
        let png = encoded(fixture::face(32, 1), ImageFormat::Png);
        assert!(decode(&png[..png.len() / 2]).unwrap_err().contains("damaged"));
        assert!(decode(b"GIF89a").unwrap_err().contains("JPEG, PNG"));
        assert!(decode(b"").is_err());
    }

    #[test]
    fn a_box_is_cut_and_a_foreign_one_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("wide.png");
        let wide = image::GrayImage::from_fn(60, 30, |x, _| Grey([if x < 30 { 10 } else { 200 }]));
        wide.save(&file).unwrap();
        let row =
            Row { split: crate::Split::Training, label: 0, subject: None, origin: String::new() };
        let item = |face| Item { file: file.clone(), row: row.clone(), face };
        let right = Rect::new(36.0, 6.0, 18.0, 18.0);
        assert_eq!(load(&item(Some(right)), 4).unwrap().1, [200; 16]);
        let error = load(&item(Some(Rect::new(58.0, 0.0, 20.0, 20.0))), 4).unwrap_err().to_string();
        assert!(error.contains("60x30 px, but the face"), "{error}");
        let error = load(&item(None), 4).unwrap_err().to_string();
        assert!(error.contains("expected a square") && error.contains("prepare"), "{error}");
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
