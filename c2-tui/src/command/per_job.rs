//! One request for each of several jobs, where one that is refused does not keep those after it
//! from theirs.

use c2_shared::client::ClientError;
use c2_shared::id::JobId;

use crate::command::outcome::Refusal;
use crate::command::{CommandError, Data, Kind, Outcome};

/// What came of the requests.
#[derive(Debug)]
pub(crate) struct PerJob<T> {
    /// There is one job only, so its refusal is the whole command's.
    alone: bool,
    done: Vec<T>,
    refused: Vec<Refusal>,
}

impl<T> PerJob<T> {
    /// Requests it for one job after the other. A failure that would meet all the others, too, ends
    /// the command.
    pub(crate) async fn each<F>(jobs: Vec<JobId>, request: impl Fn(JobId) -> F) -> Result<Self, CommandError>
    where
        F: Future<Output = Result<T, ClientError>>,
    {
        let mut per_job = Self { alone: jobs.len() == 1, done: Vec::new(), refused: Vec::new() };
        for job_id in jobs {
            match request(job_id).await.map_err(CommandError::from) {
                Ok(answer) => per_job.done.push(answer),
                Err(error) if per_job.alone || error.kind != Kind::Refused => return Err(error),
                Err(error) => per_job.refused.push(Refusal { job_id, message: error.message }),
            }
        }
        Ok(per_job)
    }

    pub(crate) fn outcome(self, data: impl FnOnce(Vec<T>, Vec<Refusal>) -> Data) -> Outcome {
        let exit = i32::from(!self.refused.is_empty());
        Outcome { data: data(self.done, self.refused), exit }
    }
}
