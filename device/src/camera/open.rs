//! Opening a source.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use emocue_config::Source;

use super::{Camera, CameraError, Stills, Synthetic, Y4m, folder, pipe, v4l2, video, y4m};

/// Opens a source; pictures are read later, frame by frame, and a live camera is opened when its first frame is read.
///
/// # Errors
/// [`CameraError`] when it can give no frames: a missing file, an empty folder, a bad header, a kind of camera that
/// this program was built without.
pub fn open(source: &Source) -> Result<Box<dyn Camera>, CameraError> {
    open_with(source, &OpenOptions::default(), &mut |_| ())
}

/// How a source is opened.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// Whether a folder's subfolders are included.
    pub is_recursive: bool,
    /// Whether colours are kept, for displays that show them.
    pub keeps_colors: bool,
    /// The program whose subcommand [`pipe::GUARD`] ends a camera's program when this process is killed.
    pub guard: Option<PathBuf>,
}

/// As [`open`]; `note` is called with the entries of a folder that are skipped.
///
/// # Errors
/// As [`open`].
pub fn open_with(
    source: &Source,
    options: &OpenOptions,
    note: &mut dyn FnMut(&str),
) -> Result<Box<dyn Camera>, CameraError> {
    Ok(match source {
        Source::V4l2(settings) => v4l2::open(settings, options.keeps_colors)?,
        Source::Webcam => v4l2::open_first(options.keeps_colors, note)?,
        Source::Pipe(settings) => {
            pipe::open(settings, options.guard.as_deref(), options.keeps_colors)?
        }
        Source::Path(path) => return open_path(path, options, note),
        Source::Stdin => {
            let stdin = BufReader::with_capacity(1 << 16, io::stdin());
            Box::new(Y4m::new("stdin", stdin)?.with_colors(options.keeps_colors))
        }
        Source::Portraits => Box::new(Stills::portraits().with_colors(options.keeps_colors)),
        Source::Synthetic(settings) => Box::new(Synthetic::new(settings)?),
    })
}

/// The error for a name that looks like a file and is not one.
fn misnamed(path: &Path) -> Option<CameraError> {
    let name = path.to_str()?;
    let next = if name.starts_with("/dev/video") {
        format!("A camera is named as v4l2:{name}; `emocue-badge cameras` lists them.")
    } else if name.contains("://") && !path.exists() {
        format!(
            "Let another program fetch it: --camera 'pipe:ffmpeg -nostdin -v error -i {name} -f yuv4mpegpipe \
             -pix_fmt yuv420p -'."
        )
    } else {
        return None;
    };
    Some(CameraError::NotAFile { name: name.to_owned(), next })
}

fn open_path(
    path: &Path,
    &OpenOptions { is_recursive, keeps_colors, .. }: &OpenOptions,
    note: &mut dyn FnMut(&str),
) -> Result<Box<dyn Camera>, CameraError> {
    let fail = |reason| CameraError::Io { name: path.display().to_string(), reason };
    if let Some(error) = misnamed(path) {
        return Err(error);
    }
    if path.is_dir() {
        let listing = folder::list(path, is_recursive)?;
        if let Some(skipped) = listing.skipped() {
            note(&format!("{}: skipped {skipped}", path.display()));
        }
        return Ok(Box::new(Stills::below(path, listing.pictures).with_colors(keeps_colors)));
    }
    let file = File::open(path).map_err(fail)?;
    let is_file = file.metadata().map_err(fail)?.is_file();
    let mut reader = BufReader::with_capacity(1 << 16, file);
    // A stream may come from a named pipe, which can be neither rewound nor opened twice.
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    if !is_file || reader.fill_buf().map_err(fail)?.starts_with(y4m::MAGIC) {
        return Ok(Box::new(Y4m::new(&name, reader)?.with_colors(keeps_colors)));
    }
    if video::is_video(reader.fill_buf().map_err(fail)?) {
        return Ok(Box::new(video::Video::open(&name, path, keeps_colors)?));
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    Ok(Box::new(Stills::below(folder, vec![path.to_owned()]).with_colors(keeps_colors)))
}

#[cfg(test)]
mod tests {
    use emocue_models::failure;

    use super::*;

    #[test]
    fn a_missing_file_says_what_a_source_can_be() {
        let error = failure::line(&open(&Source::Path("no/such/webcam".into())).err().unwrap());
        assert!(error.starts_with("cannot read no/such/webcam: "), "{error}");
        assert!(error.contains("a folder of pictures"), "{error}");
        assert!(error.len() < 250, "{error}");
    }

    #[test]
    fn a_camera_or_an_address_that_is_named_like_a_file_says_how_to_name_it() {
        for (name, next) in [
            ("/dev/video0", "v4l2:/dev/video0"),
            ("rtsp://camera/stream", "pipe:ffmpeg -nostdin -v error -i rtsp://camera/stream"),
            ("https://a.example/clip.mp4", "pipe:ffmpeg"),
        ] {
            let error = open(&Source::Path(name.into())).err().unwrap();
            let line = failure::line(&error);
            assert!(line.starts_with(name) && line.contains(next), "{line}");
        }
    }
}
