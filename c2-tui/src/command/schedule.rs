//! `schedule`: jobs that c2d submits by itself, and what is done with them.

use c2_shared::api::schedules::{Missed, Overlap, ScheduleRequest};
use c2_shared::validate;
use clap::Args;

use crate::command::draft::Names;
use crate::command::job_flags::JobFlags;
use crate::command::upload::Sender;
use crate::command::{CommandError, Context, Data, Outcome, script};
use crate::zone;

pub(crate) const USAGE: &str =
    "schedule [add] <NAME> <CRON> <COMMAND>\nschedule list\nschedule show|remove|pause|resume|run <NAME>";

pub(crate) const ABOUT: &str = "CRON is five fields as in crontab (minute, hour, day of the month, month, day of the \
    week), @hourly, @daily, @weekly, @monthly or @yearly, or \"every 15m\", counted from when it was added. Fields are \
    times of day in the zone of the console that adds the schedule, or in --timezone: one that does not exist, as the \
    clock is put forward, runs when the clock goes on, and one that comes twice runs the first time. A run that is due \
    while c2d is off is missed if c2d is back more than a minute later.";

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct Schedule {
    /// add, list, show, remove, pause, resume, run; anything else is the name of a schedule to add
    #[arg(value_name = "ACTION")]
    pub(crate) action: String,
    /// Which schedule
    #[arg(value_name = "NAME")]
    pub(crate) which: Option<String>,
    /// When it runs: five fields of crontab, @daily and the like, or `every 15m`
    #[arg(value_name = "CRON")]
    pub(crate) cron: Option<String>,
    /// What it runs; put it in quotes
    #[arg(value_name = "COMMAND")]
    pub(crate) command: Option<String>,
    /// The zone in which CRON is read, like Europe/Berlin, that of this console without it
    #[arg(long, value_name = "ZONE")]
    pub(crate) timezone: Option<String>,
    /// What happens while an earlier run has not ended: skip, without it
    #[arg(long, value_name = "WHAT", value_parser = ["skip", "queue", "cancel-old"])]
    pub(crate) overlap: Option<String>,
    /// What happens to runs that were missed: once, without it, is one run for all of them
    #[arg(long, value_name = "WHAT", value_parser = ["once", "skip", "all"])]
    pub(crate) missed: Option<String>,
    /// A script to run in place of a command, by the program that its first line names
    #[arg(long, value_name = "FILE")]
    pub(crate) script: Option<String>,
    /// What else there is to say about the job.
    #[command(flatten)]
    pub(crate) flags: JobFlags,
}

/// What is to be done.
enum Asked<'a> {
    Add { name: &'a str, cron: &'a str, command: Option<&'a str> },
    List,
    With { action: &'a str, name: &'a str },
}

/// The action that other programs call so.
fn meant(word: &str) -> Option<&'static str> {
    match word {
        "delete" | "rm" | "del" | "cancel" => Some("remove"),
        "info" | "describe" | "get" => Some("show"),
        "stop" | "disable" | "suspend" | "hold" => Some("pause"),
        "start" | "enable" | "unpause" | "release" => Some("resume"),
        "trigger" | "now" | "submit" => Some("run"),
        _ => None,
    }
}

