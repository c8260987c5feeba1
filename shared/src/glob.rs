//! Patterns like `out/*.png`, matched name by name while a folder is walked, and what they let
//! through of a job's files. The agent, c2d and the console go by these same rules.
//!
//! `*` and `?` stay within one name, `**` stands for any number of folders, `[a-z]` and `[!a-z]`
//! for one character; a backslash takes the meaning of the next. A name is that file, or all that is in that
//! folder; `out/` is a folder in any case. As in a shell, a name that begins with a dot is only meant by a pattern that
//! says so; and a pattern that is itself the name of a file means that file too, whatever its characters mean.

use crate::api::files::JobFile;

/// A pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    parts: Vec<Part>,
    is_plain: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// Any number of folders, none among them.
    Folders,
    Name(Vec<char>),
}

/// How far the names of a path have come through a pattern: what may match the next name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress(Vec<usize>);

/// What a name does to a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The path up to this name matches the whole pattern.
    pub matches: bool,
    /// What may match below this name; nothing when it is empty.
    pub below: Progress,
}

impl Progress {
    /// Whether nothing can match any more.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.0.is_empty()
    }
}

impl Pattern {
    /// Reads a pattern; every text is one.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let names = text.split('/').filter(|name| !name.is_empty() && *name != ".");
        let part = |name: &str| if name == "**" { Part::Folders } else { Part::Name(name.chars().collect()) };
        let mut parts: Vec<Part> = names.map(part).collect();
        let has_wildcard = |part: &Part| match part {
            Part::Folders => true,
            Part::Name(name) => name.iter().any(|c| "*?[\\".contains(*c)),
        };
        let is_folder = text.ends_with('/') || text.ends_with("/.");
        let has_none = !parts.iter().any(has_wildcard);
        // A folder means what is in it.
        if (is_folder || has_none) && parts.last().is_some_and(|last| *last != Part::Folders) {
            parts.push(Part::Folders);
        }
        Self { parts, is_plain: has_none && !is_folder }
    }

    /// Whether it names one path, without any wildcard.
    #[must_use]
    pub const fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// Whether a whole path matches.
    #[must_use]
    pub fn means(&self, path: &str) -> bool {
        let begin = Step { matches: false, below: self.start() };
        path.split('/').fold(begin, |step, name| self.step(&step.below, name)).matches
    }

    /// Where every path begins.
    #[must_use]
    pub fn start(&self) -> Progress {
        let mut at = Vec::new();
        self.enter(0, &mut at);
        Progress(at)
    }

    /// Takes the next name of a path.
    #[must_use]
    pub fn step(&self, progress: &Progress, name: &str) -> Step {
        self.take(progress, name, false)
    }

    /// The same as if a dot were like any other character: what else would match if it were not hidden.
    #[must_use]
    pub fn step_into_hidden(&self, progress: &Progress, name: &str) -> Step {
        self.take(progress, name, true)
    }

    fn take(&self, progress: &Progress, name: &str, hidden_too: bool) -> Step {
        let mut next = Vec::new();
        for at in &progress.0 {
            match self.parts.get(*at) {
                Some(Part::Folders) if hidden_too || !name.starts_with('.') => self.enter(*at, &mut next),
                Some(Part::Name(pattern)) if matches(pattern, name, hidden_too) => self.enter(at + 1, &mut next),
                Some(Part::Folders | Part::Name(_)) | None => {}
            }
        }
        let end = self.parts.len();
        let matches = next.contains(&end);
        next.retain(|at| *at < end);
        Step { matches, below: Progress(next) }
    }

    /// Adds a place and, as folders may be none, those behind it.
    fn enter(&self, at: usize, places: &mut Vec<usize>) {
        if !places.contains(&at) {
            places.push(at);
        }
        if self.parts.get(at) == Some(&Part::Folders) {
            self.enter(at + 1, places);
        }
    }
}

