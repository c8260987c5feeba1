//! What people bring from other tools: verbs and flags of Slurm, PBS, task-spooler, pueue, kubectl and
//! shells, each with what does the same here.
//!
//! A verb's line is given in full, with the words that were typed in their place, so that one step
//! leads to it. The flags of batch systems are those of `foreign_flags`.

use crate::command::foreign_verbs::{ACTIONS, FLAGS, LOOKING, NOUNS, PROGRAMS, PROMPTS, SPOOLER, VALUED, VERBS};
use crate::command::{Word, foreign_flags, foreign_hosts, habits, lex, parse, whole};

/// The line that means here what a foreign verb means there.
pub(crate) fn line(line: &str, words: &[Word]) -> Option<String> {
    let (verb, rest) = words.split_first()?;
    let verb_text = verb.text.as_str();
    if PROMPTS.contains(&verb_text) {
        return again(&line[rest.first()?.span.start..]);
    }
    // `kubectl get pods` has its verb in the noun.
    let is_verb = |word: &Word| super::find(&word.text).is_some() || form(&word.text).is_some();
    if let Some(ours) = habits::line(line, words) {
        return Some(ours);
    }
    let leads = PROGRAMS.contains(&verb_text) || verb_text == "get" && rest.first().is_some_and(is_verb);
    if leads && let Some(next) = rest.first() {
        return behind_program(line, verb, next, rest);
    }
    let spooler = rest.first().filter(|_| ["tsp", "ts"].contains(&verb_text));
    let spooler = spooler.and_then(|flag| SPOOLER.iter().find(|(name, _)| *name == flag.text));
    let form = spooler.map_or_else(|| form(verb_text), |(_, form)| Some(*form))?;
    match form {
        "pdsh {}" => return foreign_hosts::on_first(line, words),
        "copy {}" => return foreign_hosts::copy(line, words),
        "pdsh @all {l}" if !looks_only(verb_text, rest) => {
            return Some(format!("pdsh TARGET {}", quoted(&raw(line, words)?)));
        }
        "submit {l}" => return whole(line, words),
        "change {} --priority=N" => return Some(changing(line, verb_text, rest)),
        _ if form.starts_with("submit ") && form.contains('{') => return submitting(line, verb_text, form, rest),
        _ if form.contains("{p}") => return splitting(line, verb_text, form, rest),
        _ => {}
    }
    // Flags of another tool mean nothing to verbs that take jobs or workers.
    let plain = || {
        // What a shell does with the output of another tool is no word of this line.
        let is_of_shell = |word: &&Word| !["|", "||", "&&", "&", ";", ">", ">>"].contains(&word.text.as_str());
        let words = rest.iter().take_while(is_of_shell).filter(|word| !word.text.starts_with('-'));
        let command = super::find(form.split(' ').next().unwrap_or_default());
        let takes_one = command.is_some_and(|command| matches!(command.arguments.as_slice(), [one] if !one.many));
        let words = words.take(if takes_one { 1 } else { usize::MAX }).map(|word| &line[word.span.clone()]);
        Some(words.collect::<Vec<_>>().join(" ")).filter(|words| !words.is_empty())
    };
    let rest = if form.starts_with("split") { raw(line, rest) } else { plain() };
    // Without words of its own the line shows those of the usage.
    let rest = rest.unwrap_or_else(|| operands(form).to_owned());
    let all = raw(line, words).unwrap_or_default();
    let all = if form.starts_with("c2-tui") { all } else { quoted(&all) };
    // Each place is filled once: what is typed may have places of its own.
    let filled = match form.split_once('{').and_then(|(before, behind)| Some((before, behind.split_once('}')?))) {
        Some((before, ("l", behind))) => format!("{before}{all}{behind}"),
        Some((before, (_, behind))) => format!("{before}{rest}{behind}"),
        None => form.to_owned(),
    };
    Some(filled.trim().to_owned())
}

/// Whether a program only shows how a machine is, so that it may run on all of them.
fn looks_only(verb: &str, rest: &[Word]) -> bool {
    let Some((_, words, others)) = LOOKING.iter().find(|(verbs, ..)| verbs.contains(&verb)) else { return true };
    let is_said = |known: &[&str]| rest.iter().any(|word| known.iter().any(|known| word.text.starts_with(known)));
    (words.is_empty() || is_said(words)) && !is_said(others)
}

