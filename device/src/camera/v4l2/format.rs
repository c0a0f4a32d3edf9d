//! The choice of a camera's format and size.

use emocue_config::source::{Pixels, RequestedFormat};
use emocue_models::luma::Range;

/// Properties of one of [`Pixels`].
#[derive(Debug)]
pub struct PixelFormat {
    /// Which one.
    pub pixels: Pixels,
    /// V4L2's code.
    pub fourcc: [u8; 4],
    /// Bytes of a row per pixel, of the plane that holds luma; 0 where rows have no fixed length.
    pub(super) bytes_per_pixel: usize,
    /// Its cost, on the scale of [`choose`]: 0.1 is as bad as a picture a tenth too large.
    cost: f32,
}

/// All supported formats, cheapest first. NV12 transfers 1.5 times as many bytes as GREY, YUYV twice as many; a JPEG of
/// 640x480 px takes milliseconds to decode, so a raw format may differ from the requested size or rate by half before
/// MJPG is the better choice.
pub const FORMATS: [PixelFormat; 4] = [
    PixelFormat { pixels: Pixels::Grey, fourcc: *b"GREY", bytes_per_pixel: 1, cost: 0.0 },
    PixelFormat { pixels: Pixels::Nv12, fourcc: *b"NV12", bytes_per_pixel: 1, cost: 0.02 },
    PixelFormat { pixels: Pixels::Yuyv, fourcc: *b"YUYV", bytes_per_pixel: 2, cost: 0.05 },
    PixelFormat { pixels: Pixels::Mjpg, fourcc: *b"MJPG", bytes_per_pixel: 0, cost: 0.5 },
];

/// Raw formats of sensors, with one colour per pixel.
const BAYER: [&[u8; 4]; 24] = [
    b"BA81", b"GBRG", b"GRBG", b"RGGB", b"BG10", b"GB10", b"BA10", b"RG10", b"pBAA", b"pGAA",
    b"pgAA", b"pRAA", b"BG12", b"GB12", b"BA12", b"RG12", b"pBCC", b"pGCC", b"pgCC", b"pRCC",
    b"BYR2", b"GB16", b"GR16", b"RG16",
];

/// Whether `fourcc` is raw Bayer data of 8 to 16 bits.
pub fn is_bayer(fourcc: [u8; 4]) -> bool {
    BAYER.contains(&&fourcc)
}

impl PixelFormat {
    /// The row of [`FORMATS`] for `pixels`.
    pub fn of(pixels: Pixels) -> &'static Self {
        // The table has the enum's order.
        &FORMATS[pixels as usize]
    }
}

/// The format with V4L2's code `fourcc`.
pub fn of_fourcc(fourcc: [u8; 4]) -> Option<Pixels> {
    FORMATS.iter().find(|format| format.fourcc == fourcc).map(|format| format.pixels)
}

/// A code of four characters as text.
pub fn code(fourcc: [u8; 4]) -> String {
    fourcc
        .iter()
        .map(|byte| if byte.is_ascii_graphic() { char::from(*byte) } else { ' ' })
        .collect()
}

/// The range of a driver that does not report it: `full_default` is for a driver whose colour space is JPEG's. Where
/// the standard does not define it (GREY), full range clips nothing.
pub fn range(pixels: Pixels, said: Option<Range>, full_default: bool) -> Range {
    match (pixels, said) {
        (Pixels::Mjpg, _) => Range::Full,
        (_, Some(range)) => range,
        (Pixels::Grey, None) => Range::Full,
        (Pixels::Nv12 | Pixels::Yuyv, None) if full_default => Range::Full,
        (Pixels::Nv12 | Pixels::Yuyv, None) => Range::Limited,
    }
}

/// One format that a camera offers.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    /// V4L2's code.
    pub fourcc: [u8; 4],
    /// Its sizes; empty if the driver does not list any: then any may be requested.
    pub sizes: Vec<Sizes>,
}

