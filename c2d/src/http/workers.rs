//! What workers call.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use c2_shared::api::error::{ErrorBody, ErrorCode};
use c2_shared::api::files::CleanupReport;
use c2_shared::api::output::Output;
use c2_shared::api::upgrade::UpgradeReport;
use c2_shared::api::work::{
    Assignment, AttemptResult, Directive, Given, PROTOCOL, PlainPollResponse, PollResponse, RegisterRequest,
    RegisterResponse, ResultRequest, ResultResponse, ResultVerdict, ReturnedAttempt, WorkAnswer,
};
use c2_shared::blob::BlobId;
use c2_shared::id::{AttemptId, Session, WorkerId};
use c2_shared::job::{JobSpec, Outcome};
use c2_shared::limits::{
    ASSIGNED_BYTES_MAX, INLINE_BYTES_MAX, INLINE_SPEC_BYTES_MAX, SLOTS, SLOTS_MAX, WAIT_MAX_S, WORKER_BODY_BYTES_MAX,
};
use c2_shared::resources::{self, Capacity};
use tokio::time::timeout;

use crate::engine::AttemptOutput;
use crate::http::clamp::{self, text};
use crate::http::contents::{self, Form};
use crate::http::handler::{Answer, ApiError, App, Json, Name, OptionalJsonBody, State, invalid, serves};
use crate::http::results::{self, Arrived};
use crate::http::role::{Protocol, WorkerPeer};
use crate::http::{files, poll_body};
use crate::sched::Reject;
use crate::sched::decision::{Handout, PollAnswer};
use crate::sched::event::{self, FaultOf, Introduction, Place, Poll, ResultFate, ResultSummary, Returned};
use crate::store::{self, payload};

/// How long a poll that is answered for a directive's sake may take to bring its own answer.
const NEWS_GRACE: Duration = Duration::from_millis(20);

serves!(REGISTER => register, GET_WORK => get_work, DELIVER_RESULT => result);

pub(crate) async fn register(
    peer: WorkerPeer,
    State(app): State<App>,
    protocol: Protocol,
    OptionalJsonBody(body): OptionalJsonBody<RegisterRequest, WORKER_BODY_BYTES_MAX>,
) -> Answer<RegisterResponse> {
    let request = body.unwrap_or_default();
    let (id, ip) = (peer.worker(&app, &request.worker_id).await?, peer.address());
    let slots = request.slots.unwrap_or(SLOTS);
    if !(1..=SLOTS_MAX).contains(&slots) {
        return Err(invalid(format!("{slots} slots"), &format!("use 1 to {SLOTS_MAX}")));
    }
    let said = RegisterResponse {
        ip,
        server_version: env!("CARGO_PKG_VERSION").to_owned(),
        output_keep_bytes: app.output_keep_bytes,
        protocol: protocol.is_known().then_some(PROTOCOL),
        start: None,
    };
    if protocol.is_known() && request.session.is_empty() && !request.boot_id.is_empty() {
        // It says the rest when it knows whom it speaks to.
        return Ok(Json(said));
    }
    resources::check(request.resources.iter().map(|(name, amount)| (name, *amount)))?;
    let hardware = clamp::hardware(request.hardware);
    let has = Capacity::detected(&hardware).with(&request.resources, &[]);
    let via = hardware.via.clone();
    let hardware = serde_json::to_string(&hardware).expect("our own plain types become JSON");
    let intro = Introduction {
        id,
        ip,
        hostname: clamp::hostname(&request.hostname),
        place: Place {
            boot_id: text(&request.boot_id),
            machine: text(&request.machine),
            folder: text(&request.folder),
        },
        session: session(&request.session),
        slots,
        has,
        mac: request.mac.parse().ok(),
        unfenced: via.is_some(),
        version: text(&request.version),
        hardware: Arc::from(hardware),
    };
    let start = app.engine.apply(event::WorkerRegistered(intro)).await?;
    Ok(Json(RegisterResponse { start, ..said }))
}

pub(crate) async fn get_work(
    peer: WorkerPeer,
    State(app): State<App>,
    protocol: Protocol,
    Name(_): Name,
    request: Request,
) -> Answer<WorkAnswer> {
    let since = app.clock.now().mono;
    let answer = answer(peer, &app, protocol, request).await?;
    let with_work = match &answer {
        WorkAnswer::Plain(answer) => answer.job.is_some(),
        WorkAnswer::Agent(answer) => !answer.assign.is_empty(),
    };
    app.counters.polled(with_work, app.clock.now().mono.since_ms(since));
    Ok(Json(answer))
}

