//! Every endpoint of c2d, called by hand, with its answer and with each of its refusals.

mod doors;
mod survey;

use anyhow::{Context as _, Result, ensure};
use c2_shared::api::endpoint::{self, Method, Operation};
use c2_shared::token::Role;
use c2_tests::http::Request;
use c2_tests::wait::SOON;
use c2_tests::{Cluster, eventually, scenario};
use serde_json::{Value, json};

use crate::endpoints::survey::{Survey, Who};

crate::tests![every_endpoint_answers_as_it_is_documented];

const OPERATOR: Who = Who::Operator;
/// A worker of our own, which knows HTTP and the README.
const PLAIN: Who = Who::Worker([127, 0, 0, 9]);
/// An address from which nobody ever registered.
const STRANGER: Who = Who::Worker([127, 0, 0, 77]);
/// The SHA-256 of `abc`.
const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

fn every_endpoint_answers_as_it_is_documented() {
    scenario(async |cluster| {
        // A program for agents elsewhere.
        std::fs::create_dir(cluster.data_dir().join("agents"))?;
        std::fs::write(cluster.data_dir().join("agents/c2-agent-riscv64"), "a program")?;
        let mut survey =
            Survey::begin(cluster.addr(), cluster.token(Role::Operator)?, cluster.token(Role::Worker)?).await?;
        pages(&mut survey).await?;
        plain_worker(&mut survey).await?;
        cluster.agent("127.0.0.2").await?;
        workers(&mut survey).await?;
        jobs(&mut survey).await?;
        waiting(&mut survey).await?;
        doors::batches(&mut survey).await?;
        doors::schedules(&mut survey).await?;
        doors::notifications(&mut survey).await?;
        a_long_output(&mut survey).await?;
        files(&mut survey).await?;
        tokens(cluster, &mut survey).await?;
        with_a_small_queue(cluster, &mut survey).await?;
        strangers_and_pages(&mut survey).await?;
        wrong_bodies(&mut survey).await?;
        nonsense(&mut survey).await?;
        doors::bodies_that_none_reads(&mut survey).await?;
        let unseen = survey.unseen();
        assert!(unseen.is_empty(), "documented and never answered:\n{}", unseen.join("\n"));
        Ok(())
    });
}

async fn pages(survey: &mut Survey) -> Result<()> {
    for path in ["/healthz", "/docs", "/openapi.json"] {
        survey.expect(Who::Nobody, &format!("GET {path}"), None, 200, &Value::Null).await?;
    }
    survey.expect(OPERATOR, "GET /metrics", None, 200, &Value::Null).await?;
    survey.expect(OPERATOR, "GET /api/metrics", None, 200, &json!({"jobs_processed": 0, "active_workers": 0})).await?;
    survey.expect(OPERATOR, "GET /api/events", None, 200, &Value::Null).await?;
    Ok(())
}

