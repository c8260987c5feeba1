//! Long outputs are whole wherever they are read, and where they are not, that is said.

use anyhow::Result;
use c2_shared::token::Role;
use c2_tests::http::Caller;
use c2_tests::{Cluster, scenario};
use serde_json::{Value, json};

crate::tests![
    a_long_output_is_exact_wherever_it_is_read,
    what_an_agent_delivers_is_exact_too,
    what_is_missing_is_said_wherever_it_is_read,
    escape_sequences_go_into_a_pipe_unless_they_are_made_harmless,
];

const SEQ: u64 = 1_000_000;

fn seq() -> String {
    (1..=SEQ).map(|n| format!("{n}\n")).collect()
}

/// Delivers a result of `job-1` by a client that knows the README.
async fn deliver(cluster: &Cluster, stdout: &str) -> Result<()> {
    let token = Some(cluster.token(Role::Worker)?.expose().to_owned());
    let worker = Caller { server: cluster.addr(), source: "127.0.0.9".parse()?, token };
    worker.call("POST", "/api/workers/register", Some(json!({}))).await?;
    let job = cluster.submit("seq 1 1000000").await?;
    let work = worker.call("POST", "/api/workers/get-work/127.0.0.9", None).await?.json["job"].clone();
    let result = json!({"attempt": work["attempt"], "exit_code": 0, "stdout": stdout});
    let recorded = worker.call("POST", &format!("/api/jobs/result/{job}"), Some(result)).await?;
    assert_eq!(recorded.status, 200, "{recorded:?}");
    Ok(())
}

fn a_long_output_is_exact_wherever_it_is_read() {
    scenario(async |cluster| {
        let whole = seq();
        deliver(cluster, &whole).await?;
        for line in ["output 1", "output 1 --both", "output 1 --follow", "output 1 --attempt=1"] {
            let read = cluster.full_screen(&["--exec", line])?.output()?;
            assert!(read.stdout == whole.as_bytes(), "{line}: {} bytes", read.stdout.len());
            assert!(read.stderr.is_empty(), "{line}: {}", String::from_utf8_lossy(&read.stderr));
        }
        Ok(())
    });
}

fn what_an_agent_delivers_is_exact_too() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let whole = seq();
        for line in ["submit \"seq 1 1000000\" --wait", "output 1", "output 1 --both"] {
            let read = cluster.full_screen(&["--exec", line])?.output()?;
            assert!(read.stdout == whole.as_bytes(), "{line}: {} bytes", read.stdout.len());
        }
        let mut terminal = cluster.terminal(&[])?;
        terminal.sees("seq 1")?;
        terminal.press("\x1b4\r\r")?;
        terminal.wait("the end of the output", |terminal| terminal.text().contains("999999"))?;
        // All at once would be a text that was pasted.
        for keys in ["s", "all.txt", "\r"] {
            terminal.press(keys)?;
            terminal.settle();
        }
        terminal.sees("bytes saved to all.txt")?;
        let saved = std::fs::read(cluster.console_dir().join("all.txt"))?;
        assert!(saved == whole.as_bytes(), "the pager saved {} bytes", saved.len());
        Ok(())
    });
}

fn what_is_missing_is_said_wherever_it_is_read() {
    scenario(async |cluster| {
        cluster.keep_output(400_000).await?;
        let whole = seq();
        deliver(cluster, &whole).await?;
        let (head, tail) = (&whole[..100_000], &whole[whole.len() - 300_000..]);
        let said = format!("{} bytes of stdout are missing after byte 100000", whole.len() - 400_000);
        for line in ["output 1", "output 1 --both", "output 1 --follow"] {
            let read = cluster.full_screen(&["--exec", line])?.output()?;
            assert!(read.stdout == [head, tail].concat().as_bytes(), "{line}: {} bytes", read.stdout.len());
            let stderr = String::from_utf8_lossy(&read.stderr);
            assert!(stderr.contains(&said), "{line}: {stderr}");
        }
        let read = cluster.full_screen(&["--json", "--exec", "output 1"])?.output()?;
        let document: Value = serde_json::from_slice(&read.stdout)?;
        assert_eq!((&document["dropped"], &document["dropped_at"]), (&json!(whole.len() - 400_000), &json!(100_000)));
        Ok(())
    });
}

fn escape_sequences_go_into_a_pipe_unless_they_are_made_harmless() {
    scenario(async |cluster| {
        let wrote = "one\u{1b}]52;c;Y3VybA==\u{7}\n\u{1b}[31mred\u{1b}[0m\n";
        deliver(cluster, wrote).await?;
        let raw = cluster.full_screen(&["--exec", "output 1"])?.output()?;
        assert_eq!(String::from_utf8_lossy(&raw.stdout), wrote);
        let safe = cluster.full_screen(&["--exec", "output 1 --harmless"])?.output()?;
        let safe = String::from_utf8_lossy(&safe.stdout).into_owned();
        assert!(safe.starts_with("one\\u001b]52;c;Y3VybA==\\u0007\n\u{1b}[31mred"), "{safe:?}");
        let refused = cluster.exec(&["output 1 --harmless --follow"]).await?;
        assert_eq!(refused.status, 2, "{refused:?}");
        Ok(())
    });
}
