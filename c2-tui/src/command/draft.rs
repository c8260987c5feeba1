//! From what was said of a job to what c2d is sent: names are looked up, files are looked at, rules
//! are checked, and nothing is sent before all of it is found to be fine.

use std::collections::{BTreeMap, BTreeSet};

use c2_shared::api::batches::{BatchRequest, CheckResponse};
use c2_shared::bytes64::Bytes64;
use c2_shared::client::ClientError;
use c2_shared::id::JobId;
use c2_shared::job::{Condition, Dependency, DependsOn, JobSpec};
use c2_shared::limits::LIST_LEN_MAX;
use c2_shared::selection::{NoSelection, Selection};
use c2_shared::validate;

use crate::command::job_flags::JobFlags;
use crate::command::job_name::{JobName, JobNameError, JobNames};
use crate::command::upload::{self, Content, Sender, Source};
use crate::command::{CommandError, Context, resolve, script};
use crate::{clock, render};

/// A job as it was said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Draft {
    pub(crate) flags: JobFlags,
    /// What no flag can say: the command, and contents that a JSON object holds.
    pub(crate) base: JobSpec,
    /// A script file of this machine, in place of the command.
    pub(crate) script: Option<String>,
}

/// A job that can be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Planned {
    /// Its specification, with files that have no content yet.
    pub(crate) spec: JobSpec,
    stdin: Option<Source>,
    uploads: Vec<Source>,
}

/// The jobs that names mean: those that are submitted together first, then those that c2d has.
#[derive(Debug, Default)]
pub(crate) struct Names {
    together: BTreeSet<String>,
    found: BTreeMap<String, JobId>,
}

impl Names {
    pub(crate) fn of(drafts: &[Draft]) -> Self {
        Self { together: drafts.iter().filter_map(|draft| draft.flags.name.clone()).collect(), ..Self::default() }
    }

    async fn find(&mut self, context: &Context, text: &str) -> Result<Dependency, CommandError> {
        let Ok(Dependency { condition, on }) = text.parse();
        if let DependsOn::Name(name) = &on
            && self.together.contains(name)
        {
            return Ok(Dependency { condition, on });
        }
        let name = Dependency { condition: Condition::Ok, on }.to_string();
        let job = match self.found.get(&name) {
            Some(job) => *job,
            None if let Some(ours) = condition_elsewhere(&name) => {
                let message = format!("--depends: {name:?} is a condition of another program");
                return Err(CommandError::usage(message, format!("write it as: --depends={ours}")));
            }
            None => {
                let parsed: JobName =
                    name.parse().map_err(|e| CommandError::usage(format!("--depends: {e}"), "name a job"))?;
                resolve::job(context, &parsed).await?
            }
        };
        self.found.insert(name, job);
        Ok(Dependency { condition, on: DependsOn::Job(job) })
    }
}

/// What `afterok:12` of Slurm and PBS is here.
pub(crate) fn condition_elsewhere(text: &str) -> Option<String> {
    let (word, jobs) = text.split_once(':')?;
    let condition = match word {
        "afterok" | "aftercorr" => "",
        "afterany" | "after" | "done" | "ended" => "any:",
        "afternotok" | "exit" => "notok:",
        _ => return None,
    };
    Some(jobs.split(':').map(|job| format!("{condition}{job}")).collect::<Vec<_>>().join(","))
}

impl Draft {
    pub(crate) async fn plan(self, context: &Context, names: &mut Names) -> Result<Planned, CommandError> {
        let Self { mut flags, mut base, script } = self;
        if let Some(file) = script {
            script::attach(&file, &mut flags, &mut base).await?;
        }
        let mut spec = flags.planned(base, context, names).await?;
        let (mut stdin, mut uploads) = (None, Vec::new());
        if flags.stdin_file.is_some() || !flags.upload.is_empty() {
            let look = move || {
                let stdin = flags.stdin_file.as_deref().map(Source::stdin).transpose()?;
                Ok::<_, CommandError>((stdin, upload::look(&flags.upload)?))
            };
            // A file may lie on a disk that sleeps; the other tasks go on meanwhile.
            let looked = tokio::task::spawn_blocking(look).await;
            (stdin, uploads) = looked.expect("looking at files does not panic")?;
        }
        if stdin.is_some() {
            spec.stdin = Some(Bytes64::default());
        }
        spec.upload.extend(uploads.iter().map(Source::announced));
        validate::new_spec(&spec)?;
        Ok(Planned { spec, stdin, uploads })
    }
}

impl JobFlags {
    /// The job with its dependencies found, and still without its local files.
    pub(crate) async fn planned(
        &self,
        base: JobSpec,
        context: &Context,
        names: &mut Names,
    ) -> Result<JobSpec, CommandError> {
        let mut spec = self.spec(base)?;
        for text in &self.depends {
            spec.depends.extend(all_of(text, "--depends", context, names).await?);
        }
        for text in &self.with_files_of {
            for on in all_of(text, "--with-files-of", context, names).await? {
                spec.with_files_of.push(on.on.to_string());
                if spec.depends.iter().all(|dependency| dependency.on != on.on) {
                    spec.depends.push(on);
                }
            }
        }
        Ok(spec)
    }
}