/// Register, poll, deliver: the README's protocol, for whoever writes a worker of his own.
async fn plain_worker(survey: &mut Survey) -> Result<()> {
    let at = "/api/workers/get-work/127.0.0.9";
    survey.expect(STRANGER, "POST /api/workers/get-work/127.0.0.77", None, 404, &json!({"code": "not_found"})).await?;
    // What it claims does not count, nor what stands in the path.
    let claim = Some(json!({"ip": "127.0.0.2"}));
    survey.expect(PLAIN, "POST /api/workers/register", claim, 200, &json!({"ip": "127.0.0.9"})).await?;
    survey.expect(PLAIN, "POST /api/workers/register", None, 200, &json!({"ip": "127.0.0.9"})).await?;
    survey.expect(STRANGER, &format!("POST {at}"), None, 404, &json!({"code": "not_found"})).await?;
    survey.expect(PLAIN, &format!("POST {at}"), None, 200, &json!({"job": null})).await?;

    let submit = Some(json!({"command": "one", "depends": []}));
    survey.expect(OPERATOR, "POST /api/jobs/submit", submit, 201, &json!({"job_id": "job-1"})).await?;
    let work = json!({"job": {"job_id": "job-1", "attempt": "job-1.1", "spec": {"command": "one"}}});
    survey.expect(PLAIN, &format!("POST {at}"), None, 200, &work).await?;
    survey
        .expect(OPERATOR, "GET /api/jobs/list", None, 200, &json!({"jobs": [{"job_id": "job-1", "state": "running"}]}))
        .await?;
    let result = |code: i32| Some(json!({"attempt": "job-1.1", "exit_code": code, "stdout": "1\n"}));
    for (code, status, part) in [
        (0, 200, json!({"status": "recorded"})),
        (0, 200, json!({"status": "duplicate"})),
        (1, 409, json!({"code": "fenced"})),
    ] {
        survey.expect(PLAIN, "POST /api/jobs/result/job-1", result(code), status, &part).await?;
    }
    let unknown = Some(json!({"attempt": "job-99.1", "exit_code": 0}));
    survey.expect(PLAIN, "POST /api/jobs/result/job-99", unknown, 404, &json!({"code": "not_found"})).await?;

    let written = |id: u64| Some(json!({"id": id, "running": false}));
    survey.expect(PLAIN, "POST /api/workers/live/127.0.0.9", written(1), 200, &Value::Null).await?;
    survey.expect(STRANGER, "POST /api/workers/live/127.0.0.77", written(1), 404, &Value::Null).await?;
    let folders = Some(json!({"job_ids": ["job-99"], "days": 7}));
    survey.expect(PLAIN, "POST /api/workers/old-workspaces", folders, 200, &json!({"job_ids": []})).await?;
    Ok(())
}