/// A line that is the command of a job as a whole, with its input apart.
pub(crate) fn whole(line: &str, words: &[Word]) -> Option<String> {
    let is_loop = whole::OPENING.contains(&words.first()?.text.as_str());
    let (command, input) = if is_loop { (words, None) } else { input(words) };
    match (command, input) {
        ([shell], Some(script)) if ["sh", "bash"].contains(&shell.text.as_str()) => {
            Some(format!("submit --script={script}"))
        }
        (command, Some(file)) => Some(format!("submit {} --stdin-file={file}", quoted(&raw(line, command)?))),
        (command, None) => Some(format!("submit {}", quoted(&raw(line, command)?))),
    }
}

/// A line of a tool that takes a command or a script.
fn submitting(line: &str, verb: &str, form: &str, rest: &[Word]) -> Option<String> {
    let of_script = form.contains("{f}");
    let (rest, input) = input(rest);
    let read = foreign_flags::read(verb, rest, of_script);
    let command = raw(line, read.command).map(|text| quoted_once(line, read.command, text));
    let script = read.operand.map(|word| &line[word.span.clone()]);
    let arguments: Vec<&str> = read.arguments.iter().map(|word| &line[word.span.clone()]).collect();
    let is_command = !of_script || read.is_command;
    let behind = form.rsplit_once('}').map_or("", |(_, behind)| behind);
    let ours = match (&read.wrap, command, script, input) {
        (Some(command), ..) => format!("submit {}", quoted(command)),
        (None, Some(command), _, input) if is_command => {
            let input = input.map(|file| format!(" --stdin-file={file}")).unwrap_or_default();
            format!("submit {command}{behind}{input}")
        }
        (None, None, None, Some(script)) => format!("submit --script={script}{behind}"),
        (None, _, _, _) if is_command => format!("submit \"COMMAND\"{behind}"),
        // A script has no arguments here, but the command has.
        (None, _, Some(script), _) if !arguments.is_empty() => {
            let command = quoted(&format!("bash {script} {}", arguments.join(" ")));
            format!("submit {command} --upload={script}")
        }
        (None, _, script, _) => format!("submit --script={}", script.unwrap_or("FILE")),
    };
    Some(ours + &read.flags)
}

/// A line that changes jobs, with the flags of those that submit them.
fn changing(line: &str, verb: &str, rest: &[Word]) -> String {
    let read = foreign_flags::read(verb, rest, true);
    let jobs: Vec<&str> = read.operand.into_iter().chain(read.arguments).map(|word| &line[word.span.clone()]).collect();
    // These are read when a job is submitted, and do not change.
    let fixed = ["--hold", "--wait", "--stdin-file", "--array"];
    let flags: Vec<&str> =
        read.flags.split_whitespace().filter(|flag| !fixed.iter().any(|fixed| flag.starts_with(fixed))).collect();
    let jobs = if jobs.is_empty() { "JOB".to_owned() } else { jobs.join(" ") };
    format!("change {jobs} {}", if flags.is_empty() { "--priority=N".to_owned() } else { flags.join(" ") })
}

/// A line of a tool that runs a command for each input.
fn splitting(line: &str, verb: &str, form: &str, rest: &[Word]) -> Option<String> {
    let (rest, input) = input(rest);
    let has_inputs = |word: &Word| word.text.starts_with(":::");
    if rest.first().is_some_and(Word::is_quoted) && !rest.iter().any(has_inputs) && rest.len() > 1 {
        return Some(format!("split {}", raw(line, rest)?));
    }
    let read = foreign_flags::read(verb, rest, false);
    let command = before_inputs(read.command);
    let quoted = match raw(line, command) {
        Some(text) => quoted_once(line, command, text),
        None => "\"COMMAND\"".to_owned(),
    };
    let placed =
        if quoted.contains('{') { quoted } else { format!("{} {{}}{}", &quoted[..quoted.len() - 1], &quoted[..1]) };
    let file = read.file.or_else(|| inputs_of(line, rest)).or(input).unwrap_or_else(|| "FILE".to_owned());
    Some(format!("{} {file}{}", form.replace("{p} FILE", &placed), read.flags))
}

/// Words as they were typed.
pub(crate) fn raw(line: &str, words: &[Word]) -> Option<String> {
    words.first().zip(words.last()).map(|(first, last)| line[first.span.start..last.span.end].to_owned())
}

