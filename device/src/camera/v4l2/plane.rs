//! Extracts luma from a camera's buffer, and colours if displays want them.

use emocue_config::source::Pixels;
use emocue_models::colors::Colors;
use emocue_models::luma::{Luma, Range};
use emocue_models::picture::jpeg::{self, JpegError};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::super::ycbcr;
use super::format::PixelFormat;

/// How a negotiated buffer is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlaneLayout {
    /// The format.
    pub pixels: Pixels,
    /// Width, px.
    pub width: usize,
    /// Height, px.
    pub height: usize,
    /// Bytes from one row to the next; less than a row means that there is no padding.
    pub stride: usize,
    /// How black and white are encoded.
    pub range: Range,
}

/// A buffer without a whole picture: a transfer was truncated or corrupted. The next one is usually good.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadBuffer {
    /// Rows are missing.
    #[error("{have} bytes came instead of {need}")]
    Short {
        /// Bytes that the picture takes.
        need: usize,
        /// Bytes in the buffer.
        have: usize,
    },
    /// A JPEG picture that ends before its last block.
    #[error("a JPEG picture that ends too early, at byte {at}")]
    CutOff {
        /// Where its data end.
        at: u64,
    },
    /// The driver marked it with V4L2_BUF_FLAG_ERROR.
    #[error("the driver says that its transfer was disturbed")]
    Flagged,
    /// A JPEG picture that cannot be decoded.
    #[error("not a JPEG picture that can be read: {0}")]
    Jpeg(String),
}

/// Extracts luma from buffers of one [`PlaneLayout`].
#[derive(Debug)]
pub struct Plane {
    layout: PlaneLayout,
    /// The last JPEG picture without Huffman tables, with the standard ones added.
    jpeg: Vec<u8>,
    /// The last frame's colours, where they are kept and the format has them.
    colors: Option<Colors>,
    /// A JPEG picture's pixels, three bytes each.
    rgb: Vec<u8>,
}

impl Plane {
    /// For buffers of `layout`.
    pub fn new(layout: PlaneLayout) -> Self {
        Self { layout, jpeg: Vec::new(), colors: None, rgb: Vec::new() }
    }

    /// Keeps every frame's colours, for displays, where the format has them.
    #[must_use]
    pub fn with_colors(mut self, keeps_colors: bool) -> Self {
        let has_colors = self.layout.pixels != Pixels::Grey;
        self.colors = (keeps_colors && has_colors).then(Colors::default);
        self
    }

    /// The last frame's colours; parts without chroma keep their last values.
    pub fn colors(&self) -> Option<&Colors> {
        self.colors.as_ref()
    }

    /// Writes the picture in `buffer` into `frame`, whose allocation is reused, as full-range luma.
    ///
    /// # Errors
    /// [`BadBuffer`] when it has no whole picture; the content of `frame` is then unspecified.
    pub fn extract(&mut self, buffer: &[u8], frame: &mut Luma) -> Result<(), BadBuffer> {
        let PlaneLayout { pixels, width, height, stride, range } = self.layout;
        let row = width * PixelFormat::of(pixels).bytes_per_pixel;
        match pixels {
            Pixels::Mjpg => return self.decode(buffer, frame),
            Pixels::Grey | Pixels::Nv12 => rows(buffer, row, stride, height)?
                .zip(begin(frame, width, height))
                .for_each(|(from, to)| to.copy_from_slice(from)),
            Pixels::Yuyv => rows(buffer, row, stride, height)?
                .zip(begin(frame, width, height))
                .for_each(|(from, to)| {
                    for (to, pair) in to.iter_mut().zip(from.chunks_exact(2)) {
                        *to = pair[0];
                    }
                }),
        }
        range.expand(frame.pixels_mut());
        if let Some(colors) = &mut self.colors {
            let stride = stride.max(row).max(1);
            let sample = |at: usize| buffer.get(at).copied().unwrap_or(128);
            // NV12 has its chroma pairs in rows after the luma, YUYV between the pixels.
            let (step, first, pixel) = match pixels {
                Pixels::Nv12 => ([2, 2], height * stride, 2),
                _ => ([2, 1], 1, 4),
            };
            let apart = pixel / 2;
            ycbcr::fill(colors, frame, range, step, |column, row| {
                let at = first + row * stride + column * pixel;
                [sample(at), sample(at + apart)]
            });
        }
        Ok(())
    }

