//! `notify`: whom c2d tells of what, and a test of it.

use std::collections::BTreeSet;

use c2_shared::api::notifications::{Kind, NotificationRequest};
use c2_shared::validate;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};

use crate::command::{CommandError, Context, Data, Outcome};
use crate::exit;

pub(crate) const USAGE: &str =
    "notify add <NAME> --to=TARGET [--on=EVENT,EVENT]\nnotify list\nnotify show|remove|test <NAME>";

pub(crate) const ABOUT: &str = "TARGET is a URL, to which JSON with title, text, kind and job_ids is posted, or a form \
    and where to: ntfy:TOPIC, discord:URL, slack:URL, apprise:URL, mail:ADDRESS (by the mail server of c2d's machine), \
    command:NAME (of notify_commands in the configuration of c2d). c2d reports what happens from now on at least once, and \
    retries until the target takes it; `doctor` names targets that do not. More than five jobs at once share one \
    message. What is secret in a URL is never shown again.";

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct Notify {
    /// What to do
    #[arg(value_name = "ACTION", value_parser = ["add", "list", "show", "remove", "test"])]
    pub(crate) action: String,
    /// Which notification
    #[arg(value_name = "NAME")]
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
    #[arg(long, value_name = "NAME")]
    pub(crate) schedule: Option<String>,
}

fn kinds() -> impl clap::builder::TypedValueParser<Value = Kind> {
    let kind = |word: String| Kind::ALL.into_iter().find(|kind| kind.word() == word);
    PossibleValuesParser::new(Kind::ALL.map(Kind::word)).map(move |word| kind(word).expect("it is one of them"))
}

impl Notify {
    /// Whether its words say something.
    pub(crate) fn check(&self) -> Result<(), CommandError> {
        let usage =
            "usage: notify add NAME --to=TARGET [--on=EVENT,EVENT], notify list, or notify show|remove|test NAME";
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
        if action != "add" && (!self.on.is_empty() || filters.iter().any(|flag| flag.is_some())) {
            return wrong(format!("notify {action} takes no flags"));
        }
        Ok(())
    }

    pub(crate) async fn run(self, context: &Context) -> Result<Outcome, CommandError> {
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