/// A command in quotes, which it may have already.
pub(crate) fn quoted_once(line: &str, words: &[Word], text: String) -> String {
    match words {
        [one] if one.is_quoted() && line[one.span.clone()].starts_with(['"', '\'']) => text,
        _ => quoted(&text),
    }
}

/// Words without the sign that has a shell run them in the background, and the file that is their input.
pub(crate) fn input(words: &[Word]) -> (&[Word], Option<String>) {
    let words = match words {
        [before @ .., last] if last.text == "&" => before,
        all => all,
    };
    // A text of several lines is no file.
    let words = match words.iter().position(|word| word.text.starts_with("<<") && !word.is_quoted()) {
        Some(at) => &words[..at],
        None => words,
    };
    match words {
        [before @ .., sign, file] if sign.text == "<" && !sign.is_quoted() => (before, Some(file.text.clone())),
        [before @ .., one] if one.text.starts_with('<') && !one.is_quoted() => match &one.text[1..] {
            "" => (before, None),
            text if text.starts_with('(') => (words, None),
            file => (before, Some(file.to_owned())),
        },
        _ => (words, None),
    }
}

/// A line with the name of a program in front of the verb.
fn behind_program(line: &str, program: &Word, next: &Word, rest: &[Word]) -> Option<String> {
    if let Some(at) = rest.iter().position(|word| word.text == "--exec") {
        let inner = rest.get(at + 1)?;
        let inner = if inner.is_quoted() { &inner.text } else { &line[inner.span.start..] };
        return again(inner);
    }
    match (program.text.as_str(), next.text.as_str()) {
        ("docker" | "podman", "run" | "exec" | "build" | "compose") => {
            Some(format!("submit {}", quoted(line[program.span.start..].trim())))
        }
        ("pueue", "enqueue") => Some(format!("release {}", line[next.span.end..].trim())),
        ("pueue", "log") => self::line(line, rest),
        ("sudo", _) => {
            let own = &line[next.span.start..];
            let ours = again(own)?;
            // Where the line is the command it keeps its rights.
            Some(ours.replacen(&quoted(own.trim()), &quoted(line[program.span.start..].trim()), 1))
        }
        _ => of_nouns(line, rest).or_else(|| again(&line[next.span.start..])),
    }
}

/// A line with a noun of a program, as in `hq job list` and `kubectl describe pod/3`, without the program.
fn of_nouns(line: &str, words: &[Word]) -> Option<String> {
    let noun = |word: &str| NOUNS.iter().find(|(nouns, _)| nouns.contains(&word)).map(|(_, are_workers)| *are_workers);
    let text = |word: &Word| {
        let text = &line[word.span.clone()];
        text.split_once('/').filter(|(before, _)| noun(before).is_some()).map_or(text, |(_, name)| name).to_owned()
    };
    let is_value = |at: usize, words: &[Word]| at > 0 && VALUED.contains(&words[at - 1].text.as_str());
    let operands = |words: &[Word]| -> Vec<String> {
        let words = words.iter().enumerate().filter(|(at, _)| !is_value(*at, words)).map(|(_, word)| word);
        words.filter(|word| !word.text.starts_with('-')).map(text).collect()
    };
    let [first, behind @ ..] = words else { return None };
    let second = behind.first();
    if let (Some(are_workers), Some(action)) = (noun(&first.text), second)
        && let Some((_, job, worker)) = ACTIONS.iter().find(|(words, ..)| words.contains(&action.text.as_str()))
    {
        let operands = operands(&behind[1..]);
        let verb = if are_workers { worker } else { job };
        let verb = if *verb == "info" && operands.is_empty() { "list" } else { verb };
        if operands.is_empty() && matches!(verb, "remove-worker" | "drain" | "cancel") {
            return Some(format!("{verb} {}", self::operands(verb)));
        }
        let one = operands.first().map(|name| if are_workers && name == "all" { "@all" } else { name });
        return Some(format!("{verb} {}", one.unwrap_or_default()).trim().to_owned());
    }
    // `node drain nas`
    if let (Some(_), Some(action)) = (noun(&first.text), second)
        && (super::find(&action.text).is_some() || form(&action.text).is_some())
    {
        return again(&line[action.span.start..]);
    }
    let (at, are_workers) = behind.iter().enumerate().find_map(|(at, word)| {
        let prefix = word.text.split_once('/').map_or(word.text.as_str(), |(before, _)| before);
        Some((at, noun(prefix)?))
    })?;
    let named = behind[at].text.contains('/');
    let operands = operands(&behind[if named { at } else { at + 1 }..]);
    let action = ACTIONS.iter().find(|(words, ..)| words.contains(&first.text.as_str()));
    match (first.text.as_str(), are_workers) {
        ("top", true) => Some("list".to_owned()),
        ("get", _) if operands.is_empty() => None,
        ("get" | "show" | "describe", true) => Some(format!("info {}", operands.join(" "))),
        ("get" | "show" | "describe", false) => Some(format!("job {}", operands.join(" "))),
        (_, true) if action.is_some() => {
            let name = operands.first().map_or("WORKER", String::as_str);
            action.map(|(_, _, ours)| format!("{ours} {name}"))
        }
        ("delete" | "remove" | "rm" | "stop" | "kill", false) if operands.is_empty() => Some("jobs".to_owned()),
        _ if operands.is_empty() => None,
        (verb, _) => again(&format!("{verb} {}", operands.join(" "))),
    }
}

