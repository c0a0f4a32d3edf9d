//! Picture files, decoded to luma.
//!
//! One function decodes for badge and host. [`Rules`] say what a caller accepts: the badge decodes photos that the user
//! names, the host datasets of any age.

pub mod jpeg;
mod palette;

use std::borrow::Cow;
use std::io::{self, Cursor};

use image::metadata::Orientation as Exif;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};

use crate::colors::Colors;
use crate::failure::{Failure, exit};
use crate::luma::{Luma, Orientation, Rotation, luma_of_rgb};
use jpeg::{Extent, JpegError};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// The largest picture that is decoded, px: a 50-megapixel photo. A header that claims more is refused before decoding.
pub const MAX_PIXELS: u64 = 50_000_000;

/// Which pictures are accepted.
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
    /// A JPEG picture of more pixels is decoded without its colours, in a fifth of the memory.
    most_colored: u64,
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
        most_colored: 12_600_000,
    };

    /// A computer's pictures: also BMP, GIF, TIFF and WebP, where the program is built with those decoders of `image`.
    pub const DESKTOP: Self = Self {
        formats: &[
            ImageFormat::Jpeg,
            ImageFormat::Png,
            ImageFormat::Bmp,
            ImageFormat::Gif,
            ImageFormat::Tiff,
            ImageFormat::WebP,
        ],
        names: "JPEG, PNG, BMP, GIF, TIFF or WebP",
        ..Self::BADGE
    };

    /// Datasets: also BMP, PNM and TIFF, where the program is built with those decoders of `image`.
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
        most_colored: u64::MAX,
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
        /// The accepted formats.
        expected: &'static str,
    },
    /// More than [`MAX_PIXELS`].
    #[error("{width}x{height} px are more than {MAX_PIXELS} px in all")]
    TooLarge {
        /// Claimed width, px.
        width: u64,
        /// Claimed height, px.
        height: u64,
    },
    /// It takes more memory than is accepted: 16 bits a channel, or progressive with full colours.
    #[error("{width}x{height} px of this kind take more than {} MB", most / 1_000_000)]
    TooMuchMemory {
        /// Claimed width, px.
        width: u64,
        /// Claimed height, px.
        height: u64,
        /// The limit, bytes.
        most: u64,
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
/// Colours become BT.601 luma, grey stays as it is, transparency is ignored; of an animation, the first frame is
/// decoded.
///
/// # Errors
/// [`PictureError`] for what `rules` do not accept, and for a damaged or a cut-off file.
pub fn decode(bytes: &[u8], rules: &Rules) -> Result<Luma, PictureError> {
    decode_into(bytes, rules, None)
}

/// As [`decode`], also with the picture's colours: none where it is grey, or so large that they are left out
/// ([`Rules`]).
///
/// # Errors
/// As [`decode`].
pub fn decode_colored(bytes: &[u8], rules: &Rules) -> Result<(Luma, Option<Colors>), PictureError> {
    let mut colors = None;
    let luma = decode_into(bytes, rules, Some(&mut colors))?;
    Ok((luma, colors))
}

fn decode_into(
    bytes: &[u8],
    rules: &Rules,
    mut colors: Option<&mut Option<Colors>>,
) -> Result<Luma, PictureError> {
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
    let (mut palette, mut held) = (None, 0);
    let bytes = match format {
        ImageFormat::Jpeg => {
            let extent = jpeg::extent(bytes)?;
            held = extent.held;
            whole_jpeg(bytes, &extent)
        }
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
    if width * height > MAX_PIXELS {
        return Err(PictureError::TooLarge { width, height });
    }
    let colorless = match width * height > rules.most_colored {
        true if format == ImageFormat::Jpeg => jpeg_luma(&bytes),
        _ => None,
    };
    let decoded = if colorless.is_some() { width * height } else { decoder.total_bytes() };
    if held + decoded > rules.max_decoded {
        return Err(PictureError::TooMuchMemory { width, height, most: rules.max_decoded });
    }
    let exif = match decoder.orientation() {
        Err(reason) if rules.strict_exif => return Err(fail(reason)),
        exif => exif.unwrap_or(Exif::NoTransforms),
    };
    let mut picture = match colorless {
        Some(colorless) => colorless.decode()?,
        None => {
            let picture = DynamicImage::from_decoder(decoder).map_err(fail)?;
            if let Some(colors) = &mut colors {
                **colors = colors_of(&picture);
            }
            luma(picture)
        }
    };
    if let Some(luma) = palette {
        picture.pixels_mut().iter_mut().for_each(|pixel| *pixel = luma[usize::from(*pixel)]);
    }
    let orientation = upright(exif);
    if orientation.is_identity() {
        return Ok(picture);
    }
    let mut turned = Luma::default();
    orientation.apply(&picture, &mut turned);
    if let Some(Some(colors)) = colors {
        *colors = colors.changed(|from, to| orientation.apply(from, to));
    }
    Ok(turned)
}

fn colors_of(picture: &DynamicImage) -> Option<Colors> {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let has_color = picture.color().has_color();
    has_color.then(|| match picture {
        DynamicImage::ImageRgb8(rgb) => {
            Colors::of_rgb(width, height, rgb.pixels().map(|pixel| pixel.0))
        }
        other => {
            let rgb = other.to_rgb8();
            Colors::of_rgb(width, height, rgb.pixels().map(|pixel| pixel.0))
        }
    })
}

/// A JPEG file up to its end, with the standard's Huffman tables where it has none.
fn whole_jpeg<'a>(bytes: &'a [u8], extent: &Extent) -> Cow<'a, [u8]> {
    let whole = &bytes[..extent.end];
    if extent.has_tables {
        return Cow::Borrowed(whole);
    }
    let mut with_tables = Vec::new();
    jpeg::with_standard_tables(whole, &mut with_tables);
    Cow::Owned(with_tables)
}

/// A decoder of a JPEG picture's luma alone.
struct JpegLuma<'a>(JpegDecoder<ZCursor<&'a [u8]>>);

/// `None` for a picture that does not store luma.
fn jpeg_luma(bytes: &[u8]) -> Option<JpegLuma<'_>> {
    let options = DecoderOptions::new_fast().jpeg_set_out_colorspace(ColorSpace::Luma);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().ok()?;
    let own = decoder.input_colorspace()?;
    matches!(own, ColorSpace::YCbCr | ColorSpace::Luma).then_some(JpegLuma(decoder))
}

impl JpegLuma<'_> {
    fn decode(mut self) -> Result<Luma, PictureError> {
        let mut picture = Luma::default();
        if let Some((width, height)) = self.0.dimensions() {
            picture.reshape(width, height);
        }
        let decoded = self.0.decode_into(picture.pixels_mut());
        decoded.map_err(|error| PictureError::Damaged(error.to_string()))?;
        Ok(picture)
    }
}

fn luma(picture: DynamicImage) -> Luma {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let mut out = Luma::new(width, height);
    match picture {
        // Without a copy: there is no memory for one of a large picture.
        DynamicImage::ImageRgba8(rgba) => {
            for (to, from) in out.pixels_mut().iter_mut().zip(rgba.pixels()) {
                let [r, g, b, _] = from.0;
                *to = luma_of_rgb([r, g, b]);
            }
        }
        colored if colored.color().has_color() => {
            for (to, from) in out.pixels_mut().iter_mut().zip(colored.into_rgb8().pixels()) {
                *to = luma_of_rgb(from.0);
            }
        }
        grey => out.pixels_mut().copy_from_slice(&grey.into_luma8()),
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