async fn workers(survey: &mut Survey) -> Result<()> {
    let own = "127.0.0.2";
    survey
        .expect(OPERATOR, "GET /api/workers/list", None, 200, &json!({"workers": [{"ip": own}, {"slots": 4}]}))
        .await?;
    survey
        .expect(OPERATOR, &format!("GET /api/workers/info/{own}"), None, 200, &json!({"ip": own, "running": []}))
        .await?;
    let groups = |name: &str| Some(json!({"groups": [name]}));
    let row = json!({"ip": own, "groups": ["gpu"]});
    survey.expect(OPERATOR, &format!("POST /api/workers/groups/{own}"), groups("gpu"), 200, &row).await?;
    survey.expect(OPERATOR, &format!("POST /api/workers/groups/{own}"), groups("spare"), 200, &Value::Null).await?;
    survey.expect(OPERATOR, &format!("DELETE /api/workers/groups/{own}/spare"), None, 200, &row).await?;
    let tags = Some(json!({"tags": ["disk", "gpu:0"]}));
    let offered = json!({"ip": own, "tags": {"disk": null, "gpu:0": null}});
    survey.expect(OPERATOR, &format!("POST /api/workers/tags/{own}"), tags, 200, &offered).await?;
    survey.expect(OPERATOR, &format!("GET /api/workers/tags/{own}"), None, 200, &offered).await?;
    let sets = Some(json!({"resources": {"cpus": 6, "memory": "8G", "license": 2, "vram": null}}));
    let has = json!({"ip": own, "capacity": {"cpus": 6, "memory_bytes": 8_589_934_592_u64, "needs": {"license": 2}}});
    survey.expect(OPERATOR, &format!("POST /api/workers/resources/{own}"), sets, 200, &has).await?;
    let detected = json!({"ip": own, "applied": false});
    survey.expect(OPERATOR, &format!("POST /api/workers/detect-tags/{own}"), None, 200, &detected).await?;
    survey
        .expect(OPERATOR, &format!("POST /api/workers/drain/{own}"), None, 200, &json!({"status": "draining"}))
        .await?;
    survey
        .expect(OPERATOR, &format!("POST /api/workers/resume/{own}"), None, 200, &json!({"status": "online"}))
        .await?;
    survey.expect(OPERATOR, &format!("POST /api/workers/wake/{own}"), None, 200, &json!({"status": "online"})).await?;
    survey
        .expect(OPERATOR, &format!("POST /api/workers/cleanup/{own}"), None, 200, &json!({"ip": own, "removed": []}))
        .await?;
    doors::upgrades(survey, own).await?;
    let meant = json!({"target": "@gpu", "workers": [{"ip": own}]});
    survey.expect(OPERATOR, "GET /api/pdsh/workers/@gpu", None, 200, &meant).await?;
    survey.expect(OPERATOR, "GET /api/pdsh/workers/@nobody", None, 404, &json!({"code": "not_found"})).await?;

    doors::an_online_worker_stays(survey, own).await?;
    // Two with one host name, and one whose host name is an address that no worker has.
    for (who, name) in [(PLAIN, "twin"), (Who::Worker([127, 0, 0, 78]), "Twin"), (STRANGER, "127.0.0.88")] {
        survey.expect(who, "POST /api/workers/register", Some(json!({"hostname": name})), 200, &Value::Null).await?;
    }
    let twins = json!({"code": "ambiguous", "message": "\"TWIN\" means several workers: 127.0.0.9 (twin, id addr:127.0.0.9), \
            127.0.0.78 (Twin, id addr:127.0.0.78)"});
    copied_folder(survey).await?;
    for (operation, body) in [
        ("GET /api/jobs/list?worker=IP", None),
        ("GET /api/jobs/log?worker=IP", None),
        ("GET /api/workers/info/IP", None),
        ("POST /api/workers/groups/IP", groups("gpu")),
        ("DELETE /api/workers/groups/IP/gpu", None),
        ("POST /api/workers/tags/IP", Some(json!({"tags": ["disk"]}))),
        ("POST /api/workers/resources/IP", Some(json!({"resources": {"cpus": 4}}))),
        ("GET /api/workers/tags/IP", None),
        ("POST /api/workers/detect-tags/IP", None),
        ("POST /api/workers/drain/IP", None),
        ("POST /api/workers/resume/IP", None),
        ("POST /api/workers/wake/IP", None),
        ("POST /api/workers/cleanup/IP", None),
        ("POST /api/workers/upgrade/IP", None),
        ("DELETE /api/workers/IP", None),
        ("GET /api/pdsh/workers/IP", None),
        ("GET /api/pdsh/workers/@all,!IP", None),
    ] {
        // Jobs are also found by an address that nobody has any more.
        let nobody = if operation.contains("worker=") { "nobody" } else { "127.0.0.88" };
        for (name, status, part) in [(nobody, 404, json!({"code": "not_found"})), ("TWIN", 409, twins.clone())] {
            survey.expect(OPERATOR, &operation.replace("IP", name), body.clone(), status, &part).await?;
        }
    }
    Ok(())
}

/// A machine with a copy of another's state folder waits until the other has polled twice, and then is told.
async fn copied_folder(survey: &mut Survey) -> Result<()> {
    let intro = |folder: &str| {
        let session = format!("1-{folder}");
        Some(json!({"worker_id": "copied", "boot_id": "b", "session": session, "machine": "m", "folder": folder}))
    };
    let (own, copy) = (Who::Worker([127, 0, 0, 79]), Who::Worker([127, 0, 0, 80]));
    let register = "POST /api/workers/register";
    survey.expect(own, register, intro("own"), 200, &Value::Null).await?;
    survey.expect(copy, register, intro("copy"), 503, &json!({"code": "wait"})).await?;
    for seq in [1, 2] {
        let poll = json!({"worker_id": "copied", "boot_id": "b", "session": "1-own", "seq": seq});
        survey.expect(own, "POST /api/workers/get-work/127.0.0.79", Some(poll), 200, &Value::Null).await?;
        tokio::time::sleep(std::time::Duration::from_millis(4_100)).await;
    }
    survey.expect(copy, register, intro("copy"), 409, &json!({"code": "clone"})).await?;
    Ok(())
}

