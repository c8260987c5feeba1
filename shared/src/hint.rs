//! "Did you mean": the nearest of the real candidates to a mistyped word.

use std::collections::BTreeSet;

/// Bytes of a word that may be a mistyped one. To compare takes time that grows with it.
const WORD_BYTES_MAX: usize = 256;

/// Finds the candidate nearest to `word`, if one is near enough to be worth saying.
///
/// One that is longer than any of them is near to none. Nearness is Damerau-Levenshtein distance, up to a third of the word's length, or one word being
/// the beginning of the other (`sub` for `submit`).
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > WORD_BYTES_MAX {
        return None;
    }
    let word = word.to_lowercase();
    let reach = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let lower = candidate.to_lowercase();
            let prefix = word.len() >= 2 && (lower.starts_with(&word) || word.starts_with(&lower));
            let distance = strsim::damerau_levenshtein(&word, &lower);
            let distance = if prefix { distance.min(1) } else { distance };
            (distance <= reach).then_some((distance, candidate))
        })
        .min()
        .map(|(_, candidate)| candidate)
}

/// Writes the hint for an unknown word: the nearest candidate, else all of them, else `nothing`.
#[must_use]
pub fn for_unknown<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>, nothing: &str) -> String {
    let mut candidates: Vec<&str> = candidates.into_iter().collect();
    // Machines may share a name.
    let mut known = BTreeSet::new();
    candidates.retain(|candidate| known.insert(*candidate));
    match nearest(word, candidates.iter().copied()) {
        Some(near) => format!("did you mean {near:?}?"),
        None if candidates.is_empty() => nothing.to_owned(),
        None => format!("known: {}", candidates.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_of_real_candidates() {
        let known = ["submit", "cancel", "jobs", "job", "list", "log"];
        let table = [
            ("sumbit", Some("submit")),
            ("lsit", Some("list")),
            ("canel", Some("cancel")),
            ("sub", Some("submit")),
            ("zzz", None),
            ("JOBS", Some("jobs")),
        ];
        for (word, expected) in table {
            assert_eq!(nearest(word, known), expected, "{word}");
        }
    }

    #[test]
    fn unknown_words_list_what_is_known() {
        assert_eq!(for_unknown("gpuu", ["gpu", "cpu"], "none"), "did you mean \"gpu\"?");
        assert_eq!(for_unknown("zebra", ["gpu", "cpu"], "none"), "known: gpu, cpu");
        assert_eq!(for_unknown("zebra", ["vm", "nas", "vm"], "none"), "known: vm, nas");
        assert_eq!(for_unknown("zebra", [], "no groups yet"), "no groups yet");
    }
}
