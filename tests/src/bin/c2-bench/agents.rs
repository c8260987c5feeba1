//! What c2d does with many agents. These are simulated: they register, poll and report as the real
//! ones do, over connections of their own, and run nothing.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use c2_shared::api::batches::BatchRequest;
use c2_shared::api::error::ErrorCode;
use c2_shared::api::work::{AttemptResult, Given, PollRequest, RegisterRequest};
use c2_shared::client::Client;
use c2_shared::id::AttemptId;
use c2_shared::job::{JobSpec, Outcome};
use c2_shared::limits::QUEUE_LEN_MAX;
use c2_shared::pass::Pass;
use c2_shared::server_address::ServerAddress;
use c2_shared::token::Role;
use c2_tests::Cluster;
use c2_tests::usage::{memory_bytes, processor_ms};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::figures::{Spans, count, now, rounded};
use crate::queue::COMMAND;

const SLOTS: u32 = 4;
/// Registrations under way at once.
const REGISTRARS: usize = 32;
/// How long a poll with nothing to say may be held back.
const WAIT_S: u64 = 10;
/// How long what c2d does with nothing to do is watched.
const IDLE: Duration = Duration::from_secs(20);
/// After how long an agent comes again that c2d had no time for.
const COME_AGAIN: Duration = Duration::from_millis(100);
/// How long a job lasts where not only the rate of c2d is asked for.
const JOB: Duration = Duration::from_secs(2);

/// In what time c2d gives back what was only needed for the work.
const GIVEN_BACK: Duration = Duration::from_secs(12);
/// Agents that work a queue off again and again.
const SOAKERS: usize = 50;

/// An agent without a machine.
struct Simulated {
    client: Client,
    ip: IpAddr,
    name: String,
    session: String,
    seq: u64,
}

/// What all agents did so far.
#[derive(Default)]
struct Tally {
    done: AtomicUsize,
    polls: AtomicU64,
}

impl Simulated {
    async fn register(cluster: &Cluster, n: usize) -> Result<Self> {
        let [.., high, low] = u32::try_from(n)?.to_be_bytes();
        let ip = IpAddr::from(Ipv4Addr::new(127, 1, high, low));
        let pass = Pass { token: cluster.token(Role::Worker)?, fingerprint: None, server: None };
        let client = Client::new(&ServerAddress::from(cluster.addr()), Some(pass), Some(ip))?;
        // The same machine comes back as a later run of its agent.
        static RUNS: AtomicU64 = AtomicU64::new(0);
        let name = format!("simulated-{n}");
        let session = format!("run-{}", RUNS.fetch_add(1, Ordering::Relaxed));
        let request = RegisterRequest {
            ip: Some(ip),
            hostname: name.clone(),
            worker_id: name.clone(),
            boot_id: name.clone(),
            session: session.clone().into(),
            slots: Some(SLOTS),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..RegisterRequest::default()
        };
        client.register(&request).await?;
        Ok(Self { client, ip, name, session, seq: 0 })
    }

