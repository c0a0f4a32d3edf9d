//! Picture files.

use std::io::Cursor;

use emocue_models::failure;
use emocue_models::luma::Luma;
use emocue_models::picture::{Rules, decode, jpeg};
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, GrayImage, ImageFormat, ImageReader, Luma as Grey, RgbImage};

use crate::FuzzTarget;

/// A picture file.
pub const PICTURE: FuzzTarget = FuzzTarget {
    name: "picture",
    what: "JPEG, PNG, and a data set's BMP, PNM and TIFF: decoded whole, or refused",
    run: picture,
    seeds: || {
        let mut seeds = jpegs();
        for format in [ImageFormat::Png, ImageFormat::Bmp, ImageFormat::Pnm, ImageFormat::Tiff] {
            seeds.push(encoded(&grey().into(), format));
            seeds.push(encoded(&colour().into(), format));
        }
        seeds
    },
};

/// Larger ones are what `cargo xtask faults` tries; here they would only take time, px.
const MOST: u32 = 1 << 20;

/// A grey ramp of 19x13 px, which is no multiple of a block.
pub(crate) fn grey() -> GrayImage {
    GrayImage::from_fn(19, 13, |x, y| Grey([(x * 13 + y * 7) as u8]))
}

fn colour() -> RgbImage {
    RgbImage::from_fn(17, 9, |x, y| image::Rgb([(x * 15) as u8, (y * 28) as u8, (x * y) as u8]))
}

fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    picture.write_to(&mut out, format).expect("memory takes it");
    out.into_inner()
}

/// Grey and colour, whole and cut.
pub(crate) fn jpegs() -> Vec<Vec<u8>> {
    let mut grey_file = Vec::new();
    JpegEncoder::new_with_quality(&mut grey_file, 40).encode_image(&grey()).expect("memory");
    let mut colour_file = Vec::new();
    JpegEncoder::new_with_quality(&mut colour_file, 90).encode_image(&colour()).expect("memory");
    let cut = colour_file[..colour_file.len() * 3 / 4].to_vec();
    vec![grey_file, colour_file, cut]
}

fn picture(data: &[u8]) {
    if data.starts_with(&jpeg::SOI) {
        whole(data);
    }
    let guessed = ImageReader::new(Cursor::new(data)).with_guessed_format();
    let size = guessed.ok().and_then(|reader| reader.into_dimensions().ok());
    if size.is_some_and(|(width, height)| width.saturating_mul(height) > MOST) {
        return;
    }
    for rules in [Rules::BADGE, Rules::DATASET] {
        match decode(data, &rules) {
            Ok(picture) => assert_size(&picture),
            Err(error) => drop(failure::line(&error)),
        }
    }
}

/// What follows a picture does not matter.
fn whole(data: &[u8]) {
    let Ok(extent) = jpeg::extent(data) else { return };
    assert!(extent.end <= data.len());
    let alone = jpeg::extent(&data[..extent.end]).expect("it is whole without what follows");
    assert_eq!(alone, extent);
}

fn assert_size(picture: &Luma) {
    assert_eq!(picture.pixels().len(), picture.width() * picture.height());
}
