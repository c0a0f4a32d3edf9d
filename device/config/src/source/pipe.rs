//! A child process that writes frames, as a text names it.

use std::str::FromStr;

use emocue_models::luma::Range;

use super::error::SourceError;
use super::keys;

/// The format of a program's output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Coding {
    /// YUV4MPEG2, which describes itself.
    Y4m,
    /// Frames of one size, one after the other, with nothing between.
    Raw {
        /// Width, px.
        width: usize,
        /// Height, px.
        height: usize,
        /// Whether two quarter-size planes of chroma follow the luma plane.
        chroma: bool,
        /// How black and white are encoded.
        range: Range,
    },
}

/// A known program, with all its arguments.
struct Preset {
    name: &'static str,
    /// The program that must be on the `PATH`.
    program: &'static str,
    /// For `sh`; `{width}`, `{height}` and `{fps}` stand for the settings.
    command: &'static str,
    chroma: bool,
    range: Range,
    /// Widths that are multiples of this, px, have no padding between rows.
    step: usize,
    remedy: &'static str,
}

const PRESETS: [Preset; 2] = [
    Preset {
        name: "rpicam",
        program: "rpicam-vid",
        command: "exec rpicam-vid --codec yuv420 --width {width} --height {height} --framerate {fps} --timeout 0 \
                  --nopreview --verbose 0 --flush --output -",
        chroma: true,
        // rpicam-vid configures JPEG's colour space for this codec.
        range: Range::Full,
        step: 64,
        remedy: "install it with sudo apt install rpicam-apps (Raspberry Pi OS 12 and later)",
    },
    Preset {
        name: "gst-argus",
        program: "nvargus-daemon",
        // The camera's library prints to standard output, so frames use another file descriptor. A leaky queue of one
        // frame drops frames that are not read in time.
        command: "exec gst-launch-1.0 --quiet nvarguscamerasrc \
                  ! 'video/x-raw(memory:NVMM),width={width},height={height},framerate={fps}/1' \
                  ! nvvidconv ! video/x-raw,format=GRAY8 \
                  ! queue leaky=downstream max-size-buffers=1 ! fdsink fd=3 3>&1 1>&2",
        chroma: false,
        // The range is not documented. Full range is safe: if it is wrong, contrast is lower; a wrong limited range
        // would clip.
        range: Range::Full,
        step: 16,
        remedy: "it comes with JetPack: sudo apt install nvidia-l4t-gstreamer gstreamer1.0-tools",
    },
];

/// The presets' names, each with the program that it needs.
pub fn presets() -> impl Iterator<Item = (&'static str, &'static str)> {
    PRESETS.iter().map(|preset| (preset.name, preset.program))
}

/// Whether a source's text is a command, and not a preset.
pub fn is_command(source: &str) -> bool {
    let Some(pipe) = source.strip_prefix("pipe:") else { return false };
    let name = pipe.split_once('?').map_or(pipe, |(name, _)| name);
    PRESETS.iter().all(|preset| preset.name != name)
}

/// A child process as named on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PipeSettings {
    /// The camera's name for reports and errors.
    pub name: String,
    /// What `sh -c` runs.
    pub command: String,
    /// What it writes to standard output.
    pub coding: Coding,
    /// What to do when the program is not there.
    pub remedy: &'static str,
}

impl FromStr for PipeSettings {
    type Err = SourceError;

    /// The text after `pipe:`. A preset's settings follow its name; those of a command precede it, since a command may
    /// contain any character.
    fn from_str(text: &str) -> Result<Self, SourceError> {
        let (name, settings) = text.split_once('?').unwrap_or((text, ""));
        if let Some(preset) = PRESETS.iter().find(|preset| preset.name == name) {
            return preset.fill(settings);
        }
        let (settings, command) = match text.strip_prefix('?') {
            Some(raw) => raw.split_once(char::is_whitespace).unwrap_or((raw, "")),
            None => ("", text),
        };
        if command.trim().is_empty() {
            return Err(SourceError("pipe: no command is named".to_owned()));
        }
        let program = command.split_whitespace().next().unwrap_or_default();
        Ok(Self {
            name: format!("pipe:{program}"),
            command: command.trim().to_owned(),
            coding: coding(settings)?,
            remedy: "check its name and its arguments in a shell",
        })
    }
}