async fn jobs(survey: &mut Survey) -> Result<()> {
    let spec = |command: &str| json!({"command": command, "group": "gpu"});
    let end = json!({"done": true, "job_id": "job-2", "state": "succeeded", "stdout": "hello\n"});
    survey.expect(OPERATOR, "POST /api/jobs/submit-wait", Some(spec("echo hello")), 201, &end).await?;
    let failed = json!({"done": true, "job_id": "job-3", "outcome": {"kind": "exit", "code": 3}});
    survey.expect(OPERATOR, "POST /api/jobs/submit-wait", Some(spec("exit 3")), 201, &failed).await?;
    let batch = || {
        Some(
            json!({"jobs": [{"command": "true", "group": "gpu", "name": "a"}, {"command": "true", "group": "gpu", "depends": ["a"]}]}),
        )
    };
    let fine = json!({"problems": [], "notes": []});
    survey.expect(OPERATOR, "POST /api/jobs/check", batch(), 200, &fine).await?;
    let ids = json!({"job_ids": ["job-4", "job-5"]});
    survey.expect(OPERATOR, "POST /api/jobs/submit-batch", batch(), 201, &ids).await?;
    let rows = json!({"done": true, "jobs": [{"state": "succeeded"}, {"state": "succeeded"}]});
    survey.expect(OPERATOR, "POST /api/jobs/submit-batch-wait", batch(), 201, &rows).await?;
    survey.expect(OPERATOR, "GET /api/jobs/info/job-2", None, 200, &end).await?;
    survey.expect(OPERATOR, "GET /api/jobs/output/job-2", None, 200, &Value::Null).await?;
    survey.expect(OPERATOR, "GET /api/jobs/follow/job-2", None, 200, &Value::Null).await?;
    survey.expect(OPERATOR, "GET /api/jobs/files/job-2", None, 200, &json!({"job_id": "job-2", "files": []})).await?;
    survey.expect(OPERATOR, "GET /api/jobs/why/job-2", None, 200, &json!({"job": {"job_id": "job-2"}})).await?;
    let log = json!({"results": [{"job_id": "job-3", "state": "failed"}]});
    survey.expect(OPERATOR, "GET /api/jobs/log?lines=1&state=failed", None, 200, &log).await?;
    survey.expect(OPERATOR, "GET /api/stats?name=nobody", None, 200, &json!({"names": []})).await?;
    survey.expect(OPERATOR, "GET /api/stats", None, 200, &json!({"failures": [{"outcome": {"kind": "exit"}}]})).await?;
    survey.expect(OPERATOR, "GET /api/timeline?since_s=3600", None, 200, &Value::Null).await?;
    let queue = json!({"active": 0, "capacity": 50_000, "ended": {"succeeded": 6, "failed": 1}});
    survey.expect(OPERATOR, "GET /api/jobs/queue-status", None, 200, &queue).await?;
    let again = Some(json!({"job_ids": ["job-3"]}));
    survey.expect(OPERATOR, "POST /api/jobs/retry", again, 201, &json!({"job_ids": ["job-8"]})).await?;

    let unknown = json!({"code": "invalid_input", "field": "group", "hint": "did you mean \"gpu\"?"});
    for path in ["submit", "submit-wait"] {
        let body = Some(json!({"command": "true", "group": "gpuu"}));
        survey.expect(OPERATOR, &format!("POST /api/jobs/{path}"), body, 400, &unknown).await?;
        let body = Some(json!({"command": "true", "depends": ["job-99"]}));
        survey.expect(OPERATOR, &format!("POST /api/jobs/{path}"), body, 404, &json!({"code": "not_found"})).await?;
    }
    for path in ["submit-batch", "submit-batch-wait"] {
        let body = Some(json!({"jobs": [{"command": "true"}, {"command": "true", "depends": ["job-99"]}]}));
        survey.expect(OPERATOR, &format!("POST /api/jobs/{path}"), body, 404, &json!({"code": "not_found"})).await?;
        let body = Some(json!({"jobs": [{"command": "true"}, {"command": "true", "group": "gpuu"}]}));
        survey
            .expect(OPERATOR, &format!("POST /api/jobs/{path}"), body, 400, &json!({"field": "jobs[1].group"}))
            .await?;
        let knot = Some(
            json!({"jobs": [{"command": "true", "name": "a", "depends": ["b"]}, {"command": "true", "name": "b", "depends": ["a"]}]}),
        );
        survey
            .expect(OPERATOR, &format!("POST /api/jobs/{path}"), knot, 400, &json!({"code": "invalid_input"}))
            .await?;
    }
    for operation in
        ["GET info", "GET output", "GET follow", "GET files", "GET why", "POST cancel", "POST hold", "POST release"]
    {
        let (method, name) = operation.split_once(' ').context("two words")?;
        survey
            .expect(OPERATOR, &format!("{method} /api/jobs/{name}/job-99"), None, 404, &json!({"code": "not_found"}))
            .await?;
    }
    survey.expect(OPERATOR, "POST /api/jobs/retry", Some(json!({"job_ids": ["job-99"]})), 404, &Value::Null).await?;
    Ok(())
}