async fn answer(peer: WorkerPeer, app: &App, protocol: Protocol, request: Request) -> Result<WorkAnswer, ApiError> {
    let (ip, hashes) = (peer.address(), protocol.is_known().then_some(Form::Hashes));
    // For as long as something large is read or kept.
    let mut turn = None;
    let Some(mut request) = poll_body::read(app, &peer, request, &mut turn).await? else {
        let worker = peer.worker(app, "").await?;
        let handout = app.engine.apply(event::PlainPolled { worker: worker.clone(), ip }).await?;
        let job = assignments(app, &worker, hashes.unwrap_or(Form::Inline), handout).await.pop();
        return Ok(WorkAnswer::Plain(Box::new(PlainPollResponse { job })));
    };
    let worker = peer.worker(app, &request.worker_id).await?;
    if request.unsent.iter().any(|result| result.listing.is_some()) {
        app.large_bodies.take(&peer, &mut turn).await?;
    }
    let Arrived { whole, waiting, want } = results::arrive(app, std::mem::take(&mut request.unsent)).await?;
    drop(turn);
    let unstarted = whole.iter().map(|output| &output.result);
    let unstarted = unstarted.filter(|result| matches!(result.outcome, Outcome::Setup { .. })).map(|r| r.attempt);
    let unstarted: Vec<_> = unstarted.chain(request.returned.iter().map(|returned| returned.attempt)).collect();
    let hopeless = files::hopeless(app, &unstarted).await?;
    let fault_of = |attempt, unreadable| match unreadable {
        _ if hopeless.contains(&attempt) => FaultOf::Job,
        true => FaultOf::Version,
        false => FaultOf::Worker,
    };
    reported(app, &worker, std::mem::take(&mut request.cleaned), request.upgraded.take());
    let ended: BTreeMap<_, _> = request.ended.into_iter().map(|ended| (ended.attempt, ended.outcome)).collect();
    // What is to be sent is said at once.
    let wait_s = if want.is_empty() { request.wait_s } else { 0 };
    let poll = Poll {
        worker: worker.clone(),
        ip,
        boot_id: text(&request.boot_id),
        session: session(&request.session),
        seq: request.seq,
        slots_free: request.slots_free,
        running: request.running.into_iter().chain(ended.keys().copied()).chain(waiting).collect(),
        staged: request.staged.into_iter().collect(),
        ended,
        returned: returned(request.returned, fault_of),
        ages_ms: request.started.into_iter().map(|started| (started.attempt, started.age_ms)).collect(),
        takes_ahead: request.takes_ahead,
        unsent: whole.iter().map(|output| summary(output, fault_of(output.result.attempt, false))).collect(),
        load: clamp::load(request.load),
        unfit: request.self_test_error.map(|reason| clamp::sentence(&reason)),
        would_sleep: request.would_sleep,
        wait_ms: wait_s.min(WAIT_MAX_S) * 1_000,
    };
    let mut polled = pin!(app.engine.poll(poll, whole));
    let (answer, directives) = tokio::select! {
        biased;
        answer = &mut polled => (answer?, due(app, &worker).await),
        // Something else is wanted of this worker. News that are on their way already go along.
        directives = called(app, &worker) => match timeout(NEWS_GRACE, polled).await {
            Ok(answer) => (answer?, directives),
            Err(_) => (PollAnswer::default(), directives),
        },
    };
    let register = answer.register.then_some(Directive::Register);
    // An agent of old would not understand the rest of the answer either.
    let limits = answer.limits.into_iter().filter(|_| hashes.is_some()).collect();
    let assign = assignments(app, &worker, hashes.unwrap_or(Form::InlineStdin), answer.assign).await;
    Ok(WorkAnswer::Agent(PollResponse {
        assign: assign.into_iter().map(Box::new).map(Given::Readable).collect(),
        kill: answer.kill,
        recall: answer.recall,
        ack: answer.ack,
        want,
        limits,
        may_sleep: answer.may_sleep,
        directives: register.into_iter().chain(directives).collect(),
        epoch: app.leadership.epoch(),
    }))
}