/// The coding of a command's settings; Y4M without any.
fn coding(settings: &str) -> Result<Coding, SourceError> {
    let (mut chroma, mut size, mut said) = (None, None, None);
    keys::each("pipe", settings, |key, value| {
        match (key, value) {
            ("format", "yuv420") => chroma = Some(true),
            ("format", "grey") => chroma = Some(false),
            ("size", value) => size = Some(keys::size(value)?),
            ("range", "full") => said = Some(Range::Full),
            ("range", "limited") => said = Some(Range::Limited),
            _ => return None,
        }
        Some(())
    })?;
    match (chroma, size) {
        (Some(chroma), Some((width, height))) => {
            let usual = if chroma { Range::Limited } else { Range::Full };
            Ok(Coding::Raw { width, height, chroma, range: said.unwrap_or(usual) })
        }
        _ if settings.is_empty() => Ok(Coding::Y4m),
        _ => Err(SourceError("pipe: raw frames need format and size".to_owned())),
    }
}

impl Preset {
    fn fill(&self, settings: &str) -> Result<PipeSettings, SourceError> {
        let ((mut width, mut height), mut fps) = ((640, 480), 30);
        let source = format!("pipe:{}", self.name);
        keys::each(&source, settings, |key, value| {
            match key {
                "size" => {
                    (width, height) = keys::size(value)?;
                }
                "fps" => fps = keys::fps(value)?,
                _ => return None,
            }
            Some(())
        })?;
        if width % self.step != 0 || height % 2 != 0 {
            return Err(SourceError(format!(
                "{source}: {width}x{height} would come with padding; the width must be a multiple of {} px, the height \
                 even",
                self.step
            )));
        }
        let command = [("{width}", width), ("{height}", height), ("{fps}", fps as usize)]
            .iter()
            .fold(self.command.to_owned(), |command, (key, value)| {
                command.replace(key, &value.to_string())
            });
        let coding = Coding::Raw { width, height, chroma: self.chroma, range: self.range };
        Ok(PipeSettings { name: source, command, coding, remedy: self.remedy })
    }
}

#[cfg(test)]
mod tests {
    use emocue_models::failure;
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> PipeSettings {
        text.parse().unwrap()
    }

    #[test]
    fn presets_carry_their_whole_command() {
        let pi = parsed("rpicam?size=320x240&fps=15");
        assert_eq!(pi.name, "pipe:rpicam");
        assert!(pi.command.contains("--width 320 --height 240 --framerate 15 "), "{}", pi.command);
        let coding = Coding::Raw { width: 320, height: 240, chroma: true, range: Range::Full };
        assert_eq!(pi.coding, coding);
        let jetson = parsed("gst-argus");
        assert!(
            jetson.command.contains("width=640,height=480,framerate=30/1"),
            "{}",
            jetson.command
        );
        for preset in [pi, jetson] {
            assert!(!preset.command.contains(['{', '}']), "{}", preset.command);
        }
    }

    #[test]
    fn any_other_text_is_a_command_with_its_settings_before_it() {
        let y4m = parsed("ffmpeg -i 'http://a/b?c=d&e=f' -f yuv4mpegpipe -");
        assert_eq!((y4m.name.as_str(), &y4m.coding), ("pipe:ffmpeg", &Coding::Y4m));
        assert_eq!(y4m.command, "ffmpeg -i 'http://a/b?c=d&e=f' -f yuv4mpegpipe -");
        let raw = parsed("?format=grey&size=64x64 cat frames?.raw");
        assert_eq!((raw.name.as_str(), raw.command.as_str()), ("pipe:cat", "cat frames?.raw"));
        let coding = |chroma, range| Coding::Raw { width: 64, height: 64, chroma, range };
        assert_eq!(raw.coding, coding(false, Range::Full));
        assert_eq!(parsed("?size=64x64&format=yuv420 a").coding, coding(true, Range::Limited));
        assert_eq!(
            parsed("?size=64x64&format=yuv420&range=full a").coding,
            coding(true, Range::Full)
        );
    }

    #[test]
    fn a_wrong_setting_is_named_with_what_to_write() {
        for (text, part) in [
            ("", "no command"),
            ("?format=grey&size=64x64", "no command"),
            ("?format=grey cat", "format and size"),
            ("?format=rgb&size=64x64 cat", "format=rgb"),
            ("rpicam?codec=h264", "codec=h264"),
            ("rpicam?size=650x480", "multiple of 64"),
            ("gst-argus?size=640x481", "even"),
        ] {
            let error = failure::line(&text.parse::<PipeSettings>().unwrap_err());
            assert!(error.contains(part) && error.contains("pipe:rpicam"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn a_command_is_kept_as_it_is(command in "[a-z][ -~]{0,60}[!-~]") {
            prop_assume!(!PRESETS.iter().any(|preset| command.starts_with(preset.name)));
            let settings = parsed(&command);
            prop_assert_eq!(settings.coding, Coding::Y4m);
            prop_assert_eq!(settings.command, command);
        }

        #[test]
        fn no_text_makes_it_panic(text in "(rpicam|\\?)?[a-z?&=, x0-9]{0,40}") {
            let _ = text.parse::<PipeSettings>();
        }
    }
}
