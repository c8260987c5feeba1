//! What a submit prints, and what a waiting one ends with.

use anyhow::Result;
use c2_tests::{Cluster, scenario};

#[test]
fn a_submit_names_the_job() {
    scenario(async |cluster| {
        let output = cluster.exec(&["submit \"echo hello world\""]).await?;
        assert_eq!(output.stdout, "Submitted job job-1\n", "{output:?}");
        assert_eq!(output.status, 0, "{output:?}");
        Ok(())
    });
}

#[test]
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

#[test]
fn what_a_job_complains_goes_to_standard_error() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let output = cluster.exec(&["submit \"echo out; echo err >&2\" --wait"]).await?;
        assert!(output.stdout.contains("out") && !output.stdout.contains("err"), "{output:?}");
        assert!(output.stderr.contains("err"), "{output:?}");
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
