//! The one grammar: every verb of the console, who runs it, and what it does to the world.
//!
//! The doc comments are the help texts. Help, palette, completion and the tests of the README read
//! these types through [`crate::command::commands`].

use clap::{Parser, Subcommand};

use crate::command::console::Console;
use crate::command::deferred::Deferred;
use crate::command::job_name::JobNames;
use crate::command::many::Deed;
use crate::command::operands::{Membership, OneJob, OneWorker, SomeJobs, SomeWorkers};
use crate::command::{
    CommandError, Context, Outcome, add_worker, assign, batch, batches, cancel, change, cleanup_workspaces, copy,
    detect_tags, doctor, drain, follow, get_files, get_tags, groups, help, info, job, jobs, list, log, many, notify,
    output, pause, pdsh, queue_status, remove_worker, resolve, resume, retry, schedule, set_resources, set_tags, split,
    stats, submit, timeline, unassign, upgrade_workers, verify_ssh, wait, wake, why,
};
use crate::render;

/// A line after `!>`.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "",
    no_binary_name = true,
    disable_help_subcommand = true,
    disable_version_flag = true,
    infer_long_args = false
)]
pub(crate) struct Grammar {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// What a line asks for: a command, or something of the full screen alone.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum Verb {
    #[command(flatten)]
    Command(Command),
    #[command(flatten)]
    Console(Console),
}

/// The exit status of a command that waits for several jobs, for its help.
const FIRST: &str = "The exit status is that of the first job, in the order given, that did not succeed.";

/// How much of an output there is to be shown.
fn kept() -> String {
    format!("Of what a job writes, {}.", render::LIMIT)
}

/// What a job's command finds around it.
fn about_jobs() -> String {
    let shell = "The command is run by /bin/sh; for bash write --shell=bash, or --script with a file that begins with \
                 #!/bin/bash. It begins in a folder of its own, which is $PWD; to run elsewhere write --cwd=DIR. \
                 $0 is the id of the job, but in a script its own name. Files that it makes outside of its folder are \
                 readable by its own user alone, unless --umask says otherwise.";
    format!("{shell}\n{}", kept())
}

/// What `change` can do, and when.
fn about_changes() -> &'static str {
    "--timeout=+30m adds to the limit that a job has. --max-running is of a whole batch, @batch:NAME. Of a job that \
     runs, the time limit, retries, priority, name, --on-lost and --notify can change; all else until it starts. What a \
     flag says replaces all that was there: --env all variables, --tags all tags."
}