    fn decode(&mut self, buffer: &[u8], frame: &mut Luma) -> Result<(), BadBuffer> {
        if !buffer.starts_with(&jpeg::SOI) {
            return Err(BadBuffer::Jpeg("it does not begin as one".to_owned()));
        }
        let extent = jpeg::extent(buffer).map_err(|error| match error {
            JpegError::CutOff { at } => BadBuffer::CutOff { at },
            other => BadBuffer::Jpeg(other.to_string()),
        })?;
        let mut picture = &buffer[..extent.end];
        if !extent.has_tables {
            jpeg::with_standard_tables(picture, &mut self.jpeg);
            picture = &self.jpeg;
        }
        // Encoders round up to whole blocks; a larger picture is not the negotiated one.
        let options = DecoderOptions::new_fast()
            .jpeg_set_out_colorspace(ColorSpace::Luma)
            .set_max_width(self.layout.width.next_multiple_of(16))
            .set_max_height(self.layout.height.next_multiple_of(16));
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(picture), options);
        let failed = |error: zune_jpeg::errors::DecodeErrors| BadBuffer::Jpeg(error.to_string());
        decoder.decode_headers().map_err(failed)?;
        let (width, height) =
            decoder.dimensions().ok_or_else(|| BadBuffer::Jpeg("it has no size".to_owned()))?;
        frame.reshape(width, height);
        decoder.decode_into(frame.pixels_mut()).map_err(failed)?;
        if let Some(colors) = &mut self.colors {
            let options = options.jpeg_set_out_colorspace(ColorSpace::RGB);
            let mut decoder = JpegDecoder::new_with_options(ZCursor::new(picture), options);
            self.rgb.resize(3 * width * height, 0);
            decoder.decode_into(&mut self.rgb).map_err(failed)?;
            colors.fill(
                width,
                height,
                self.rgb.chunks_exact(3).map(|rgb| [rgb[0], rgb[1], rgb[2]]),
            );
        }
        Ok(())
    }
}

/// `height` rows of `row` bytes, `stride` bytes apart.
fn rows(
    buffer: &[u8],
    row: usize,
    stride: usize,
    height: usize,
) -> Result<impl Iterator<Item = &[u8]>, BadBuffer> {
    let stride = stride.max(row).max(1);
    // The last row may end at its last pixel.
    let need = height.saturating_sub(1).saturating_mul(stride).saturating_add(row);
    if buffer.len() < need {
        return Err(BadBuffer::Short { need, have: buffer.len() });
    }
    Ok(buffer.chunks(stride).map(move |line| &line[..row]).take(height))
}

