//! The one grammar: every verb of the console, and who runs it.
//!
//! The doc comments are the help texts. Help, palette, completion and the tests of the README read
//! this type through [`crate::command::commands`].

use clap::{Parser, Subcommand};

use crate::command::{
    Complaint, Context, Data, Outcome, cancel, cleanup, get_files, help, info, job, jobs, log, output, submit, wait,
};

/// A line after `!>`.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "",
    no_binary_name = true,
    disable_help_subcommand = true,
    disable_version_flag = true,
    infer_long_args = false
)]
pub(crate) struct Line {
    /// What is asked for.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What an operator can ask for.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// List all workers
    List,
    /// Show one worker in full
    Info(info::Info),
    /// List jobs, those that have not ended unless asked otherwise
    Jobs(jobs::Jobs),
    /// Show one job in full
    Job(job::Job),
    /// Submit a job
    Submit(Box<submit::Submit>),
    /// Cancel jobs; what runs is ended
    Cancel(cancel::Cancel),
    /// Show the queue in numbers
    QueueStatus,
    /// Show the latest results
    Log(log::Log),
    /// Show what a job wrote
    Output(output::Output),
    /// Fetch the files that a job left
    GetFiles(get_files::GetFiles),
    /// Remove what ended jobs left on workers
    CleanupWorkspaces(cleanup::Cleanup),
    /// Wait for the end of jobs
    Wait(wait::Wait),
    /// Explain the commands, or one of them
    Help(help::Help),
    /// Leave the console
    #[command(visible_alias = "exit")]
    Quit,
}

/// Runs a command.
///
/// # Errors
/// When it is refused, fails, is interrupted, or c2d cannot be reached.
pub async fn execute(context: &Context, command: Command) -> Result<Outcome, Complaint> {
    match command {
        Command::List => Ok(Data::Workers(context.client.workers().await?).into()),
        Command::Info(info) => info.run(context).await,
        Command::Jobs(jobs) => jobs.run(context).await,
        Command::Job(job) => job.run(context).await,
        Command::Submit(submit) => submit.run(context).await,
        Command::Cancel(cancel) => cancel.run(context).await,
        Command::QueueStatus => Ok(Data::Queue(context.client.queue_status().await?).into()),
        Command::Log(log) => log.run(context).await,
        Command::Output(output) => output.run(context).await,
        Command::GetFiles(get_files) => get_files.run(context).await,
        Command::CleanupWorkspaces(cleanup) => cleanup.run(context).await,
        Command::Wait(wait) => wait.run(context).await,
        Command::Help(help) => help.run(),
        Command::Quit => Ok(Data::Quit.into()),
    }
}
