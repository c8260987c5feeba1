//! What Tab offers: commands, flags, and what the present command wants at this place.
//!
//! The candidates come from what the console holds already, and what it does not hold all the time is asked for
//! first. Which kind of argument is wanted says the grammar.

use c2_shared::job::JobState;
use c2_shared::validate::ACTIONS;
use c2_shared::worker::WorkerStatus;

use crate::app::cache::{Cache, Job, Schedule, Worker};
use crate::app::figures::Asked;
use crate::app::row_verb::RowVerb;
use crate::command::{CommandInfo, FlagInfo, Operand, Word, commands, find, said, scan};

/// Entries in a menu; more would not be read.
const CHOICES_MAX: usize = 200;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) text: String,
    /// What it is, in a few words.
    pub(crate) words: String,
}

/// Entries for a part of the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Completion {
    /// First byte of the part.
    pub(crate) start: usize,
    /// Byte behind the part.
    pub(crate) end: usize,
    /// What fits, without repetition.
    pub(crate) choices: Vec<Choice>,
}

/// Where candidates come from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source<'a> {
    pub(crate) cache: &'a Cache,
    /// A local folder that was listed, with its names.
    pub(crate) folder: Option<(&'a str, &'a [String])>,
    /// What c2d was asked for, and has answered by now as far as it does.
    pub(crate) told: Option<Asked>,
}

/// What is to be found out before it is known what fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// The names in a local folder.
    Folder(String),
    /// Names that the console does not hold all the time.
    Names(Asked),
}

impl Completion {
    /// The longest beginning that all choices share.
    pub(crate) fn common(&self) -> &str {
        let Some(first) = self.choices.first() else { return "" };
        let shared =
            |a: &str, b: &str| a.chars().zip(b.chars()).take_while(|(x, y)| x == y).map(|(x, _)| x.len_utf8()).sum();
        let len = self.choices.iter().map(|c| shared(&first.text, &c.text)).min().unwrap_or(0);
        &first.text[..len]
    }

    /// The folder that must be listed before `word` can be completed as a path.
    pub(crate) fn folder_of(word: &str) -> &str {
        &word[..word.rfind('/').map_or(0, |at| at + 1)]
    }
}

/// Finds what fits at the caret, and what is to be found out first.
pub(crate) fn complete(line: &str, caret: usize, source: Source<'_>) -> (Completion, Option<Wanted>) {
    let Some((words, last)) = words_before(line, caret) else {
        return (Completion { start: caret, end: caret, choices: Vec::new() }, None);
    };
    let (from, typed, wants) = wanted(&words, &last.text);
    let start = last.span.start + from;
    let mut first = None;
    let verb = words.first().map_or("", |word| word.text.as_str());
    if let Some(asked) = asked_of(&wants).filter(|asked| source.told != Some(*asked)) {
        return (Completion { start, end: caret, choices: Vec::new() }, Some(Wanted::Names(asked)));
    }
    let mut choices = match wants {
        Wants::FlagOf(command) => command.flags.iter().map(flag).collect(),
        Wants::OneOf(values) => values.iter().map(|value| choice(value, "")).collect(),
        Wants::Some(Operand::Text | Operand::Shell) => Vec::new(),
        Wants::Some(Operand::Verb) => verbs(),
        Wants::Some(Operand::Worker) => workers(source.cache, false, verb),
        Wants::Some(Operand::Target) => workers(source.cache, true, verb),
        Wants::Some(Operand::Group) => groups(source.cache, ""),
        Wants::Some(Operand::Tag) => tags(source.cache),
        Wants::Some(Operand::Schedule) => schedules(source.cache),
        Wants::Some(Operand::Batch) => batches(source.cache),
        Wants::Some(Operand::Notification) => notifications(source.cache),
        Wants::Some(Operand::Action) => {
            ACTIONS.iter().filter(|word| **word != "test").map(|word| choice(word, "")).collect()
        }
        Wants::Some(Operand::Job) if typed.starts_with('@') => selections(source.cache, verb),
        Wants::Some(Operand::Job) => jobs(source.cache, typed, verb),
        Wants::Some(wants @ (Operand::Path | Operand::Place)) => {
            let wanted = Completion::folder_of(typed);
            match source.folder.filter(|(listed, _)| *listed == wanted) {
                Some((_, names)) => {
                    let files = names.iter().map(|name| choice(&format!("{wanted}{name}"), ""));
                    let machines = workers(source.cache, true, verb).into_iter();
                    let machines = machines.map(|machine| Choice { text: machine.text + ":", ..machine });
                    files.chain(machines.filter(|_| wants == Operand::Place)).collect()
                }
                None => {
                    first = Some(Wanted::Folder(wanted.to_owned()));
                    Vec::new()
                }
            }
        }
    };
    choices.retain(|c| c.text.starts_with(typed));
    choices.truncate(CHOICES_MAX);
    (Completion { start, end: caret, choices }, first)
}

