//! The endpoints, one after the other. The documentation of each is also what c2d says of it at
//! `/docs`: what it does in one line, then what else is to be known.

use std::net::IpAddr;

use serde_json::{Map, Value};

use super::Method::{Delete, Get, Post, Put};
use super::form::endpoints;
use super::parties::*;
use super::{Endpoint, Operation, Raw};
use crate::api::error::ErrorCode::{self, Conflict, DiskFull, Fenced, Gone, NotFound, TooLarge, Wait};
use crate::api::output::OutputQuery;
use crate::api::{batches::*, figures::*, files::*, jobs::*, live::*, many::*, metrics::*, notifications::*};
use crate::api::{schedules::*, tokens::*, upgrade::*, why::*, work::*, workers::*};
use crate::blob::BlobId;
use crate::id::JobId;
use crate::job::JobSpec;
use crate::token::Role;

endpoints! {
    /// Submits a job.
    SUBMIT: Endpoint<(), (), JobSpec, SubmitResponse> =
        Endpoint::new(Post, "/api/jobs/submit", OPERATORS).creates().keyed().refuses(SUBMIT_REFUSALS);

    /// Submits a job and waits for its end.
    ///
    /// The head of the answer comes at once, with the job's place in `Location`, and the rest when the job has ended; after a
    /// minute, or `wait_s`, in any case. `done` says whether the job has ended.
    SUBMIT_WAIT: Endpoint<(), WaitQuery, JobSpec, WaitResponse> =
        Endpoint::new(Post, "/api/jobs/submit-wait", OPERATORS).creates().keyed().refuses(SUBMIT_REFUSALS);

    /// Submits jobs, all or none.
    SUBMIT_BATCH: Endpoint<(), (), BatchRequest, BatchResponse> =
        Endpoint::new(Post, "/api/jobs/submit-batch", OPERATORS).creates().keyed().refuses(SUBMIT_REFUSALS);

    /// Submits jobs, all or none, and waits for their ends.
    SUBMIT_BATCH_WAIT: Endpoint<(), WaitQuery, BatchRequest, BatchWaitResponse> =
        Endpoint::new(Post, "/api/jobs/submit-batch-wait", OPERATORS).creates().keyed().refuses(SUBMIT_REFUSALS);

    /// Lists the batches: jobs that were submitted under one name.
    LIST_BATCHES: Endpoint<(), NoQuery, (), BatchList> = Endpoint::new(Get, "/api/batches", READERS);

    /// Shows one batch.
    ///
    /// `eta_s` goes by how long jobs of the same names took lately, or else those of the batch that have ended.
    GET_BATCH: Endpoint<str, (), (), BatchRow> = Endpoint::new(Get, "/api/batches/{name}", READERS);

    /// Says what a submit of jobs would be answered, and submits nothing.
    ///
    /// All problems are in the answer, each with the place of its job, and notes about jobs that would not
    /// run soon. Blobs that they name need not be there yet.
    CHECK_JOBS: Endpoint<(), (), BatchRequest, CheckResponse> = Endpoint::new(Post, "/api/jobs/check", OPERATORS);

    /// Submits ended jobs again, all or none.
    RETRY: Endpoint<(), (), RetryRequest, BatchResponse> =
        Endpoint::new(Post, "/api/jobs/retry", OPERATORS).creates().refuses(RETRY_REFUSALS);

    /// Lists jobs.
    ///
    /// Those that have not ended, unless the query asks for others; in pages, by `after`.
    LIST_JOBS: Endpoint<(), JobsQuery, (), JobList> = Endpoint::new(Get, "/api/jobs/list", READERS).refuses(&[NotFound, ErrorCode::Ambiguous]);

    /// Shows one job, waiting for its end with `wait_s`.
    GET_JOB: Endpoint<JobId, WaitQuery, (), WaitResponse> =
        Endpoint::new(Get, "/api/jobs/info/{job_id}", READERS).refuses(&[Gone]);

    /// Reads what a job wrote, byte for byte.
    ///
    /// Of a job that runs, its worker is asked what it wrote so far. With `attempt` the answer is what that
    /// attempt wrote; of a job, the outputs of the first and the last four attempts are kept. Of a long output
    /// the beginning and the end are kept, one behind the other: then the headers `c2-dropped` and
    /// `c2-dropped-at` say how many bytes are missing, and behind how many. With `Accept: application/json`
    /// the answer is `{"head": .., "dropped": N, "tail": ..}` instead, in base64, up to 8 MiB.
    GET_OUTPUT: Endpoint<JobId, OutputQuery, (), Raw> =
        Endpoint::new(Get, "/api/jobs/output/{job_id}", READERS).answers(BYTES).refuses(&[Gone, TooLarge]);

    /// Streams what a job writes until it has ended.
    ///
    /// Server-sent events: `written` with a `Written` for each piece, at last `ended` with a `JobRow`. After
    /// a break the positions behind the last piece continue where it broke.
    FOLLOW: Endpoint<JobId, FollowQuery, (), Raw> =
        Endpoint::new(Get, "/api/jobs/follow/{job_id}", READERS).answers(EVENT_STREAM).refuses(&[Gone]);

    /// Explains why a job does not run.
    WHY: Endpoint<JobId, (), (), Explanation> = Endpoint::new(Get, "/api/jobs/why/{job_id}", READERS).refuses(&[Gone]);

    /// Shows recent results, oldest first.
    GET_LOG: Endpoint<(), LogQuery, (), JobLog> = Endpoint::new(Get, "/api/jobs/log", READERS).refuses(&[NotFound, ErrorCode::Ambiguous]);

    /// Says how long jobs of each name run, why jobs fail, and when the queue will be empty.
    ///
    /// By what ended last: up to 2,000 jobs, or 2,000 of one name. `failures` puts the latest 100 failures together
    /// by the last line of their standard error.
    STATS: Endpoint<(), StatsQuery, (), Stats> = Endpoint::new(Get, "/api/stats", READERS);

    /// Shows which jobs ran where and when, from `since_s` ago on.
    TIMELINE: Endpoint<(), TimelineQuery, (), Timeline> = Endpoint::new(Get, "/api/timeline", READERS);

    /// Shows the queue in numbers.
    QUEUE_STATUS: Endpoint<(), (), (), QueueStatus> = Endpoint::new(Get, "/api/jobs/queue-status", READERS);

    /// Cancels a job.
    ///
    /// A running job's processes are being ended when the answer comes.
    CANCEL: Endpoint<JobId, (), (), CancelResponse> =
        Endpoint::new(Post, "/api/jobs/cancel/{job_id}", OPERATORS).refuses(&[Conflict]);

    /// Holds a job that has not started.
    HOLD: Endpoint<JobId, (), (), JobStateResponse> =
        Endpoint::new(Post, "/api/jobs/hold/{job_id}", OPERATORS).refuses(&[Conflict]).or_later();

    /// Releases a held job.
    RELEASE: Endpoint<JobId, (), (), JobStateResponse> =
        Endpoint::new(Post, "/api/jobs/release/{job_id}", OPERATORS).refuses(&[Conflict]);

    /// Cancels many jobs; one that cannot be cancelled does not save the others.
    CANCEL_JOBS: Endpoint<(), (), ManyRequest, ManyResponse> = Endpoint::new(Post, "/api/jobs/cancel", OPERATORS).refuses(NO_JOBS);

    /// Holds many jobs that have not started.
    HOLD_JOBS: Endpoint<(), (), ManyRequest, ManyResponse> =
        Endpoint::new(Post, "/api/jobs/hold", OPERATORS).or_later().refuses(NO_JOBS);

    /// Releases many held jobs.
    RELEASE_JOBS: Endpoint<(), (), ManyRequest, ManyResponse> = Endpoint::new(Post, "/api/jobs/release", OPERATORS).refuses(NO_JOBS);

    /// Puts jobs before all others of their priority that wait, in the order that they have.
    TOP_JOBS: Endpoint<(), (), ManyRequest, ManyResponse> = Endpoint::new(Post, "/api/jobs/top", OPERATORS).refuses(NO_JOBS);

    /// Puts jobs behind all others of their priority that wait, in the order that they have.
    BOTTOM_JOBS: Endpoint<(), (), ManyRequest, ManyResponse> = Endpoint::new(Post, "/api/jobs/bottom", OPERATORS).refuses(NO_JOBS);

    /// Changes jobs that have not ended.
    ///
    /// `set` has fields of the specification with their new values. Of a job that runs, `timeout_s`, `retries`,
    /// `retry_delay_s`, `priority`, `on_lost` and `name` can change; `more_time_s` adds to its time limit.
    /// `max_running` is of a batch as a whole.
    CHANGE_JOBS: Endpoint<(), (), ChangeRequest, ManyResponse> = Endpoint::new(Post, "/api/jobs/change", OPERATORS).or_later().refuses(NO_JOBS);

    /// Gives no new work to anybody.
    PAUSE: Endpoint<(), (), (), PauseResponse> = Endpoint::new(Post, "/api/jobs/pause", OPERATORS);

    /// Resumes the queue after a pause.
    UNPAUSE: Endpoint<(), (), (), PauseResponse> = Endpoint::new(Post, "/api/jobs/unpause", OPERATORS);

    /// Adds a schedule: a job that c2d submits by itself, again and again.
    ///
    /// `cron` is five fields as in crontab, `@daily` and the like, or `every 15m`, counted from now on. A time of
    /// day that does not exist in `timezone`, as the clock is put forward, runs when the clock continues; one that
    /// comes twice runs the first time.
    ADD_SCHEDULE: Endpoint<(), (), ScheduleRequest, ScheduleRow> =
        Endpoint::new(Post, "/api/schedules", OPERATORS).creates().refuses(&[NotFound, Conflict, ErrorCode::Ambiguous, DiskFull]);

    /// Lists all schedules, with when each runs next and what came of its latest runs.
    LIST_SCHEDULES: Endpoint<(), NoQuery, (), ScheduleList> = Endpoint::new(Get, "/api/schedules", READERS);

    /// Shows one schedule.
    GET_SCHEDULE: Endpoint<str, (), (), ScheduleRow> = Endpoint::new(Get, "/api/schedules/{name}", READERS);

    /// Changes a schedule.
    ///
    /// Its runs so far stay, and so does whether it is paused. A run that is due already is not lost with a new
    /// `cron`; `every` counts from then on.
    CHANGE_SCHEDULE: Endpoint<str, (), ScheduleChange, ScheduleRow> =
        Endpoint::new(Post, "/api/schedules/change/{name}", OPERATORS).refuses(&[Conflict, ErrorCode::Ambiguous, DiskFull]);

    /// Says what adding or changing a schedule would be answered, and does neither.
    CHECK_SCHEDULE: Endpoint<str, (), ScheduleCheck, ScheduleOutlook> = Endpoint::new(Post, "/api/schedules/check/{name}", OPERATORS).refuses(&[Conflict, ErrorCode::Ambiguous]);

    /// Removes a schedule; its jobs continue.
    REMOVE_SCHEDULE: Endpoint<str, (), (), ScheduleGone> = Endpoint::new(Delete, "/api/schedules/{name}", OPERATORS);

    /// Lets a schedule submit nothing until it is resumed.
    PAUSE_SCHEDULE: Endpoint<str, (), (), ScheduleRow> = Endpoint::new(Post, "/api/schedules/pause/{name}", OPERATORS);

    /// Resumes a schedule from its next instant.
    RESUME_SCHEDULE: Endpoint<str, (), (), ScheduleRow> =
        Endpoint::new(Post, "/api/schedules/resume/{name}", OPERATORS);

    /// Runs a schedule now, in addition, by the same rule for runs that overlap.
    RUN_SCHEDULE: Endpoint<str, (), (), SubmitResponse> =
        Endpoint::new(Post, "/api/schedules/run/{name}", OPERATORS).creates().refuses(SUBMIT_REFUSALS);

    /// Adds a notification.
    ///
    /// From now on; each at least once, and again and again until the target takes it.
    ADD_NOTIFICATION: Endpoint<(), (), NotificationRequest, NotificationRow> =
        Endpoint::new(Post, "/api/notifications", OPERATORS).creates().refuses(&[Conflict]);

    /// Lists all notifications, with what is wrong with their targets.
    LIST_NOTIFICATIONS: Endpoint<(), NoQuery, (), NotificationList> =
        Endpoint::new(Get, "/api/notifications", READERS);

    /// Shows one notification.
    GET_NOTIFICATION: Endpoint<str, (), (), NotificationRow> =
        Endpoint::new(Get, "/api/notifications/{name}", READERS);

    /// Changes a notification.
    ///
    /// What it has not reported yet goes to the target that it has then.
    CHANGE_NOTIFICATION: Endpoint<str, (), NotificationChange, NotificationRow> =
        Endpoint::new(Post, "/api/notifications/change/{name}", OPERATORS);

    /// Removes a notification.
    REMOVE_NOTIFICATION: Endpoint<str, (), (), NotificationGone> =
        Endpoint::new(Delete, "/api/notifications/{name}", OPERATORS);

    /// Sends a test message to a target and reports the result.
    TEST_NOTIFICATION: Endpoint<str, (), (), NotificationTested> =
        Endpoint::new(Post, "/api/notifications/test/{name}", OPERATORS);

    /// Lists the files that a job left.
    ///
    /// The content of each is the blob of its `sha256`; small ones also come in base64 with `content`.
    LIST_FILES: Endpoint<JobId, FilesQuery, (), JobFiles> =
        Endpoint::new(Get, "/api/jobs/files/{job_id}", READERS).refuses(&[Conflict, Gone]);

    /// Reads the content of a file.
    ///
    /// `Range: bytes=5-` reads from there on. The header `upload-offset` says how many bytes c2d has, also
    /// where it does not have all; `HEAD` asks for that alone. With `size` it is also said beforehand that
    /// there is no room for the rest.
    GET_BLOB: Endpoint<BlobId, BlobQuery, (), Raw> =
        Endpoint::new(Get, "/api/blobs/{sha256}", RECEIVERS).answers(BYTES).refuses(&[TooLarge, DiskFull]);

    /// Sends the content of a file.
    ///
    /// The end of the body is the end of the file. A body that breaks off is gone on with at `offset`. A
    /// blob that no job names is removed after a day.
    PUT_BLOB: Endpoint<BlobId, BlobQuery, Raw, BlobStatus> =
        Endpoint::new(Put, "/api/blobs/{sha256}", SENDERS).refuses(&[Conflict, DiskFull]);

    /// Removes all files that no job uses.
    ///
    /// Files that came within the last minute stay: their submit may be on its way.
    GC_BLOBS: Endpoint<(), (), (), GcResponse> = Endpoint::new(Post, "/api/blobs/gc", OPERATORS);

    /// Removes the workspaces of a worker's ended jobs; its report is waited for half a minute.
    CLEANUP: Endpoint<str, (), (), CleanupResponse> =
        Endpoint::new(Post, "/api/workers/cleanup/{ip}", OPERATORS).refuses(&[Conflict, ErrorCode::Ambiguous]);

    /// Has a worker's agent run the newer program that c2d has, and waits for it.
    ///
    /// Jobs run on. An agent whose new program does not reach c2d within half a minute continues with the old one.
    UPGRADE: Endpoint<str, (), (), UpgradeResponse> =
        Endpoint::new(Post, "/api/workers/upgrade/{ip}", OPERATORS).refuses(&[Conflict, ErrorCode::Ambiguous]);

    /// Reads the program of agents for one kind of processors, like `x86_64`.
    GET_AGENT: Endpoint<str, (), (), Raw> =
        Endpoint::new(Get, "/api/workers/agent/{architecture}", WORKERS).answers(BYTES);

    /// Lists all workers.
    LIST_WORKERS: Endpoint<(), NoQuery, (), WorkerList> = Endpoint::new(Get, "/api/workers/list", READERS);

    /// Shows one worker.
    ///
    /// By address, host name or the beginning of its id, as wherever a worker is named.
    GET_WORKER: Endpoint<str, (), (), WorkerInfo> =
        Endpoint::new(Get, "/api/workers/info/{ip}", READERS).refuses(&[ErrorCode::Ambiguous]);

    /// Finds the workers that a target means.
    ///
    /// `@all`, `@group`, addresses, names, ranges (`10.0.0.[11-13]`), with commas between them and `!` in
    /// front of what is excluded.
    FIND_WORKERS: Endpoint<str, (), (), TargetWorkers> =
        Endpoint::new(Get, "/api/pdsh/workers/{target}", READERS).refuses(&[ErrorCode::Ambiguous]);

    /// Puts a worker into groups.
    ASSIGN: Endpoint<str, (), GroupsRequest, WorkerRow> =
        Endpoint::new(Post, "/api/workers/groups/{ip}", OPERATORS).refuses(&[ErrorCode::Ambiguous]);

    /// Takes a worker out of a group.
    UNASSIGN: Endpoint<[String], (), (), WorkerRow> =
        Endpoint::new(Delete, "/api/workers/groups/{ip}/{group}", OPERATORS).refuses(&[ErrorCode::Ambiguous]);

    /// Shows a worker's tags with their holders.
    GET_TAGS: Endpoint<str, (), (), TagStatus> =
        Endpoint::new(Get, "/api/workers/tags/{ip}", READERS).refuses(&[ErrorCode::Ambiguous]);

    /// Sets the tags that a worker offers.
    ///
    /// A tag that a job holds stays held, and is shown, until that job has ended.
    SET_TAGS: Endpoint<str, (), TagsRequest, TagStatus> =
        Endpoint::new(Post, "/api/workers/tags/{ip}", OPERATORS).refuses(&[ErrorCode::Ambiguous]);

    /// Sets what a worker has.
    ///
    /// Slots are no more than its agent runs: `notes` says where that is less than was set. Jobs that hold more keep it until they have ended.
    SET_RESOURCES: Endpoint<str, (), ResourcesRequest, ResourcesResponse> =
        Endpoint::new(Post, "/api/workers/resources/{ip}", OPERATORS).refuses(&[ErrorCode::Ambiguous]);

    /// Suggests tags from a worker's hardware.
    ///
    /// With `apply` they are added to those that it offers.
    DETECT_TAGS: Endpoint<str, DetectQuery, (), DetectResponse> =
        Endpoint::new(Post, "/api/workers/detect-tags/{ip}", OPERATORS).refuses(&[ErrorCode::Ambiguous]);

    /// Lets a worker finish what it has and gives it nothing new.
    DRAIN: Endpoint<str, (), (), WorkerRow> =
        Endpoint::new(Post, "/api/workers/drain/{ip}", OPERATORS).refuses(&[ErrorCode::Ambiguous]);

    /// Gives a drained worker work again.
    RESUME: Endpoint<str, (), (), WorkerRow> =
        Endpoint::new(Post, "/api/workers/resume/{ip}", OPERATORS).refuses(&[ErrorCode::Ambiguous]);

    /// Wakes the machine of a worker that sleeps or is offline, with three packets at most; one online stays as it is.
    WAKE: Endpoint<str, (), (), WorkerRow> =
        Endpoint::new(Post, "/api/workers/wake/{ip}", OPERATORS).refuses(&[Conflict, ErrorCode::Ambiguous]);

    /// Forgets a worker that is offline and holds nothing.
    ///
    /// With `lost` also one past its lease that holds jobs: these run elsewhere or end, by `on_lost`; late results are void.
    REMOVE_WORKER: Endpoint<str, RemoveQuery, (), RemoveResponse> =
        Endpoint::new(Delete, "/api/workers/{ip}", OPERATORS).refuses(&[Conflict, ErrorCode::Ambiguous]);

    /// Registers a worker or updates what it said.
    ///
    /// A worker is its `worker_id`, which is that of its token; its address is that of its connection. Without
    /// either it is known by that address. Without a body it has 4 slots. While another run or machine with
    /// the same identity may still be at work the answer is 503 `wait`; when it is, 409 `clone`.
    REGISTER: Endpoint<(), (), RegisterRequest, RegisterResponse> =
        Endpoint::new(Post, "/api/workers/register", WORKERS).without_body_too().refuses(&[ErrorCode::Clone, Wait]);

    /// Polls for work.
    ///
    /// Without a body the answer comes at once, with one job or none. An agent sends all that it holds; the
    /// answer then waits up to `wait_s` seconds for something to say. Contents of jobs are named by their hashes
    /// for those that send the header `c2-protocol: 2`; all others find them in the specification.
    GET_WORK: Endpoint<IpAddr, (), PollRequest, WorkAnswer> =
        Endpoint::new(Post, "/api/workers/get-work/{ip}", WORKERS).without_body_too().refuses(&[Wait]);

    /// Delivers the result of one attempt.
    DELIVER_RESULT: Endpoint<JobId, (), ResultRequest, ResultResponse> =
        Endpoint::new(Post, "/api/jobs/result/{job_id}", WORKERS).refuses(&[Fenced]);

    /// Says what an attempt wrote, as c2d asked.
    ///
    /// The question is a directive in the answer to a poll; the answer here may be the next one.
    SAY_WRITTEN: Endpoint<IpAddr, (), OutputAnswer, NextRead> =
        Endpoint::new(Post, "/api/workers/live/{ip}", WORKERS);

    /// Says which folders of ended jobs a worker may remove.
    ///
    /// Those stay of jobs that have not ended, that another job waits for, or that ended too lately, counted in
    /// time in which c2d ran.
    OLD_WORKSPACES: Endpoint<(), (), OldWorkspacesRequest, OldWorkspaces> =
        Endpoint::new(Post, "/api/workers/old-workspaces", WORKERS);

    /// Makes an invitation.
    ///
    /// With `as` it is for a reinstalled machine, and gives it the identity of that worker.
    INVITE: Endpoint<(), (), InviteRequest, InviteResponse> =
        Endpoint::new(Post, "/api/tokens/invite", OPERATORS).creates().refuses(&[NotFound, ErrorCode::Ambiguous]);

    /// Takes an invitation in exchange for a token.
    ///
    /// A worker says its `worker_id`, an id that it makes up and keeps; its token is good for that worker
    /// alone. An invitation to be a known worker answers with the `worker_id` of that one, once it is past its
    /// lease. A request that is refused leaves the invitation as it was.
    JOIN: Endpoint<(), (), JoinRequest, JoinResponse> =
        Endpoint::new(Post, "/api/join", INVITED).creates().refuses(&[Conflict, Wait]);

    /// Proves that this c2d knows the codes of the invitations that it announces; none without TLS.
    JOIN_PROOFS: Endpoint<(), (), (), JoinProofs> = Endpoint::new(Get, "/api/join/proofs", ANYONE);

    /// List all tokens, without their secrets.
    LIST_TOKENS: Endpoint<(), (), (), TokenList> = Endpoint::new(Get, "/api/tokens", OPERATORS);

    /// Revokes a token.
    REVOKE_TOKEN: Endpoint<str, (), (), TokenGone> = Endpoint::new(Delete, "/api/tokens/{id}", OPERATORS);

    /// Puts a new token into c2d's own folder.
    ///
    /// `operator` or `worker`; the old one is revoked.
    ROTATE_TOKEN: Endpoint<Role, (), (), TokenGone> = Endpoint::new(Post, "/api/tokens/rotate/{role}", OPERATORS);

    /// Opens the live event stream.
    ///
    /// Server-sent events: first `snapshot` with a `Snapshot`, then `change` with a `Change` after each
    /// commit. A reader that falls behind is sent a new `snapshot`.
    EVENTS: Endpoint<(), (), (), Raw> = Endpoint::new(Get, "/api/events", READERS).answers(EVENT_STREAM);

    /// Shows counters.
    METRICS: Endpoint<(), (), (), Metrics> = Endpoint::new(Get, "/api/metrics", READERS);

    /// Shows counters in Prometheus' text format.
    PROMETHEUS: Endpoint<(), (), (), Raw> = Endpoint::new(Get, "/metrics", READERS).answers("text/plain; version=0.0.4");

    /// Shows this interface as an OpenAPI document.
    OPENAPI: Endpoint<(), (), (), Map<String, Value>> = Endpoint::new(Get, "/openapi.json", ANYONE);

    /// Shows this interface as a page.
    DOCS: Endpoint<(), (), (), Raw> = Endpoint::new(Get, "/docs", ANYONE).answers("text/html; charset=utf-8");

    /// Says whether c2d is well.
    ///
    /// `ok`, or with status 503 `degraded: ` and why: its disk is full, hangs or is read-only, or a log is behind.
    HEALTH: Endpoint<(), (), (), Raw> = Endpoint::new(Get, "/healthz", ANYONE).answers("text/plain; charset=utf-8");
}
