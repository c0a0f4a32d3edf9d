//! `key=value&key=value` after a camera's name.

use super::error::SourceError;

/// Passes every setting of `text` to `set`, which returns `None` for an unknown key or an invalid value.
///
/// # Errors
/// [`SourceError`] with the setting that was refused.
pub(super) fn each(
    source: &str,
    text: &str,
    mut set: impl FnMut(&str, &str) -> Option<()>,
) -> Result<(), SourceError> {
    for part in text.split(['&', ',']).filter(|part| !part.is_empty()) {
        part.split_once('=')
            .and_then(|(key, value)| set(key, value))
            .ok_or_else(|| SourceError(format!("{source}: {part} is unknown or out of range")))?;
    }
    Ok(())
}

/// `WxH`, px, each `64..=4096`.
pub(super) fn size(value: &str) -> Option<(usize, usize)> {
    let (width, height) = value.split_once('x')?;
    let side = |text: &str| text.parse().ok().filter(|px| (64..=4096).contains(px));
    Some((side(width)?, side(height)?))
}

/// Frames per second, `1..=240`.
pub(super) fn fps(value: &str) -> Option<u32> {
    value.parse().ok().filter(|fps| (1..=240).contains(fps))
}