/// What can be done with jobs that have not started.
async fn waiting(survey: &mut Survey) -> Result<()> {
    survey.expect(OPERATOR, "POST /api/jobs/pause", None, 200, &json!({"paused": true})).await?;
    let submitted =
        survey.expect(OPERATOR, "POST /api/jobs/submit", Some(json!({"command": "true"})), 201, &Value::Null);
    let id = submitted.await?["job_id"].as_str().context("an id")?.to_owned();
    survey.expect(OPERATOR, &format!("POST /api/jobs/hold/{id}"), None, 200, &json!({"state": "held"})).await?;
    survey.expect(OPERATOR, &format!("POST /api/jobs/release/{id}"), None, 200, &json!({"state": "queued"})).await?;
    survey
        .expect(OPERATOR, "POST /api/jobs/retry", Some(json!({"job_ids": [id]})), 409, &json!({"code": "conflict"}))
        .await?;
    for word in ["hold", "release", "top", "bottom", "change", "cancel"] {
        let path = format!("POST /api/jobs/{word}");
        let body = |jobs: &[&str]| match word {
            "change" => Some(json!({"job_ids": jobs, "set": {"priority": 5}})),
            _ => Some(json!({"job_ids": jobs})),
        };
        let refused = json!({"done": [], "refused": [{"job_id": "job-1", "code": "conflict"}]});
        survey.expect(OPERATOR, &path, body(&["job-1"]), 200, &refused).await?;
        survey.expect(OPERATOR, &path, body(&[]), 400, &json!({"code": "invalid_input"})).await?;
        // What ends it comes below.
        if word != "cancel" {
            survey
                .expect(OPERATOR, &path, body(&[&id]), 200, &json!({"done": [{"job_id": id}], "refused": []}))
                .await?;
        }
    }
    survey.expect(OPERATOR, &format!("GET /api/jobs/files/{id}"), None, 409, &json!({"code": "conflict"})).await?;
    survey.expect(OPERATOR, &format!("POST /api/jobs/cancel/{id}"), None, 200, &json!({"state": "cancelled"})).await?;
    for word in ["cancel", "hold", "release"] {
        survey
            .expect(OPERATOR, &format!("POST /api/jobs/{word}/job-1"), None, 409, &json!({"code": "conflict"}))
            .await?;
    }
    survey.expect(OPERATOR, "POST /api/jobs/unpause", None, 200, &json!({"paused": false})).await?;
    // The same key with something else is a mistake of the caller, not a second job.
    for path in ["submit", "submit-wait"] {
        let with_key = |command: &str| Some(json!({"command": command, "group": "gpu", "idempotency_key": path}));
        survey.expect(OPERATOR, &format!("POST /api/jobs/{path}"), with_key("true"), 201, &Value::Null).await?;
        survey.expect(OPERATOR, &format!("POST /api/jobs/{path}"), with_key("false"), 409, &Value::Null).await?;
        let with_key = |command: &str| {
            Some(json!({"jobs": [{"command": command, "group": "gpu"}], "idempotency_key": format!("{path}s")}))
        };
        let path = path.replace("submit", "submit-batch");
        survey.expect(OPERATOR, &format!("POST /api/jobs/{path}"), with_key("true"), 201, &Value::Null).await?;
        survey.expect(OPERATOR, &format!("POST /api/jobs/{path}"), with_key("false"), 409, &Value::Null).await?;
    }
    Ok(())
}

