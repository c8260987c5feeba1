//! `batch`: the jobs of a file, all or none.
//!
//! A file is a JSON array, or lines, each of them a command or a job as a JSON object, in any
//! mixture. Every mistake in it is told with its line before anything is sent.

use c2_shared::api::batches::{BatchRequest, BatchResponse};
use c2_shared::api::error::ErrorBody;
use c2_shared::id::JobId;
use c2_shared::job::JobSpec;
use c2_shared::limits::QUEUE_LEN_MAX;
use clap::Args;
use serde_json::Value;

use crate::command::draft::{Draft, Planned};
use crate::command::job_flags::JobFlags;
use crate::command::plan::{Plan, foretell, plan, say_beginnings, tell};
use crate::command::upload::Sender;
use crate::command::{CommandError, Context, Data, Kind, Outcome, await_job, json_job, progress, text, whole};

/// Mistakes that are told; after so many, the file is another one than was meant.
pub(super) const TOLD_MAX: usize = 20;

/// In place of a line: what is so of no single job.
pub(super) const ALL: &str = "all together";

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct Batch {
    /// A file of jobs, `-` for standard input: commands, one a line, or jobs as JSON
    #[arg(value_name = "FILE")]
    pub(crate) file: String,
    /// What holds for each job that does not say otherwise.
    #[command(flatten)]
    pub(crate) flags: JobFlags,
    /// How the jobs are sent.
    #[command(flatten)]
    pub(crate) sending: Sending,
}

/// How several jobs are sent.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct Sending {
    /// Check the jobs as a submit does, show them and submit nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Wait until all have ended; the exit status is that of the first that did not succeed
    #[arg(long)]
    pub(crate) wait: bool,
    /// The same key within a day gives the same jobs, so that a script may be run again
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
    /// At most so many jobs of the batch that --batch names run at once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_running: Option<u32>,
}

/// A job that was read, and where, as `line 3` or `job 3`.
pub(crate) type Placed<T> = (String, T);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    /// Where, as `line 3` or `job 3`.
    pub(crate) place: String,
    /// What is wrong and what to do about it.
    pub(crate) words: String,
}

impl Batch {
    pub(crate) async fn run(self, context: &Context) -> Result<Outcome, CommandError> {
        let text = text::read(&self.file, context.interactive).await?;
        let read = jobs(&text, &self.flags);
        self.sending.run(context, read, &self.file).await
    }
}

impl Sending {
    /// Sends jobs, unless anything is wrong with any of them.
    pub(crate) async fn run(
        self,
        context: &Context,
        read: Vec<Placed<Result<Draft, String>>>,
        file: &str,
    ) -> Result<Outcome, CommandError> {
        if read.is_empty() {
            let message = format!("there is no job in {}", text::named(file));
            return Err(CommandError::refused(message, "write a command on each line; blank lines and # are none"));
        }
        if read.len() > QUEUE_LEN_MAX {
            let (jobs, file) = (read.len(), text::named(file));
            let message = format!("{jobs} jobs are in {file}, and {QUEUE_LEN_MAX} fit into the queue");
            return Err(CommandError::refused(message, "split the file"));
        }
        let mut plan = plan(context, read).await?;
        let key = plan.key(self.idempotency_key);
        let is_demanding = plan.planned.iter().any(Planned::is_demanding);
        let foretold = self.dry_run || is_demanding || !plan.mistakes.is_empty();
        if foretold {
            foretell(context, &mut plan, file).await?;
        }
        check_limit(self.max_running, &plan.planned)?;
        let Plan { places, planned, .. } = plan;
        if self.dry_run {
            return Ok(Data::Previewed(planned.into_iter().map(|job| job.spec).collect()).into());
        }
        say_beginnings(context, &planned);
        let (mut sender, mut jobs) = (Sender::new(context), Vec::with_capacity(planned.len()));
        for job in planned {
            jobs.push(job.send(&mut sender).await?);
        }
        let (batch, leave_files) = (common_batch(&jobs), jobs.iter().any(|job| !job.download.is_empty()));
        let request = BatchRequest { jobs, idempotency_key: key, max_running: self.max_running };
        let BatchResponse { job_ids: ids, notes } = context.client.submit_batch(&request).await?;
        if !foretold {
            tell(context, &places, &notes);
        }
        if !self.wait {
            return Ok(Data::SubmittedAll(ids, notes).into());
        }
        submitted(&ids).lines().for_each(|line| context.progress(line));
        let rows = progress::all(context, &ids, batch.as_deref(), leave_files).await?;
        let exit = await_job::exit_status(&rows);
        Ok(Outcome { data: Data::Waited(rows), exit })
    }
}

