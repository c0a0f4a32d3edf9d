//! Arguments that are counts.

/// Parses a count of `1..=MOST`.
pub(super) fn count<const MOST: usize>(text: &str) -> Result<usize, String> {
    let value = text.parse().ok().filter(|value| (1..=MOST).contains(value));
    value.ok_or_else(|| format!("expected 1 to {MOST}"))
}

/// Parses a number of threads.
pub(super) fn threads(text: &str) -> Result<usize, String> {
    count::<256>(text)
}
