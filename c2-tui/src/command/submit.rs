//! `submit`: one job, from its flags to c2d's answer, and with `--wait` to its end.

use std::collections::BTreeMap;

use c2_shared::api::error::ErrorCode;
use c2_shared::api::jobs::JobInfo;
use c2_shared::api::output::Output;
use c2_shared::api::output::{OutputQuery, Streams};
use c2_shared::bytes64::Bytes64;
use c2_shared::job::{Condition, Dependency, DependsOn, JobSpec, OnLost, Outcome as JobOutcome};
use c2_shared::time::parse_duration_s;
use c2_shared::validate;
use clap::Args;

use crate::command::await_job::Waiting;
use crate::command::files::Budget;
use crate::command::job_name::JobName;
use crate::command::upload::{self, Source};
use crate::command::{CommandError, Context, Data, Outcome, follow, moment, resolve};

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct Submit {
    /// Shell text, run by /bin/sh in the job's own folder; put it in quotes
    #[arg(value_name = "COMMAND")]
    pub(crate) command: String,
    /// What else there is to say about the job.
    #[command(flatten)]
    pub(crate) flags: SpecFlags,
    /// Wait for its end, show what it wrote, and take over its exit status
    #[arg(long)]
    pub(crate) wait: bool,
    /// The same key within a day gives the same job, so that a script may be run again
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
}

/// Everything that can be said of a job beside its command.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct SpecFlags {
    /// Only on workers of this group
    #[arg(long, value_name = "GROUP")]
    pub(crate) group: Option<String>,
    /// Locks to hold on the worker while it runs, like `gpu:0,disk`
    #[arg(long, value_name = "TAG", value_delimiter = ',')]
    pub(crate) tags: Vec<String>,
    /// A name for people
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// End it after this run time, like `90`, `5m` or `2h30m`
    #[arg(long, value_name = "DUR", value_parser = parse_duration_s)]
    pub(crate) timeout: Option<u64>,
    /// Start after these jobs succeeded; `any:JOB` after any end, `notok:JOB` after a failure
    #[arg(long, value_name = "JOB", value_delimiter = ',')]
    pub(crate) depends: Vec<String>,
    /// Run on the worker that ran the dependencies
    #[arg(long)]
    pub(crate) same_machine: bool,
    /// Higher runs first
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true, hide_default_value = true)]
    pub(crate) priority: i32,
    /// How often to try again after a failure
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub(crate) retries: u32,
    /// Wait for an operator's release before it starts
    #[arg(long)]
    pub(crate) hold: bool,
    /// Not before this time, like `18:00`, `+2h30m` or `2030-01-31T08:00`
    #[arg(long, alias = "begin-at", value_name = "TIME", value_parser = moment::parse_ms)]
    pub(crate) begin: Option<u64>,
    /// An environment variable of the job
    #[arg(long, value_name = "KEY=VALUE", value_parser = parse_variable)]
    pub(crate) env: Vec<(String, String)>,
    /// A file for its standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) stdin_file: Option<String>,
    /// A file to place in the job's folder, as FILE or FILE:PATH-THERE; several with commas
    #[arg(long, value_name = "FILE")]
    pub(crate) upload: Vec<String>,
    /// Files to fetch from the job's folder after its end, like `out/*.png`
    #[arg(long, value_name = "GLOB")]
    pub(crate) download: Vec<String>,
    /// A worker that must not run it
    #[arg(long, value_name = "WORKER", value_delimiter = ',')]
    pub(crate) exclude: Vec<String>,
    /// What happens when its worker is lost while it runs
    #[arg(long, value_name = "WHAT", default_value = "requeue", hide_default_value = true, value_parser = on_lost())]
    pub(crate) on_lost: OnLost,
}

fn on_lost() -> impl clap::builder::TypedValueParser<Value = OnLost> {
    use clap::builder::TypedValueParser as _;
    clap::builder::PossibleValuesParser::new(["requeue", "fail", "wait"]).map(|word| match word.as_str() {
        "fail" => OnLost::Fail,
        "wait" => OnLost::Wait,
        _ => OnLost::Requeue,
    })
}

