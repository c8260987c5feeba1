//! A worker that knows the README's endpoints and HTTP, and nothing of our agent.

use c2_shared::bytes64::Bytes64;
use c2_shared::job::{JobSpec, Outcome, Upload};
use c2_shared::token::Role;
use c2_tests::http::Caller;
use c2_tests::scenario;
use serde_json::{Value, json};

crate::tests![a_plain_client_registers_works_and_delivers];

fn a_plain_client_registers_works_and_delivers() {
    scenario(async |cluster| {
        let token = Some(cluster.token(Role::Worker)?.expose().to_owned());
        let worker = Caller { server: cluster.addr(), source: "127.0.0.9".parse()?, token };
        let registered = worker.call("POST", "/api/workers/register", Some(json!({}))).await?;
        assert_eq!((registered.status, &registered.json["ip"]), (200, &json!("127.0.0.9")), "{registered:?}");

        let poll = async || worker.call("POST", "/api/workers/get-work/127.0.0.9", None).await;
        let nothing = poll().await?;
        assert_eq!((nothing.status, &nothing.json["job"]), (200, &Value::Null), "{nothing:?}");

        let (first, second) = (cluster.submit("echo one").await?, cluster.submit("false").await?);
        let work = poll().await?.json["job"].clone();
        assert_eq!(work["job_id"], first.to_string(), "{work}");
        assert_eq!(work["spec"]["command"], "echo one", "{work}");

        let path = format!("/api/jobs/result/{first}");
        let result = json!({"attempt": work["attempt"], "exit_code": 0, "stdout": "one\n"});
        let recorded = worker.call("POST", &path, Some(result.clone())).await?;
        assert_eq!((recorded.status, &recorded.json["status"]), (200, &json!("recorded")), "{recorded:?}");
        let again = worker.call("POST", &path, Some(result)).await?;
        assert_eq!((again.status, &again.json["status"]), (200, &json!("duplicate")), "{again:?}");
        let other = json!({"attempt": work["attempt"], "exit_code": 1});
        assert_eq!(worker.call("POST", &path, Some(other)).await?.status, 409);
        let end = cluster.ended(first).await?.job;
        assert_eq!(end.stdout, "one\n");

        let work = poll().await?.json["job"].clone();
        assert_eq!(work["job_id"], second.to_string(), "{work}");
        let result = json!({"attempt": work["attempt"], "exit_code": 1});
        worker.call("POST", &format!("/api/jobs/result/{second}"), Some(result)).await?;
        assert_eq!(cluster.ended(second).await?.job.row.outcome, Some(Outcome::Exit { code: 1 }));

        let contents = |size: usize| Bytes64((0..=u8::MAX).cycle().take(size).collect());
        let stdin = Some(contents(100_000));
        let upload = Upload { path: "in".to_owned(), content: Some(contents(5_000)), ..Upload::default() };
        let spec = JobSpec { command: "cat".to_owned(), stdin, upload: vec![upload], ..JobSpec::default() };
        cluster.submit_spec(spec.clone()).await?;
        assert_eq!(poll().await?.json["job"]["spec"], serde_json::to_value(spec)?, "base64 in, base64 out");
        Ok(())
    });
}