/// Refuses a pattern that cannot mean what it looks like.
///
/// # Errors
/// What is wrong, and what to write instead.
pub fn check(text: &str) -> Result<(), (String, String)> {
    if Pattern::new(text).parts.is_empty() {
        return Err((format!("{text:?} names no file"), "write ** for all that the job leaves".to_owned()));
    }
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            '[' => {
                let rest: Vec<char> = chars.as_str().chars().collect();
                let Some((len, _)) = class(&rest, ' ').filter(|(len, _)| !rest[..*len].contains(&'/')) else {
                    let hint = "write \\[ for the character itself, or close it as in [0-9]";
                    return Err((format!("{text:?} has a [ without its ]"), hint.to_owned()));
                };
                let members = &rest[..len - 1];
                if members.windows(2).any(|two| two == ['[', ':']) {
                    let hint = "write its characters, as in [0-9] or [A-Za-z]";
                    return Err((format!("{text:?} has a class by name, which patterns do not know"), hint.to_owned()));
                }
                if members.windows(3).any(|three| three[1] == '-' && three[0] > three[2]) {
                    let hint = "write the smaller one first, as in [a-z]; a - itself stands first or last";
                    return Err((format!("{text:?} has a range that ends before it begins"), hint.to_owned()));
                }
                chars.nth(len - 1);
            }
            '{' if chars.as_str().split_once('}').is_some_and(|(inside, _)| inside.contains(',')) => {
                let hint = "give each pattern by itself, as in --download=*.png,*.jpg; \\{ is the character";
                return Err((format!("{text:?} has a {{ }}, which patterns do not know"), hint.to_owned()));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Keeps the files that a job was to leave; answers with a problem for each of the others.
/// Workers report what they like, and a file that nobody asked for may be a trap for the person who fetches
/// them all.
#[must_use]
pub fn drop_unasked(files: &mut Vec<JobFile>, download: &[String]) -> Vec<String> {
    let patterns: Vec<Pattern> = download.iter().map(|text| Pattern::new(text)).collect();
    let unasked = files.extract_if(.., |file| !patterns.iter().any(|pattern| pattern.means(&file.path)));
    unasked.map(|file| format!("not asked for: {}", file.path)).collect()
}

/// Whether one name matches one part of a pattern.
fn matches(pattern: &[char], name: &str, hidden_too: bool) -> bool {
    let name: Vec<char> = name.chars().collect();
    if name == pattern {
        return true;
    }
    if !hidden_too && name.first() == Some(&'.') && pattern.first() != Some(&'.') {
        return false;
    }
    let (mut p, mut n) = (0, 0);
    // Where to go on when the latest star takes one character more.
    let mut star: Option<(usize, usize)> = None;
    loop {
        if pattern.get(p) == Some(&'*') {
            star = Some((p + 1, n));
            p += 1;
        } else if n == name.len() && p == pattern.len() {
            return true;
        } else if let Some(len) = name.get(n).and_then(|c| one(&pattern[p..], *c)) {
            p += len;
            n += 1;
        } else if let Some((after, from)) = star.filter(|(_, from)| *from < name.len()) {
            star = Some((after, from + 1));
            (p, n) = (after, from + 1);
        } else {
            return false;
        }
    }
}

/// Matches one character with the beginning of a pattern; answers how much of the pattern it took.
fn one(pattern: &[char], c: char) -> Option<usize> {
    match pattern {
        ['?', ..] => Some(1),
        ['\\', escaped, ..] => (*escaped == c).then_some(2),
        ['[', rest @ ..] => match class(rest, c) {
            Some((len, true)) => Some(len + 1),
            Some((_, false)) => None,
            // Without its end it is a bracket.
            None => (c == '[').then_some(1),
        },
        [plain, ..] => (*plain == c).then_some(1),
        [] => None,
    }
}

/// Reads a class behind its bracket: its length, and whether the character belongs to it.
fn class(pattern: &[char], c: char) -> Option<(usize, bool)> {
    let negated = matches!(pattern.first(), Some('!' | '^'));
    let begin = usize::from(negated);
    // A bracket at the beginning is a member.
    let end = begin + 1 + pattern.get(begin + 1..)?.iter().position(|member| *member == ']')?;
    let mut members = &pattern[begin..end];
    let mut found = false;
    while let [first, rest @ ..] = members {
        members = rest;
        if let ['-', last, rest @ ..] = members {
            found |= (*first..=*last).contains(&c);
            members = rest;
        } else {
            found |= *first == c;
        }
    }
    Some((end + 1, found != negated))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path_matches(pattern: &str, path: &str) -> bool {
        Pattern::new(pattern).means(path)
    }

    #[test]
    fn paths() {
        let table: [(&str, &[&str], &[&str]); 22] = [
            ("*.png", &["a.png", "ä.png"], &[".png", ".a.png", "a.PNG", "a.png.txt", "out/a.png", "png"]),
            ("*", &["a", "a.b"], &[".a", "a/b"]),
            (".*", &[".a"], &["a"]),
            ("out/*", &["out/a"], &["out", "out/a/b", "a"]),
            ("./out//a", &["out/a"], &["a"]),
            ("**/*.png", &["a.png", "x/a.png", "x/y/a.png"], &[".x/a.png", "x/.a.png", "a.jpg"]),
            ("out/**", &["out/a", "out/x/a"], &["a", "out/.a"]),
            ("out/", &["out/a", "out/x/a"], &["a", "out/.a"]),
            ("out", &["out", "out/a", "out/x/a"], &["a", "outs", "out/.a"]),
            ("out/x", &["out/x", "out/x/a"], &["out/a", "x"]),
            ("./out/.", &["out/a"], &["a"]),
            ("**", &["a", "x/a"], &[".a"]),
            ("a/**/b", &["a/b", "a/x/b", "a/x/y/b"], &["a/x", "b"]),
            ("frame-????.exr", &["frame-0001.exr"], &["frame-001.exr", "frame-00001.exr"]),
            ("[a-c]1", &["a1", "c1"], &["d1", "-1"]),
            ("[!a-c]1", &["d1"], &["a1"]),
            ("[]x]", &["]", "x"], &["a"]),
            ("[ab", &["[ab"], &["a"]),
            ("\\*", &["*"], &["a"]),
            ("a*b*c", &["abc", "axxbyybzc"], &["ab", "abcd", "acb"]),
            ("a[1].txt", &["a[1].txt", "a1.txt"], &["a[1]xtxt"]),
            ("o/what?.*", &["o/what?.*", "o/whats.up"], &["o/what"]),
        ];
        for (pattern, matching, others) in table {
            for path in matching {
                assert!(path_matches(pattern, path), "{pattern} should mean {path}");
            }
            for path in others {
                assert!(!path_matches(pattern, path), "{pattern} should not mean {path}");
            }
        }
    }

    #[test]
    fn only_what_was_asked_for_is_kept() {
        let reported = ["result.txt", "out/a.png", ".bash_profile", ".ssh/rc", ".local/bin/ls", "out/.x/a.png"];
        let table: [(&[&str], &[&str]); 7] = [
            (&[], &[]),
            (&["result.txt"], &["result.txt"]),
            (&["*"], &["result.txt"]),
            (&["**"], &["result.txt", "out/a.png"]),
            (&["*/*", "?bash_profile", "[.]bash_profile"], &["out/a.png"]),
            (&[".bash*", ".ssh/**"], &[".bash_profile", ".ssh/rc"]),
            (&["**/.x/*.png", "result.tx"], &["out/.x/a.png"]),
        ];
        for (download, kept) in table {
            let file = |path: &&str| JobFile {
                path: (*path).to_owned(),
                size: 0,
                sha256: crate::blob::BlobId::of(b""),
                mode: None,
                content: None,
            };
            let mut files: Vec<JobFile> = reported.iter().map(file).collect();
            let download: Vec<String> = download.iter().map(|text| (*text).to_owned()).collect();
            let problems = drop_unasked(&mut files, &download);
            let left: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
            assert_eq!(left, kept, "{download:?}");
            let others = reported.iter().filter(|path| !kept.contains(path));
            let expected: Vec<String> = others.map(|path| format!("not asked for: {path}")).collect();
            assert_eq!(problems, expected, "{download:?}");
        }
    }

    #[test]
    fn what_cannot_mean_what_it_looks_like_is_refused() {
        for fine in ["*.png", "a[1].txt", "[]x]", "[!a-c]", "\\[", "a\\{b,c}", "{}", "{a}", "**/x", "a[\\]]"] {
            assert_eq!(check(fine), Ok(()), "{fine}");
        }
        for bad in [
            "[",
            "a[b",
            "[a/b]",
            "[z-a]",
            "[[:digit:]]*",
            "x[!9-0]",
            "*.{png,jpg}",
            "out/{a,b}/c",
            "[]",
            "",
            ".",
            "./",
            "/",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn nothing_takes_for_ever() {
        let pattern = "*a".repeat(200) + "b";
        assert!(!path_matches(&pattern, &"a".repeat(255)));
    }

    #[test]
    fn plain_ones_are_known() {
        let table = [("a/b", true), ("*.png", false), ("**", false), ("a[1]", false), ("a?", false)];
        for (text, plain) in table {
            assert_eq!(Pattern::new(text).is_plain(), plain, "{text}");
        }
    }
}