/// More than fits into one document.
async fn a_long_output(survey: &mut Survey) -> Result<()> {
    let job = json!({"command": "head -c 9000000 /dev/zero"});
    let ended = survey.expect(OPERATOR, "POST /api/jobs/submit-wait", Some(job), 201, &Value::Null).await?;
    let path = format!("/api/jobs/output/{}", ended["job_id"].as_str().context("a job")?);
    let request = Request { accept: Some("application/json"), ..Request::new("GET", &path) };
    survey.expect_of(OPERATOR, &request, 413, &json!({"code": "too_large"})).await.map(drop)
}

async fn files(survey: &mut Survey) -> Result<()> {
    survey.expect(OPERATOR, "POST /api/blobs/gc", None, 200, &json!({"removed": 0})).await?;
    let path = format!("/api/blobs/{ABC}");
    let put = |body: &'static [u8]| Request {
        content_type: "application/octet-stream",
        body: Some(body),
        ..Request::new("PUT", &path)
    };
    survey.expect(OPERATOR, &format!("GET {path}"), None, 404, &json!({"code": "not_found"})).await?;
    survey.expect_of(OPERATOR, &put(b"abd"), 400, &json!({"code": "invalid_input"})).await?;
    survey.expect_of(OPERATOR, &put(b"abc"), 200, &json!({"sha256": ABC, "size": 3, "complete": true})).await?;
    survey.expect(OPERATOR, &format!("GET {path}"), None, 200, &Value::Null).await?;
    // It is neither this worker's nor that of a job which it was given.
    survey.expect(PLAIN, &format!("GET {path}"), None, 404, &json!({"code": "not_found"})).await?;
    let other = "b".repeat(64);
    let behind = format!("/api/blobs/{other}?offset=7");
    let request =
        Request { content_type: "application/octet-stream", body: Some(b"abc"), ..Request::new("PUT", &behind) };
    survey.expect_of(OPERATOR, &request, 409, &json!({"code": "conflict"})).await?;
    let huge = format!("/api/blobs/{other}?size={}", u64::MAX / 2);
    survey.expect(OPERATOR, &format!("GET {huge}"), None, 413, &json!({"code": "too_large"})).await?;
    let request =
        Request { content_type: "application/octet-stream", body: Some(b"abc"), ..Request::new("PUT", &huge) };
    survey.expect_of(OPERATOR, &request, 413, &json!({"code": "too_large"})).await?;
    Ok(())
}

