//! Text of other programs.

/// Output of another program, indented below our message.
pub(crate) fn indented(text: &str) -> String {
    text.trim().lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}
