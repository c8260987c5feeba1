//! `jobs`: the jobs as a table.

use c2_shared::api::jobs::{JobList, JobsQuery};
use c2_shared::job::Standing;
use c2_shared::limits::{PAGE_LEN, PAGE_LEN_MAX};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::command::{CommandError, Context, Data, Outcome};

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct Jobs {
    /// Ended jobs too
    #[arg(long)]
    pub(crate) all: bool,
    /// Only jobs of this state
    #[arg(long, value_name = "STATE", value_parser = standings())]
    pub(crate) state: Option<Standing>,
    /// Only jobs that asked for this group
    #[arg(long, value_name = "GROUP")]
    pub(crate) group: Option<String>,
    /// Only jobs of this batch
    #[arg(long, value_name = "BATCH")]
    pub(crate) batch: Option<String>,
    /// Only jobs that asked for this tag
    #[arg(long, value_name = "TAG")]
    pub(crate) tag: Option<String>,
    /// Only jobs that this worker has or had
    #[arg(long, value_name = "WORKER")]
    pub(crate) worker: Option<String>,
    /// Only jobs of this name
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Only jobs whose command contains this
    #[arg(long, value_name = "TEXT")]
    pub(crate) text: Option<String>,
    /// The newest first
    #[arg(long)]
    pub(crate) newest: bool,
    /// Rows at most
    #[arg(long, value_name = "N", default_value_t = PAGE_LEN, hide_default_value = true, value_parser = crate::command::log::at_least_one())]
    pub(crate) limit: usize,
}

fn standings() -> impl TypedValueParser<Value = Standing> {
    PossibleValuesParser::new(Standing::ALL.map(Standing::word)).map(|word| {
        Standing::ALL.into_iter().find(|standing| standing.word() == word).expect("only these words pass the parser")
    })
}

impl Jobs {
    pub(crate) async fn run(self, context: &Context) -> Result<Outcome, CommandError> {
        let asks = [&self.group, &self.batch, &self.tag, &self.worker, &self.name, &self.text];
        let filtered = self.state.is_some() || asks.iter().any(|ask| ask.is_some());
        let active_only = !self.all && !filtered;
        let mut list = JobList::default();
        let mut query = JobsQuery {
            state: self.state,
            all: self.all,
            group: self.group,
            batch: self.batch,
            tag: self.tag,
            worker: self.worker,
            name: self.name,
            text: self.text,
            newest: self.newest,
            ..JobsQuery::default()
        };
        while list.jobs.len() < self.limit {
            query.limit = Some((self.limit - list.jobs.len()).min(PAGE_LEN_MAX));
            let page = context.client.jobs(&query).await?;
            list.jobs.extend(page.jobs);
            list.next_after = page.next_after;
            query.after = page.next_after;
            if query.after.is_none() {
                break;
            }
        }
        Ok(Data::Jobs { list, active_only, filtered }.into())
    }
}