fn parse_variable(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write it as KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

impl Submit {
    pub(crate) async fn run(self, context: &Context) -> Result<Outcome, CommandError> {
        let base = JobSpec { command: self.command, idempotency_key: self.idempotency_key, ..JobSpec::default() };
        let spec = self.flags.spec(context, base).await?;
        let job = context.client.submit(&spec).await?.job_id;
        if !self.wait {
            return Ok(Data::Submitted(job).into());
        }
        context.progress(&format!("Submitted job {job}"));
        let ended = Waiting::new(context, 1).end_of(job, true).await?;
        let exit = ended.row.outcome.as_ref().map_or(0, JobOutcome::exit_status);
        let mut output = Output::default();
        if context.direct {
            follow::one(context, job, None, String::new()).await?;
        } else if context.interactive {
            output = short(context, &ended).await?;
        }
        Ok(Outcome { data: Data::Ended { job: Box::new(ended), output }, exit })
    }
}

/// What a job wrote, for one look: of a very long output what comes with the job.
async fn short(context: &Context, ended: &JobInfo) -> Result<Output, CommandError> {
    let query = OutputQuery { stream: Streams::Both, attempt: None };
    match context.client.output(ended.row.job_id, query).await {
        Err(error) if error.code() == Some(ErrorCode::TooLarge) => {
            Ok(Output::whole(format!("{}{}", ended.stdout, ended.stderr)))
        }
        output => Ok(output?),
    }
}

impl SpecFlags {
    /// A job with what the flags say of it.
    pub(crate) async fn spec(self, context: &Context, base: JobSpec) -> Result<JobSpec, CommandError> {
        let depends = self.dependencies(context).await?;
        // A file may lie on a disk that sleeps; the other tasks go on meanwhile.
        let read = tokio::task::spawn_blocking(move || self.read(depends, base)).await;
        let (mut spec, sources, budget) = read.expect("reading files does not panic")?;
        // Nothing is sent for a job that c2d would refuse anyway.
        validate::spec(&spec)?;
        spec.upload = upload::send_all(context, sources, budget).await?;
        Ok(spec)
    }

    /// What the flags say, for jobs whose commands are still to be set.
    pub(crate) async fn defaults(self, context: &Context) -> Result<JobSpec, CommandError> {
        let base = JobSpec { command: "true".to_owned(), ..JobSpec::default() };
        Ok(JobSpec { command: String::new(), ..self.spec(context, base).await? })
    }

    /// The jobs to depend on, by their ids: c2d knows `last` and names only inside a batch.
    async fn dependencies(&self, context: &Context) -> Result<Vec<Dependency>, CommandError> {
        let mut depends = Vec::new();
        for text in &self.depends {
            let Ok(Dependency { condition, on }) = text.parse();
            let name = Dependency { condition: Condition::Ok, on }.to_string();
            let name: JobName =
                name.parse().map_err(|e| CommandError::usage(format!("--depends: {e}"), "name a job"))?;
            depends.push(Dependency { condition, on: DependsOn::Job(resolve::job(context, &name).await?) });
        }
        Ok(depends)
    }

    /// The specification, with its uploads announced and what has to be sent for them.
    fn read(self, depends: Vec<Dependency>, base: JobSpec) -> Result<(JobSpec, Vec<Source>, Budget), CommandError> {
        let sources = upload::look(&self.upload)?;
        let mut budget = Budget::default();
        let stdin = self.stdin_file.map(|path| budget.read(&path).map(Bytes64)).transpose()?;
        let spec = JobSpec {
            name: self.name,
            group: self.group,
            tags: self.tags,
            depends,
            same_machine: self.same_machine,
            stdin,
            upload: sources.iter().map(Source::announced).collect(),
            download: self.download,
            env: BTreeMap::from_iter(self.env),
            timeout_s: self.timeout,
            retries: self.retries,
            priority: self.priority,
            hold: self.hold,
            begin_at: self.begin,
            on_lost: self.on_lost,
            exclude: self.exclude,
            ..base
        };
        Ok((spec, sources, budget))
    }
}
