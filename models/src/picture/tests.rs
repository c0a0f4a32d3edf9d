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
    let grey = decode(&encoded(ramp(), ImageFormat::Png), &Rules::BADGE).unwrap();
    assert_eq!(grey.pixels(), ramp().as_raw().as_slice());
    let red = RgbImage::from_pixel(3, 2, Rgb([255, 0, 0]));
    let red = decode(&encoded(red, ImageFormat::Png), &Rules::BADGE).unwrap();
    assert_eq!((red.width(), red.height(), red.pixels()), (3, 2, [76; 6].as_slice()));
}

#[test]
fn exif_orientation_turns_the_picture_upright() {
    let jpeg = encoded(ramp(), ImageFormat::Jpeg);
    let plain = decode(&jpeg, &Rules::BADGE).unwrap();
    // 6 is what a phone writes when held upright: turn clockwise to see it right.
    let turned = decode(&with_orientation(&jpeg, 6), &Rules::BADGE).unwrap();
    assert_eq!((turned.width(), turned.height()), (16, 24));
    assert_eq!(turned.row(0)[15], plain.row(0)[0], "the top-left corner moves to the right");
    let mirrored = decode(&with_orientation(&jpeg, 2), &Rules::BADGE).unwrap();
    assert!(plain.row(3).iter().rev().eq(mirrored.row(3)));
}

#[test]
fn colours_are_upright_too_and_grey_has_none() {
    let halves =
        RgbImage::from_fn(16, 8, |x, _| Rgb(if x < 8 { [250, 0, 0] } else { [0, 0, 250] }));
    let png = encoded(halves.clone(), ImageFormat::Png);
    let (luma, colors) = decode_colored(&png, &Rules::BADGE).unwrap();
    assert_eq!(luma, decode(&png, &Rules::BADGE).unwrap());
    assert!(colors.unwrap().pixels().eq(halves.pixels().map(|pixel| pixel.0)));
    let turned = with_orientation(&encoded(halves, ImageFormat::Jpeg), 6);
    let (luma, colors) = decode_colored(&turned, &Rules::BADGE).unwrap();
    let colors = colors.unwrap();
    assert_eq!((colors.width(), colors.height()), (luma.width(), luma.height()));
    let at = |y: usize| colors.pixels().nth(y * 8 + 4).unwrap();
    assert!(at(1)[0] > 200 && at(14)[2] > 200, "red is above, blue below");
    assert_eq!(decode_colored(&encoded(ramp(), ImageFormat::Png), &Rules::BADGE).unwrap().1, None);
}

#[test]
fn a_large_picture_without_its_colours_is_the_same() {
    let colour = RgbImage::from_fn(40, 24, |x, y| Rgb([x as u8 * 6, y as u8 * 9, 90]));
    let whole = decode(&encoded(colour.clone(), ImageFormat::Jpeg), &Rules::BADGE).unwrap();
    let frugal = Rules { most_colored: 100, max_decoded: 40 * 24, ..Rules::BADGE };
    let luma = decode(&encoded(colour.clone(), ImageFormat::Jpeg), &frugal).unwrap();
    assert_eq!((luma.width(), luma.height()), (40, 24));
    // The other way goes through RGB, which rounds.
    let apart = luma.pixels().iter().zip(whole.pixels()).map(|(a, b)| a.abs_diff(*b));
    assert!(apart.max() <= Some(2));
    let turned = with_orientation(&encoded(colour.clone(), ImageFormat::Jpeg), 6);
    assert_eq!(decode(&turned, &frugal).unwrap().width(), 24);
    // A PNG picture has no luma of its own.
    assert_eq!(
        decode(&encoded(colour, ImageFormat::Png), &frugal),
        Err(PictureError::TooMuchMemory { width: 40, height: 24, most: 960 })
    );
}

#[test]
fn what_is_accepted_depends_on_the_rules() {
    let colour = RgbImage::from_pixel(4, 4, Rgb([10, 20, 30]));
    let jpeg = encoded(colour, ImageFormat::Jpeg);
    for rules in [Rules::BADGE, Rules::DATASET] {
        assert!(decode(&jpeg, &rules).is_ok());
        assert_eq!(decode(b"", &rules), Err(PictureError::Empty));
        let small = Rules { max_file: 8, ..rules };
        assert_eq!(decode(&jpeg, &small), Err(PictureError::FileTooLarge { limit: 8 }));
    }
    let expected = |rules| match decode(b"BM a bitmap", rules) {
        Err(PictureError::UnknownFormat { expected }) => Some(expected),
        _ => None,
    };
    assert_eq!(expected(&Rules::BADGE), Some("JPEG or PNG"));
    assert_eq!(expected(&Rules::DATASET), None);
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
        if let Ok(picture) = decode(&bytes, &Rules::BADGE) {
            prop_assert_eq!(picture.pixels().len(), picture.width() * picture.height());
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(
        magic in prop::sample::select(vec![&b""[..], b"\xFF\xD8\xFF", b"\x89PNG\r\n\x1a\n"]),
        tail in proptest::collection::vec(any::<u8>(), 0..256),
    ) {
        let _ = decode(&[magic, &tail].concat(), &Rules::BADGE);
    }
}