/// Refuses to count the jobs of a batch where there is none.
pub(crate) fn check_limit(max_running: Option<u32>, planned: &[Planned]) -> Result<(), CommandError> {
    if max_running.is_some() && planned.iter().any(|job| job.spec.batch.is_none()) {
        let message = "--max-running counts the jobs of a batch, and these belong to none";
        return Err(CommandError::usage(message, "give it a name: --batch=NAME"));
    }
    Ok(())
}

/// The batch to which all of them belong.
fn common_batch(jobs: &[JobSpec]) -> Option<String> {
    let first = jobs.first()?.batch.as_ref()?;
    jobs.iter().all(|job| job.batch.as_ref() == Some(first)).then(|| first.clone())
}

/// A refusal of c2d, as if a submit had met it.
pub(crate) fn of_c2d(body: &ErrorBody) -> CommandError {
    let error = CommandError { code: Some(body.code), ..CommandError::new(Kind::Refused, body.message.clone()) };
    CommandError { hint: body.hint.clone(), ..error }
}

pub(super) fn with_hint(message: String, hint: Option<String>) -> String {
    match hint {
        Some(hint) => format!("{message} ({hint})"),
        None => message,
    }
}

/// `Submitted 3 jobs`, and which.
pub(crate) fn submitted(ids: &[JobId]) -> String {
    match ids {
        [] => "Submitted 0 jobs".to_owned(),
        [one] => format!("Submitted 1 job\n{one}"),
        [first, .., last] => format!("Submitted {} jobs\n{first} to {last}", ids.len()),
    }
}

/// The jobs of a batch file; what a job does not say is as in `flags`.
pub(crate) fn jobs(text: &str, flags: &JobFlags) -> Vec<Placed<Result<Draft, String>>> {
    match array(text) {
        Some(Ok(items)) => {
            let place = |i: usize| format!("job {}", i + 1);
            items.into_iter().enumerate().map(|(i, item)| (place(i), of_value(item, flags))).collect()
        }
        Some(Err(error)) => vec![at(1, &error)],
        None => Lines { rest: text, number: 0, flags }.collect(),
    }
}

/// The whole text as a JSON array, if that is what it is meant to be. A line of shell may begin with
/// the command `[`, but what is behind that is no brace, no quote and no end.
fn array(text: &str) -> Option<Result<Vec<Value>, serde_json::Error>> {
    let inside = text.trim_start().strip_prefix('[')?;
    let parsed = serde_json::from_str::<Vec<json_job::Once>>(text);
    let parsed = parsed.map(|items| items.into_iter().map(|json_job::Once(value)| value).collect::<Vec<_>>());
    let sure = inside.starts_with('"') || inside.trim_start().starts_with('{') || inside.trim_start().starts_with(']');
    let opened = inside.trim_start_matches([' ', '\t']).starts_with('\n');
    (sure || opened || parsed.is_ok()).then_some(parsed)
}

/// Whether a line submits something already, with the command in quotes.
fn is_of_the_console(line: &str) -> bool {
    line.strip_prefix("submit ").is_some_and(|rest| rest.trim_start().starts_with(['"', '\'']))
}

/// Whether a line of shell cannot be meant: a brace of the shell is followed by a command.
fn is_object(line: &str) -> bool {
    line.strip_prefix('{').is_some_and(|rest| {
        rest.starts_with('\'') || rest.trim_start().starts_with(['"', '}']) || rest.trim().is_empty()
    })
}

/// The jobs of a text in lines.
struct Lines<'a> {
    rest: &'a str,
    /// The line that was read last.
    number: usize,
    flags: &'a JobFlags,
}