/// The dependencies that a text names, by a job, a range, or what jobs have in common.
async fn all_of(text: &str, flag: &str, context: &Context, names: &mut Names) -> Result<Vec<Dependency>, CommandError> {
    if let Some((condition, selection)) = selection(text, flag) {
        let on = |job| Dependency { condition, on: DependsOn::Job(job) };
        return Ok(of_all(context, &selection?, flag).await?.into_iter().map(on).collect());
    }
    let mut found = Vec::new();
    for text in each(text, flag)? {
        found.push(names.find(context, &text).await?);
    }
    Ok(found)
}

/// All jobs of a kind, with the condition in front of it.
fn selection(text: &str, flag: &str) -> Option<(Condition, Result<Selection, CommandError>)> {
    let Ok(Dependency { condition, on }) = text.parse();
    let DependsOn::Name(jobs) = on else { return None };
    let wrong = |error: NoSelection| CommandError::usage(format!("{flag}: {error}"), "name a job");
    jobs.starts_with('@').then(|| (condition, jobs.parse().map_err(wrong)))
}

async fn of_all(context: &Context, selection: &Selection, flag: &str) -> Result<Vec<JobId>, CommandError> {
    let jobs = resolve::all(context, selection, None).await?;
    match jobs.len() {
        0 => Err(resolve::no_job(&selection.common)),
        1..=LIST_LEN_MAX => Ok(jobs),
        many => Err(too_many(flag, &format!("{many} jobs are {selection}"))),
    }
}

fn too_many(flag: &str, found: &str) -> CommandError {
    let message = format!("{flag}: {found}, and a job may wait for {LIST_LEN_MAX}");
    CommandError::refused(message, "have one job wait for some of them, and another for that one")
}

/// The names of the jobs of a range one by one, under the same condition; any other text is one name.
fn each(text: &str, flag: &str) -> Result<Vec<String>, CommandError> {
    let (condition, range) =
        text.rsplit_once(':').map_or(("", text), |(condition, _)| text.split_at(condition.len() + 1));
    match range.parse() {
        Ok(JobNames::Range(JobId(first), JobId(last))) if last - first < LIST_LEN_MAX as u64 => {
            Ok((first..=last).map(|id| format!("{condition}{}", JobId(id))).collect())
        }
        Ok(JobNames::Range(first, last)) => Err(too_many(flag, &format!("{} jobs are {range}", last.0 - first.0 + 1))),
        Err(wrong @ (JobNameError::Backwards(_) | JobNameError::TooLong(_))) => {
            Err(CommandError::usage(format!("{flag}: {wrong}"), "write a range like 3-9"))
        }
        _ => Ok(vec![text.to_owned()]),
    }
}

impl Planned {
    /// What stands for a job that is wrong, so that others may depend on its name.
    pub(crate) fn nothing(name: Option<String>) -> Self {
        let spec = JobSpec { command: ":".to_owned(), name, ..JobSpec::default() };
        let spec = if validate::new_spec(&spec).is_ok() { spec } else { JobSpec { name: None, ..spec } };
        Self { spec, stdin: None, uploads: Vec::new() }
    }

    /// Sends the files that the job needs; answers its specification with them.
    pub(crate) async fn send(self, sender: &mut Sender<'_>) -> Result<JobSpec, CommandError> {
        let Self { mut spec, stdin, uploads } = self;
        if let Some(source) = stdin {
            (spec.stdin, spec.stdin_sha256) = match sender.send(source).await? {
                Content::Inline(bytes) => (Some(Bytes64(bytes)), None),
                Content::Blob(blob) => (None, Some(blob)),
            };
        }
        let first = spec.upload.len() - uploads.len();
        for (upload, source) in spec.upload[first..].iter_mut().zip(uploads) {
            upload.content = None;
            match sender.send(source).await? {
                Content::Inline(bytes) => upload.content = Some(Bytes64(bytes)),
                Content::Blob(blob) => upload.sha256 = Some(blob),
            }
        }
        Ok(spec)
    }

    /// What is to be said of when it begins, if it asked for a time.
    pub(crate) fn beginning(&self) -> Option<String> {
        let now = clock::wall_ms();
        self.spec.begin_at.map(|at| render::begins(at, now))
    }

    /// Whether it has files that are to be sent first.
    pub(crate) fn has_files(&self) -> bool {
        self.stdin.is_some() || !self.uploads.is_empty()
    }

    /// Whether c2d knows more about its future than its sender.
    pub(crate) fn is_demanding(&self) -> bool {
        let spec = &self.spec;
        spec.group.is_some()
            || !(spec.tags.is_empty() && spec.depends.is_empty() && spec.exclude.is_empty() && spec.workers.is_empty())
    }
}

/// Asks c2d what it would say to these jobs; an older one does not know the question.
pub(crate) async fn check(context: &Context, mut jobs: Vec<JobSpec>) -> Result<CheckResponse, CommandError> {
    // A key belongs to the request that brings a job, and nothing is brought here.
    jobs.iter_mut().for_each(|job| job.idempotency_key = None);
    let request = BatchRequest { jobs, idempotency_key: None, ..BatchRequest::default() };
    match context.client.check(&request).await {
        Err(ClientError::Refused { status: 404 | 405, .. }) => Ok(CheckResponse::default()),
        answer => Ok(answer?),
    }
}
