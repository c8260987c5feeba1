//! What a job finds when it starts: its folder, its files, its environment and nothing else.

use std::collections::BTreeMap;

use c2_shared::bytes64::Bytes64;
use c2_shared::job::{JobSpec, Upload};
use c2_tests::scenario;

crate::tests![
    a_job_runs_in_a_workspace_of_its_own_with_an_environment_of_its_own,
    standard_input_and_uploads_arrive_unchanged,
    output_that_is_too_long_keeps_its_head_and_its_tail,
    jobs_start_after_what_they_depend_on_and_fail_with_it,
];

fn a_job_runs_in_a_workspace_of_its_own_with_an_environment_of_its_own() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let root = cluster.workspace_root("127.0.0.2")?;
        let spec = JobSpec {
            command: "pwd; umask; env | sort".to_owned(),
            env: BTreeMap::from([("MODEL".to_owned(), "small".to_owned())]),
            ..JobSpec::default()
        };
        let job = cluster.submit_spec(spec).await?;
        let stdout = cluster.ended(job).await?.job.stdout;
        let lines: Vec<&str> = stdout.lines().collect();
        let here = root.join(job.to_string());
        assert_eq!(lines.first().copied(), here.to_str(), "{stdout}");
        assert!(matches!(lines.get(1), Some(&"0077" | &"077")), "{stdout}");
        for expected in ["MODEL=small", "C2_JOB_ID=job-1", "C2_WORKER=127.0.0.2"] {
            assert!(lines.contains(&expected), "{expected} is missing in {stdout}");
        }
        for (forbidden, why) in [("leaked", "the agent's environment"), ("c2w1.", "the agent's token")] {
            assert!(!stdout.contains(forbidden), "a job saw {why}: {stdout}");
        }
        Ok(())
    });
}

fn standard_input_and_uploads_arrive_unchanged() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let upload = |path: &str, content: &[u8], mode| Upload {
            path: path.to_owned(),
            content: Some(Bytes64(content.to_vec())),
            mode,
            ..Upload::default()
        };
        let spec = JobSpec {
            command: "cat; cat data/in.txt; ./tool".to_owned(),
            stdin: Some(Bytes64(b"from stdin\n".to_vec())),
            upload: vec![
                upload("data/in.txt", b"from a file\n", None),
                upload("tool", b"#!/bin/sh\necho from a tool\n", Some(0o700)),
            ],
            ..JobSpec::default()
        };
        let job = cluster.submit_spec(spec).await?;
        let end = cluster.ended(job).await?.job;
        assert_eq!(end.stdout, "from stdin\nfrom a file\nfrom a tool\n", "{end:?}");
        Ok(())
    });
}

fn output_that_is_too_long_keeps_its_head_and_its_tail() {
    scenario(async |cluster| {
        cluster.keep_output(256 * 1024).await?;
        cluster.agent("127.0.0.2").await?;
        let job = cluster.submit("echo first; yes | head -c 3000000; echo last").await?;
        let end = cluster.ended(job).await?.job;
        let (stdout, row) = (end.stdout, end.row);
        assert!(stdout.starts_with("first\n") && stdout.ends_with("last\n"), "{} bytes, {row:?}", stdout.len());
        assert!(stdout.contains("bytes dropped]") && stdout.len() < 1_000_000, "{} bytes", stdout.len());
        Ok(())
    });
}

fn jobs_start_after_what_they_depend_on_and_fail_with_it() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        cluster.agent("127.0.0.3").await?;
        let output = cluster
            .exec(&[
                "submit \"echo one; echo $C2_WORKER\"",
                "submit \"echo two; echo $C2_WORKER\" --depends=job-1 --same-machine",
                // Held until all of the chain is there: whoever comes after job-4 has failed is told
                // of job-4 only, as of ended jobs c2d remembers no more than how they ended.
                "submit \"exit 1\" --hold",
                "submit true --depends=job-3",
                "submit true --depends=job-4",
                "release 3",
            ])
            .await?;
        assert_eq!(output.status, 0, "{output:?}");
        let ended = async |n| Ok::<_, anyhow::Error>(cluster.ended(c2_shared::id::JobId(n)).await?.job);
        let (first, second) = (ended(1).await?, ended(2).await?);
        assert!(first.row.ended_ms <= second.row.started_ms, "{first:?} {second:?}");
        assert_eq!(first.row.worker, second.row.worker);
        for n in [4, 5] {
            let row = ended(n).await?.row;
            assert_eq!(row.attempt, 0, "{row:?}");
            let root = c2_shared::job::Outcome::Dependency { root: c2_shared::id::JobId(3) };
            assert_eq!(row.outcome, Some(root));
        }
        Ok(())
    });
}
