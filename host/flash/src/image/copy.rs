//! A copy of an image beside it, with shared or sparse blocks if the file system supports them.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use tempfile::NamedTempFile;

use super::error::ImageError;
use crate::console::FlashProgress;
use crate::file::{reading, writing};
use crate::root::RootError;

/// Bytes that are copied at a time; a flash may stop after each.
const CHUNK: usize = 1 << 20;

/// Copies the image `path`, with its permissions, to a temporary file beside it, which is removed unless it replaces
/// the image.
pub(super) fn beside(
    path: &Path,
    progress: &mut dyn FlashProgress,
) -> Result<NamedTempFile, ImageError> {
    let mut image = File::open(path).map_err(reading(path))?;
    let metadata = image.metadata().map_err(reading(path))?;
    let folder = path.parent().unwrap_or(Path::new("/"));
    let mut builder = tempfile::Builder::new();
    let copy = builder.prefix(".emocue-new-").suffix(".img").tempfile_in(folder);
    let mut copy = copy.map_err(writing(folder))?;
    copy.as_file().set_permissions(metadata.permissions()).map_err(writing(path))?;
    if same_blocks(copy.as_file(), &image) {
        return Ok(copy);
    }
    progress.begin(&format!("a copy of {}", path.display()), metadata.len());
    copy.as_file().set_len(metadata.len()).map_err(writing(copy.path()))?;
    let mut chunk = vec![0; CHUNK];
    loop {
        if progress.stop() {
            return Err(RootError::Interrupted.into());
        }
        let read = image.read(&mut chunk).map_err(reading(path))?;
        match &chunk[..read] {
            [] => break,
            // Images are mostly zeros, and the copy is sparse.
            part if part.iter().all(|byte| *byte == 0) => {
                copy.seek(SeekFrom::Current(read as i64)).map(drop)
            }
            part => copy.write_all(part),
        }
        .map_err(writing(path))?;
        progress.advance(read as u64);
    }
    progress.end();
    Ok(copy)
}

/// Shares the image's blocks with the copy until one is written (reflink), if the file system supports it (btrfs, XFS).
#[cfg(target_os = "linux")]
fn same_blocks(copy: &File, image: &File) -> bool {
    rustix::fs::ioctl_ficlone(copy, image).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn same_blocks(_copy: &File, _image: &File) -> bool {
    false
}
