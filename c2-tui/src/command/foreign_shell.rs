//! Lines of shells: programs by their paths, variables and programs before a command, lines of crontab, pipes and
//! loops.

use crate::command::foreign::{self, quoted, raw};
use crate::command::{Word, lex, whole};

/// What stands behind a program that runs another one, before that.
#[derive(Clone, Copy, Debug)]
enum First {
    Nothing,
    /// Variables, as with env.
    Variables,
    /// A span, which is a time limit.
    Limit,
    /// A word that means nothing here.
    Word,
}

/// Programs that run another one: their flags that have a value, what else they take, and what it is here.
const RUNNERS: [(&str, &[&str], First, &str); 11] = [
    ("env", &["-u", "-C", "-S"], First::Variables, ""),
    ("timeout", &["-k", "-s", "--kill-after", "--signal"], First::Limit, ""),
    // A niceness is the opposite of a priority, on another scale.
    ("nice", &["-n", "--adjustment"], First::Nothing, ""),
    ("ionice", &["-c", "-n"], First::Nothing, ""),
    ("chrt", &[], First::Word, ""),
    ("taskset", &[], First::Word, ""),
    ("stdbuf", &["-i", "-o", "-e"], First::Nothing, ""),
    ("nohup", &[], First::Nothing, ""),
    ("setsid", &[], First::Nothing, ""),
    ("time", &["-f", "-o"], First::Nothing, "--wait"),
    ("command", &[], First::Nothing, ""),
];

/// Times of crontab with a name, as they are here.
const NAMED: [(&str, &str); 7] = [
    ("@hourly", "@hourly"),
    ("@daily", "@daily"),
    ("@midnight", "@daily"),
    ("@weekly", "@weekly"),
    ("@monthly", "@monthly"),
    ("@yearly", "@yearly"),
    ("@annually", "@yearly"),
];

/// Verbs of a loop that submit a job each time.
const SUBMITTING: [&str; 13] = [
    "submit",
    "sbatch",
    "qsub",
    "bsub",
    "srun",
    "tsp",
    "ts",
    "hq",
    "pueue",
    "c2-tui",
    "c2",
    "enqueue",
    "condor_submit",
];

pub(crate) fn line(line: &str, words: &[Word]) -> Option<String> {
    let first = words.first()?;
    if first.is_quoted() {
        return None;
    }
    let text = first.text.as_str();
    if text.starts_with('@') || text.starts_with(|c: char| c == '*' || c.is_ascii_digit()) {
        return of_crontab(line, words);
    }
    if ["for", "while"].contains(&text) {
        return of_loop(line);
    }
    if let Some(ours) = piped(line, words) {
        return Some(ours);
    }
    if ["/", "./", "../", "~/"].iter().any(|begin| text.starts_with(begin)) && text.len() > 2 {
        return foreign::whole(line, words);
    }
    run(line, words)
}

/// A line of crontab.
fn of_crontab(line: &str, words: &[Word]) -> Option<String> {
    let first = words.first()?.text.as_str();
    if let Some((_, cron)) = NAMED.iter().find(|(name, _)| *name == first) {
        let command = raw(line, &words[1..]).map_or_else(|| "\"COMMAND\"".to_owned(), |text| quoted(&text));
        return Some(format!("schedule NAME {cron} {command}"));
    }
    let fields = words.get(..5)?;
    let is_field = |word: &Word| {
        let is_of_it = |c: char| c.is_ascii_alphanumeric() || "*/,-".contains(c);
        let begins = word.text.starts_with(|c: char| c == '*' || c.is_ascii_digit());
        let is_name = (3..=7).contains(&word.text.len()) && !word.text.contains('/');
        word.text.chars().all(is_of_it) && (begins || is_name)
    };
    if !fields.iter().all(is_field) {
        return None;
    }
    let command = raw(line, &words[5..]).map_or_else(|| "\"COMMAND\"".to_owned(), |text| quoted(&text));
    Some(format!("schedule NAME \"{}\" {command}", raw(line, fields)?))
}

/// Inputs that come through a pipe: `cat list | xargs gzip`.
fn piped(line: &str, words: &[Word]) -> Option<String> {
    let at = words.iter().position(|word| word.text == "|" && !word.is_quoted())?;
    let (before, behind) = (&words[..at], &words[at + 1..]);
    let verb = behind.first()?.text.as_str();
    if !["split", "xargs", "parallel"].contains(&verb) {
        return None;
    }
    let file = match before {
        [cat, file] if cat.text == "cat" => &line[file.span.clone()],
        _ => "FILE",
    };
    let inner = &line[behind.first()?.span.start..];
    if verb == "split" {
        let inner = raw(line, behind)?;
        let has_flags = behind.get(2).is_some_and(|word| !word.text.starts_with('-'));
        return (!has_flags).then(|| format!("{inner} {file}"));
    }
    let ours = foreign::line(inner, &lex::scan(inner).0)?;
    Some(ours.replacen(" FILE", &format!(" {file}"), 1))
}