impl Schedule {
    /// What the words say, as far as they are what an action takes.
    fn asked(&self) -> Result<Asked<'_>, CommandError> {
        let usage = "usage: schedule NAME CRON COMMAND, schedule list, or schedule show|remove|pause|resume|run NAME";
        let wrong = |message: String| CommandError::usage(message, usage);
        let operands = [&self.which, &self.cron, &self.command].map(Option::as_deref);
        let needs = |what: &str| wrong(format!("schedule {} needs {what}", self.action));
        let (name, cron, command, rest) = match (self.action.as_str(), operands) {
            ("list", operands) => return self.bare(Asked::List, operands.into_iter().flatten().next()),
            ("add", [name, cron, command]) => (name.ok_or_else(|| needs("<NAME>"))?, cron, command, None),
            (action, [name, cron, _]) if validate::ACTIONS.contains(&action) && action != "test" => {
                let name = name.ok_or_else(|| needs("<NAME>"))?;
                return self.bare(Asked::With { action, name }, cron);
            }
            (name, [Some(which), None, None]) if let Some(action) = meant(name) => {
                let hint = format!("did you mean: schedule {action} {which}");
                return Err(CommandError::usage(format!("schedule {name} needs <COMMAND>"), hint));
            }
            (name, [cron, command, rest]) => (name, cron, command, rest),
        };
        let cron = cron.ok_or_else(|| wrong(format!("schedule {name} needs <CRON>")))?;
        let surplus = if self.script.is_some() { command } else { rest };
        if let Some(word) = surplus {
            return Err(wrong(format!("unexpected {word:?} after schedule; put CRON and COMMAND in quotes")));
        }
        if command.is_none() && self.script.is_none() {
            return Err(wrong(format!("schedule {name} needs <COMMAND>")));
        }
        if self.flags.begin.is_some() {
            let hint = "its CRON says when it runs; a job that runs once is `submit COMMAND --begin=TIME`";
            return Err(CommandError::usage("--begin does not go with schedule", hint));
        }
        Ok(Asked::Add { name, cron, command })
    }

    /// An action that takes nothing else.
    fn bare<'a>(&self, asked: Asked<'a>, word: Option<&str>) -> Result<Asked<'a>, CommandError> {
        let action = &self.action;
        if let Some(word) = word {
            return Err(CommandError::usage(format!("unexpected {word:?} after schedule {action}"), "leave it out"));
        }
        let own = [&self.timezone, &self.overlap, &self.missed, &self.script];
        let said = own.iter().any(|text| text.is_some()) || self.flags != JobFlags::default();
        if said {
            let hint = format!("leave out the flags, or add another schedule: `help schedule` explains {action}");
            return Err(CommandError::usage(format!("schedule {action} takes no flags"), hint));
        }
        Ok(asked)
    }

    /// Whether its words say something.
    pub(crate) fn check(&self) -> Result<(), CommandError> {
        self.asked().map(drop)
    }

    pub(crate) async fn run(self, context: &Context) -> Result<Outcome, CommandError> {
        let client = &context.client;
        Ok(match self.asked()? {
            Asked::List => Data::Schedules(client.schedules().await?).into(),
            Asked::With { action: "show", name } => Data::Schedule(Box::new(client.schedule(name).await?)).into(),
            Asked::With { action: "remove", name } => Data::ScheduleGone(client.remove_schedule(name).await?).into(),
            Asked::With { action: "pause", name } => {
                Data::Schedule(Box::new(client.pause_schedule(name).await?)).into()
            }
            Asked::With { action: "resume", name } => {
                Data::Schedule(Box::new(client.resume_schedule(name).await?)).into()
            }
            Asked::With { name, .. } => Data::Submitted(client.run_schedule(name).await?.job_id).into(),
            Asked::Add { name, cron, command } => {
                validate::own_name(name)?;
                let (command, script) = (command.map(str::to_owned), self.script.clone());
                let draft = script::draft(command, script, self.flags.clone(), context.interactive).await?;
                let planned = draft.plan(context, &mut Names::default()).await?;
                let request = ScheduleRequest {
                    name: name.to_owned(),
                    cron: cron.to_owned(),
                    timezone: Some(self.timezone.clone().unwrap_or_else(zone::name)),
                    overlap: match self.overlap.as_deref() {
                        Some("queue") => Overlap::Queue,
                        Some("cancel-old") => Overlap::CancelOld,
                        _ => Overlap::Skip,
                    },
                    missed: match self.missed.as_deref() {
                        Some("skip") => Missed::Skip,
                        Some("all") => Missed::All,
                        _ => Missed::Once,
                    },
                    spec: planned.send(&mut Sender::new(context)).await?,
                };
                Data::Schedule(Box::new(client.add_schedule(&request).await?)).into()
            }
        })
    }
}
