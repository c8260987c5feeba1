//! `notify`: whom c2d tells of what, and a test of it.

use std::collections::BTreeSet;

use c2_shared::api::notifications::{Kind, NotificationChange, NotificationRequest};
use c2_shared::validate;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use serde_json::Value;

use crate::command::{CommandError, Context, Data, Outcome};
use crate::exit;

pub(crate) const USAGE: &str = "notify add <NAME> --to=TARGET [--on=EVENT,EVENT]\nnotify change <NAME> [--to=TARGET] [--on=EVENT,EVENT]\nnotify list\nnotify show|remove|test <NAME>";

pub(crate) const ABOUT: &str = "TARGET is a URL, to which JSON with title, text, kind and job_ids is posted, or a form \
    and where to: ntfy:TOPIC, discord:URL, slack:URL, apprise:URL, mail:ADDRESS (by the mail server of c2d's machine), \
    command:NAME (of notify_commands in the configuration of c2d). c2d reports what happens from now on at least once, and \
    retries until the target takes it; `doctor` names targets that do not. More than five jobs at once share messages, \
    each of one event. A cancelled job is ended and has not failed. What is secret in a URL is never shown again. A change keeps how far it has reported: what is left goes \
    to the new target.";

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct Notify {
    /// What to do
    #[arg(value_name = "ACTION", value_parser = ["add", "change", "list", "show", "remove", "test"])]
    pub(crate) action: String,
    /// Which notification
    #[arg(value_name = "NOTIFICATION")]
    pub(crate) which: Option<String>,
    /// What is reported; without it only jobs that ask for it with --notify
    #[arg(long, value_name = "EVENT", value_delimiter = ',', value_parser = kinds())]
    pub(crate) on: Vec<Kind>,
    /// Where to: a URL, ntfy:TOPIC, discord:URL, slack:URL, apprise:URL, mail:ADDRESS, command:NAME
    #[arg(long, value_name = "URL")]
    pub(crate) to: Option<String>,
    /// Only jobs that asked for this group
    #[arg(long, value_name = "GROUP")]
    pub(crate) group: Option<String>,
    /// Only jobs of this name
    #[arg(long, value_name = "NAME")]
    pub(crate) job_name: Option<String>,
    /// Only jobs that this schedule submitted
    #[arg(long, value_name = "SCHEDULE")]
    pub(crate) schedule: Option<String>,
    /// Take back what these flags of a notification said, like `group,on`
    #[arg(long, value_name = "FLAG", value_delimiter = ',', value_parser = CLEARED)]
    pub(crate) clear: Vec<String>,
    /// Remove it without a question, which only the full screen asks
    #[arg(long)]
    pub(crate) yes: bool,
}

/// What a notification may be without.
const CLEARED: [&str; 4] = ["on", "group", "job-name", "schedule"];

fn kinds() -> impl clap::builder::TypedValueParser<Value = Kind> {
    let kind = |word: String| Kind::ALL.into_iter().find(|kind| kind.word() == word);
    PossibleValuesParser::new(Kind::ALL.map(Kind::word)).map(move |word| kind(word).expect("it is one of them"))
}

impl Notify {
    /// Whether its words say something.
    pub(crate) fn check(&self) -> Result<(), CommandError> {
        let usage = "usage: notify add|change NAME --to=TARGET [--on=EVENT,EVENT], notify list, or notify show|remove|test NAME";
        let wrong = |message: String| Err(CommandError::usage(message, usage));
        let action = &self.action;
        match (action.as_str(), &self.which) {
            ("list", Some(word)) => return wrong(format!("unexpected {word:?} after notify list")),
            ("list", None) => {}
            (_, None) => return wrong(format!("notify {action} needs <NAME>")),
            ("add", Some(_)) if self.to.is_none() => return wrong("notify add needs --to <TARGET>".to_owned()),
            (_, Some(_)) => {}
        }
        let filters = [&self.to, &self.group, &self.job_name, &self.schedule];
        let said = !self.on.is_empty() || filters.iter().any(|flag| flag.is_some());
        match (action.as_str(), said, self.clear.is_empty()) {
            ("change", false, true) => {
                let name = self.which.as_deref().unwrap_or_default();
                let hint = format!("say what, as in: notify change {name} --on=failed");
                Err(CommandError::usage("nothing is to change", hint))
            }
            ("change", ..) => match self.set().into_iter().find(|(_, twice)| *twice) {
                Some(((flag, _), _)) => {
                    let hint = "leave out one of the two";
                    Err(CommandError::usage(format!("--{} is given and cleared", flag.replace('_', "-")), hint))
                }
                None => Ok(()),
            },
            ("add", _, false) => wrong("--clear is for notifications that exist".to_owned()),
            ("add", ..) | (_, false, true) => Ok(()),
            _ => wrong(format!("notify {action} takes no flags")),
        }
    }

    /// What a change says, and whether something else says it too.
    fn set(&self) -> Vec<((&'static str, Value), bool)> {
        let text = |text: &Option<String>| text.clone().map(Value::from);
        let on: Vec<&str> = self.on.iter().map(|kind| kind.word()).collect();
        let said = [
            ("on", (!on.is_empty()).then(|| Value::from(on))),
            ("to", text(&self.to)),
            ("group", text(&self.group)),
            ("job_name", text(&self.job_name)),
            ("schedule", text(&self.schedule)),
        ];
        let field = |(field, value): (&'static str, Option<Value>)| {
            let is_cleared = self.clear.iter().any(|flag| flag.replace('-', "_") == field);
            let nothing = if field == "on" { Value::Array(Vec::new()) } else { Value::Null };
            match (value, is_cleared) {
                (Some(value), twice) => Some(((field, value), twice)),
                (None, true) => Some(((field, nothing), false)),
                (None, false) => None,
            }
        };
        said.into_iter().filter_map(field).collect()
    }

    pub(crate) async fn run(self, context: &Context) -> Result<Outcome, CommandError> {
        let set = self.set().into_iter().map(|((field, value), _)| (field.to_owned(), value)).collect();
        let (client, name) = (&context.client, self.which.unwrap_or_default());
        Ok(match self.action.as_str() {
            "add" => {
                validate::own_name(&name)?;
                let request = NotificationRequest {
                    name,
                    on: self.on.into_iter().collect::<BTreeSet<Kind>>(),
                    to: self.to.unwrap_or_default(),
                    group: self.group,
                    job_name: self.job_name,
                    schedule: self.schedule,
                };
                Data::Notification(Box::new(client.add_notification(&request).await?)).into()
            }
            "change" => {
                let change = NotificationChange { set };
                Data::Notification(Box::new(client.change_notification(&name, &change).await?)).into()
            }
            "show" => Data::Notification(Box::new(client.notification(&name).await?)).into(),
            "remove" => Data::NotificationGone(client.remove_notification(&name).await?).into(),
            "test" => {
                let tested = client.test_notification(&name).await?;
                let exit = if tested.trouble.is_some() { exit::FAILED } else { exit::OK };
                Outcome { exit, data: Data::NotificationTested(tested) }
            }
            _ => Data::Notifications(client.notifications().await?).into(),
        })
    }
}