/// Sizes of a format.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sizes {
    /// One size.
    Exact {
        /// Width, px.
        width: u32,
        /// Height, px.
        height: u32,
        /// The highest frame rate at that size, Hz, if the driver reports it.
        fps: Option<f32>,
    },
    /// Any size between two, width and height each in steps of its own.
    Steps {
        /// The smallest width and height, px.
        min: [u32; 2],
        /// The largest width and height, px.
        max: [u32; 2],
        /// The steps of width and height, px; 1 where any size will do.
        step: [u32; 2],
    },
}

/// The result of [`choose`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choice {
    /// The format.
    pub pixels: Pixels,
    /// Width, px.
    pub width: u32,
    /// Height, px.
    pub height: u32,
}

/// The offer with the lowest cost: the format's own, and how far width, height and rate are from what is wanted,
/// as the logarithm of their ratio. A rate above the wanted one costs nothing.
pub fn choose(offers: &[Offer], wanted: &RequestedFormat) -> Option<Choice> {
    let candidates = offers.iter().filter_map(|offer| Some((of_fourcc(offer.fourcc)?, offer)));
    candidates
        .filter(|(pixels, _)| wanted.pixels.is_none_or(|only| only == *pixels))
        .flat_map(|(pixels, offer)| {
            let untold = Sizes::Exact { width: wanted.width, height: wanted.height, fps: None };
            let untold = offer.sizes.is_empty().then_some(untold);
            offer.sizes.iter().copied().chain(untold).map(move |sizes| (pixels, sizes))
        })
        .map(|(pixels, sizes)| {
            let (width, height, fps) = nearest(sizes, wanted);
            let slower = fps.map_or(0.0, |fps| off(wanted.fps as f32, fps).max(0.0));
            let size = off(width as f32, wanted.width as f32).abs()
                + off(height as f32, wanted.height as f32).abs();
            (PixelFormat::of(pixels).cost + size + slower, Choice { pixels, width, height })
        })
        .min_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, choice)| choice)
}

/// The logarithm of `a / b`, with both at least 1 so that it is finite for zeros.
fn off(a: f32, b: f32) -> f32 {
    (a.max(1.0) / b.max(1.0)).ln()
}

