//! Tags as pools of locks on one worker: `gpu:0` is that one, `gpu` any free `gpu:*`, `disk` itself.

use std::collections::BTreeSet;

use c2_shared::id::AttemptId;

/// Chooses tags for a job among those that are free: all that it asks for, or nothing.
///
/// Exact names come first, so that `gpu,gpu:0` never gives `gpu:0` to the pool. The result has the
/// order of the request.
pub(crate) fn choose(
    asked: &[String],
    offered: &BTreeSet<String>,
    is_free: impl Fn(&str) -> bool,
) -> Option<Vec<String>> {
    let free =
        |tag: &str, chosen: &[Option<String>]| is_free(tag) && !chosen.iter().flatten().any(|other| other == tag);
    let mut chosen: Vec<Option<String>> = vec![None; asked.len()];
    for (i, tag) in asked.iter().enumerate().filter(|(_, tag)| offered.contains(*tag)) {
        if !free(tag, &chosen) {
            return None;
        }
        chosen[i] = Some(tag.clone());
    }
    for (i, pool) in asked.iter().enumerate().filter(|(_, tag)| !offered.contains(*tag)) {
        let member = members(pool, offered).find(|tag| free(tag, &chosen))?;
        chosen[i] = Some(member.clone());
    }
    chosen.into_iter().collect()
}

/// Why [`choose`] finds nothing: each tag that cannot be had, with those who hold it or its pool.
/// Nobody holds what is not offered at all. Empty exactly if `choose` finds something.
pub(crate) fn lacking<'a>(
    asked: &'a [String],
    offered: &'a BTreeSet<String>,
    is_free: impl Fn(&str) -> bool,
    holders: impl Fn(&str) -> Vec<AttemptId>,
) -> Vec<(&'a str, Vec<AttemptId>)> {
    let mut lacking = Vec::new();
    // What this very job takes by its exact name is no part of a pool for it.
    let mut taken: BTreeSet<&str> = BTreeSet::new();
    for tag in asked.iter().filter(|tag| offered.contains(*tag)) {
        taken.insert(tag);
        if !is_free(tag) {
            lacking.push((tag.as_str(), holders(tag)));
        }
    }
    for pool in asked.iter().filter(|tag| !offered.contains(*tag)) {
        let rest: Vec<&String> = members(pool, offered).filter(|tag| !taken.contains(tag.as_str())).collect();
        match rest.iter().find(|tag| is_free(tag)) {
            Some(free) => drop(taken.insert(free)),
            None => lacking.push((pool.as_str(), rest.iter().flat_map(|tag| holders(tag)).collect())),
        }
    }
    lacking
}

/// Tags of a pool: `gpu:0`, `gpu:1` for `gpu`.
fn members<'a>(pool: &'a str, offered: &'a BTreeSet<String>) -> impl Iterator<Item = &'a String> {
    offered.iter().filter(move |tag| tag.strip_prefix(pool).is_some_and(|rest| rest.starts_with(':')))
}

#[cfg(test)]
mod tests {
    use c2_shared::id::JobId;

    use super::*;

    fn check(asked: &[&str], held: &[&str], expected: Option<&[&str]>) {
        let offered = ["gpu:0", "gpu:1", "gpux:0", "disk"].map(str::to_owned).into();
        let asked: Vec<String> = asked.iter().map(|&tag| tag.into()).collect();
        let attempt = AttemptId { job: JobId(1), number: 1 };
        let is_free = |tag: &str| !held.contains(&tag);
        let expected = expected.map(|tags| tags.iter().map(|&tag| tag.to_owned()).collect());
        assert_eq!(choose(&asked, &offered, is_free), expected, "{asked:?}");
        assert_eq!(lacking(&asked, &offered, is_free, |_| vec![attempt]).is_empty(), expected.is_some(), "{asked:?}");
    }

    #[test]
    fn pools_and_exact_tags() {
        check(&[], &["disk"], Some(&[]));
        check(&["disk"], &[], Some(&["disk"]));
        check(&["disk"], &["disk"], None);
        check(&["gpu"], &[], Some(&["gpu:0"]));
        check(&["gpu"], &["gpu:0"], Some(&["gpu:1"]));
        check(&["gpu"], &["gpu:0", "gpu:1"], None);
        check(&["gpu", "gpu:0"], &[], Some(&["gpu:1", "gpu:0"]));
        check(&["gpu", "disk"], &["disk"], None);
        check(&["tpu"], &[], None);
        check(&["gp"], &[], None);
    }
}
