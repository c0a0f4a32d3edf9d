//! Formatting of other programs' output.

/// Indents the output of another program below a message.
pub(crate) fn indented(text: &str) -> String {
    text.trim().lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}
