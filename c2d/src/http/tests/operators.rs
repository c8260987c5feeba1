//! What operators decide about workers: groups, tags, draining, and whom a target means.

use serde_json::json;

use super::lab::Lab;

const ME: &str = "127.0.0.1";
const ID: &str = "addr:127.0.0.1";

async fn lab() -> Lab {
    let lab = Lab::new().await;
    let hardware = json!({
        "cpu_cores": 4,
        "gpus": [{"index": 0, "name": "RTX 4090", "memory_bytes": 25_769_803_776_u64}, {"index": 1}],
        "disks": [{"mount": "/", "total_bytes": 536_870_912_000_u64, "free_bytes": 1}],
    });
    let body = json!({"hostname": "atlas", "hardware": hardware}).to_string();
    assert_eq!(lab.worker("POST /api/workers/register", &body).await.status, 200);
    lab
}

#[tokio::test]
async fn groups_are_joined_left_and_named_in_refusals() {
    let lab = lab().await;
    let join = format!("POST /api/workers/groups/{ME}");
    let joined = lab.operator(&join, r#"{"groups":["gpu","linux"]}"#).await;
    assert_eq!((joined.status, &joined.json()["groups"]), (200, &json!(["gpu", "linux"])));
    let joined = lab.operator("POST /api/workers/groups/atlas", r#"{"groups":["gpu","big"]}"#).await;
    assert_eq!(joined.json()["groups"], json!(["big", "gpu", "linux"]), "by name, and what it was in stays");
    for (body, words) in [
        (r#"{"groups":["a b"]}"#, "not a plain word"),
        (r#"{"groups":["all"]}"#, "@all means every worker"),
        (r#"{"groups":["-x"]}"#, "not a plain word"),
        (r#"{"group":["x"]}"#, "did you mean \\\"groups\\\"?"),
    ] {
        let refused = lab.operator(&join, body).await;
        assert_eq!((refused.status, refused.body.contains(words)), (400, true), "{body}: {refused:?}");
    }
    let left = lab.operator(&format!("DELETE /api/workers/groups/{ME}/big"), "").await;
    assert_eq!((left.status, &left.json()["groups"]), (200, &json!(["gpu", "linux"])));
    let left = lab.operator(&format!("DELETE /api/workers/groups/{ME}/linus"), "").await;
    assert_eq!((left.status, left.body.contains("did you mean \\\"linux\\\"?")), (404, true), "{left:?}");
    let nobody = lab.operator("POST /api/workers/groups/127.0.0.9", r#"{"groups":["x"]}"#).await;
    assert_eq!((nobody.status, nobody.code().as_str()), (404, "not_found"));
    lab.stop().await;
}

#[tokio::test]
async fn a_tag_that_is_held_stays_held_whatever_is_offered() {
    let lab = lab().await;
    let tags = format!("POST /api/workers/tags/{ME}");
    let set = lab.operator(&tags, r#"{"tags":["gpu:0","disk"]}"#).await;
    assert_eq!(set.json(), json!({"ip": ME, "worker_id": ID, "tags": {"disk": null, "gpu:0": null}}));
    for _ in 0..2 {
        lab.operator("POST /api/jobs/submit", r#"{"command":"true","tags":["gpu:0"]}"#).await;
    }
    let poll = format!("POST /api/workers/get-work/{ME}");
    assert_eq!(lab.worker(&poll, "").await.json()["job"]["attempt"], "job-1.1");
    let withdrawn = lab.operator(&tags, r#"{"tags":["disk"]}"#).await;
    assert_eq!(withdrawn.json()["tags"], json!({"disk": null, "gpu:0": "job-1.1"}), "its holder is still seen");
    lab.operator(&tags, r#"{"tags":["disk","gpu:0"]}"#).await;
    assert_eq!(lab.worker(&poll, "").await.json()["job"], json!(null), "the lock was not freed");
    let result = r#"{"attempt":"job-1.1","exit_code":0}"#;
    lab.worker("POST /api/jobs/result/job-1", result).await;
    assert_eq!(lab.worker(&poll, "").await.json()["job"]["attempt"], "job-2.1");
    let shown = lab.operator("GET /api/workers/tags/atlas", "").await;
    assert_eq!(shown.json()["tags"], json!({"disk": null, "gpu:0": "job-2.1"}));
    assert_eq!(lab.operator(&tags, r#"{"tags":["a,b"]}"#).await.status, 400);
    lab.stop().await;
}

#[tokio::test]
async fn tags_are_suggested_and_applied_beside_those_that_are_there() {
    let lab = lab().await;
    lab.operator(&format!("POST /api/workers/tags/{ME}"), r#"{"tags":["disk","printer"]}"#).await;
    let seen = lab.operator(&format!("POST /api/workers/detect-tags/{ME}"), "").await.json();
    let suggestion = |tag, reason, offered| json!({"tag": tag, "reason": reason, "offered": offered});
    let expected = json!([
        suggestion("gpu:0", "RTX 4090 with 24 GiB", false),
        suggestion("gpu:1", "a graphics processor", false),
        suggestion("disk", "500 GiB at /, 0 GiB free", true),
    ]);
    assert_eq!((&seen["suggestions"], &seen["applied"]), (&expected, &json!(false)));
    let applied = lab.operator(&format!("POST /api/workers/detect-tags/{ME}?apply=true"), "").await;
    assert_eq!(applied.json()["applied"], json!(true));
    let shown = lab.operator(&format!("GET /api/workers/tags/{ME}"), "").await.json();
    assert_eq!(shown["tags"], json!({"disk": null, "gpu:0": null, "gpu:1": null, "printer": null}));
    lab.stop().await;
}

#[tokio::test]
async fn a_drained_worker_gets_nothing_until_it_resumes() {
    let lab = lab().await;
    lab.operator("POST /api/jobs/submit", r#"{"command":"true"}"#).await;
    let poll = format!("POST /api/workers/get-work/{ME}");
    let drained = lab.operator(&format!("POST /api/workers/drain/{ME}"), "").await;
    assert_eq!((drained.status, &drained.json()["status"]), (200, &json!("draining")));
    assert_eq!(lab.worker(&poll, "").await.json()["job"], json!(null));
    let resumed = lab.operator("POST /api/workers/resume/atlas", "").await;
    assert_eq!(resumed.json()["status"], "online");
    assert_eq!(lab.worker(&poll, "").await.json()["job"]["job_id"], "job-1");
    let busy = lab.operator(&format!("DELETE /api/workers/{ME}"), "").await;
    assert_eq!((busy.status, busy.code().as_str()), (409, "conflict"));
    lab.worker("POST /api/jobs/result/job-1", r#"{"attempt":"job-1.1","exit_code":0}"#).await;
    let online = lab.operator(&format!("DELETE /api/workers/{ME}"), "").await;
    assert_eq!((online.status, online.code().as_str()), (409, "conflict"), "its agent would only register again");
    let awake = lab.operator("POST /api/workers/wake/atlas", "").await;
    assert_eq!((awake.status, &awake.json()["status"]), (200, &json!("online")), "nobody wakes who is awake");
    let lab = lab.restart().await;
    let unwakeable = lab.operator("POST /api/workers/wake/atlas", "").await;
    assert_eq!((unwakeable.status, unwakeable.code().as_str()), (409, "conflict"), "{unwakeable:?}");
    assert_eq!(lab.operator(&format!("DELETE /api/workers/{ME}"), "").await.json(), json!({"ip": ME, "worker_id": ID}));
    assert_eq!(lab.operator("GET /api/workers/list", "").await.json(), json!({"workers": []}));
    lab.stop().await;
}

#[tokio::test]
async fn targets_mean_workers_or_are_refused_with_what_is_known() {
    let lab = lab().await;
    lab.operator("POST /api/workers/groups/atlas", r#"{"groups":["gpu"]}"#).await;
    let expected = json!([{"ip": ME, "worker_id": ID, "hostname": "atlas", "status": "online"}]);
    for target in ["@all", "@gpu", ME, "atlas", "127.0.0.[1-1]", "atlas,@gpu", "%40all"] {
        let found = lab.operator(&format!("GET /api/pdsh/workers/{target}"), "").await;
        assert_eq!((found.status, &found.json()["workers"]), (200, &expected), "{target}: {found:?}");
    }
    let table = [
        ("@gpuu", 404, "did you mean \\\"@gpu\\\"? known: @all, @gpu"),
        ("@cpu9x", 404, "known: @all, @gpu"),
        ("!atlas", 404, "leaves no worker"),
        ("127.0.0.9", 404, "unknown worker"),
        ("127.0.0.[1-", 400, "is not a target"),
        ("exec:x;y", 400, "is not a target"),
        ("%ff", 400, "path"),
    ];
    for (target, status, words) in table {
        let refused = lab.operator(&format!("GET /api/pdsh/workers/{target}"), "").await;
        assert_eq!((refused.status, refused.body.contains(words)), (status, true), "{target}: {refused:?}");
    }
    lab.stop().await;
    let empty = Lab::new().await;
    let nobody = empty.operator("GET /api/pdsh/workers/@all", "").await;
    assert_eq!((nobody.status, nobody.body.contains("c2-agent")), (404, true), "{nobody:?}");
    empty.stop().await;
}

#[tokio::test]
async fn decisions_survive_a_restart_and_can_be_edited_while_c2d_is_down() {
    let lab = lab().await;
    lab.operator("POST /api/workers/groups/atlas", r#"{"groups":["gpu"]}"#).await;
    lab.operator("POST /api/workers/tags/atlas", r#"{"tags":["disk"]}"#).await;
    lab.operator("POST /api/workers/drain/atlas", "").await;
    let lab = lab.restart().await;
    lab.worker("POST /api/workers/register", r#"{"hostname":"atlas"}"#).await;
    let info = lab.operator("GET /api/workers/info/atlas", "").await.json();
    assert_eq!(
        (&info["groups"], &info["tags"], &info["status"]),
        (&json!(["gpu"]), &json!({"disk": null}), &json!("draining"))
    );
    let lab = lab
        .restart_with("workers.json", |text| {
            for words in [r#""gpu""#, r#""disk""#, r#""drained": true"#] {
                assert!(text.contains(words), "{words} in {text}");
            }
            text.replace(r#""gpu""#, r#""render""#).replace(r#""disk""#, r#""ssd""#).replace("true", "false")
        })
        .await;
    lab.worker("POST /api/workers/register", r#"{"hostname":"atlas"}"#).await;
    let info = lab.operator("GET /api/workers/info/atlas", "").await.json();
    assert_eq!(
        (&info["groups"], &info["tags"], &info["status"]),
        (&json!(["render"]), &json!({"ssd": null}), &json!("online"))
    );
    lab.stop().await;
}
