//! Words of a POSIX shell.

/// `word` as a shell reads it back.
pub fn quote(word: &str) -> String {
    // An option's value may follow "="; elsewhere that could be an assignment.
    let option = word.starts_with('-');
    let plain =
        |c: char| c.is_ascii_alphanumeric() || "-_./,:+@%".contains(c) || (option && c == '=');
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