/// The words before the caret, and that in which it stands; none where nothing is completed.
fn words_before(line: &str, caret: usize) -> Option<(Vec<Word>, Word)> {
    let before = &line[..caret];
    let said = said(before);
    if said.end < caret || (said.is_empty() && !before.is_empty() && !before.ends_with(char::is_whitespace)) {
        // In a comment, or directly behind a prompt.
        return None;
    }
    let (mut words, open) = scan(before);
    let is_in_word = words.last().is_some_and(|word| open.is_some() || word.span.end == caret);
    let last = words.pop_if(|_| is_in_word).unwrap_or(Word { text: String::new(), span: caret..caret });
    Some((words, last))
}

/// What is named at the end of a line, if that is known and not one of few words.
pub(crate) fn operand_at_end(line: &str) -> Option<Operand> {
    let (words, last) = words_before(line, line.len())?;
    match wanted(&words, &last.text) {
        (_, _, Wants::Some(operand)) => Some(operand),
        (_, _, Wants::FlagOf(_) | Wants::OneOf(_)) => None,
    }
}

/// What c2d is to be asked for before such a name is completed.
const fn asked_of(wants: &Wants) -> Option<Asked> {
    match wants {
        Wants::Some(Operand::Schedule) => Some(Asked::Schedules),
        Wants::Some(Operand::Notification) => Some(Asked::Notifications),
        _ => None,
    }
}

fn schedules(cache: &Cache) -> Vec<Choice> {
    let about = |schedule: &Schedule| format!("{}  {}", schedule.row.cron, schedule.command);
    cache.schedules.values().map(|schedule| choice(&schedule.row.name, &about(schedule))).collect()
}

fn batches(cache: &Cache) -> Vec<Choice> {
    let mut counts = std::collections::BTreeMap::<&str, usize>::new();
    for batch in cache.jobs.values().filter_map(|job| job.row.batch.as_deref()) {
        *counts.entry(batch).or_default() += 1;
    }
    counts.into_iter().map(|(batch, n)| choice(batch, &jobs_in_words(n))).collect()
}

fn notifications(cache: &Cache) -> Vec<Choice> {
    cache.notifications.iter().map(|(name, to)| choice(name, to)).collect()
}

/// What can stand at a place of the line.
enum Wants {
    FlagOf(&'static CommandInfo),
    OneOf(&'static [String]),
    Some(Operand),
}

impl Wants {
    fn one_of(values: &'static [String], operand: Operand) -> Self {
        if values.is_empty() { Self::Some(operand) } else { Self::OneOf(values) }
    }
}

/// What is wanted in the place of a word behind others: how many bytes of it stay, what of it was
/// typed, and the kind.
fn wanted<'a>(before: &[Word], word: &'a str) -> (usize, &'a str, Wants) {
    let Some((verb, words)) = before.split_first() else { return (0, word, Wants::Some(Operand::Verb)) };
    let Some(command) = find(&verb.text) else { return (0, word, Wants::Some(Operand::Text)) };
    match place(command, words) {
        Place::Value(flag) => of_flag(flag, 0, word),
        Place::Operand { takes_flags: true, .. } if word.starts_with('-') => match word.split_once('=') {
            Some((name, value)) => match command.flag(name) {
                Some(flag) => of_flag(flag, name.len() + 1, value),
                None => (0, word, Wants::Some(Operand::Text)),
            },
            None => (0, word, Wants::FlagOf(command)),
        },
        Place::Operand { number, .. } => match command.argument(number) {
            Some(argument) => (0, word, Wants::one_of(&argument.values, argument.operand)),
            None => (0, word, Wants::Some(Operand::Text)),
        },
    }
}

/// The value of a flag, of which only what stands behind the last comma is still to be completed.
fn of_flag<'a>(flag: &'static FlagInfo, from: usize, value: &'a str) -> (usize, &'a str, Wants) {
    let skip = value.rfind(',').map_or(0, |at| at + 1);
    (from + skip, &value[skip..], Wants::one_of(&flag.values, flag.operand))
}

