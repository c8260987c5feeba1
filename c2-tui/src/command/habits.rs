//! Lines of other tools, of shells and of newcomers, each whole, with the line that does the same here: for what
//! their verbs alone do not say.
//!
//! They are data. In a pattern `JOB` is a job (`3`, `%3`, `job/3`), `N` begins with a digit, `MANIFEST` is a file that
//! describes jobs as another tool has them, `PATH` a file or a folder, `X` and `Y` are any word, `*` is the rest, `?` a
//! rest that means nothing here, and `a|b` either word. Flags that a pattern does not name are passed over.

use c2_shared::selection::state_called;

use crate::command::habit_lines::LINES;
use crate::command::{Word, foreign, foreign_hosts, foreign_jobs, foreign_shell, foreign_time};

/// How files end that describe jobs for kubectl, nomad and docker.
const MANIFESTS: [&str; 5] = [".yaml", ".yml", ".json", ".nomad", ".hcl"];

/// What a pattern found in a line.
#[derive(Debug, Default)]
struct Found<'a> {
    verb: &'a str,
    job: Option<&'a str>,
    words: Vec<&'a str>,
    state: &'static str,
    rest: &'a [Word],
}

/// The line that means here what a whole line means elsewhere.
pub(crate) fn line(line: &str, words: &[Word]) -> Option<String> {
    let read = match words.first()?.text.as_str() {
        "at" => foreign_time::at(line, words),
        "pdsh" => foreign_hosts::on_named(line, words),
        "docker" | "podman" | "kubectl" => out_of_job(line, words),
        _ => foreign_jobs::line(line, words).or_else(|| foreign_shell::line(line, words)),
    };
    if read.is_some() {
        return read;
    }
    let (found, ours) = LINES.iter().find_map(|(pattern, ours)| Some((fits(pattern, line, words)?, ours)))?;
    if *ours == "submit {l}" {
        return foreign::whole(line, words);
    }
    let raw = |words: &[Word]| words.first().zip(words.last()).map(|(a, b)| line[a.span.start..b.span.end].to_owned());
    let rest = raw(found.rest).unwrap_or_default();
    let quoted = match found.rest {
        [one] if one.is_quoted() => rest.clone(),
        _ => foreign::quoted(&rest),
    };
    let whole = foreign::quoted(&raw(words).unwrap_or_default());
    let word = |at: usize| found.words.get(at).copied().unwrap_or_default();
    let values = [
        ("{JOB}", found.job.unwrap_or_default()),
        ("{X}", word(0)),
        ("{Y}", word(1)),
        ("{STATE}", found.state),
        ("{0}", found.verb),
        ("{l}", &whole),
        ("{q}", &quoted),
        ("{*}", &rest),
    ];
    let (mut filled, mut left) = (String::new(), *ours);
    while let Some(at) = left.find('{') {
        let (place, value) = values.iter().find(|(place, _)| left[at..].starts_with(place))?;
        filled.push_str(&left[..at]);
        filled.push_str(value);
        left = &left[at + place.len()..];
    }
    Some(filled + left)
}

/// Files of a job that are copied from it, as with `docker cp 3:/out .`.
fn out_of_job(line: &str, words: &[Word]) -> Option<String> {
    let [_, cp, rest @ ..] = words else { return None };
    let operands: Vec<&Word> = rest.iter().filter(|word| !is_flag(word)).collect();
    let [from, to] = operands.as_slice() else { return None };
    let job = job(from.text.split_once(':')?.0).filter(|_| cp.text == "cp")?;
    let to = Some(&line[to.span.clone()]).filter(|to| *to != ".").map(|to| format!(" {to}")).unwrap_or_default();
    Some(format!("get-files {job}{to}"))
}

/// Whether a pattern is that of a line, and what stands in its places.
fn fits<'a>(pattern: &str, line: &'a str, words: &'a [Word]) -> Option<Found<'a>> {
    let mut found = Found { verb: &words.first()?.text, ..Found::default() };
    let mut at = 0;
    for token in pattern.split(' ') {
        let is_named = |word: &str| token.split('|').any(|name| name.eq_ignore_ascii_case(word));
        if matches!(token, "?" | "*") {
            found.rest = &words[at..];
            let is_there = token == "?" || !found.rest.is_empty();
            return is_there.then_some(found);
        }
        while words.get(at).is_some_and(|word| is_flag(word) && !is_named(&word.text))
            && (!token.starts_with('-') || token == "--")
        {
            at += 1;
        }
        let word = words.get(at)?;
        match token {
            "JOB" => found.job = Some(found.job.unwrap_or(job(&word.text)?)),
            "STATE" => found.state = state_called(&word.text)?.word(),
            "N" if !word.text.starts_with(|c: char| c.is_ascii_digit()) => return None,
            "MANIFEST" if !MANIFESTS.iter().any(|end| word.text.ends_with(end)) => return None,
            "PATH" if !word.text.contains(['/', '.']) => return None,
            "X" | "Y" | "N" | "MANIFEST" | "PATH" => found.words.push(&line[word.span.clone()]),
            _ if is_named(&word.text) => {}
            _ => return None,
        }
        at += 1;
    }
    let is_all = if pattern.contains(' ') { words[at..].iter().all(is_flag) } else { words.len() == 1 };
    is_all.then_some(found)
}

fn is_flag(word: &Word) -> bool {
    word.text.starts_with('-') && word.text.len() > 1 && !word.is_quoted()
}

/// A job as shells and clusters write it, without what stands around its number.
pub(crate) fn job(text: &str) -> Option<&str> {
    let number = text.rsplit(['/', '%', '#']).next()?.trim_start_matches("job-");
    (!number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())).then_some(number)
}