    /// Polls with the results of what has ended; answers with what to start.
    async fn poll(&mut self, running: &[AttemptId], ended: &[AttemptId]) -> Result<Vec<AttemptId>> {
        self.seq += 1;
        let result = |attempt: &AttemptId| AttemptResult::new(*attempt, Outcome::Exit { code: 0 });
        let request = PollRequest {
            worker_id: self.name.clone(),
            boot_id: self.name.clone(),
            session: self.session.clone().into(),
            seq: self.seq,
            slots_free: SLOTS.saturating_sub(u32::try_from(running.len())?),
            running: running.to_vec(),
            unsent: ended.iter().map(result).collect(),
            wait_s: WAIT_S,
            ..PollRequest::default()
        };
        loop {
            match self.client.poll(self.ip, &request).await {
                Ok(answer) => return Ok(answer.assign.iter().map(Given::attempt).collect()),
                // Where thousands come at the same moment some are asked to come again, as agents do.
                Err(error) if error.code() == Some(ErrorCode::Busy) => sleep(COME_AGAIN).await,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Works until all jobs are done, each for a while; answers how long each poll that got work took.
    async fn work(mut self, tally: &Tally, jobs: usize, job: Duration) -> Result<Vec<Duration>> {
        let mut spans = Vec::new();
        let mut held = Vec::new();
        while tally.done.load(Ordering::Relaxed) < jobs {
            let begun = now();
            let next = self.poll(&[], &held).await?;
            tally.polls.fetch_add(1, Ordering::Relaxed);
            tally.done.fetch_add(held.len(), Ordering::Relaxed);
            if !next.is_empty() {
                spans.push(begun.elapsed());
            }
            // Done by others meanwhile: nothing more will come.
            if next.is_empty() && tally.done.load(Ordering::Relaxed) + held.len() >= jobs {
                break;
            }
            held = next;
            if !held.is_empty() && !job.is_zero() {
                sleep(job).await;
            }
        }
        Ok(spans)
    }
}

/// Everything that a full queue of jobs that take no time needs, and how long a poll for work takes
/// when they do take some.
pub(crate) async fn agents(agents: usize) -> Result<Value> {
    let cluster = Cluster::start().await?;
    let rate = drain(&cluster, agents, QUEUE_LEN_MAX, Duration::ZERO).await?;
    let cluster = Cluster::start().await?;
    let paced = drain(&cluster, agents, QUEUE_LEN_MAX.min(agents * 40), JOB).await?;
    let memory = memory_bytes(cluster.c2d_pid()?)?;
    Ok(json!({
        "bench": "agents",
        "agents": agents,
        "done_per_s": rate.per_s,
        "get_work_saturated_p99_ms": rate.p99_ms,
        "paced_done_per_s": paced.per_s,
        "get_work_p50_ms": paced.p50_ms,
        "get_work_p99_ms": paced.p99_ms,
        "c2d_of_a_core": paced.processor,
        "c2d_mb": rounded(memory as f64 / 1e6),
    }))
}

/// What c2d takes of memory after each of so many rounds in which a full queue comes and is worked off.
pub(crate) async fn soak(rounds: usize) -> Result<Value> {
    ensure!(rounds > 0, "at least one round");
    let cluster = Cluster::start().await?;
    let pid = cluster.c2d_pid()?;
    let before = memory_bytes(pid)?;
    let mut after = Vec::new();
    for _ in 0..rounds {
        drain(&cluster, SOAKERS, QUEUE_LEN_MAX, Duration::ZERO).await?;
        sleep(GIVEN_BACK).await;
        after.push(rounded(memory_bytes(pid)? as f64 / 1e6));
    }
    let largest = after.iter().copied().fold(0.0, f64::max);
    Ok(json!({
        "bench": "soak",
        "rounds": rounds,
        "jobs_a_round": QUEUE_LEN_MAX,
        "before_mb": rounded(before as f64 / 1e6),
        "after_mb": after,
        "largest_of_first": rounded(largest / after[0]),
    }))
}

struct Drained {
    per_s: f64,
    p50_ms: f64,
    p99_ms: f64,
    processor: f64,
}

async fn drain(cluster: &Cluster, agents: usize, jobs: usize, job: Duration) -> Result<Drained> {
    let specs = vec![JobSpec { command: COMMAND.to_owned(), ..JobSpec::default() }; jobs];
    cluster.client().submit_batch(&BatchRequest { jobs: specs, ..BatchRequest::default() }).await?;
    let workers = registered(cluster, agents).await?;
    let tally: &'static Tally = Box::leak(Box::default());
    let (begun, used) = (now(), processor_ms(cluster.c2d_pid()?)?);
    let mut working = JoinSet::new();
    for (n, worker) in workers.into_iter().enumerate() {
        // Machines do not work in step.
        let start = job.mul_f64(count(n) / count(agents));
        working.spawn(async move {
            sleep(start).await;
            worker.work(tally, jobs, job).await
        });
    }
    let mut spans = Vec::new();
    let mut took = Duration::ZERO;
    while let Some(done) = working.join_next().await {
        spans.extend(done??);
        if took.is_zero() && tally.done.load(Ordering::Relaxed) >= jobs {
            took = begun.elapsed();
            // The others wait for work that will not come.
            break;
        }
    }
    working.abort_all();
    let used = processor_ms(cluster.c2d_pid()?)? - used;
    let active = cluster.client().queue_status().await?.active;
    ensure!(active == 0, "{active} jobs are left");
    let spans = Spans::from(spans);
    Ok(Drained {
        per_s: rounded(count(jobs) / took.as_secs_f64()),
        p50_ms: spans.ms_at(50),
        p99_ms: spans.ms_at(99),
        processor: rounded(used as f64 / 1e3 / took.as_secs_f64()),
    })
}

async fn registered(cluster: &Cluster, agents: usize) -> Result<Vec<Simulated>> {
    let mut workers = Vec::new();
    let numbers: Vec<usize> = (1..=agents).collect();
    for some in numbers.chunks(REGISTRARS) {
        let some = some.iter().map(|n| Simulated::register(cluster, *n));
        workers.extend(futures_util::future::try_join_all(some).await?);
    }
    Ok(workers)
}

/// What c2d uses of a processor while agents wait for work that does not come.
pub(crate) async fn idle(agents: usize) -> Result<Value> {
    let mut cluster = Cluster::start().await?;
    let mut waiting = JoinSet::new();
    for mut worker in registered(&cluster, agents).await? {
        waiting.spawn(async move {
            loop {
                worker.poll(&[], &[]).await?;
            }
            #[expect(unreachable_code, reason = "says what kind of error ends it")]
            anyhow::Ok(())
        });
    }
    let real = crate::queue::WORKER;
    cluster.agent(real).await?;
    sleep(IDLE / 4).await;
    let [c2d, agent] = cluster.pids(real)?;
    let before = [processor_ms(c2d)?, processor_ms(agent)?];
    sleep(IDLE).await;
    let online = cluster.client().workers().await?.workers.len();
    ensure!(online == agents + 1 && waiting.try_join_next().is_none(), "an agent gave up");
    let percent = |now: u64, before: u64| rounded((now - before) as f64 / IDLE.as_millis() as f64 * 100.0);
    Ok(json!({
        "bench": "idle",
        "agents": agents,
        "c2d_percent_of_a_core": percent(processor_ms(c2d)?, before[0]),
        "agent_percent_of_a_core": percent(processor_ms(agent)?, before[1]),
        "c2d_mb": rounded(memory_bytes(c2d)? as f64 / 1e6),
        "agent_mb": rounded(memory_bytes(agent)? as f64 / 1e6),
    }))
}
