//! The paths of c2d, as its router writes them: `{name}` stands for one percent-encoded segment.

/// `POST` register or update a worker.
pub const REGISTER: &str = "/api/workers/register";
/// `POST` poll for work.
pub const GET_WORK: &str = "/api/workers/get-work/{ip}";
/// `POST` what an attempt wrote, when c2d asked for it.
pub const LIVE: &str = "/api/workers/live/{ip}";
/// `GET` all workers.
pub const WORKERS: &str = "/api/workers/list";
/// `GET` one worker.
pub const WORKER: &str = "/api/workers/info/{ip}";
/// `POST` put a worker into groups.
pub const GROUPS: &str = "/api/workers/groups/{ip}";
/// `DELETE` take a worker out of a group.
pub const GROUP: &str = "/api/workers/groups/{ip}/{group}";
/// `POST` set a worker's tags, `GET` them with their holders.
pub const TAGS: &str = "/api/workers/tags/{ip}";
/// `POST` suggest tags from a worker's hardware, and apply them with `apply`.
pub const DETECT_TAGS: &str = "/api/workers/detect-tags/{ip}";
/// `POST` remove the workspaces of a worker's ended jobs.
pub const CLEANUP: &str = "/api/workers/cleanup/{ip}";
/// `POST` let a worker finish what it has and give it nothing new.
pub const DRAIN: &str = "/api/workers/drain/{ip}";
/// `POST` give a drained worker work again.
pub const RESUME: &str = "/api/workers/resume/{ip}";
/// `DELETE` forget a worker.
pub const REMOVE_WORKER: &str = "/api/workers/{ip}";
/// `GET` the workers that a target means, for pdsh.
pub const TARGET: &str = "/api/pdsh/workers/{target}";
/// `POST` one job.
pub const SUBMIT: &str = "/api/jobs/submit";
/// `POST` one job and wait for its end.
pub const SUBMIT_WAIT: &str = "/api/jobs/submit-wait";
/// `POST` jobs, all or none.
pub const SUBMIT_BATCH: &str = "/api/jobs/submit-batch";
/// `POST` jobs, all or none, and wait for their ends.
pub const SUBMIT_BATCH_WAIT: &str = "/api/jobs/submit-batch-wait";
/// `POST` hold a job that has not started.
pub const HOLD: &str = "/api/jobs/hold/{job_id}";
/// `POST` release a held job.
pub const RELEASE: &str = "/api/jobs/release/{job_id}";
/// `POST` submit ended jobs again, all or none.
pub const RETRY: &str = "/api/jobs/retry";
/// `POST` give no new work to anybody.
pub const PAUSE: &str = "/api/jobs/pause";
/// `POST` go on after a pause.
pub const UNPAUSE: &str = "/api/jobs/unpause";
/// `GET` why a job does not run.
pub const WHY: &str = "/api/jobs/why/{job_id}";
/// `GET` counts of the queue.
pub const QUEUE_STATUS: &str = "/api/jobs/queue-status";
/// `GET` jobs, active ones unless asked otherwise.
pub const JOBS: &str = "/api/jobs/list";
/// `GET` one job, waiting for its end with `wait_s`.
pub const JOB: &str = "/api/jobs/info/{job_id}";
/// `POST` cancel a job.
pub const CANCEL: &str = "/api/jobs/cancel/{job_id}";
/// `POST` the result of an attempt.
pub const RESULT: &str = "/api/jobs/result/{job_id}";
/// `GET` recent results.
pub const LOG: &str = "/api/jobs/log";
/// `GET` a job's output as it was written.
pub const OUTPUT: &str = "/api/jobs/output/{job_id}";
/// `GET` the files that a job left.
pub const FILES: &str = "/api/jobs/files/{job_id}";
/// `GET` the content of a file, `PUT` it, go on with it where `HEAD` says.
pub const BLOB: &str = "/api/blobs/{sha256}";
/// `GET` what a job writes while it writes it, as server-sent events.
pub const FOLLOW: &str = "/api/jobs/follow/{job_id}";
/// `POST` an invitation, in exchange for a token.
pub const JOIN: &str = "/api/join";
/// `GET` all tokens, without their secrets.
pub const TOKENS: &str = "/api/tokens";
/// `POST` make an invitation.
pub const INVITE: &str = "/api/tokens/invite";
/// `DELETE` a token, which is worthless then.
pub const TOKEN: &str = "/api/tokens/{id}";
/// `POST` a new token in c2d's own folder.
pub const ROTATE: &str = "/api/tokens/rotate/{role}";
/// `GET` the live event stream.
pub const EVENTS: &str = "/api/events";
/// `GET` counters as JSON.
pub const METRICS: &str = "/api/metrics";
/// `GET` counters in Prometheus' text format.
pub const PROMETHEUS: &str = "/metrics";
/// `GET` this interface as an OpenAPI document; needs no token.
pub const OPENAPI: &str = "/openapi.json";
/// `GET` this interface as a page for people; needs no token.
pub const DOCS: &str = "/docs";
/// `GET` whether c2d is up; needs no token.
pub const HEALTH: &str = "/healthz";

/// Puts `value` in place of the first `{name}` of a path, percent-encoding what is not unreserved.
#[must_use]
pub fn fill(path: &str, value: impl std::fmt::Display) -> String {
    let encoded: String = value
        .to_string()
        .bytes()
        .map(|b| match b {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(b).to_string(),
            _ => format!("%{b:02X}"),
        })
        .collect();
    match (path.find('{'), path.find('}')) {
        (Some(open), Some(close)) => format!("{}{encoded}{}", &path[..open], &path[close + 1..]),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_encoded() {
        assert_eq!(fill(JOB, "job-3"), "/api/jobs/info/job-3");
        assert_eq!(fill(WORKER, "fd00::1"), "/api/workers/info/fd00%3A%3A1");
        assert_eq!(fill(JOB, "../x?y"), "/api/jobs/info/..%2Fx%3Fy");
    }
}
