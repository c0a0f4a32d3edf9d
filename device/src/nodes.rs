//! Lists device nodes, for messages that say what could be used instead.

use std::path::Path;

/// The nodes whose path begins with `prefix`, such as `/dev/i2c-`, and continues with a number, sorted by it.
pub fn list(prefix: &str) -> Vec<String> {
    let Some((folder, stem)) = prefix.rsplit_once('/') else { return Vec::new() };
    let Ok(entries) = Path::new(folder).read_dir() else { return Vec::new() };
    let number = |name: &str| name.strip_prefix(stem)?.parse::<u32>().ok();
    let mut numbers: Vec<_> =
        entries.flatten().filter_map(|entry| number(entry.file_name().to_str()?)).collect();
    numbers.sort_unstable();
    numbers.into_iter().map(|number| format!("{prefix}{number}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_come_in_the_order_of_their_numbers() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["i2c-10", "i2c-2", "i2c-", "i2c-x", "spidev0.0"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let prefix = format!("{}/i2c-", folder.path().display());
        assert_eq!(list(&prefix), [format!("{prefix}2"), format!("{prefix}10")]);
    }

    #[test]
    fn a_missing_folder_has_no_nodes() {
        assert!(list("/no/such/folder/i2c-").is_empty());
    }
}
