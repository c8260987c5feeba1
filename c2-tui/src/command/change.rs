//! `change`: what jobs that have not ended ask for becomes otherwise.

use c2_shared::hint;
use c2_shared::job::JobSpec;
use c2_shared::selection::{Common, Selection};
use c2_shared::time::parse_duration_s;
use clap::Args;
use serde_json::{Map, Value};

use crate::command::draft::Names;
use crate::command::job_flags::JobFlags;
use crate::command::job_name::JobNames;
use crate::command::many::Deed;
use crate::command::{CommandError, Context, Outcome, many};

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct Change {
    /// Ids, names, `last`, ranges like `3-9`, or states like `@queued`
    #[arg(value_name = "JOB", required = true, value_delimiter = ',')]
    pub(crate) jobs: Vec<JobNames>,
    /// Shell text in place of the old one
    #[arg(long, value_name = "TEXT")]
    command: Option<String>,
    /// Take back what these flags said, like `timeout,depends`
    #[arg(long, value_name = "FLAG", value_delimiter = ',')]
    clear: Vec<String>,
    /// At most so many jobs of a batch run at once, as in `change @batch:night --max-running=3`
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_running: Option<u32>,
    #[command(flatten)]
    flags: JobFlags,
}

/// The flags whose meaning can change, and their fields in a specification.
const FIELDS: &[(&str, &str)] = &[
    ("cpus", "cpus"),
    ("memory", "memory_bytes"),
    ("gpus", "gpus"),
    ("vram", "vram_bytes"),
    ("need", "needs"),
    ("group", "group"),
    ("tags", "tags"),
    ("name", "name"),
    ("timeout", "timeout_s"),
    ("depends", "depends"),
    ("same-machine", "same_machine"),
    ("priority", "priority"),
    ("retries", "retries"),
    ("retry-delay", "retry_delay_s"),
    ("begin", "begin_at"),
    ("expires", "expires_s"),
    ("env", "env"),
    ("download", "download"),
    ("worker", "workers"),
    ("exclude", "exclude"),
    ("on-lost", "on_lost"),
    ("umask", "umask"),
    ("cwd", "cwd"),
    ("shell", "shell"),
    ("with-files-of", "with_files_of"),
    ("share", "shares"),
    ("notify", "notify"),
    ("batch", "batch"),
];

impl Change {
    pub(crate) async fn run(self, context: &Context) -> Result<Outcome, CommandError> {
        let Self { jobs, command, mut clear, mut max_running, mut flags } = self;
        if let Some(at) = clear.iter().position(|flag| flag.trim_start_matches('-') == "max-running") {
            clear.remove(at);
            max_running = Some(0);
        }
        if max_running.is_some() && !jobs.iter().all(is_batch) {
            let hint = "name it alone, as in: change @batch:NAME --max-running=3";
            return Err(CommandError::usage("--max-running is of a batch as a whole", hint));
        }
        let more_time_s = more_time(&mut flags)?;
        let mut set = Map::new();
        for flag in &clear {
            set.insert(field(flag, &[])?.to_owned(), Value::Null);
        }
        for flag in flags.given() {
            let hint =
                if flag == "hold" { "use `hold JOB` and `release JOB`" } else { "cancel the job, and submit it again" };
            let fixed = || CommandError::refused(format!("--{flag} does not change"), hint);
            place(&mut set, flag, fields(&[]).find(|(name, _)| *name == flag).ok_or_else(fixed)?.1)?;
        }
        let base = JobSpec { command: command.clone().unwrap_or_default(), ..JobSpec::default() };
        fill(&mut set, &flags.planned(base, context, &mut Names::default()).await?);
        set.extend(command.map(|command| ("command".to_owned(), Value::from(command))));
        if set.is_empty() && more_time_s.is_none() && max_running.is_none() {
            return Err(CommandError::usage("nothing is to change", "say what, as in: change last --priority=10"));
        }
        many::run(context, &jobs, &Deed::Change { set, more_time_s, max_running }).await
    }
}

fn is_batch(names: &JobNames) -> bool {
    matches!(names, JobNames::All(all) if matches!(all.common, Common::Batch(_)) && *all == Selection::all(all.common.clone()))
}

/// Takes out what is to be added to a time limit, as in `--timeout=+30m`.
fn more_time(flags: &mut JobFlags) -> Result<Option<u64>, CommandError> {
    let Some(more) = flags.timeout.as_deref().and_then(|text| text.strip_prefix('+')) else { return Ok(None) };
    let wrong = |error| CommandError::usage(format!("--timeout: {error}"), "write how much more, like +30m");
    let more_s = parse_duration_s(more).map_err(wrong)?;
    flags.timeout = None;
    Ok(Some(more_s))
}

type Field = (&'static str, &'static str);

/// The flags that can change, with others that can where this is of use.
fn fields(also: &'static [Field]) -> impl Iterator<Item = &'static Field> {
    FIELDS.iter().chain(also)
}

/// Says that a field is to be otherwise, and not yet how.
pub(crate) fn place(set: &mut Map<String, Value>, flag: &str, field: &str) -> Result<(), CommandError> {
    match set.insert(field.to_owned(), Value::Null) {
        None => Ok(()),
        Some(_) => Err(CommandError::usage(format!("--{flag} is given and cleared"), "leave out one of the two")),
    }
}

/// Takes the values of fields that are to be otherwise from a job that has them.
pub(crate) fn fill(set: &mut Map<String, Value>, spec: &JobSpec) {
    let Ok(Value::Object(said)) = serde_json::to_value(spec) else { unreachable!("a job is an object") };
    for (field, value) in said {
        if let Some(place) = set.get_mut(&field) {
            *place = value;
        }
    }
}

/// The field of a flag that is to be cleared.
pub(crate) fn field(flag: &str, also: &'static [Field]) -> Result<&'static str, CommandError> {
    let flag = flag.trim_start_matches('-');
    let found = fields(also).find(|(name, _)| *name == flag).map(|(_, field)| *field);
    found.ok_or_else(|| {
        let hint = hint::for_unknown(flag, fields(also).map(|(name, _)| *name), "");
        CommandError::usage(format!("--clear: {flag:?} is not a flag that can be cleared"), hint)
    })
}
