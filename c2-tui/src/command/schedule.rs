//! `schedule`: jobs that c2d submits by itself, and what is done with them.

use c2_shared::api::schedules::{Missed, Overlap, ScheduleChange, ScheduleCheck, ScheduleRequest};
use c2_shared::job::JobSpec;
use c2_shared::validate;
use clap::Args;
use serde_json::{Map, Value};

use crate::command::draft::{Draft, Names};
use crate::command::job_flags::JobFlags;
use crate::command::upload::Sender;
use crate::command::{CommandError, Context, Data, Outcome, change, script};
use crate::zone;

pub(crate) const USAGE: &str = "schedule [add] <NAME> <CRON> <COMMAND>\nschedule change <NAME> [--cron=CRON] [--command=TEXT] [FLAGS]\nschedule list\nschedule show|remove|pause|resume|run <NAME>";

pub(crate) const ABOUT: &str = "CRON is five fields as in crontab (minute, hour, day of the month, month, day of the \
    week), @hourly, @daily, @weekly, @monthly or @yearly, or \"every 15m\", counted from when it was added. Fields are \
    times of day in the zone of the console that adds the schedule, or in --timezone: one that does not exist, as the \
    clock is put forward, runs when the clock goes on, and one that comes twice runs the first time. A run that is due \
    while c2d is off is missed if c2d is back more than a minute later. A change keeps the runs so far and whether it \
    is paused; `every` then counts from a new CRON.";

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct Schedule {
    /// add, change, list, show, remove, pause, resume, run; anything else is the name of a schedule to add
    #[arg(value_name = "ACTION")]
    pub(crate) action: String,
    /// Which schedule
    #[arg(value_name = "SCHEDULE")]
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
    /// What a changed schedule runs from now on
    #[arg(id = "new_command", long = "command", value_name = "TEXT")]
    pub(crate) new_command: Option<String>,
    /// When a changed schedule runs from now on
    #[arg(id = "new_cron", long = "cron", value_name = "CRON")]
    pub(crate) new_cron: Option<String>,
    /// Take back what these flags said of a schedule, like `timeout,group`
    #[arg(long, value_name = "FLAG", value_delimiter = ',')]
    pub(crate) clear: Vec<String>,
    /// Check it as it would be, show when it would run, and neither add nor change it
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// What else there is to say about the job.
    #[command(flatten)]
    pub(crate) flags: JobFlags,
    /// Remove it without a question, which only the full screen asks
    #[arg(long)]
    pub(crate) yes: bool,
}

/// What can change of a schedule, and not of a job that was submitted.
const ALSO: &[(&str, &str)] = &[("hold", "hold"), ("upload", "upload"), ("stdin-file", "stdin")];

/// What is to be done.
enum Asked<'a> {
    Add { name: &'a str, cron: &'a str, command: Option<&'a str> },
    Change { name: &'a str },
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
        "edit" | "update" | "modify" | "set" | "alter" => Some("change"),
        _ => None,
    }
}

impl Schedule {
    /// What the words say, as far as they are what an action takes.
    fn asked(&self) -> Result<Asked<'_>, CommandError> {
        let usage = "usage: schedule NAME CRON COMMAND, schedule change NAME --FLAG=.., schedule list, or schedule \
            show|remove|pause|resume|run NAME";
        let wrong = |message: String| CommandError::usage(message, usage);
        let operands = [&self.which, &self.cron, &self.command].map(Option::as_deref);
        let needs = |what: &str| wrong(format!("schedule {} needs {what}", self.action));
        let (name, cron, command, rest) = match (self.action.as_str(), operands) {
            ("list", operands) => return self.bare(Asked::List, operands.into_iter().flatten().next()),
            ("change", [name, word, _]) => return self.change(name.ok_or_else(|| needs("<NAME>"))?, word),
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
        let of_change = [("--cron", self.new_cron.is_some()), ("--command", self.new_command.is_some())];
        let of_change = of_change.into_iter().chain([("--clear", !self.clear.is_empty())]);
        if let Some((flag, _)) = of_change.into_iter().find(|(_, is_said)| *is_said) {
            let hint = format!("write `schedule {name} CRON COMMAND`, or `schedule change {name} {flag}=..`");
            return Err(CommandError::usage(format!("{flag} is for schedules that exist"), hint));
        }
        let cron = cron.ok_or_else(|| wrong(format!("schedule {name} needs <CRON>")))?;
        let surplus = if self.script.is_some() { command } else { rest };
        if let Some(word) = surplus {
            return Err(wrong(format!("unexpected {word:?} after schedule; put CRON and COMMAND in quotes")));
        }
        if command.is_none() && self.script.is_none() {
            return Err(wrong(format!("schedule {name} needs <COMMAND>")));
        }
        self.without_begin()?;
        Ok(Asked::Add { name, cron, command })
    }

    fn without_begin(&self) -> Result<(), CommandError> {
        let hint = "its CRON says when it runs; a job that runs once is `submit COMMAND --begin=TIME`";
        match &self.flags.begin {
            None => Ok(()),
            Some(_) => Err(CommandError::usage("--begin does not go with schedule", hint)),
        }
    }

