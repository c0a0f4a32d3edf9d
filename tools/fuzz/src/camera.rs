//! What cameras send: streams, frames of child processes, buffers of V4L2, and lists of formats.

use std::io::Cursor;

use arbitrary::{Result, Unstructured};
use emocue_config::source::{Coding, Pixels, RequestedFormat};
use emocue_device::camera::pipe::Frames;
use emocue_device::camera::v4l2::format::{FORMATS, Offer, Sizes, choose, code, is_bayer};
use emocue_device::camera::v4l2::plane::{Plane, PlaneLayout};
use emocue_device::camera::{Camera, CameraError, CameraRead, FrameInfo, Y4m};
use emocue_models::failure;
use emocue_models::luma::{Luma, Range};

use crate::FuzzTarget;
use crate::picture::jpegs;

/// A Y4M stream, read from a file and from a pipe.
pub const Y4M: FuzzTarget = FuzzTarget {
    name: "y4m",
    what: "a Y4M stream: a pipe that gives it in pieces reads the frames that a file gives",
    run: y4m,
    seeds: || {
        let tags = ["C420jpeg", "C420p10 XCOLORRANGE=FULL", "Cmono", "C444 F30:1", "C422p12"];
        tags.iter().map(|tags| stream(tags)).collect()
    },
};

/// Raw frames out of a pipe.
pub const RAW_FRAMES: FuzzTarget = FuzzTarget {
    name: "raw_frames",
    what: "raw frames out of a pipe: the same, in whatever pieces they come",
    run: |data| {
        let _ = raw_frames(&mut Unstructured::new(data));
    },
    seeds: || vec![(0..64).collect(), vec![3; 50]],
};

/// A buffer of a V4L2 camera.
pub const V4L2_BUFFER: FuzzTarget = FuzzTarget {
    name: "v4l2_buffer",
    what: "a camera's buffer in any layout: a whole picture, or refused",
    run: |data| {
        let _ = v4l2_buffer(&mut Unstructured::new(data));
    },
    seeds: || {
        let layout = |format, side| vec![format, side, side, 0, 0];
        let raw = |format| [layout(format, 4), vec![90; 64]].concat();
        let mut seeds: Vec<_> = (0..3).map(raw).collect();
        seeds.extend(jpegs().into_iter().map(|jpeg| [layout(3, 19), jpeg].concat()));
        seeds
    },
};

/// The formats that a camera offers.
pub const V4L2_FORMATS: FuzzTarget = FuzzTarget {
    name: "v4l2_formats",
    what: "the formats that a camera says it has: one of them is chosen",
    run: |data| {
        let _ = v4l2_formats(&mut Unstructured::new(data));
    },
    seeds: || vec![(0..120).collect(), vec![1; 90], vec![255; 90]],
};

/// Larger pictures only take time, px.
const MOST: usize = 1 << 16;

/// A 4x2 stream of two frames with enough bytes for any colour space.
fn stream(tags: &str) -> Vec<u8> {
    let mut out = format!("YUV4MPEG2 W4 H2 F25:1 {tags}\n").into_bytes();
    let samples = match tags {
        _ if tags.contains("mono") => 8,
        _ if tags.contains("444") => 24,
        _ if tags.contains("422") => 16,
        _ => 12,
    };
    let bytes = samples * if tags.contains("p1") { 2 } else { 1 };
    for frame in 0..2_u8 {
        out.extend(b"FRAME\n");
        out.extend((0..bytes).map(|at| (at as u8).wrapping_mul(9) + frame));
    }
    out
}

/// The luma of each frame until the end, and how it ended.
type Pictures = (Vec<Luma>, std::result::Result<(), CameraError>);

fn y4m(data: &[u8]) {
    let whole = from_file(data);
    for piece in [1, 7, 4096] {
        let (pictures, ended) = from_pipe(&Coding::Y4m, data, piece);
        // A pipe that is cut waits for more, so only what both read whole is compared.
        if let (Ok(()), Ok(())) = (&whole.1, &ended) {
            assert_eq!(pictures, whole.0, "in pieces of {piece}");
        }
    }
}

fn too_large(header: &[u8]) -> bool {
    let line = header.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let digits = line.iter().filter(|byte| byte.is_ascii_digit()).count();
    digits > 12
}

fn from_file(data: &[u8]) -> Pictures {
    let mut pictures = Vec::new();
    if too_large(data) {
        return (pictures, Ok(()));
    }
    let mut camera = match Y4m::new("clip.y4m", Cursor::new(data)) {
        Ok(camera) => camera,
        Err(error) => return (pictures, Err(error)),
    };
    let (mut frame, mut info) = (Luma::default(), FrameInfo::default());
    loop {
        match camera.next(&mut frame, &mut info) {
            Ok(CameraRead::Frame) => pictures.push(frame.clone()),
            Ok(CameraRead::End) => return (pictures, Ok(())),
            Ok(other) => panic!("a file is never {other:?}"),
            Err(error) => {
                assert!(!failure::line(&error).is_empty());
                return (pictures, Err(error));
            }
        }
    }
}

