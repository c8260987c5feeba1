//! The same done with several jobs, as `hold`, `release`, `top` and `bottom` do it: those that are named go in one request, all of a kind in one more each.
//! One that is refused does not keep the others from theirs.

use c2_shared::api::jobs::JobStateResponse;
use c2_shared::api::many::{ChangeRequest, ManyRequest, ManyResponse, RefusedJob};
use c2_shared::client::{Client, ClientError};
use c2_shared::id::JobId;
use c2_shared::selection::{Common, Selection};
use serde_json::{Map, Value};

use crate::command::job_name::JobNames;
use crate::command::{CommandError, Context, Data, Outcome, resolve};

/// What is to be done with each.
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    Cancel,
    Hold,
    Release,
    Top,
    Bottom,
    Change { set: Map<String, Value>, more_time_s: Option<u64>, max_running: Option<u32> },
}

impl Deed {
    async fn ask(&self, client: &Client, jobs: ManyRequest) -> Result<ManyResponse, ClientError> {
        match self {
            Self::Cancel => client.cancel_jobs(&jobs).await,
            Self::Hold => client.hold_jobs(&jobs).await,
            Self::Release => client.release_jobs(&jobs).await,
            Self::Top => client.top_jobs(&jobs).await,
            Self::Bottom => client.bottom_jobs(&jobs).await,
            Self::Change { set, more_time_s, max_running } => {
                let ManyRequest { job_ids, select } = jobs;
                let (set, more_time_s, max_running) = (set.clone(), *more_time_s, *max_running);
                let change = ChangeRequest { job_ids, select, set, more_time_s, max_running };
                client.change_jobs(&change).await
            }
        }
    }
}

/// Does it with all that are named.
pub(crate) async fn run(context: &Context, names: &[JobNames], deed: &Deed) -> Result<Outcome, CommandError> {
    let many = Many::each(context, names, deed).await?;
    Ok(many.outcome(|changed, refused| Data::Changed { changed, refused }))
}

/// What came of the requests.
#[derive(Debug)]
pub(crate) struct Many {
    done: Vec<JobStateResponse>,
    refused: Vec<RefusedJob>,
    later: Vec<JobId>,
    /// What became of batches of which all jobs have ended, in words.
    limits: Vec<String>,
}

fn limited(batch: &Selection, max_running: u32) -> String {
    match max_running {
        0 => format!("{batch}: any number of its jobs run at once from now on"),
        1 => format!("{batch}: one of its jobs runs at once from now on"),
        n => format!("{batch}: at most {n} of its jobs run at once from now on"),
    }
}

impl Many {
    /// Requests it for all that are named. The refusal of a job that is alone is that of the whole command.
    pub(crate) async fn each(context: &Context, names: &[JobNames], deed: &Deed) -> Result<Self, CommandError> {
        let named: Vec<JobNames> = names.iter().filter(|name| !matches!(name, JobNames::All(_))).cloned().collect();
        let job_ids = resolve::jobs(context, &named).await?;
        let alone = job_ids.len() == 1 && names.len() == 1;
        let mut many = Self { done: Vec::new(), refused: Vec::new(), later: Vec::new(), limits: Vec::new() };
        if !job_ids.is_empty() {
            many.add(deed.ask(&context.client, ManyRequest { job_ids, select: None }).await?);
        }
        let mut nobody = None;
        for name in names {
            let JobNames::All(selection) = name else { continue };
            let jobs = ManyRequest { job_ids: Vec::new(), select: Some(selection.clone()) };
            let answer = match deed.ask(&context.client, jobs).await {
                // There is no such group or batch; what else was named has its turn.
                Err(ClientError::Refused { status: 404, body, .. }) => {
                    nobody = Some(CommandError::from(*body));
                    continue;
                }
                answer => answer?,
            };
            let names_none = answer.done.is_empty() && answer.refused.is_empty();
            if let (Some(limit), true) = (&answer.max_running, names_none) {
                many.limits.push(limited(selection, *limit));
            } else if names_none {
                nobody = Some(match &selection.common {
                    Common::Batch(batch) => CommandError::refused(
                        format!("all jobs of batch {batch:?} have ended"),
                        format!(
                            "`jobs --batch={batch} --all` lists them, `retry @batch:{batch}` runs those again that failed"
                        ),
                    ),
                    common => resolve::no_job(common),
                });
            }
            many.add(answer);
        }
        match (nobody, many.refused.as_slice()) {
            (Some(nobody), []) if many.done.is_empty() && many.limits.is_empty() => Err(nobody),
            (_, [refused]) if alone => Err(refused.error.clone().into()),
            (nobody, _) => {
                nobody.iter().for_each(|nobody: &CommandError| context.progress(&nobody.message));
                many.limits.iter().for_each(|limit| context.progress(limit));
                many.say_later(context);
                Ok(many)
            }
        }
    }

    fn add(&mut self, answer: ManyResponse) {
        self.done.extend(answer.done);
        self.refused.extend(answer.refused);
        self.later.extend(answer.later);
    }

    /// Says of which jobs only the wish is noted, as their state is still the old one.
    fn say_later(&self, context: &Context) {
        let which = match self.later.as_slice() {
            [] => return,
            [one] => format!("{one} waits at a worker that is silent, so this is done when c2d hears of it"),
            several => format!("{} jobs wait at silent workers, so this is done when c2d hears of them", several.len()),
        };
        context.progress(&format!("{which} again"));
    }

    pub(crate) fn outcome(self, data: impl FnOnce(Vec<JobStateResponse>, Vec<RefusedJob>) -> Data) -> Outcome {
        let exit = i32::from(!self.refused.is_empty());
        Outcome { data: data(self.done, self.refused), exit }
    }
}