fn nearest(sizes: Sizes, wanted: &RequestedFormat) -> (u32, u32, Option<f32>) {
    match sizes {
        Sizes::Exact { width, height, fps } => (width, height, fps),
        Sizes::Steps { min, max, step } => {
            let side = |axis: usize, wanted: u32| {
                let (least, step) = (min[axis], step[axis].max(1));
                let most = max[axis].max(least);
                let over = wanted.clamp(least, most) - least;
                // Rounded to the nearest step, but never above the largest.
                let steps = over.saturating_add(step / 2).min(most - least) / step;
                least + steps * step
            };
            (side(0, wanted.width), side(1, wanted.height), None)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const VGA: RequestedFormat = RequestedFormat { width: 640, height: 480, fps: 30, pixels: None };

    fn exact(fourcc: &[u8; 4], sizes: &[(u32, u32, f32)]) -> Offer {
        let sizes = sizes.iter().map(|&(width, height, fps)| Sizes::Exact {
            width,
            height,
            fps: Some(fps),
        });
        Offer { fourcc: *fourcc, sizes: sizes.collect() }
    }

    fn chosen(offers: &[Offer], wanted: &RequestedFormat) -> (Pixels, u32, u32) {
        let choice = choose(offers, wanted).unwrap();
        (choice.pixels, choice.width, choice.height)
    }

    #[test]
    fn the_table_stands_in_the_order_of_its_formats_and_costs() {
        for (i, format) in FORMATS.iter().enumerate() {
            assert_eq!(format.pixels as usize, i);
            assert_eq!(Pixels::ALL[i], format.pixels);
            assert_eq!(Pixels::of_name(format.pixels.name()), Some(format.pixels));
        }
        assert!(FORMATS.is_sorted_by(|a, b| a.cost < b.cost));
    }

    #[test]
    fn at_the_same_size_the_cheapest_format_wins_whatever_the_order() {
        let sizes = [(640, 480, 30.0)];
        let mut offers: Vec<_> = [b"MJPG", b"YUYV", b"NV12", b"GREY"]
            .iter()
            .map(|fourcc| exact(fourcc, &sizes))
            .collect();
        for expected in [Pixels::Grey, Pixels::Nv12, Pixels::Yuyv, Pixels::Mjpg] {
            assert_eq!(chosen(&offers, &VGA), (expected, 640, 480));
            offers.pop();
        }
        assert_eq!(choose(&[exact(b"H264", &sizes), exact(b"BA81", &sizes)], &VGA), None);
    }

    #[test]
    fn a_webcam_that_is_slow_without_compression_gives_jpeg_only_where_that_matters() {
        let webcam = [
            exact(b"YUYV", &[(640, 480, 30.0), (320, 240, 30.0), (1280, 720, 10.0)]),
            exact(b"MJPG", &[(640, 480, 30.0), (1280, 720, 30.0)]),
        ];
        assert_eq!(chosen(&webcam, &VGA), (Pixels::Yuyv, 640, 480));
        let hd = RequestedFormat { width: 1280, height: 720, ..VGA };
        assert_eq!(chosen(&webcam, &hd), (Pixels::Mjpg, 1280, 720));
        assert_eq!(chosen(&webcam, &RequestedFormat { fps: 10, ..hd }), (Pixels::Yuyv, 1280, 720));
        let jpeg = RequestedFormat { pixels: Some(Pixels::Mjpg), ..VGA };
        assert_eq!(chosen(&webcam, &jpeg), (Pixels::Mjpg, 640, 480));
    }

    #[test]
    fn stepwise_sizes_are_met_within_their_step_and_untold_ones_are_asked_for() {
        let steps = Sizes::Steps { min: [48, 32], max: [1920, 1080], step: [16, 8] };
        let offer = Offer { fourcc: *b"NV12", sizes: vec![steps] };
        let odd = RequestedFormat { width: 650, height: 2000, ..VGA };
        assert_eq!(chosen(&[offer], &odd), (Pixels::Nv12, 656, 1080));
        let untold = Offer { fourcc: *b"YUYV", sizes: Vec::new() };
        assert_eq!(chosen(&[untold], &VGA), (Pixels::Yuyv, 640, 480));
    }

    #[test]
    fn black_and_white_are_where_the_driver_says_or_the_standard() {
        assert_eq!(range(Pixels::Yuyv, None, false), Range::Limited);
        assert_eq!(range(Pixels::Yuyv, None, true), Range::Full);
        assert_eq!(range(Pixels::Nv12, Some(Range::Full), false), Range::Full);
        assert_eq!(range(Pixels::Grey, None, false), Range::Full);
        assert_eq!(range(Pixels::Grey, Some(Range::Limited), false), Range::Limited);
        assert_eq!(range(Pixels::Mjpg, Some(Range::Limited), false), Range::Full);
    }

    proptest! {
        #[test]
        fn whatever_a_driver_tells_the_choice_is_within_it(
            min in any::<[u32; 2]>(), max in any::<[u32; 2]>(), step in any::<[u32; 2]>(),
            width in 64u32..=4096, height in 64u32..=4096,
        ) {
            let offers = [Offer { fourcc: *b"YUYV", sizes: vec![Sizes::Steps { min, max, step }] }];
            let choice = choose(&offers, &RequestedFormat { width, height, fps: 30, pixels: None }).unwrap();
            for (axis, side) in [choice.width, choice.height].into_iter().enumerate() {
                prop_assert!(side >= min[axis] && side <= max[axis].max(min[axis]));
                prop_assert_eq!((side - min[axis]) % step[axis].max(1), 0);
            }
        }
    }
}
