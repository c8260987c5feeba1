//! What a submit prints, and what a waiting one ends with.

use anyhow::Result;
use c2_tests::{Cluster, scenario};

crate::tests![
    a_submit_names_the_job,
    a_waiting_submit_ends_as_its_job_does,
    what_a_job_complains_goes_to_standard_error,
    a_wait_for_a_job_that_nothing_can_run_says_why_once,
    a_new_reason_is_said,
    a_long_output_is_cut_and_that_is_said,
];

fn a_submit_names_the_job() {
    scenario(async |cluster| {
        let output = cluster.exec(&["submit \"echo hello world\""]).await?;
        assert_eq!(output.stdout, "Submitted job job-1\n", "{output:?}");
        assert_eq!(output.status, 0, "{output:?}");
        Ok(())
    });
}

fn a_waiting_submit_ends_as_its_job_does() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        check(cluster, "submit \"echo hello world\" --wait", 0, "hello world").await?;
        check(cluster, "submit \"exit 3\" --wait", 3, "").await?;
        check(cluster, "submit \"echo before; exit 1\" --wait", 1, "before").await?;
        check(cluster, "submit 'kill -9 $$' --wait", 128 + 9, "").await?;
        check(cluster, "submit \"sleep 600\" --wait --timeout=1s", 124, "").await?;
        Ok(())
    });
}

fn what_a_job_complains_goes_to_standard_error() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let output = cluster.exec(&["submit \"echo out; echo err >&2\" --wait"]).await?;
        assert!(output.stdout.contains("out") && !output.stdout.contains("err"), "{output:?}");
        assert!(output.stderr.contains("err"), "{output:?}");
        Ok(())
    });
}

fn a_wait_for_a_job_that_nothing_can_run_says_why_once() {
    scenario(async |cluster| {
        let waiting = |reason: &str| format!("waiting: {reason}\n");
        let output = cluster.exec(&["submit true --tags=nosuch", "wait 1 --timeout=2"]).await?;
        let told = format!("job-1: no worker has registered, so it waits\n{}", waiting("no worker has registered"));
        assert_eq!((output.status, output.stderr), (124, told));
        let plain = cluster.exec(&["submit true", "cancel 2"]).await?;
        assert_eq!(plain.stderr, "job-2: no worker has registered, so it waits\n");
        cluster.agent("127.0.0.2").await?;
        // Long enough for two looks.
        let output = cluster.exec(&["wait 1 --timeout=5"]).await?;
        assert_eq!((output.status, output.stderr), (124, waiting("no worker offers tag \"nosuch\"")));
        let output = cluster.exec(&["submit true --depends=1", "wait 1 3 --timeout=2"]).await?;
        let words = "waiting for job-1: no worker offers tag \"nosuch\"\n";
        assert_eq!((output.status, output.stderr.as_str()), (124, words));
        let runs = cluster.exec(&["submit 'sleep 2' --wait"]).await?;
        assert_eq!((runs.status, runs.stderr.as_str()), (0, "Submitted job job-4\n"), "it simply runs");
        Ok(())
    });
}

fn a_new_reason_is_said() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        assert_eq!(cluster.exec(&["submit true --tags=late --hold"]).await?.status, 0);
        let waits = cluster.exec(&["wait 1"]);
        let steps = ["wait 1 --timeout=3", "release 1", "wait 1 --timeout=5", "set-tags 127.0.0.2 late"];
        let steps: Vec<&str> = steps.iter().flat_map(|line| ["--exec", line]).collect();
        let steers = [&["--keep-going"], &steps[..]].concat();
        let (waited, _) = tokio::try_join!(waits, cluster.console(&steers))?;
        let said = "waiting: it is held\nwaiting: no worker offers tag \"late\"\n";
        assert_eq!((waited.status, waited.stderr.as_str()), (0, said));
        Ok(())
    });
}

fn a_long_output_is_cut_and_that_is_said() {
    scenario(async |cluster| {
        cluster.keep_output(256 * 1024).await?;
        cluster.agent("127.0.0.2").await?;
        let said = "86750 bytes of stdout are missing after byte 65536";
        for line in ["submit 'seq 60000' --wait", "output 1", "follow 1"] {
            let output = cluster.exec(&[line]).await?;
            assert_eq!((output.status, output.stdout.len()), (0, 256 * 1024), "{line}");
            assert!(output.stdout.starts_with("1\n2\n") && output.stdout.ends_with("\n60000\n"), "{line}");
            assert!(!output.stdout.contains("dropped") && output.stderr.contains(said), "{line}: {}", output.stderr);
        }
        let json = cluster.console(&["--json", "--exec", "output 1", "--exec", "output 1 --stderr"]).await?;
        let documents: Vec<serde_json::Value> =
            json.stdout.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
        assert_eq!((&documents[0]["dropped"], &documents[0]["dropped_at"]), (&86_750.into(), &65_536.into()));
        assert_eq!((&documents[1]["dropped"], &documents[1]["dropped_at"]), (&0.into(), &serde_json::Value::Null));
        let job = cluster.exec(&["job 1"]).await?;
        let words = "stdout, 86750 bytes are missing; `output job-1` shows what was kept\n";
        assert!(job.stdout.contains(words), "{job:?}");
        Ok(())
    });
}

async fn check(cluster: &Cluster, line: &str, status: i32, printed: &str) -> Result<()> {
    let output = cluster.exec(&[line]).await?;
    assert_eq!(output.status, status, "{line}: {output:?}");
    let found = printed.is_empty() || output.stdout.lines().any(|line| line == printed);
    assert!(found, "{line}: {printed:?} is missing: {output:?}");
    Ok(())
}