/// What an operator can ask for.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum Command {
    /// List all workers
    List,
    /// Check c2d, its workers and this machine, and suggest fixes
    Doctor,
    /// List the groups and their workers
    Groups,
    /// Put workers into a group
    Assign(Membership),
    /// Take workers out of a group
    Unassign(unassign::Unassign),
    /// Show one worker in full
    Info(OneWorker),
    /// Set the tags that workers offer, in place of those that they offered
    SetTags(set_tags::SetTags),
    /// Set what workers have for jobs to take: processors, memory, cards, or what you count
    SetResources(set_resources::SetResources),
    /// Show the tags of workers and which jobs hold them
    GetTags(SomeWorkers),
    /// Suggest tags from a worker's hardware
    DetectTags(detect_tags::DetectTags),
    /// Let workers finish their jobs and give them no new ones
    Drain(SomeWorkers),
    /// Give drained workers new jobs again
    Resume(SomeWorkers),
    /// Wake the machines of workers that sleep or are offline
    Wake(SomeWorkers),
    /// Forget a worker that is offline for good
    RemoveWorker(remove_worker::RemoveWorker),
    /// List jobs, those that have not ended unless asked otherwise
    Jobs(jobs::Jobs),
    /// Show one job in full
    Job(OneJob),
    /// Submit a job
    #[command(after_help = about_jobs(), override_usage = "submit [OPTIONS] <COMMAND>")]
    Submit(Deferred<submit::Submit>),
    /// Submit the jobs of a file, all or none
    Batch(Deferred<batch::Batch>),
    /// List the batches, the jobs of one name, or show how far one has come
    Batches(batches::Batches),
    /// Submit one job for each line of a file or each combination of values, all or none
    Split(Deferred<split::Split>),
    /// Let c2d submit a job by itself, again and again
    #[command(after_help = schedule::ABOUT, override_usage = schedule::USAGE)]
    Schedule(Deferred<schedule::Schedule>),
    /// Report jobs, workers and the queue to a target
    #[command(after_help = notify::ABOUT, override_usage = notify::USAGE)]
    Notify(notify::Notify),
    /// Cancel jobs; what runs is ended
    Cancel(cancel::Cancel),
    /// Hold jobs that have not started
    Hold(SomeJobs),
    /// Release held jobs
    Release(SomeJobs),
    /// Change what jobs ask for that have not ended
    #[command(after_help = about_changes())]
    Change(Deferred<change::Change>),
    /// Put jobs before all others of their priority
    Top(SomeJobs),
    /// Put jobs behind all others of their priority
    Bottom(SomeJobs),
    /// Submit ended jobs again, all or none
    Retry(SomeJobs),
    /// Explain why a job does not run, worker by worker
    Why(OneJob),
    /// Pause the queue; running jobs continue
    Pause,
    /// Resume the queue
    Unpause,
    /// Show the queue in numbers
    QueueStatus,
    /// Show how long jobs of each name run, why jobs failed, and when the queue will be empty
    Stats(stats::Stats),
    /// Show what ran where, a line for each slot
    Timeline(timeline::Timeline),
    /// Show the latest results
    Log(log::Log),
    /// Show what a job wrote
    #[command(after_help = kept())]
    Output(output::Output),
    /// Fetch the files that jobs left
    #[command(override_usage = "get-files [OPTIONS] <JOB>... [DIR]")]
    GetFiles(get_files::GetFiles),
    /// Remove what ended jobs left on workers
    CleanupWorkspaces(cleanup_workspaces::Cleanup),
    /// Run a command on workers over ssh, at once and beside the queue
    Pdsh(pdsh::Pdsh),
    /// Copy files to workers and back over ssh, at once and beside the queue
    #[command(after_help = copy::ABOUT, override_usage = copy::USAGE)]
    Copy(Deferred<copy::Copy>),
    /// Check whether workers can be reached over ssh
    VerifySsh(verify_ssh::VerifySsh),
    /// Make machines workers over ssh: install the agent there, join it and start it
    #[command(after_help = add_worker::ABOUT)]
    AddWorker(add_worker::AddWorker),
    /// Upgrade the agents of workers to the version that c2d has; running jobs continue
    #[command(after_help = upgrade_workers::ABOUT)]
    UpgradeWorkers(SomeWorkers),
    /// Show what jobs write while they write it, until they have ended
    #[command(after_help = format!("{}\n\n{FIRST}", kept()))]
    Follow(follow::Follow),
    /// Wait for the end of jobs
    #[command(after_help = FIRST)]
    Wait(wait::Wait),
    /// Explain the commands, or one of them
    Help(help::Help),
}

pub(crate) async fn execute(context: &Context, command: Command) -> Result<Outcome, CommandError> {
    let all = command.all();
    // No job is called `all`; what it means depends on what is done.
    carry_out(context, command).await.map_err(|error| match &error.hint {
        Some(hint) if all != resolve::ALL && hint.contains(resolve::ALL) => {
            let hint = hint.replace(resolve::ALL, all);
            error.hint(hint)
        }
        _ => error,
    })
}

