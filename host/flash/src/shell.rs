//! Quoting for a POSIX shell.

/// Quotes `word` so that a shell reads it literally.
pub fn quote(word: &str) -> String {
    // "=" is only allowed unquoted in an option; elsewhere it could be an assignment.
    let option = word.starts_with('-');
    let plain =
        |c: char| c.is_ascii_alphanumeric() || "-_./,:+@%".contains(c) || (option && c == '=');
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