async fn tokens(cluster: &Cluster, survey: &mut Survey) -> Result<()> {
    let invited =
        survey.expect(OPERATOR, "POST /api/tokens/invite", Some(json!({"uses": 3})), 201, &Value::Null).await?;
    survey.invite(invited["line"].as_str().context("a line")?)?;
    let cafe = || Some(json!({"name": "own", "worker_id": "cafe", "roles": ["worker"]}));
    survey.expect(Who::Invited, "POST /api/join", cafe(), 201, &Value::Null).await?;
    for (body, status, part) in [
        (cafe(), 409, json!({"code": "conflict", "field": "worker_id"})),
        (Some(json!({"name": "own"})), 400, json!({"code": "invalid_input", "field": "worker_id"})),
        (Some(json!({"roles": ["operator"]})), 403, json!({"code": "forbidden"})),
    ] {
        survey.expect(Who::Invited, "POST /api/join", body, status, &part).await?;
    }
    for (name, status, code) in [("127.0.0.88", 404, "not_found"), ("TWIN", 409, "ambiguous")] {
        let again = Some(json!({"as": name}));
        survey.expect(OPERATOR, "POST /api/tokens/invite", again, status, &json!({"code": code})).await?;
    }
    survey.expect(PLAIN, "GET /api/join/proofs", None, 200, &json!({"proofs": []})).await?;
    let two = Some(json!({"role": "viewer", "uses": 2}));
    let invited = survey.expect(OPERATOR, "POST /api/tokens/invite", two, 201, &Value::Null).await?;
    survey.invite(invited["line"].as_str().context("a line")?)?;
    let name = Some(json!({"name": "somebody"}));
    survey.expect(Who::Invited, "POST /api/join", name, 201, &Value::Null).await?;
    let known = survey.expect(OPERATOR, "GET /api/tokens", None, 200, &Value::Null).await?;
    let known = known["tokens"].as_array().context("tokens")?;
    let id = known.last().and_then(|token| token["id"].as_str()).context("an id")?;
    survey.expect(OPERATOR, &format!("DELETE /api/tokens/{id}"), None, 200, &json!({"gone": id})).await?;
    survey.expect(OPERATOR, &format!("DELETE /api/tokens/{id}"), None, 404, &json!({"code": "not_found"})).await?;
    survey.expect(OPERATOR, "POST /api/tokens/rotate/viewer", None, 404, &json!({"code": "not_found"})).await?;
    survey.expect(OPERATOR, "POST /api/tokens/rotate/worker", None, 200, &json!({"gone": "worker"})).await?;
    survey.expect(PLAIN, "POST /api/workers/get-work/127.0.0.9", None, 401, &json!({"code": "unauthorized"})).await?;
    survey.now_has(cluster.token(Role::Worker)?);
    Ok(())
}