async fn carry_out(context: &Context, command: Command) -> Result<Outcome, CommandError> {
    match command {
        Command::List => list::run(context).await,
        Command::Doctor => doctor::run(context).await,
        Command::Groups => groups::run(context).await,
        Command::Assign(args) => assign::run(context, args).await,
        Command::Unassign(args) => unassign::run(context, args).await,
        Command::Info(args) => info::run(context, args).await,
        Command::SetTags(tags) => tags.run(context).await,
        Command::SetResources(set) => set.run(context).await,
        Command::GetTags(args) => get_tags::run(context, args).await,
        Command::DetectTags(tags) => tags.run(context).await,
        Command::Drain(args) => drain::run(context, args).await,
        Command::Resume(args) => resume::run(context, args).await,
        Command::Wake(args) => wake::run(context, args).await,
        Command::RemoveWorker(remove) => remove.run(context).await,
        Command::Jobs(jobs) => jobs.run(context).await,
        Command::Job(args) => job::run(context, args).await,
        Command::Submit(submit) => submit.0.run(context).await,
        Command::Batch(batch) => batch.0.run(context).await,
        Command::Batches(batches) => batches.run(context).await,
        Command::Split(split) => split.0.run(context).await,
        Command::Schedule(schedule) => schedule.0.run(context).await,
        Command::Notify(notify) => notify.run(context).await,
        Command::Cancel(cancel) => cancel.run(context).await,
        Command::Hold(args) => many::run(context, &args.jobs, &Deed::Hold).await,
        Command::Release(args) => many::run(context, &args.jobs, &Deed::Release).await,
        Command::Change(change) => change.0.run(context).await,
        Command::Top(args) => many::run(context, &args.jobs, &Deed::Top).await,
        Command::Bottom(args) => many::run(context, &args.jobs, &Deed::Bottom).await,
        Command::Retry(args) => retry::run(context, args).await,
        Command::Why(args) => why::run(context, args).await,
        Command::Pause => pause::run(context, true).await,
        Command::Unpause => pause::run(context, false).await,
        Command::QueueStatus => queue_status::run(context).await,
        Command::Stats(stats) => stats.run(context).await,
        Command::Timeline(timeline) => timeline.run(context).await,
        Command::Log(log) => log.run(context).await,
        Command::Output(output) => output.run(context).await,
        Command::GetFiles(get_files) => get_files.run(context).await,
        Command::CleanupWorkspaces(cleanup) => cleanup.run(context).await,
        Command::Pdsh(pdsh) => pdsh.run(context).await,
        Command::Copy(copy) => copy.0.run(context).await,
        Command::VerifySsh(verify_ssh) => verify_ssh.run(context).await,
        Command::AddWorker(add) => add.run(context).await,
        Command::UpgradeWorkers(args) => upgrade_workers::run(context, args).await,
        Command::Follow(follow) => follow.run(context).await,
        Command::Wait(wait) => wait.run(context).await,
        Command::Help(help) => help.run(),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Impact {
    /// Nothing is other than before.
    ReadOnly,
    /// Something is, and could be put back.
    Mutating,
    /// Something ends, or is gone.
    Destructive,
}

/// What a command acts on, as far as it names that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Targets<'a> {
    None,
    Jobs(&'a [JobNames]),
    Workers(&'a str),
}

impl Command {
    /// What it does to the world, for faces that ask first or forbid.
    pub(crate) fn impact(&self) -> Impact {
        match self {
            Self::List
            | Self::Doctor
            | Self::Groups
            | Self::Info(_)
            | Self::GetTags(_)
            | Self::Jobs(_)
            | Self::Job(_)
            | Self::Why(_)
            | Self::QueueStatus
            | Self::Batches(_)
            | Self::Stats(_)
            | Self::Timeline(_)
            | Self::Log(_)
            | Self::Output(_)
            | Self::GetFiles(_)
            | Self::Follow(_)
            | Self::Wait(_)
            | Self::Help(_) => Impact::ReadOnly,
            Self::DetectTags(tags) => Impact::if_mutating(tags.apply),
            Self::Batch(batch) => Impact::if_mutating(!batch.sending.dry_run),
            Self::Split(split) => Impact::if_mutating(!split.sending.dry_run),
            Self::Submit(submit) => Impact::if_mutating(!submit.dry_run),
            Self::Schedule(schedule) if schedule.is_dry() => Impact::ReadOnly,
            Self::Schedule(schedule) => Impact::of_action(&schedule.action),
            Self::Notify(notify) => Impact::of_action(&notify.action),
            Self::Copy(copy) if copy.writes_to().is_none() => Impact::ReadOnly,
            Self::VerifySsh(verify) => Impact::if_mutating(verify.yes),
            Self::RemoveWorker(remove) if remove.lost && !remove.yes => Impact::ReadOnly,
            Self::AddWorker(_)
            | Self::Assign(_)
            | Self::SetTags(_)
            | Self::SetResources(_)
            | Self::Drain(_)
            | Self::Resume(_)
            | Self::Wake(_)
            | Self::UpgradeWorkers(_)
            | Self::Hold(_)
            | Self::Release(_)
            | Self::Change(_)
            | Self::Top(_)
            | Self::Bottom(_)
            | Self::Retry(_)
            | Self::Pause
            | Self::Unpause => Impact::Mutating,
            Self::Unassign(_)
            | Self::RemoveWorker(_)
            | Self::Cancel(_)
            | Self::CleanupWorkspaces(_)
            | Self::Copy(_)
            | Self::Pdsh(_) => Impact::Destructive,
        }
    }

    /// What is written where another tool has `all`, as far as jobs are named.
    const fn all(&self) -> &'static str {
        match self {
            Self::Hold(_) | Self::Top(_) | Self::Bottom(_) => "@queued",
            Self::Release(_) => "@held",
            Self::Retry(_) => "@failed",
            Self::GetFiles(_) => "@succeeded",
            Self::Output(_) | Self::Job(_) | Self::Why(_) => "last",
            _ => resolve::ALL,
        }
    }

    /// Whether the line says itself that nothing is to be asked.
    pub(crate) fn is_confirmed(&self) -> bool {
        match self {
            Self::Cancel(cancel) => cancel.yes,
            Self::Unassign(unassign) => unassign.yes,
            Self::CleanupWorkspaces(cleanup) => cleanup.yes,
            Self::Schedule(schedule) => schedule.yes,
            Self::Notify(notify) => notify.yes,
            _ => false,
        }
    }

    /// What it would act on.
    pub(crate) fn targets(&self) -> Targets<'_> {
        match self {
            Self::Cancel(cancel) => Targets::Jobs(&cancel.jobs),
            Self::CleanupWorkspaces(cleanup) => Targets::Workers(&cleanup.target),
            Self::Unassign(unassign) => Targets::Workers(&unassign.membership.target),
            Self::RemoveWorker(remove) => Targets::Workers(&remove.worker),
            Self::Copy(copy) => copy.writes_to().map_or(Targets::None, Targets::Workers),
            Self::Pdsh(pdsh) => Targets::Workers(&pdsh.target),
            _ => Targets::None,
        }
    }

    /// Whether it gives its lines while it runs, so that a person may do something else meanwhile.
    pub(crate) fn streams(&self) -> bool {
        match self {
            Self::Pdsh(_) | Self::Follow(_) => true,
            Self::Copy(copy) => !copy.is_dry(),
            Self::Output(output) => output.follow,
            _ => false,
        }
    }

    /// Whether equal outputs of workers are to be shown together.
    pub(crate) const fn folds(&self) -> bool {
        matches!(self, Self::Pdsh(pdsh) if pdsh.fold)
    }
}

impl Impact {
    /// Of what is done with things that have a life of their own, as schedules.
    fn of_action(action: &str) -> Self {
        match action {
            "list" | "show" => Self::ReadOnly,
            "remove" => Self::Destructive,
            _ => Self::Mutating,
        }
    }

    const fn if_mutating(mutating: bool) -> Self {
        if mutating { Self::Mutating } else { Self::ReadOnly }
    }
}