    /// A change, of which flags say what.
    fn change<'a>(&self, name: &'a str, word: Option<&str>) -> Result<Asked<'a>, CommandError> {
        if let Some(word) = word {
            let hint = format!("say what changes with flags, as in: schedule change {name} --cron=\"0 4 * * *\"");
            return Err(CommandError::usage(format!("unexpected {word:?} after schedule change {name}"), hint));
        }
        let own = [&self.timezone, &self.overlap, &self.missed, &self.script, &self.new_cron, &self.new_command];
        if own.iter().all(|text| text.is_none()) && self.clear.is_empty() && self.flags == JobFlags::default() {
            let hint = format!("say what, as in: schedule change {name} --cron=\"0 4 * * *\"");
            return Err(CommandError::usage("nothing is to change", hint));
        }
        if self.script.is_some() && self.new_command.is_some() {
            return Err(CommandError::usage("--script and --command do not go together", "leave out one of the two"));
        }
        self.without_begin()?;
        Ok(Asked::Change { name })
    }

    /// What a change asks c2d for.
    async fn request(&self, context: &Context) -> Result<ScheduleChange, CommandError> {
        let mut set = Map::new();
        for flag in &self.clear {
            set.insert(change::field(flag, ALSO)?.to_owned(), Value::Null);
        }
        let scripted: &[&str] = if self.script.is_some() { &["command", "upload"] } else { &[] };
        for flag in self.flags.given() {
            // Begin is refused, and all others can change.
            change::place(&mut set, flag, change::field(flag, ALSO)?)?;
        }
        scripted.iter().for_each(|field| drop(set.insert((*field).to_owned(), Value::Null)));
        if self.new_command.is_some() {
            set.insert("command".to_owned(), Value::Null);
        }
        let command = self.new_command.clone().or_else(|| Some(":".to_owned()));
        let draft = script::draft(command, self.script.clone(), self.flags.clone(), context.interactive).await?;
        let spec = self.spec(context, draft).await?;
        if set.contains_key("stdin") {
            set.insert("stdin_sha256".to_owned(), Value::Null);
        }
        change::fill(&mut set, &spec);
        let (overlap, missed) = (self.overlap(), self.missed());
        Ok(ScheduleChange { cron: self.new_cron.clone(), timezone: self.timezone.clone(), overlap, missed, set })
    }

    /// The job with its files sent, if it is meant.
    async fn spec(&self, context: &Context, draft: Draft) -> Result<JobSpec, CommandError> {
        let planned = draft.plan(context, &mut Names::default()).await?;
        if self.dry_run { Ok(planned.spec) } else { planned.send(&mut Sender::new(context)).await }
    }

    /// Whether it does nothing.
    pub(crate) fn is_dry(&self) -> bool {
        self.dry_run
    }

    fn overlap(&self) -> Option<Overlap> {
        self.overlap.as_deref().map(|word| match word {
            "queue" => Overlap::Queue,
            "cancel-old" => Overlap::CancelOld,
            _ => Overlap::Skip,
        })
    }

    fn missed(&self) -> Option<Missed> {
        self.missed.as_deref().map(|word| match word {
            "skip" => Missed::Skip,
            "all" => Missed::All,
            _ => Missed::Once,
        })
    }

    /// An action that takes nothing else.
    fn bare<'a>(&self, asked: Asked<'a>, word: Option<&str>) -> Result<Asked<'a>, CommandError> {
        let action = &self.action;
        if let Some(word) = word {
            return Err(CommandError::usage(format!("unexpected {word:?} after schedule {action}"), "leave it out"));
        }
        let own = [&self.timezone, &self.overlap, &self.missed, &self.script, &self.new_cron, &self.new_command];
        let said = own.iter().any(|text| text.is_some()) || !self.clear.is_empty() || self.flags != JobFlags::default();
        if said || self.dry_run {
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
            Asked::With { name, .. } => Data::Submitted(client.run_schedule(name).await?.job_id, Vec::new()).into(),
            Asked::Change { name } => {
                let change = self.request(context).await?;
                if self.dry_run {
                    return foreseen(context, name, ScheduleCheck { add: None, change: Some(change) }).await;
                }
                Data::Schedule(Box::new(client.change_schedule(name, &change).await?)).into()
            }
            Asked::Add { name, cron, command } => {
                validate::own_name(name)?;
                let (command, script) = (command.map(str::to_owned), self.script.clone());
                let draft = script::draft(command, script, self.flags.clone(), context.interactive).await?;
                let request = ScheduleRequest {
                    name: name.to_owned(),
                    cron: cron.to_owned(),
                    timezone: Some(self.timezone.clone().unwrap_or_else(zone::name)),
                    overlap: self.overlap().unwrap_or_default(),
                    missed: self.missed().unwrap_or_default(),
                    spec: self.spec(context, draft).await?,
                };
                if self.dry_run {
                    return foreseen(context, name, ScheduleCheck { add: Some(request), change: None }).await;
                }
                Data::Schedule(Box::new(client.add_schedule(&request).await?)).into()
            }
        })
    }
}

/// What would become of it, and what would keep it from running.
async fn foreseen(context: &Context, name: &str, check: ScheduleCheck) -> Result<Outcome, CommandError> {
    let outlook = context.client.check_schedule(name, &check).await?;
    outlook.notes.iter().for_each(|note| context.progress(note));
    Ok(Data::ScheduleForeseen { outlook: Box::new(outlook), is_new: check.add.is_some() }.into())
}