impl<'a> Lines<'a> {
    fn line(&mut self) -> Option<&'a str> {
        if self.rest.is_empty() {
            return None;
        }
        let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
        self.rest = rest;
        self.number += 1;
        Some(line)
    }

    /// A JSON object, which may go on over several lines.
    fn object(&mut self, text: &'a str) -> Placed<Result<Draft, String>> {
        let first = self.number;
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<json_job::Once>();
        let value = match values.next() {
            Some(Ok(json_job::Once(value))) => value,
            Some(Err(error)) => return at(first, &error),
            None => Value::Null,
        };
        let read = &text[..values.byte_offset()];
        let behind = text[read.len()..].split('\n').next().unwrap_or_default();
        for _ in read.matches('\n') {
            self.line();
        }
        if behind.trim().is_empty() {
            return (format!("line {first}"), of_value(value, self.flags));
        }
        let column =
            read.rsplit('\n').next().unwrap_or_default().chars().count() + behind.len() - behind.trim_start().len() + 1;
        let words = format!("{:?} stands behind the JSON; a line holds one job", behind.trim());
        (format!("line {}, column {column}", self.number), Err(words))
    }

    /// A command, with the lines that a backslash joins to it.
    fn shell(&mut self, first: &'a str) -> Placed<Result<Draft, String>> {
        let (place, mut command) = (format!("line {}", self.number), first.trim_start().to_owned());
        while whole::unfinished(&command) == Some(whole::Unfinished::Joined) {
            let Some(line) = self.line() else { break };
            command.push('\n');
            command.push_str(line);
        }
        let command = command.trim_end();
        let draft = match whole::unfinished(command) {
            Some(unfinished) => Err(format!(
                "{} (a line is a job: put what has several lines into a script, or write it as JSON with \\n)",
                unfinished.words()
            )),
            None if command.starts_with("[\"") || command.starts_with("[{") => {
                Err("a JSON array has to be the whole file (write one object a line)".to_owned())
            }
            None if command.starts_with("!>") => {
                Err("a line is a command of the shell, and `!>` is the prompt of the console (leave it out, with \
                     `submit`, its quotes and its flags; or run the file with: c2-tui --file FILE)"
                    .to_owned())
            }
            None if is_of_the_console(command) => {
                Err("this is a line of the console, and a line here is a command of the shell (run the file with: \
                     c2-tui --file FILE)"
                    .to_owned())
            }
            None => Ok(draft(command.to_owned(), self.flags)),
        };
        (place, draft)
    }
}

impl Iterator for Lines<'_> {
    type Item = Placed<Result<Draft, String>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let before = self.rest;
            let line = self.line()?;
            let said = line.trim_start();
            if said.is_empty() || said.starts_with('#') {
                continue;
            }
            if is_object(said) {
                return Some(self.object(&before[line.len() - said.len()..]));
            }
            return Some(self.shell(line));
        }
    }
}

/// What is wrong with JSON that begins in this line.
fn at<T>(first: usize, error: &serde_json::Error) -> Placed<Result<T, String>> {
    let words = Err(json_job::words(error));
    if error.is_eof() {
        // What is not closed is looked for where it was opened.
        return (format!("line {first}"), words);
    }
    (format!("line {}, column {}", first + error.line().saturating_sub(1), error.column()), words)
}

fn of_value(value: Value, flags: &JobFlags) -> Result<Draft, String> {
    match value {
        Value::String(command) => Ok(draft(command, flags)),
        Value::Object(object) => json_job::read(object, flags),
        _ => Err("this is neither a command in quotes nor a JSON object".to_owned()),
    }
}

fn draft(command: String, flags: &JobFlags) -> Draft {
    Draft { flags: flags.clone(), base: of_command(command), script: None }
}

pub(crate) fn of_command(command: String) -> JobSpec {
    JobSpec { command, ..JobSpec::default() }
}

