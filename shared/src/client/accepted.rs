//! A job that was accepted, and the rest of the answer, which comes when the job has ended.

use reqwest::Response;
use reqwest::header::LOCATION;

use super::{Client, ClientError};
use crate::api::endpoint;
use crate::api::jobs::{WaitQuery, WaitResponse};
use crate::id::JobId;
use crate::job::JobSpec;

/// A job whose end is waited for.
#[derive(Debug)]
pub struct Accepted {
    /// The job.
    pub job: JobId,
    end: End,
}

#[derive(Debug)]
enum End {
    /// An older c2d answers when the job has ended.
    Known(Box<WaitResponse>),
    Later {
        server: String,
        response: Response,
    },
}

impl Client {
    /// Submits a job, and waits up to `wait_s` seconds for its end with the same request.
    ///
    /// # Errors
    /// When c2d cannot be reached or refuses.
    pub async fn submit_wait(&self, spec: &JobSpec, wait_s: u64) -> Result<Accepted, ClientError> {
        let request = self.request(&endpoint::SUBMIT_WAIT, &())?.query(&WaitQuery { wait_s: Some(wait_s) });
        let response = self.send(request.json(spec).timeout(Self::limit(wait_s))).await?;
        let place = response.headers().get(LOCATION).and_then(|place| place.to_str().ok());
        match place.and_then(|place| place.rsplit('/').next()?.parse().ok()) {
            Some(job) => Ok(Accepted { job, end: End::Later { server: self.server().to_owned(), response } }),
            None => {
                let answer: WaitResponse = super::body(self.server(), response).await?;
                Ok(Accepted { job: answer.job.row.job_id, end: End::Known(Box::new(answer)) })
            }
        }
    }
}

impl Accepted {
    /// Waits for the rest of the answer.
    ///
    /// # Errors
    /// When the connection breaks meanwhile. The job is there all the same.
    pub async fn end(self) -> Result<WaitResponse, ClientError> {
        match self.end {
            End::Known(answer) => Ok(*answer),
            End::Later { server, response } => super::body(&server, response).await,
        }
    }
}
