//! A worker that knows the README's endpoints and HTTP, and nothing of our agent.

use std::process::Command;

use anyhow::{Context as _, ensure};
use c2_shared::bytes64::Bytes64;
use c2_shared::job::{JobSpec, Outcome, Upload};
use c2_shared::token::Role;
use c2_tests::http::Caller;
use c2_tests::programs::Program;
use c2_tests::scenario;
use serde_json::{Value, json};

crate::tests![a_plain_client_registers_works_and_delivers, the_chapter_on_other_languages_is_a_client];

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

/// The lines of the chapter, run by bash with curl.
fn the_chapter_on_other_languages_is_a_client() {
    if !c2_tests::machine::has(
        "the chapter on other languages",
        std::path::Path::new("/usr/bin/curl").exists(),
        "apt-get install curl",
    ) {
        return;
    }
    scenario(async |cluster| {
        let guide = include_str!("../../../assets/guide/src/http.md");
        let chapter = guide.split("## Write a client in another language").nth(1).context("the chapter")?;
        let chapter = chapter.split("\n## ").next().context("its end")?;
        let lines: Vec<&str> = chapter.split("```sh\n").skip(1).filter_map(|block| block.split("```").next()).collect();
        ensure!(lines.len() == 3, "{lines:?}");
        let c2d = format!(
            "c2d() {{ {} --data-dir {} \"$@\" $([ $1 = invite ] && echo --address 127.0.0.1); }}\n\
             head -c 300000 /dev/urandom >data.bin\ninvitation=$(c2d invite)\n",
            Program::C2d.path()?.display(),
            cluster.data_dir().display()
        );
        let script =
            format!("set -eo pipefail\n{c2d}{}", lines.concat()).replace("10.0.0.6:30814", &cluster.addr().to_string());
        let output = Command::new("bash").args(["-c", &script]).current_dir(cluster.console_dir()).output()?;
        let said = String::from_utf8(output.stdout)?;
        ensure!(output.status.success() && said.ends_with("{\"status\":\"recorded\"}"), "{said} {:?}", output.stderr);
        ensure!(said.contains("\"complete\":true") && said.contains("\"job_id\":\"job-1\""), "{said}");
        let shown = cluster.exec(&["output 1", "job 1", "list"]).await?;
        ensure!(shown.stdout.starts_with("hello\n") && shown.stdout.contains("nas"), "{shown:?}");
        Ok(())
    });
}