pub(crate) fn refused(file: &str, mistakes: &[Mistake]) -> CommandError {
    let count = if mistakes.len() == 1 { "a mistake".to_owned() } else { format!("{} mistakes", mistakes.len()) };
    let told = mistakes.iter().take(TOLD_MAX).map(|mistake| format!("{}: {}", mistake.place, mistake.words));
    let more = mistakes.len().saturating_sub(TOLD_MAX);
    let more = (more > 0).then(|| format!("and {more} more"));
    let message = format!("{count} in {}; nothing was submitted", text::named(file));
    let mut error = CommandError::refused(message, "correct them and try again");
    error.details = told.chain(more).collect();
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags() -> JobFlags {
        JobFlags { group: Some("default".to_owned()), ..JobFlags::default() }
    }

    /// Each job with its place: its command, or what is wrong.
    fn seen(text: &str) -> Vec<(String, Result<String, String>)> {
        let command = |draft: Draft| draft.flags.spec(draft.base).map(|spec| spec.command);
        let read = jobs(text, &flags()).into_iter();
        read.map(|(place, draft)| (place, draft.map(|draft| command(draft).unwrap()))).collect()
    }

    fn check(text: &str, expected: &[(&str, &str)]) {
        let seen = seen(text);
        let seen: Vec<(&str, &str)> = seen
            .iter()
            .map(|(place, draft)| (place.as_str(), draft.as_deref().unwrap_or_else(|words| words)))
            .collect();
        assert_eq!(seen, expected, "{text:?}");
    }

    #[test]
    fn lines_of_both_kinds() {
        let text = "# the README's example\n\
            {\"command\": \"process 1.dat\", \"group\": \"workers\", \"tags\": [\"disk\"]}\n\
            \n  process 3.dat  # kept\n";
        check(text, &[("line 2", "process 1.dat"), ("line 4", "process 3.dat  # kept")]);
        let groups: Vec<_> =
            jobs(text, &flags()).into_iter().map(|(_, draft)| draft.unwrap().flags.group.unwrap()).collect();
        assert_eq!(groups, ["workers", "default"]);
    }

    #[test]
    fn an_array_of_both_kinds() {
        check(
            r#"[ "make", {"command": "make test", "depends": ["build"]} ]"#,
            &[("job 1", "make"), ("job 2", "make test")],
        );
        check("[\n  {\"command\": \"a\"}\n]\n", &[("job 1", "a")]);
        check("[]", &[]);
        check("[3]", &[("job 1", "this is neither a command in quotes nor a JSON object")]);
        check("[\"a\",\n\"b\"", &[("line 1", "the JSON is not complete: a bracket, a brace or a quote is not closed")]);
        check("[\n\"a\"\n\"b\"]", &[("line 3, column 1", "a comma is missing, or the closing bracket")]);
    }

    #[test]
    fn shell_that_begins_like_json_is_shell() {
        for line in [
            "[ -d /opt/x ] && echo install",
            "[ \"$x\" = 1 ] && echo y",
            "[[ -f a ]] && echo y",
            "{ date; echo x; } > log",
            "{a,b}.sh",
            "{ echo \"x\"; }",
            "{ 'echo' x; }",
        ] {
            check(line, &[("line 1", line)]);
            check(&format!("make\n{line}\n"), &[("line 1", "make"), ("line 2", line)]);
        }
    }

    #[test]
    fn a_line_of_the_console_is_none_of_a_shell() {
        let mistake = |text: &str| seen(text).into_iter().find_map(|(place, read)| Some((place, read.err()?)));
        let (at, said) = mistake("make\nsubmit \"echo a\" --name=x\n").unwrap();
        assert!(at == "line 2" && said.contains("c2-tui --file FILE"), "{at}: {said}");
        assert_eq!(mistake("# all\nsubmit-report a\nsubmit a\n"), None);
    }

    #[test]
    fn every_mistake_has_its_line_once() {
        check(
            "true\n{\"comand\": \"x\"}\n{\"command\": [3]}\n{\"command\": \"x\"} // c\n{\"command\" \"x\"}\n{\"a\": \n",
            &[
                ("line 1", "true"),
                ("line 2", "unknown field \"comand\" (did you mean \"command\"?)"),
                ("line 3", "\"command\" does not take [3] (write it like \"command\": \"make\")"),
                ("line 4, column 18", "\"// c\" stands behind the JSON; a line holds one job"),
                ("line 5, column 12", "a colon is missing behind the name of a field"),
                ("line 6", "the JSON is not complete: a bracket, a brace or a quote is not closed"),
            ],
        );
        check(
            "{'command': 'x'}\n",
            &[("line 1, column 2", "names of fields stand in double quotes, like \"command\"")],
        );
        let mistakes = [Mistake { place: "line 2".to_owned(), words: "w".to_owned() }];
        let told = refused("jobs.txt", &mistakes);
        assert_eq!(told.message, "a mistake in \"jobs.txt\"; nothing was submitted");
        assert_eq!(told.details, ["line 2: w"]);
    }

    #[test]
    fn commands_of_several_lines_are_joined_or_refused() {
        check("{\"command\":\n  \"a\",\n \"hold\": true}\nb\n", &[("line 1", "a"), ("line 4", "b")]);
        check("python a.py \\\n  --lr 0.1\nb\n", &[("line 1", "python a.py \\\n  --lr 0.1"), ("line 3", "b")]);
        check("echo a # b \\\nc", &[("line 1", "echo a # b \\"), ("line 2", "c")]);
        let hint = "(a line is a job: put what has several lines into a script, or write it as JSON with \\n)";
        for (text, words) in [
            ("cat <<EOF\nx\nEOF\n", "a here-document begins, and its text would be in the next lines"),
            ("echo \"a\nb\"\n", "the quote \" at column 6 is not closed"),
            ("echo don't\n", "the quote ' at column 9 is not closed"),
            ("for i in 1 2; do\n  echo $i\ndone\n", "the line ends with \"do\", so the command continues in the next"),
            ("make &&\nmake test\n", "the line ends with \"&&\", so the command continues in the next"),
            ("a \\", "the line ends after a backslash"),
        ] {
            let seen = seen(text);
            assert_eq!(seen[0], ("line 1".to_owned(), Err(format!("{words} {hint}"))), "{text}");
        }
    }
}
