//! Probes a node through the `v4l` crate.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use emocue_config::source::RequestedFormat;
use emocue_models::failure;
use v4l::Device;
use v4l::frameinterval::FrameIntervalEnum;
use v4l::framesize::FrameSizeEnum;
use v4l::video::Capture;

use super::error::{V4l2Error, group_remedy};
use super::finding::Finding;
use super::format::{Choice, Offer, Sizes, choose, code, is_bayer};
use super::nodes::{Node, Role, nodes, of_path};

const DEV: &str = "/dev";
const CLASS: &str = "/sys/class/video4linux";

/// Opens a node, with the format and size nearest to `wanted`.
///
/// # Errors
/// [`V4l2Error`] when it cannot be opened or has no format with luma.
pub(super) fn open(
    name: &str,
    path: &Path,
    wanted: &RequestedFormat,
) -> Result<(Device, Choice), V4l2Error> {
    let node = of_path(path, DEV.as_ref(), CLASS.as_ref());
    let (device, offers) = ask(name, &node)?;
    let choice = choice(name, &node, &offers, wanted)?;
    Ok((device, choice))
}

/// Probes `node`.
pub(super) fn probe(node: &Node) -> Finding {
    let name = format!("v4l2:{}", node.path.display());
    let wanted = RequestedFormat { width: 640, height: 480, fps: 30, pixels: None };
    let asked = ask(&name, node).and_then(|(_, offers)| {
        let choice = choice(&name, node, &offers, &wanted)?;
        Ok(Finding::Camera { offers, choice })
    });
    asked.unwrap_or_else(|error| {
        let error = failure::line(&error);
        Finding::Unusable(error.strip_prefix(&format!("{name}: ")).unwrap_or(&error).to_owned())
    })
}

fn ask(name: &str, node: &Node) -> Result<(Device, Vec<Offer>), V4l2Error> {
    let path = node.path.display().to_string();
    let device = Device::with_path(&node.path).map_err(|reason| {
        V4l2Error::of_open(name, &path, reason, || {
            let gid = fs::metadata(&node.path).map_or(0, |node| node.gid());
            group_remedy(gid, &fs::read_to_string("/etc/group").unwrap_or_default())
        })
    })?;
    let offers = offers(&device)
        .map_err(|reason| V4l2Error::of_call(name, &path, "VIDIOC_ENUM_FMT", reason))?;
    Ok((device, offers))
}

/// Every format for pictures; none for nodes of another kind, such as metadata.
fn offers(device: &Device) -> std::io::Result<Vec<Offer>> {
    let formats = device.enum_formats()?;
    Ok(formats
        .into_iter()
        .map(|format| {
            // A driver that does not list sizes returns an error.
            let sizes = device.enum_framesizes(format.fourcc).unwrap_or_default();
            let sizes = sizes.into_iter().map(|size| match size.size {
                FrameSizeEnum::Discrete(size) => Sizes::Exact {
                    width: size.width,
                    height: size.height,
                    fps: highest_rate(device, format.fourcc, size.width, size.height),
                },
                FrameSizeEnum::Stepwise(size) => Sizes::Steps {
                    min: [size.min_width, size.min_height],
                    max: [size.max_width, size.max_height],
                    step: [size.step_width, size.step_height],
                },
            });
            Offer { fourcc: format.fourcc.repr, sizes: sizes.collect() }
        })
        .collect())
}

fn highest_rate(device: &Device, fourcc: v4l::FourCC, width: u32, height: u32) -> Option<f32> {
    let intervals = device.enum_frameintervals(fourcc, width, height).ok()?;
    let rates = intervals.into_iter().map(|interval| {
        let shortest = match interval.interval {
            FrameIntervalEnum::Discrete(interval) => interval,
            FrameIntervalEnum::Stepwise(interval) => interval.min,
        };
        shortest.denominator as f32 / shortest.numerator as f32
    });
    rates.filter(|rate| rate.is_finite()).max_by(f32::total_cmp)
}

fn choice(
    name: &str,
    node: &Node,
    offers: &[Offer],
    wanted: &RequestedFormat,
) -> Result<Choice, V4l2Error> {
    let name = || name.to_owned();
    match node.role() {
        Role::Receiver => return Err(V4l2Error::OnlyBayer { name: name() }),
        Role::Processor => {
            let remedy = format!(
                "this node, {}, works on the pictures of others; {}",
                node.name,
                others(node)
            );
            return Err(V4l2Error::NotACamera { name: name(), remedy });
        }
        Role::Unknown => {}
    }
    if offers.is_empty() {
        return Err(V4l2Error::NotACamera { name: name(), remedy: others(node) });
    }
    if offers.iter().all(|offer| is_bayer(offer.fourcc)) {
        return Err(V4l2Error::OnlyBayer { name: name() });
    }
    choose(offers, wanted).ok_or_else(|| {
        let offered: Vec<_> = offers.iter().map(|offer| code(offer.fourcc).trim().to_owned()).collect();
        let remedy = match wanted.pixels {
            Some(_) => "leave format=... out to take what there is",
            None => "GREY, NV12, YUYV and MJPG can; let another program convert: --camera 'pipe:COMMAND'",
        };
        V4l2Error::Unsupported { name: name(), offered: offered.join(", "), remedy: remedy.to_owned() }
    })
}

/// Which node to use instead of `node`: one of the same hardware if there is one.
fn others(node: &Node) -> String {
    let gives_pictures = |other: &Node| {
        other.role() == Role::Unknown
            && Device::with_path(&other.path)
                .and_then(|device| device.enum_formats())
                .is_ok_and(|formats| !formats.is_empty())
    };
    let all = nodes(DEV.as_ref(), CLASS.as_ref());
    let same = |other: &&Node| node.device.is_some() && other.device == node.device;
    let siblings = all.iter().filter(same);
    match siblings.chain(&all).find(|other| gives_pictures(other)) {
        Some(other) => format!("{} does", other.path.display()),
        None => "no other node does either; `emocue-badge cameras` lists them".to_owned(),
    }
}