/// What goes back, each with who is to blame.
fn returned(list: Vec<ReturnedAttempt>, fault_of: impl Fn(AttemptId, bool) -> FaultOf) -> Vec<Returned> {
    let one = |ReturnedAttempt { attempt, reason, unreadable, recalled }| Returned {
        attempt,
        reason: clamp::sentence(&reason),
        fault_of: if recalled { FaultOf::Nobody } else { fault_of(attempt, unreadable) },
    };
    list.into_iter().map(one).collect()
}

pub(crate) async fn result(
    peer: WorkerPeer,
    State(app): State<App>,
    name: Name,
    request: Request,
) -> Answer<ResultResponse> {
    let (job, worker) = (name.job()?, peer.worker(&app, "").await?);
    let mut turn = None;
    let request: ResultRequest = poll_body::read_result(&app, &peer, request, &mut turn).await?;
    let attempt = request.attempt.filter(|attempt| attempt.job == job);
    let attempt = attempt.ok_or_else(|| {
        invalid(format!("which attempt of {job}?"), "repeat the `attempt` of the assignment, like \"job-12.1\"")
    })?;
    let outcome = match (request.outcome, request.exit_code) {
        (Some(Outcome::Dependency { .. } | Outcome::CrashLimit | Outcome::Expired), None) => {
            return Err(invalid("only c2d decides that a job ends like this", "say how the attempt ended"));
        }
        (Some(outcome), None) => outcome,
        (None, Some(code)) => Outcome::Exit { code },
        _ => return Err(invalid("how did it end?", "give exit_code, or outcome, and not both")),
    };
    let (stdout, stderr) = (Output::whole(request.stdout), Output::whole(request.stderr));
    let result = AttemptResult { stdout, stderr, ..AttemptResult::new(attempt, outcome) };
    let output = results::arrive(&app, vec![result]).await?.whole.pop().expect("it names no blob");
    drop(turn);
    let (summary, digest) = (summary(&output, FaultOf::Worker), output.digest);
    let fate = app.engine.deliver(worker.clone(), Some(peer.address()), summary, output).await?;
    let known = match fate {
        ResultFate::Recorded => return Ok(Json(ResultResponse { status: ResultVerdict::Recorded })),
        ResultFate::Ended | ResultFate::Fenced => app.history.digest(attempt).await?,
    };
    if known == Some(digest) {
        return Ok(Json(ResultResponse { status: ResultVerdict::Duplicate }));
    }
    if matches!(app.history.job(job).await, Ok(None)) {
        return Err(Reject::UnknownJob { job }.into());
    }
    let message = format!("{attempt} is not the attempt that counts");
    Err(ErrorBody::new(ErrorCode::Fenced, message, "forget the result: the job was decided otherwise").into())
}

/// A run of an agent as far as it can be kept.
fn session(said: &Session) -> Session {
    Session { start: said.start, nonce: text(&said.nonce) }
}

fn summary(AttemptOutput { result, .. }: &AttemptOutput, fault_of: FaultOf) -> ResultSummary {
    let (attempt, outcome) = (result.attempt, result.outcome.clone());
    ResultSummary { attempt, outcome, fault_of, took_ms: result.took_ms() }
}

/// Passes on what a worker did beside work.
fn reported(app: &App, worker: &WorkerId, cleaned: Vec<CleanupReport>, upgraded: Option<UpgradeReport>) {
    let cleaned = cleaned.into_iter().map(|report| (report.id, report.cleaned)).collect();
    app.cleanup_requests.reported(worker.clone(), cleaned);
    let upgraded = upgraded.into_iter().map(|report| (report.id, clamp::verdict(report.verdict))).collect();
    app.upgrades.requests.reported(worker.clone(), upgraded);
}

/// What is wanted of a worker beside work, whether it was told or not.
async fn due(app: &App, worker: &WorkerId) -> Vec<Directive> {
    let mut directives = app.cleanup_requests.due(worker).await;
    directives.extend(app.upgrades.requests.due(worker).await);
    directives.extend(app.waker.due(worker).await);
    directives
}

/// Waits until something is wanted of a worker beside work: an operator has its workspaces cleaned,
/// or watches a job there.
async fn called(app: &App, worker: &WorkerId) -> Vec<Directive> {
    tokio::select! {
        directives = app.cleanup_requests.called(worker) => directives,
        upgrades = app.upgrades.requests.called(worker) => upgrades,
        wakes = app.waker.called(worker) => wakes,
        reads = app.live_output.called(worker) => reads.into_iter().map(Directive::Read).collect(),
    }
}

