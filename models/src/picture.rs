//! Picture files, decoded to luma.
//!
//! The steps are one function. Who decodes states what it accepts ([`Rules`]): the badge takes photos that a person
//! names, the host data sets of any age.

pub mod jpeg;
mod palette;

use std::borrow::Cow;
use std::io::{self, Cursor};

use image::metadata::Orientation as Exif;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};

use crate::failure::{Failure, exit};
use crate::luma::{Luma, Orientation, Rotation, luma_of_rgb};
use jpeg::JpegError;

/// The largest picture that is decoded, px: a 50-megapixel photo. What claims more is refused before decoding.
pub const MAX_PIXELS: u64 = 50_000_000;

/// What is accepted.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    formats: &'static [ImageFormat],
    names: &'static str,
    /// The largest file, bytes.
    pub max_file: u64,
    /// The largest decoded picture, bytes.
    max_decoded: u64,
    /// Whether EXIF data that cannot be read make the picture damaged; otherwise it counts as upright.
    strict_exif: bool,
}

impl Rules {
    /// A badge's pictures: JPEG and PNG.
    pub const BADGE: Self = Self {
        formats: &[ImageFormat::Jpeg, ImageFormat::Png],
        names: "JPEG or PNG",
        max_file: 128 << 20,
        // Four 8-bit channels.
        max_decoded: 4 * MAX_PIXELS,
        strict_exif: true,
    };

    /// Data sets: also BMP, PNM and TIFF, where the program is built with those decoders of `image`.
    pub const DATASET: Self = Self {
        formats: &[
            ImageFormat::Jpeg,
            ImageFormat::Png,
            ImageFormat::Bmp,
            ImageFormat::Pnm,
            ImageFormat::Tiff,
        ],
        names: "JPEG, PNG, BMP, PNM or TIFF",
        max_file: 64 << 20,
        // Four 16-bit channels.
        max_decoded: 8 * MAX_PIXELS,
        strict_exif: false,
    };
}

/// A picture that cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    /// There are no bytes.
    #[error("the file is empty")]
    Empty,
    /// The file is larger than [`Rules::max_file`].
    #[error("a picture file of more than {} MiB is not read", limit >> 20)]
    FileTooLarge {
        /// The largest file, bytes.
        limit: u64,
    },
    /// Another format.
    #[error("not a {expected} picture")]
    UnknownFormat {
        /// What is accepted.
        expected: &'static str,
    },
    /// More than [`MAX_PIXELS`], or more bytes for each than is accepted.
    #[error("{width}x{height} px are more than {MAX_PIXELS} px in all")]
    TooLarge {
        /// Claimed width, px.
        width: u64,
        /// Claimed height, px.
        height: u64,
    },
    /// The file ends before the picture does.
    #[error("the picture is cut off at byte {at}")]
    CutOff {
        /// How many bytes there were.
        at: u64,
    },
    /// Damaged or unsupported.
    #[error("a damaged picture: {0}")]
    Damaged(String),
}

impl From<JpegError> for PictureError {
    fn from(error: JpegError) -> Self {
        match error {
            JpegError::CutOff { at } => Self::CutOff { at },
            JpegError::TooLarge { width, height } => Self::TooLarge { width, height },
            JpegError::Damaged(reason) => Self::Damaged(reason.to_owned()),
        }
    }
}

impl Failure for PictureError {
    fn exit_code(&self) -> u8 {
        exit::INPUT
    }
}

/// Decodes a picture file to full-range luma, turned upright by its EXIF orientation.
///
/// Colours become BT.601 luma, grey stays as it is, transparency is ignored.
///
/// # Errors
/// [`PictureError`] for what `rules` do not accept, and for a damaged or a cut-off file.
pub fn decode(bytes: &[u8], rules: &Rules) -> Result<Luma, PictureError> {
    let cut_off = || PictureError::CutOff { at: bytes.len() as u64 };
    let fail = |reason: ImageError| match &reason {
        ImageError::IoError(error) if error.kind() == io::ErrorKind::UnexpectedEof => cut_off(),
        _ => PictureError::Damaged(reason.to_string()),
    };
    if bytes.is_empty() {
        return Err(PictureError::Empty);
    }
    if bytes.len() as u64 > rules.max_file {
        return Err(PictureError::FileTooLarge { limit: rules.max_file });
    }
    let format = image::guess_format(bytes).ok().filter(|format| rules.formats.contains(format));
    let format = format.ok_or(PictureError::UnknownFormat { expected: rules.names })?;
    let mut palette = None;
    let bytes = match format {
        ImageFormat::Jpeg => whole_jpeg(bytes)?,
        ImageFormat::Tiff => match palette::indexed(bytes) {
            Some(indexed) => {
                palette = Some(indexed.luma);
                Cow::Owned(indexed.tiff)
            }
            None => Cow::Borrowed(bytes),
        },
        _ => Cow::Borrowed(bytes),
    };
    let mut reader = ImageReader::with_format(Cursor::new(&bytes), format);
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(rules.max_decoded);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(fail)?;
    let (width, height) = decoder.dimensions();
    let (width, height) = (u64::from(width), u64::from(height));
    if width * height > MAX_PIXELS || decoder.total_bytes() > rules.max_decoded {
        return Err(PictureError::TooLarge { width, height });
    }
    let exif = match decoder.orientation() {
        Err(reason) if rules.strict_exif => return Err(fail(reason)),
        exif => exif.unwrap_or(Exif::NoTransforms),
    };
    let mut picture = luma(DynamicImage::from_decoder(decoder).map_err(fail)?);
    if let Some(luma) = palette {
        picture.pixels_mut().iter_mut().for_each(|pixel| *pixel = luma[usize::from(*pixel)]);
    }
    let orientation = upright(exif);
    if orientation.is_identity() {
        return Ok(picture);
    }
    let mut turned = Luma::default();
    orientation.apply(&picture, &mut turned);
    Ok(turned)
}

/// A JPEG file up to its end, with the standard's Huffman tables where it has none.
fn whole_jpeg(bytes: &[u8]) -> Result<Cow<'_, [u8]>, JpegError> {
    let extent = jpeg::extent(bytes)?;
    let whole = &bytes[..extent.end];
    if extent.has_tables {
        return Ok(Cow::Borrowed(whole));
    }
    let mut with_tables = Vec::new();
    jpeg::with_standard_tables(whole, &mut with_tables);
    Ok(Cow::Owned(with_tables))
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

#[cfg(test)]
mod tests;