/// c2d with room for one job and memory for one ended job, which is where 410 and 429 come from.
async fn with_a_small_queue(cluster: &mut Cluster, survey: &mut Survey) -> Result<()> {
    cluster.kill_c2d()?;
    std::fs::write(cluster.data_dir().join("config.json"), r#"{"max_queue_size": 1, "keep_jobs": 1}"#)?;
    cluster.restart_c2d().await?;
    survey.expect(OPERATOR, "POST /api/jobs/pause", None, 200, &Value::Null).await?;
    let gone = json!({"code": "gone"});
    eventually("the removal of an old job", SOON, async || {
        let job = cluster.client().job(c2_shared::id::JobId(1), 0).await;
        Ok(job.is_err().then_some(()))
    })
    .await?;
    for name in ["info", "output", "follow", "files", "why"] {
        survey.expect(OPERATOR, &format!("GET /api/jobs/{name}/job-1"), None, 410, &gone).await?;
    }
    survey.expect(OPERATOR, "POST /api/jobs/retry", Some(json!({"job_ids": ["job-1"]})), 410, &gone).await?;

    let log = survey.expect(OPERATOR, "GET /api/jobs/log?lines=1", None, 200, &Value::Null).await?;
    let last = log["results"][0]["job_id"].as_str().context("a result")?.to_owned();
    let full = json!({"code": "queue_full"});
    survey.expect(OPERATOR, "POST /api/jobs/submit", Some(json!({"command": "true"})), 201, &Value::Null).await?;
    for path in ["submit", "submit-wait"] {
        survey
            .expect(OPERATOR, &format!("POST /api/jobs/{path}"), Some(json!({"command": "true"})), 429, &full)
            .await?;
    }
    for path in ["submit-batch", "submit-batch-wait"] {
        let body = Some(json!({"jobs": [{"command": "true"}]}));
        survey.expect(OPERATOR, &format!("POST /api/jobs/{path}"), body, 429, &full).await?;
    }
    survey.expect(OPERATOR, "POST /api/jobs/retry", Some(json!({"job_ids": [last]})), 429, &full).await?;
    survey.expect(OPERATOR, "POST /api/schedules/run/backup", None, 429, &full).await?;

    // Nobody heard the plain worker since.
    let offline = json!({"code": "conflict"});
    survey.expect(OPERATOR, "POST /api/workers/cleanup/127.0.0.9", None, 409, &offline).await?;
    survey.expect(OPERATOR, "POST /api/workers/upgrade/127.0.0.9", None, 409, &offline).await?;
    survey.expect(OPERATOR, "DELETE /api/workers/127.0.0.9", None, 200, &json!({"ip": "127.0.0.9"})).await?;
    Ok(())
}

/// An endpoint's path with what is there in place of its names.
fn filled(one: &Operation) -> String {
    let value = |name: &str| match name {
        "sha256" => ABC.to_owned(),
        "job_id" => "job-1".to_owned(),
        "ip" => "127.0.0.9".to_owned(),
        "architecture" => "riscv64".to_owned(),
        other => other.to_owned(),
    };
    one.filled(value)
}

/// Without a token, from a web page, under a strange name: for all.
async fn strangers_and_pages(survey: &mut Survey) -> Result<()> {
    for one in endpoint::ALL {
        let path = filled(one);
        let request = Request::new(one.method.as_str(), &path);
        if !one.roles.is_empty() {
            survey.expect_of(Who::Nobody, &request, 401, &json!({"code": "unauthorized"})).await?;
        }
        let page = Request { origin: Some("https://example.org"), ..request };
        survey.expect_of(OPERATOR, &page, 403, &json!({"code": "forbidden"})).await?;
        let named = Request { host: Some("example.org"), ..request };
        survey.expect_of(OPERATOR, &named, 421, &json!({"code": "misdirected"})).await?;
    }
    Ok(())
}

async fn wrong_bodies(survey: &mut Survey) -> Result<()> {
    let large = vec![b' '; 64 * 1024 * 1024 + 1];
    for one in survey.answering(415) {
        let (who, path) = (Survey::right_one(one), filled(one));
        let request =
            Request { body: Some(b"{}"), content_type: "text/plain", ..Request::new(one.method.as_str(), &path) };
        survey.expect_of(who, &request, 415, &json!({"code": "unsupported_media_type"})).await?;
        if one.path != endpoint::PUT_BLOB.path {
            let request = Request { body: Some(&large), content_type: "application/json", ..request };
            survey.expect_of(who, &request, 413, &json!({"code": "too_large"})).await?;
        }
    }
    Ok(())
}

/// What cannot be read, in the path, in the query or in the body.
async fn nonsense(survey: &mut Survey) -> Result<()> {
    for one in survey.answering(400) {
        let (who, method) = (Survey::right_one(one), one.method.as_str());
        let path = one
            .path
            .replace("{ip}", "%ff")
            .replace("{architecture}", "%ff")
            .replace("{group}", "gpu")
            .replace("{job_id}", "job-x");
        let path =
            path.replace("{target}", "@").replace("{id}", "%ff").replace("{role}", "%ff").replace("{sha256}", "abc");
        let path = path.replace("{name}", "%ff");
        let path = if one.names().next().is_some() { path } else { format!("{path}?nonsense=1") };
        // Agents may say more than c2d knows, so the second field is one of theirs.
        let nonsense = &b"{\"nonsense\": 1, \"slots\": \"many\"}"[..];
        // What takes neither a query nor a body refuses a body.
        let takes_nothing = one.names().next().is_none() && survey.bodiless.iter().any(|other| other.name == one.name);
        let body = (takes_nothing || matches!(one.method, Method::Post | Method::Put)).then_some(nonsense);
        let request = Request { body, ..Request::new(method, &path) };
        let answer = survey.expect_of(who, &request, 400, &json!({"code": "invalid_input"})).await?;
        ensure!(answer["message"].as_str().is_some_and(|text| text.len() > 10), "{method} {path}: {answer}");
    }
    Ok(())
}