fn begin(frame: &mut Luma, width: usize, height: usize) -> impl Iterator<Item = &mut [u8]> {
    frame.reshape(width, height);
    frame.pixels_mut().chunks_exact_mut(width.max(1))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::{DynamicImage, ImageFormat, RgbImage};
    use proptest::prelude::*;

    use super::*;
    use crate::camera::decode_picture;
    use emocue_run::portraits::PORTRAITS;

    const ALL: [Pixels; 4] = [Pixels::Grey, Pixels::Nv12, Pixels::Yuyv, Pixels::Mjpg];

    fn layout(pixels: Pixels, stride: usize) -> PlaneLayout {
        PlaneLayout { pixels, width: 4, height: 2, stride, range: Range::Full }
    }

    fn luma(layout: PlaneLayout, buffer: &[u8]) -> Result<Luma, BadBuffer> {
        let mut frame = Luma::default();
        Plane::new(layout).extract(buffer, &mut frame).map(|()| frame)
    }

    /// A colour picture of 24x16 px as JPEG, and the same as cameras send it.
    fn jpegs() -> (Vec<u8>, Vec<u8>) {
        let picture =
            RgbImage::from_fn(24, 16, |x, y| image::Rgb([x as u8 * 10, y as u8 * 15, 60]));
        let mut whole = Cursor::new(Vec::new());
        DynamicImage::from(picture).write_to(&mut whole, ImageFormat::Jpeg).unwrap();
        let whole = whole.into_inner();
        let bare = without_tables(&whole);
        (whole, bare)
    }

    /// A JPEG picture without its Huffman tables.
    fn without_tables(jpeg: &[u8]) -> Vec<u8> {
        let (mut bare, mut rest) = (jpeg::SOI.to_vec(), &jpeg[2..]);
        while rest[..2] != [0xFF, 0xDA] {
            let length = 2 + usize::from(u16::from_be_bytes([rest[2], rest[3]]));
            if rest[..2] != [0xFF, 0xC4] {
                bare.extend(&rest[..length]);
            }
            rest = &rest[length..];
        }
        [bare.as_slice(), rest].concat()
    }

    /// The colours of a picture of 4x2 px.
    fn colors(pixels: Pixels, stride: usize, buffer: &[u8]) -> Option<Vec<[u8; 3]>> {
        let (mut frame, layout) = (Luma::default(), layout(pixels, stride));
        let mut plane = Plane::new(layout).with_colors(true);
        plane.extract(buffer, &mut frame).unwrap();
        plane.colors().map(|colors| colors.pixels().collect())
    }

    #[test]
    fn colours_are_kept_where_the_format_has_them() {
        let (grey, red) = ([100; 3], [240, 29, 100]);
        // The left half is grey, the right one red, in rows that are longer than the picture.
        let yuyv: Vec<u8> = [100, 128, 100, 128, 100, 128, 100, 228, 9, 9].repeat(2);
        assert_eq!(colors(Pixels::Yuyv, 10, &yuyv).unwrap(), [grey, grey, red, red].repeat(2));
        let luma: Vec<u8> = [100, 100, 100, 100, 9, 9].repeat(2);
        let nv12 = [luma, vec![128, 128, 128, 228, 9, 9]].concat();
        let of_nv12 = colors(Pixels::Nv12, 6, &nv12).unwrap();
        assert_eq!(of_nv12, [grey, grey, red, red].repeat(2));
        // Missing chroma is grey.
        assert_eq!(colors(Pixels::Nv12, 6, &nv12[..12]).unwrap(), [grey; 8]);
        assert_eq!(colors(Pixels::Grey, 4, &[7; 8]), None);
        let (jpeg, bare) = jpegs();
        let expected = image::load_from_memory(&jpeg).unwrap().into_rgb8();
        for jpeg in [&jpeg, &bare] {
            let mut plane = Plane::new(jpeg_layout()).with_colors(true);
            plane.extract(jpeg, &mut Luma::default()).unwrap();
            let colors = plane.colors().unwrap();
            let far = |(a, b): ([u8; 3], &image::Rgb<u8>)| {
                a.iter().zip(b.0).any(|(a, b)| a.abs_diff(b) > 3)
            };
            assert!(!colors.pixels().zip(expected.pixels()).any(far));
        }
    }

    fn jpeg_layout() -> PlaneLayout {
        PlaneLayout { pixels: Pixels::Mjpg, width: 24, height: 16, stride: 0, range: Range::Full }
    }

    #[test]
    fn luma_is_taken_row_by_row_and_padding_is_skipped() {
        let expected = [1, 2, 3, 4, 5, 6, 7, 8];
        let packed = [1, 2, 3, 4, 5, 6, 7, 8, 99, 99, 99, 99];
        assert_eq!(luma(layout(Pixels::Nv12, 0), &packed).unwrap().pixels(), expected);
        let padded = [1, 2, 3, 4, 99, 99, 5, 6, 7, 8];
        assert_eq!(luma(layout(Pixels::Grey, 6), &padded).unwrap().pixels(), expected);
        let yuyv = [1, 99, 2, 99, 3, 99, 4, 99, 98, 98, 5, 99, 6, 99, 7, 99, 8, 99, 98, 98];
        assert_eq!(luma(layout(Pixels::Yuyv, 10), &yuyv).unwrap().pixels(), expected);
    }

    #[test]
    fn limited_range_becomes_full() {
        let limited = PlaneLayout { range: Range::Limited, ..layout(Pixels::Grey, 4) };
        let pixels = luma(limited, &[16, 235, 126, 0, 255, 16, 16, 16]).unwrap();
        assert_eq!(pixels.pixels(), [0, 255, 128, 0, 255, 0, 0, 0]);
    }

    #[test]
    fn a_cut_transfer_says_how_much_came() {
        let error = luma(layout(Pixels::Yuyv, 8), &[0; 15]).unwrap_err();
        assert_eq!(error.to_string(), "15 bytes came instead of 16");
        assert!(luma(layout(Pixels::Yuyv, 8), &[]).is_err());
    }

    #[test]
    fn jpeg_frames_need_neither_tables_nor_a_tidy_end() {
        let (whole, bare) = jpegs();
        assert!(bare.len() + 400 < whole.len(), "the tables are gone");
        let expected = decode_picture("whole.jpg", &whole).unwrap();
        let padded = [bare.as_slice(), &[0; 300], &[0xFF, 0xD9]].concat();
        for buffer in [&whole, &bare, &padded] {
            let frame = luma(jpeg_layout(), buffer).unwrap();
            assert_eq!((frame.width(), frame.height()), (24, 16));
            // The other decoder goes through RGB, which rounds.
            let apart = frame.pixels().iter().zip(expected.pixels()).map(|(a, b)| a.abs_diff(*b));
            assert!(apart.max() <= Some(2));
        }
    }

    #[test]
    fn luma_is_that_of_any_decoder_whatever_the_chroma() {
        // One portrait has its chroma in full, the other at half the width and height.
        for portrait in &PORTRAITS {
            let expected = decode_picture(portrait.file, portrait.jpeg).unwrap();
            let (width, height) = (expected.width(), expected.height());
            let frame =
                luma(PlaneLayout { width, height, ..jpeg_layout() }, portrait.jpeg).unwrap();
            assert_eq!((frame.width(), frame.height()), (width, height));
            // The other decoder goes through RGB, which clips saturated colours.
            let apart = frame.pixels().iter().zip(expected.pixels()).map(|(a, b)| a.abs_diff(*b));
            let mean = apart.map(f64::from).sum::<f64>() / (width * height) as f64;
            assert!(mean < 1.0, "{}: {mean}", portrait.file);
        }
    }

    #[test]
    fn a_cut_or_larger_jpeg_frame_is_no_picture() {
        let (whole, bare) = jpegs();
        let half = &bare[..bare.len() - 40];
        for frame in [half, &[half, &[0xFF, 0xD9]].concat()] {
            let at = half.len() as u64;
            assert_eq!(luma(jpeg_layout(), frame).unwrap_err(), BadBuffer::CutOff { at });
        }
        let small = PlaneLayout { width: 15, height: 8, ..jpeg_layout() };
        assert!(matches!(luma(small, &whole), Err(BadBuffer::Jpeg(_))));
    }

    proptest! {
        #[test]
        fn no_buffer_makes_it_panic(
            format in 0usize..4, stride in 0usize..40, width in 0usize..40, height in 0usize..20,
            buffer in proptest::collection::vec(any::<u8>(), 0..1000),
        ) {
            let layout = PlaneLayout { pixels: ALL[format], width, height, stride, range: Range::Limited };
            if let Ok(frame) = luma(layout, &buffer) {
                prop_assert_eq!(frame.pixels().len(), frame.width() * frame.height());
            }
        }

        #[test]
        fn damaged_jpeg_frames_never_panic(
            flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        ) {
            let (_, mut bytes) = jpegs();
            for (at, value) in flips {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            if let Ok(frame) = luma(jpeg_layout(), &bytes) {
                prop_assert!(frame.width() <= 32 && frame.height() <= 16);
            }
        }
    }
}