/// What goes to the worker. An attempt that it cannot be given in a form that it takes goes back. What
/// does not fit into an answer is given with the next, as the worker's next poll does not list it.
async fn assignments(
    app: &App,
    worker: &WorkerId,
    form: Form,
    handouts: impl IntoIterator<Item = Handout>,
) -> Vec<Assignment> {
    let (mut assignments, mut bytes) = (Vec::new(), 0);
    for handout in handouts {
        match in_form(app, &handout, form).await {
            Ok(GivenSpec { spec, spec_sha256, bytes: needed }) => {
                let (attempt, tags) = (handout.attempt, handout.share.visible());
                bytes += needed + tags.iter().map(|tag| tag.len() + r#""","#.len()).sum::<usize>();
                if bytes > ASSIGNED_BYTES_MAX && !assignments.is_empty() {
                    break;
                }
                let ahead = handout.ahead;
                assignments.push(Assignment { attempt, job_id: attempt.job, tags, spec, spec_sha256, ahead });
            }
            Err(NotGiven { reason, fault_of }) => {
                let attempt = handout.attempt;
                tracing::error!("{attempt} is not given to {worker}: {reason}");
                let result = AttemptResult::new(attempt, Outcome::Setup { reason });
                let output = AttemptOutput { digest: store::digest(&result), result, order: None };
                let summary = summary(&output, fault_of);
                if let Err(error) = app.engine.deliver(worker.clone(), None, summary, output).await {
                    tracing::error!("{attempt} could not be taken back: {error}");
                }
            }
        }
    }
    assignments
}

/// Why an attempt is not given to a worker.
struct NotGiven {
    reason: String,
    fault_of: FaultOf,
}

/// A specification, or where it is.
struct GivenSpec {
    spec: JobSpec,
    spec_sha256: Option<BlobId>,
    /// Its length in an answer.
    bytes: usize,
}

/// What a worker needs to run an attempt. What is in the way of that is in the way of c2d itself: a job whose
/// specification cannot be read is held and never gets this far.
async fn specification(app: &App, handout: &Handout) -> Result<JobSpec, NotGiven> {
    let fault_of = FaultOf::C2d;
    let spec = payload::read(&handout.payload).map_err(|reason| NotGiven { reason, fault_of })?;
    let spec = contents::for_worker(app, spec, &handout.depends).await;
    spec.map_err(|error| NotGiven { reason: error.message(), fault_of })
}

async fn in_form(app: &App, handout: &Handout, form: Form) -> Result<GivenSpec, NotGiven> {
    let spec = specification(app, handout).await?;
    let given = async {
        // Only dependencies make it longer than it is stored.
        let may_be_long = handout.payload.len() > INLINE_SPEC_BYTES_MAX || !handout.depends.is_empty();
        let text = may_be_long.then(|| contents::written(&spec));
        let len = text.as_ref().map_or(handout.payload.len(), String::len);
        if let Some(text) = text.filter(|_| form == Form::Hashes && len > INLINE_SPEC_BYTES_MAX) {
            let skeleton = JobSpec { on_lost: spec.on_lost, ..JobSpec::default() };
            let kept = contents::keep(app, &text).await;
            return kept.map(|blob| Some(GivenSpec { spec: skeleton, spec_sha256: Some(blob), bytes: 0 }));
        }
        let given = contents::in_form(app, spec, form).await?;
        let bytes = |spec: &JobSpec| len + spec.inline_bytes() / 3 * 4;
        Ok(given.map(|spec| GivenSpec { bytes: bytes(&spec), spec, spec_sha256: None }))
    };
    let (reason, fault_of) = match given.await {
        Ok(Some(given)) => return Ok(given),
        Ok(None) => {
            let reason = format!("this worker takes standard input up to {INLINE_BYTES_MAX} bytes; upgrade its agent");
            (reason, FaultOf::Version)
        }
        Err(error) => (error.message(), FaultOf::C2d),
    };
    match files::check_blobs(app, [&specification(app, handout).await?]).await {
        Ok(()) => Err(NotGiven { reason, fault_of }),
        Err(missing) => Err(NotGiven { reason: missing.message(), fault_of: FaultOf::Job }),
    }
}