/// A line that may be ours, or is another's itself.
pub(crate) fn again(line: &str) -> Option<String> {
    let words = lex::scan(line).0;
    match super::find(&words.first()?.text) {
        Some(_) if parse(line).is_ok() => Some(line.trim().to_owned()),
        Some(_) => of_ours(line, &words),
        None => self::line(line, &words),
    }
}

/// A line with a verb of ours and with what another program has behind it.
fn of_ours(line: &str, words: &[Word]) -> Option<String> {
    if let Some(ours) = habits::line(line, words) {
        return Some(ours);
    }
    let (verb, rest) = words.split_first()?;
    if verb.text == "submit" {
        return submitting(line, "submit", "submit {q}", rest);
    }
    let command = super::find(&verb.text)?;
    let is_known = |word: &&Word| {
        !word.text.starts_with('-') || command.flag(word.text.split('=').next().unwrap_or_default()).is_some()
    };
    let kept = words.iter().filter(is_known).map(|word| &line[word.span.clone()]).collect::<Vec<_>>().join(" ");
    Some(if parse(&kept).is_ok() { kept } else { format!("help {}", command.name) })
}

/// The file behind `::::` of parallel.
fn inputs_of(line: &str, words: &[Word]) -> Option<String> {
    let at = words.iter().position(|word| word.text == "::::")?;
    words.get(at + 1).map(|word| line[word.span.clone()].to_owned())
}

fn form(verb: &str) -> Option<&'static str> {
    match verb {
        // Of pueue it is what a job wrote, and here that has another name.
        "log" => Some("output {}"),
        _ => VERBS.iter().find(|(verbs, _)| verbs.contains(&verb)).map(|(_, form)| *form),
    }
}

/// A command without the inputs of parallel.
fn before_inputs(words: &[Word]) -> &[Word] {
    let end = words.iter().position(|word| word.text.starts_with(":::"));
    &words[..end.unwrap_or(words.len())]
}

/// What stands behind a verb of ours.
fn operands(form: &str) -> &'static str {
    match form.split(' ').next().unwrap_or_default() {
        "help" | "c2-tui" => "",
        "batch" => "FILE",
        "cleanup-workspaces" => "TARGET",
        "split" => "\"COMMAND {}\" FILE",
        "set-tags" => "WORKER TAG",
        "set-resources" => "WORKER cpus=N",
        "get-tags" | "info" | "drain" | "resume" | "wake" | "remove-worker" => "WORKER",
        "assign" | "unassign" => "WORKER GROUP",
        _ => "JOB",
    }
}

/// What a foreign flag is here; most are of jobs.
pub(crate) fn flag(name: &str) -> Option<&'static str> {
    FLAGS.iter().find(|(names, _)| names.contains(&name)).map(|(_, flag)| *flag)
}

/// Shell text as one word of a line.
pub(crate) fn quoted(text: &str) -> String {
    if text.contains('"') || text.contains('$') || text.contains('`') || text.contains('\\') {
        format!("'{}'", text.replace('\'', "'\\''"))
    } else {
        format!("\"{text}\"")
    }
}