fn from_pipe(coding: &Coding, data: &[u8], piece: usize) -> Pictures {
    let mut pictures = Vec::new();
    if *coding == Coding::Y4m && too_large(data) {
        return (pictures, Ok(()));
    }
    let mut frames = Frames::new("pipe:test", coding);
    let (mut frame, mut rest) = (Luma::default(), data);
    while !rest.is_empty() {
        let space = frames.space();
        let count = space.len().min(piece).min(rest.len());
        assert!(count > 0, "there is always room");
        space[..count].copy_from_slice(&rest[..count]);
        rest = &rest[count..];
        match frames.take(count, &mut frame) {
            Ok(true) => pictures.push(frame.clone()),
            Ok(false) => {}
            Err(error) => {
                assert!(!failure::line(&error).is_empty());
                return (pictures, Err(error));
            }
        }
    }
    (pictures, Ok(()))
}

fn range(input: &mut Unstructured<'_>) -> Result<Range> {
    Ok(if input.arbitrary()? { Range::Full } else { Range::Limited })
}

fn raw_frames(input: &mut Unstructured<'_>) -> Result<()> {
    let (width, height) = (input.int_in_range(1..=40)?, input.int_in_range(1..=40)?);
    let chroma = input.arbitrary()?;
    let coding = Coding::Raw { width, height, chroma, range: range(input)? };
    let data = input.bytes(input.len())?;
    let (whole, ended) = from_pipe(&coding, data, usize::MAX);
    assert!(ended.is_ok(), "raw bytes are always frames");
    let bytes =
        width * height + if chroma { 2 * width.div_ceil(2) * height.div_ceil(2) } else { 0 };
    assert_eq!(whole.len(), data.len() / bytes);
    assert_eq!(from_pipe(&coding, data, 3).0, whole);
    Ok(())
}

fn v4l2_buffer(input: &mut Unstructured<'_>) -> Result<()> {
    let pixels = Pixels::ALL[usize::from(input.arbitrary::<u8>()? % 4)];
    let (width, height) = (input.arbitrary::<u8>()?.into(), input.arbitrary::<u8>()?.into());
    let stride = input.arbitrary::<u8>()?.into();
    let layout = PlaneLayout { pixels, width, height, stride, range: range(input)? };
    let (mut plane, mut frame) = (Plane::new(layout), Luma::default());
    let buffer = input.bytes(input.len())?;
    for _ in 0..2 {
        match plane.extract(buffer, &mut frame) {
            Ok(()) => {
                assert_eq!(frame.pixels().len(), frame.width() * frame.height());
                assert!(frame.width() <= width + 16 && frame.height() <= height + 16);
                assert!(frame.pixels().len() <= MOST * 2);
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
    Ok(())
}

fn offer(input: &mut Unstructured<'_>) -> Result<Offer> {
    let fourcc = match input.arbitrary::<bool>()? {
        true => FORMATS[usize::from(input.arbitrary::<u8>()? % 4)].fourcc,
        false => input.arbitrary()?,
    };
    let mut sizes = Vec::new();
    for _ in 0..input.int_in_range(0..=4)? {
        let size = match input.arbitrary()? {
            true => Sizes::Exact {
                width: input.arbitrary()?,
                height: input.arbitrary()?,
                fps: input.arbitrary()?,
            },
            false => Sizes::Steps {
                min: input.arbitrary()?,
                max: input.arbitrary()?,
                step: input.arbitrary()?,
            },
        };
        sizes.push(size);
    }
    Ok(Offer { fourcc, sizes })
}

fn v4l2_formats(input: &mut Unstructured<'_>) -> Result<()> {
    let pixels = match input.int_in_range(0..=7)? {
        at @ 0..=3 => Some(Pixels::ALL[at]),
        _ => None,
    };
    let wanted = RequestedFormat {
        width: input.arbitrary()?,
        height: input.arbitrary()?,
        fps: input.arbitrary()?,
        pixels,
    };
    let mut offers = Vec::new();
    for _ in 0..input.int_in_range(0..=5)? {
        offers.push(offer(input)?);
    }
    let known = |offer: &Offer| FORMATS.iter().find(|format| format.fourcc == offer.fourcc);
    let fits = |pixels| wanted.pixels.is_none_or(|only| only == pixels);
    let usable = offers.iter().any(|offer| known(offer).is_some_and(|it| fits(it.pixels)));
    let chosen = choose(&offers, &wanted);
    assert_eq!(chosen.is_some(), usable, "{offers:?}");
    assert!(chosen.is_none_or(|choice| fits(choice.pixels)));
    for offer in &offers {
        assert_eq!(code(offer.fourcc).chars().count(), 4);
        let _ = is_bayer(offer.fourcc);
    }
    Ok(())
}