/// What stands behind words of a command.
enum Place {
    Value(&'static FlagInfo),
    /// The operand of this number, or, where it takes some, a flag.
    Operand {
        number: usize,
        takes_flags: bool,
    },
}

fn place(command: &'static CommandInfo, words: &[Word]) -> Place {
    let (mut number, mut takes_flags, mut value) = (0, true, None);
    for word in words {
        if value.take().is_some() {
            continue;
        }
        if takes_flags && word.text == "--" {
            takes_flags = false;
        } else if takes_flags && word.text.starts_with('-') {
            value = command.flag(&word.text).filter(|flag| flag.value.is_some());
        } else {
            takes_flags &= !command.argument(number).is_some_and(|argument| argument.takes_rest);
            number += 1;
        }
    }
    value.map_or(Place::Operand { number, takes_flags }, Place::Value)
}

fn verbs() -> Vec<Choice> {
    let mut found: Vec<Choice> = commands().iter().map(|command| choice(&command.name, &command.summary)).collect();
    found.sort_by(|a, b| a.text.cmp(&b.text));
    found
}

fn choice(text: &str, words: &str) -> Choice {
    Choice { text: text.to_owned(), words: words.to_owned() }
}

fn flag(flag: &FlagInfo) -> Choice {
    let sign = if flag.value.is_some() { "=" } else { "" };
    Choice { text: format!("{}{sign}", flag.name), words: flag.summary.clone() }
}

/// Workers, those first that a verb has something to do with.
fn workers(cache: &Cache, groups_too: bool, verb: &str) -> Vec<Choice> {
    let mut found = Vec::new();
    if groups_too {
        found.push(choice("@all", &format!("{} workers", cache.workers.len())));
        found.extend(groups(cache, "@"));
    }
    let fits = |status: WorkerStatus| match (RowVerb::called(verb), verb) {
        (Some(verb), _) => verb.fits_worker(status),
        (None, "pdsh" | "copy") => status == WorkerStatus::Online,
        (None, "wake") => matches!(status, WorkerStatus::Asleep | WorkerStatus::Offline),
        (None, "remove-worker") => status == WorkerStatus::Offline,
        (None, _) => true,
    };
    let mut all: Vec<&Worker> = cache.workers.values().collect();
    // One that is away can do nothing now, whatever is done with it.
    let is_away = |worker: &Worker| verb == "resume" && !worker.row.status.is_reachable();
    all.sort_by_key(|worker| (!fits(worker.row.status), is_away(worker)));
    for worker in &all {
        let about = format!("{} {}", worker.hostname, worker.row.status);
        found.push(Choice { text: worker.row.ip.to_string(), words: about });
    }
    for worker in all.iter().filter(|w| !w.hostname.is_empty()) {
        found.push(choice(&worker.hostname, &format!("{} {}", worker.row.ip, worker.row.status)));
    }
    found
}

fn groups(cache: &Cache, sign: &str) -> Vec<Choice> {
    let mut counts = std::collections::BTreeMap::<&str, usize>::new();
    for group in cache.workers.values().flat_map(|w| &w.row.groups) {
        *counts.entry(group).or_default() += 1;
    }
    counts.into_iter().map(|(group, n)| choice(&format!("{sign}{group}"), &format!("group of {n}"))).collect()
}

fn tags(cache: &Cache) -> Vec<Choice> {
    let mut counts = std::collections::BTreeMap::<&str, (usize, usize)>::new();
    for (tag, held) in cache.workers.values().flat_map(|w| &w.row.tags) {
        let entry = counts.entry(tag).or_default();
        entry.0 += 1;
        entry.1 += usize::from(held.is_none());
    }
    counts.into_iter().map(|(tag, (all, free))| choice(tag, &format!("{free} of {all} free"))).collect()
}

/// Jobs that begin as typed, by their ids or their names, and that the verb can act on: by their states,
/// and the newest first.
fn jobs(cache: &Cache, typed: &str, verb: &str) -> Vec<Choice> {
    let of = |state| cache.jobs.values().rev().filter(move |j| j.row.state == state);
    let named = |job: &'_ Job| {
        let names = [Some(job.row.job_id.to_string()), job.row.name.clone().filter(|_| !typed.is_empty())];
        let words = format!("{}  {}", job.row.state, job.title);
        let fitting = names.into_iter().flatten().find(|name| name.starts_with(typed))?;
        Some(Choice { text: fitting, words })
    };
    let mut found: Vec<Choice> =
        states(verb).iter().flat_map(|state| of(*state)).filter_map(named).take(CHOICES_MAX).collect();
    // Several jobs of one name are one name.
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|choice| seen.insert(choice.text.clone()));
    found
}

/// All jobs of a state, a group or a batch, as far as the verb can act on any.
fn selections(cache: &Cache, verb: &str) -> Vec<Choice> {
    let mut counts = std::collections::BTreeMap::<String, usize>::new();
    let fitting = states(verb);
    for job in cache.jobs.values().map(|job| &job.row).filter(|job| fitting.contains(&job.state)) {
        let group = job.group.as_ref().filter(|_| !job.state.is_terminal());
        let batch = job.batch.as_ref().map(|batch| format!("@batch:{batch}"));
        for name in [Some(format!("@{}", job.state)), group.map(|group| format!("@{group}")), batch] {
            name.into_iter().for_each(|name| *counts.entry(name).or_default() += 1);
        }
    }
    counts.into_iter().map(|(name, n)| Choice { text: name, words: jobs_in_words(n) }).collect()
}

fn jobs_in_words(n: usize) -> String {
    if n == 1 { "1 job".to_owned() } else { format!("{n} jobs") }
}

/// The states of the jobs that a verb can act on, the likeliest first.
fn states(verb: &str) -> Vec<JobState> {
    use JobState::{Blocked, Cancelled, Failed, Held, Queued, Running, Succeeded};
    if let Some(verb) = RowVerb::called(verb) {
        let all = [Running, Failed, Queued, Held, Blocked, Cancelled, Succeeded];
        return all.into_iter().filter(|state| verb.fits_job(*state)).collect();
    }
    match verb {
        "wait" | "submit" | "batch" | "split" => vec![Running, Queued, Held, Blocked],
        "why" => vec![Queued, Blocked, Held, Running],
        "get-files" => vec![Succeeded, Failed, Cancelled],
        _ => vec![Running, Failed, Succeeded, Cancelled, Queued, Held, Blocked],
    }
}
