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
    pub(crate) fn of(jobs: &[JobId]) -> Self {
        Self { alone: jobs.len() == 1, done: Vec::new(), refused: Vec::new() }
    }

    /// Takes the answer for a job. A failure that would meet all the others, too, is a error.
    pub(crate) fn take(&mut self, job_id: JobId, answer: Result<T, ClientError>) -> Result<(), CommandError> {
        match answer.map_err(CommandError::from) {
            Ok(answer) => self.done.push(answer),
            Err(error) if self.alone || error.kind != Kind::Refused => return Err(error),
            Err(error) => self.refused.push(Refusal { job_id, message: error.message }),
        }
        Ok(())
    }

    pub(crate) fn outcome(self, data: impl FnOnce(Vec<T>, Vec<Refusal>) -> Data) -> Outcome {
        let exit = i32::from(!self.refused.is_empty());
        Outcome { data: data(self.done, self.refused), exit }
    }
}
