//! The known word that somebody probably meant.

/// How alike two words must be: two letters of five may differ.
const ALIKE: f64 = 0.6;

/// The candidate that is most like a word, if any is. Case and underscores do not count: `account_id` is `AccountId`.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.replace(['_', '-'], "").to_lowercase();
    // A word of a megabyte is like none of ours, and comparing takes time.
    let word: String = plain(word).chars().take(100).collect();
    candidates
        .into_iter()
        .map(|candidate| {
            let alike = strsim::normalized_damerau_levenshtein(&word, &plain(candidate));
            (alike, candidate)
        })
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|(first, _), (second, _)| first.total_cmp(second))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[rstest::rstest]
    #[case("account_id", Some("AccountId"))]
    #[case("AcountId", Some("AccountId"))]
    #[case("AccuontId", Some("AccountId"))]
    #[case("Username", Some("UserName"))]
    #[case("Colour", None)]
    #[case("", None)]
    #[case(&"AccountId".repeat(1000), None)]
    fn the_most_similar_word_is_found(#[case] word: &str, #[case] found: Option<&str>) {
        assert_eq!(nearest(word, ["UserName", "AccountId", "Path"]), found);
    }
}
