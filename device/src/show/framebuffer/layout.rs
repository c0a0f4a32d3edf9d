//! The memory layout of a framebuffer, from sysfs (`Documentation/fb/api.rst` of the kernel).

use std::path::Path;

/// The most pixels: a screen of 8K.
const MOST_PIXELS: u64 = 7680 * 4320;

/// Pixel format, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pixels {
    /// 5 bits red, 6 green, 5 blue.
    Rgb565,
    /// Blue, green, red.
    Rgb888,
    /// Blue, green, red, and an unused byte.
    Xrgb8888,
}

impl Pixels {
    fn of_bits(bits: u32) -> Option<Self> {
        match bits {
            16 => Some(Self::Rgb565),
            24 => Some(Self::Rgb888),
            32 => Some(Self::Xrgb8888),
            _ => None,
        }
    }

    pub(super) fn bytes(self) -> usize {
        match self {
            Self::Rgb565 => 2,
            Self::Rgb888 => 3,
            Self::Xrgb8888 => 4,
        }
    }

    pub(super) fn push(self, [r, g, b]: [u8; 3], row: &mut Vec<u8>) {
        match self {
            Self::Rgb565 => {
                let [r, g, b] = [r, g, b].map(u16::from);
                row.extend(((r >> 3) << 11 | (g >> 2) << 5 | b >> 3).to_le_bytes());
            }
            Self::Rgb888 => row.extend([b, g, r]),
            Self::Xrgb8888 => row.extend([b, g, r, 0xFF]),
        }
    }
}

/// The layout of a framebuffer, from sysfs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// Width of the visible area, px.
    pub(super) width: u32,
    pub(super) height: u32,
    /// Bytes from one row to the next.
    pub(super) stride: usize,
    pub(super) pixels: Pixels,
}

impl Layout {
    /// Reads the folder of a framebuffer in sysfs.
    pub(super) fn read(folder: &Path) -> Result<Self, String> {
        let text = |name: &str| {
            let text = std::fs::read_to_string(folder.join(name));
            text.map_err(|error| format!("{}: {error}", folder.join(name).display()))
        };
        let number = |name: &str| {
            let text = text(name)?;
            text.trim().parse::<u32>().map_err(|_| format!("{name} is {:?}", text.trim()))
        };
        let bits = number("bits_per_pixel")?;
        let pixels =
            Pixels::of_bits(bits).ok_or(format!("{bits} bits a pixel, not 16, 24 or 32"))?;
        let stride = number("stride")? as usize;
        // What is visible; the memory may hold more rows.
        let size = text("modes").ok().and_then(|modes| visible(&modes));
        let (width, height) = match size {
            Some(size) => size,
            None => {
                let size = text("virtual_size")?;
                pair(size.trim(), ',').ok_or(format!("virtual_size is {:?}", size.trim()))?
            }
        };
        let is_empty = width == 0 || height == 0;
        if is_empty || u64::from(width) * u64::from(height) > MOST_PIXELS {
            return Err(format!("a screen of {width}x{height} px"));
        }
        if stride < width as usize * pixels.bytes() {
            return Err(format!("rows of {stride} bytes for {width} px of {bits} bits"));
        }
        Ok(Self { width, height, stride, pixels })
    }
}

/// The size in the first of the kernel's lines such as `U:1024x768p-60`.
fn visible(modes: &str) -> Option<(u32, u32)> {
    let (_, mode) = modes.lines().next()?.split_once(':')?;
    let end = mode.find(|c: char| !c.is_ascii_digit() && c != 'x').unwrap_or(mode.len());
    pair(&mode[..end], 'x')
}

fn pair(text: &str, between: char) -> Option<(u32, u32)> {
    let (a, b) = text.split_once(between)?;
    Some((a.parse().ok()?, b.parse().ok()?))
}
