//! What somebody may have meant.

/// The one of `known` that is at most two slips away from `word`, and the nearest.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let slips = known.into_iter().map(|name| (slips(word, name), name));
    slips.filter(|(slips, _)| *slips <= 2).min_by_key(|(slips, _)| *slips).map(|(_, name)| name)
}

/// Letters to insert, drop or change between two words; a long word counts as far away without being compared.
fn slips(a: &str, b: &str) -> usize {
    const LONGEST: usize = 40;
    if a.len().max(b.len()) > LONGEST {
        return usize::MAX;
    }
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let change = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_forgiven_and_another_word_is_not() {
        let known = ["source", "rotate", "mirror", "wait"];
        assert_eq!(nearest("sorce", known), Some("source"));
        assert_eq!(nearest("rotation", known), None);
        assert_eq!(nearest("miror", known), Some("mirror"));
        assert_eq!(nearest("bundle", known), None);
        assert_eq!(nearest(&"source".repeat(1000), known), None);
        assert_eq!(nearest("pi4", ["pi-4", "pi-5"]), Some("pi-4"));
    }
}
