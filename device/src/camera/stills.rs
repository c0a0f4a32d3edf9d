//! Picture files: JPEG and PNG, and with the feature `pictures` also BMP, GIF, TIFF and WebP.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use emocue_models::colors::Colors;
use emocue_models::luma::Luma;
use emocue_models::picture::{self, PictureError, Rules};
use emocue_run::portraits::PORTRAITS;

use super::{Camera, CameraError, CameraRead, FrameInfo};

/// The formats that this program decodes.
const RULES: Rules = if cfg!(feature = "pictures") { Rules::DESKTOP } else { Rules::BADGE };

/// Still pictures, one after the other.
pub struct Stills {
    items: std::vec::IntoIter<Still>,
    index: u64,
    keeps_colors: bool,
    colors: Option<Colors>,
}

enum Still {
    File {
        path: PathBuf,
        /// Its path, relative to the folder that was named.
        name: String,
    },
    Embedded {
        file: &'static str,
        bytes: &'static [u8],
    },
}

impl Stills {
    /// Pictures from files in or below `folder`.
    pub fn below(folder: &Path, paths: Vec<PathBuf>) -> Self {
        Self::new(paths.into_iter().map(|path| {
            let name = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().into_owned();
            Still::File { path, name }
        }))
    }

    /// The embedded [`PORTRAITS`].
    pub fn portraits() -> Self {
        Self::new(
            PORTRAITS.map(|portrait| Still::Embedded { file: portrait.file, bytes: portrait.jpeg }),
        )
    }

    fn new(items: impl IntoIterator<Item = Still>) -> Self {
        let items = items.into_iter().collect::<Vec<_>>().into_iter();
        Self { items, index: 0, keeps_colors: false, colors: None }
    }

    /// The same pictures, whose colours are kept for displays.
    #[must_use]
    pub fn with_colors(self, keeps_colors: bool) -> Self {
        Self { keeps_colors, ..self }
    }

    fn decode(&mut self, name: &str, bytes: &[u8], frame: &mut Luma) -> Result<(), CameraError> {
        self.colors = None;
        if self.keeps_colors {
            let decoded = picture::decode_colored(bytes, &RULES);
            (*frame, self.colors) = decoded.map_err(|error| refused(name, error))?;
        } else {
            *frame = decode(name, bytes)?;
        }
        Ok(())
    }
}

impl Camera for Stills {
    fn next(&mut self, frame: &mut Luma, info: &mut FrameInfo) -> Result<CameraRead, CameraError> {
        let Some(item) = self.items.next() else { return Ok(CameraRead::End) };
        info.index = self.index;
        info.time_ms = None;
        self.index += 1;
        info.source.clear();
        match item {
            Still::File { path, name } => {
                info.source.push_str(&name);
                self.decode(&path.display().to_string(), &read(&path)?, frame)?;
            }
            Still::Embedded { file, bytes } => {
                info.source.push_str(file);
                self.decode(file, bytes, frame)?;
            }
        }
        Ok(CameraRead::Frame)
    }

    fn colors(&self) -> Option<&Colors> {
        self.colors.as_ref()
    }
}

fn read(path: &Path) -> Result<Vec<u8>, CameraError> {
    let fail = |reason| CameraError::Io { name: path.display().to_string(), reason };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(fail)?;
    file.take(RULES.max_file + 1).read_to_end(&mut bytes).map_err(fail)?;
    Ok(bytes)
}

/// Decodes a picture file, turned upright by its EXIF orientation; `name` is for the errors.
///
/// # Errors
/// [`CameraError`] for another format, a picture of more than [`picture::MAX_PIXELS`], a damaged or a cut-off file.
pub fn decode(name: &str, bytes: &[u8]) -> Result<Luma, CameraError> {
    picture::decode(bytes, &RULES).map_err(|error| refused(name, error))
}

fn refused(name: &str, error: PictureError) -> CameraError {
    let name = name.to_owned();
    match error {
        PictureError::Empty => CameraError::Truncated { name, at: 0, missing: "the file is empty" },
        PictureError::FileTooLarge { .. } => {
            CameraError::Io { name, reason: io::Error::other(error) }
        }
        PictureError::UnknownFormat { .. } => CameraError::UnknownFormat { name },
        PictureError::TooLarge { width, height } => CameraError::TooLarge { name, width, height },
        PictureError::TooMuchMemory { .. } => {
            CameraError::TooMuchMemory { name, reason: error.to_string() }
        }
        PictureError::CutOff { at } => {
            CameraError::Truncated { name, at, missing: "the picture is incomplete" }
        }
        PictureError::Damaged(reason) => CameraError::Picture { name, reason },
    }
}

#[cfg(test)]
mod tests {
    use emocue_models::failure;

    use std::io::Cursor;

    use image::{DynamicImage, GrayImage, ImageFormat, Luma as Grey};

    use super::*;

    fn encoded(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        picture.into().write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn ramp() -> GrayImage {
        GrayImage::from_fn(24, 16, |x, y| Grey([(x * 10 + y) as u8]))
    }

    #[test]
    fn a_size_bomb_is_refused_by_its_header() {
        let mut png = encoded(ramp(), ImageFormat::Png);
        png[16..24].copy_from_slice(&[0, 0, 0x70, 0, 0, 0, 0x70, 0]);
        let crc = crc32(&png[12..29]).to_be_bytes();
        png[29..33].copy_from_slice(&crc);
        let error = decode("bomb.png", &png).unwrap_err().to_string();
        assert!(error.starts_with("bomb.png: 28672x28672 px"), "{error}");
    }

    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0u32, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |c, _| {
                (c >> 1) ^ (0xEDB8_8320 & (c & 1).wrapping_neg())
            })
        })
    }

    #[test]
    fn other_formats_are_told_what_to_do() {
        let error = failure::line(&decode("a.psd", b"8BPS\0\x01").unwrap_err());
        assert!(error.contains("a.psd: not a picture") && error.contains("JPEG"), "{error}");
    }

    #[cfg(feature = "pictures")]
    #[test]
    fn a_computer_reads_more_kinds() {
        let colour = image::RgbaImage::from_fn(24, 16, |x, y| {
            image::Rgba([(x * 10 + y) as u8, (x * 10 + y) as u8, (x * 10 + y) as u8, 255])
        });
        for format in [ImageFormat::Bmp, ImageFormat::Gif, ImageFormat::Tiff, ImageFormat::WebP] {
            let luma = decode("a", &encoded(colour.clone(), format)).unwrap();
            assert_eq!((luma.width(), luma.height()), (24, 16), "{format:?}");
            // GIF has 256 colours.
            let apart = luma.pixels().iter().zip(ramp().into_raw()).map(|(a, b)| a.abs_diff(b));
            assert!(apart.max() <= Some(4), "{format:?}");
        }
    }

    #[test]
    fn every_cut_of_a_picture_is_told_with_its_byte() {
        for format in [ImageFormat::Jpeg, ImageFormat::Png] {
            let bytes = encoded(ramp(), format);
            // PNG's last chunk of 12 bytes has no pixels, and the decoder does not require it.
            let pixels_end = bytes.len() - if format == ImageFormat::Png { 12 } else { 0 };
            for length in (0..pixels_end).step_by(7).chain([pixels_end - 1]) {
                let error = decode("cut", &bytes[..length]).unwrap_err();
                if length > 8 {
                    let expected = format!("cut: cut off at byte {length}");
                    assert!(error.to_string().starts_with(&expected), "{format:?}: {error}");
                }
            }
        }
    }
}