/// A command behind variables and programs that run it.
fn run(line: &str, words: &[Word]) -> Option<String> {
    let (mut at, mut flags) = (0, Vec::new());
    loop {
        let begin = at;
        while let Some((name, value)) = words.get(at).and_then(|word| variable(line, word)) {
            flags.push(format!("--env={name}={value}"));
            at += 1;
        }
        let word = words.get(at).map(|word| word.text.as_str()).unwrap_or_default();
        let runner = RUNNERS.iter().find(|(name, ..)| *name == word);
        if let Some((_, valued, first, flag)) = runner {
            let mut behind = at + 1;
            while let Some(word) = words.get(behind).filter(|word| word.text.starts_with('-')) {
                behind += 1 + usize::from(valued.contains(&word.text.as_str()));
            }
            if let First::Word | First::Limit = first {
                let span = words.get(behind).map(|word| word.text.as_str()).unwrap_or_default();
                let is_span = c2_shared::time::parse_duration_s(span).is_ok_and(|seconds| seconds > 0);
                flags.extend((matches!(first, First::Limit) && is_span).then(|| format!("--timeout={span}")));
                behind += 1;
            }
            // Alone it is another command; before a number it is about a job.
            let next = words.get(behind).map_or("|", |word| word.text.as_str());
            if ["|", ">", "&", ";", "&&"].contains(&next) || next.parse::<u64>().is_ok() {
                break;
            }
            flags.extend((!flag.is_empty()).then(|| (*flag).to_owned()));
            at = behind;
        }
        if at == begin {
            break;
        }
    }
    if at == 0 {
        return None;
    }
    let Some(command) = words.get(at) else { return Some(format!("submit \"COMMAND\" {}", flags.join(" "))) };
    let behind = &line[command.span.start..];
    let ours = match foreign::again(behind) {
        Some(ours) if ours.starts_with("submit ") || ours.starts_with("split ") => ours,
        Some(ours) => return Some(ours),
        None => foreign::whole(line, &words[at..])?,
    };
    flags.retain(|flag| !ours.split(' ').any(|word| word == flag));
    Some([vec![ours], flags].concat().join(" "))
}

/// A variable with its value as it was typed.
fn variable<'a>(line: &'a str, word: &Word) -> Option<(&'a str, &'a str)> {
    let (name, value) = line[word.span.clone()].split_once('=')?;
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    is_name.then_some((name, value))
}

/// A loop that submits a job each time, as jobs of an array or of a sweep; another loop is a command itself.
fn of_loop(line: &str) -> Option<String> {
    let (head, body) = line.trim().split_once("do ")?;
    let (body, tail) = body.rsplit_once("done")?;
    let body = body.trim().trim_end_matches([';', '&']).trim();
    let verb = body.split_whitespace().next()?;
    if !SUBMITTING.contains(&verb) || whole::bare(body).contains([';', '|', '&', '\n']) {
        return None;
    }
    let inner = foreign::again(body)?;
    let words = lex::scan(&inner).0;
    let [submit, command, ..] = words.as_slice() else { return None };
    if submit.text != "submit" {
        return None;
    }
    let flags = inner[command.span.end..].replace(" --wait", "");
    let head = head.trim().trim_end_matches(';').trim();
    if head.starts_with("while read") {
        let name = head.split_whitespace().next_back()?;
        let file = tail.trim().strip_prefix('<').map_or("FILE", str::trim);
        return Some(format!("split {} {file}{flags}", quoted(&placed(&command.text, name, "{}"))));
    }
    let (name, values) = head.strip_prefix("for ")?.split_once(" in ")?;
    let name = name.trim();
    let values = listed(values.trim());
    if let Some(script) = command.text.strip_prefix("--script=") {
        let numbers = values.filter(|values| values.bytes().all(|b| b.is_ascii_digit() || b == b',' || b == b'-'))?;
        return Some(format!("submit --script={script} --array={numbers}{flags}"));
    }
    let Some(values) = values else {
        return Some(format!("split {} FILE{flags}", quoted(&placed(&command.text, name, "{}"))));
    };
    let mark = format!("{{{name}}}");
    let text = placed(&command.text, name, &mark);
    if text.contains(&mark) || flags.contains(&format!("${name}")) {
        let flags = placed(&flags, name, &mark);
        return Some(format!("split {} --sweep={name}={values}{flags}", quoted(&text)));
    }
    let count = match values.split_once('-').filter(|_| !values.contains(',')) {
        Some((first, last)) => last.parse::<u64>().ok()?.checked_sub(first.parse().ok()?)? + 1,
        None => values.split(',').count() as u64,
    };
    Some(format!("submit {} --array=1-{count}{flags}", quoted(&text)))
}

/// A text with a place where a variable stood.
fn placed(text: &str, name: &str, place: &str) -> String {
    let marks = [format!("\"${name}\""), format!("\"${{{name}}}\""), format!("${{{name}}}"), format!("${name}")];
    marks.iter().fold(text.to_owned(), |text, mark| text.replace(mark, place))
}

/// The values of a loop as those of a sweep, if they are known before a shell reads them.
fn listed(values: &str) -> Option<String> {
    let range = |first: &str, last: &str| {
        let are_numbers = [first, last].iter().all(|text| text.parse::<u64>().is_ok());
        are_numbers.then(|| format!("{first}-{last}"))
    };
    if let Some((first, last)) =
        values.strip_prefix('{').and_then(|text| text.strip_suffix('}')).and_then(|text| text.split_once(".."))
    {
        return range(first, last);
    }
    let seq = values.strip_prefix("$(seq ").and_then(|text| text.strip_suffix(')'));
    let seq = seq.or_else(|| values.strip_prefix("`seq ").and_then(|text| text.strip_suffix('`')));
    if let Some(ends) = seq {
        return match ends.split_whitespace().collect::<Vec<_>>().as_slice() {
            [last] => range("1", last),
            [first, last] => range(first, last),
            _ => None,
        };
    }
    let is_plain = values.chars().all(|c| c.is_alphanumeric() || " ._-/".contains(c)) && !values.is_empty();
    is_plain.then(|| values.split_whitespace().collect::<Vec<_>>().join(","))
}
