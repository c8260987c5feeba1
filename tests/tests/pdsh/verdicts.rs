//! What each worker wrote and how it ended there, whatever became of the others.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use c2_tests::scenario;
use c2_tests::ssh::{Machines, available};

crate::tests![
    every_worker_answers_and_targets_mean_what_they_say,
    failures_are_told_apart_and_can_be_run_again,
    equal_outputs_are_folded_and_an_outlier_is_compared,
    a_configuration_with_an_unknown_key_is_refused,
];

fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

fn every_worker_answers_and_targets_mean_what_they_say() {
    if !available() {
        return;
    }
    scenario(async |cluster| {
        let mut machines = Machines::new(cluster)?;
        for (ip, name) in
            [("127.41.0.1", "atlas"), ("127.41.0.2", "borealis"), ("127.41.0.3", "pi"), ("127.41.0.4", "Node4")]
        {
            machines.up(ip, name).await?;
            machines.know(ip)?;
        }
        machines.configure()?;
        let set = cluster.exec(&["assign 127.41.0.1 gpu", "assign 127.41.0.3 gpu"]).await?;
        assert_eq!(set.status, 0, "{set:?}");
        let table: [(&str, &[u8]); 11] = [
            ("pdsh @all \"echo up\"", &[1, 2, 3, 4]),
            ("pdsh @gpu \"echo up\"", &[1, 3]),
            ("pdsh 127.41.0.2 echo up", &[2]),
            ("pdsh 127.41.0.[1-2],pi,!atlas \"echo up\"", &[2, 3]),
            ("pdsh borealis \"printf up\"", &[2]),
            // Names know no case, and ranges stand anywhere.
            ("pdsh ATLAS,Pi echo up", &[1, 3]),
            ("pdsh 127.41.0.[1,3] echo up", &[1, 3]),
            ("pdsh 127.4[1-1].0.[1,3-4] echo up", &[1, 3, 4]),
            ("pdsh node[4,4] echo up", &[4]),
            ("pdsh 127.41.0.[1-4],!127.41.0.[1,2],!NODE4 echo up", &[3]),
            ("pdsh @all,!@gpu echo up", &[2, 4]),
        ];
        for (line, workers) in table {
            let output = cluster.exec(&[line]).await?;
            let expected: Vec<String> = workers.iter().map(|last| format!("127.41.0.{last}: up")).collect();
            assert_eq!(
                (output.status, sorted(&output.stdout)),
                (0, expected.iter().map(String::as_str).collect()),
                "{line}: {output:?}"
            );
        }
        Ok(())
    });
}

fn failures_are_told_apart_and_can_be_run_again() {
    if !available() {
        return;
    }
    scenario(async |cluster| {
        let mut machines = Machines::new(cluster)?;
        for (ip, name) in [("127.42.0.1", "atlas"), ("127.42.0.2", "borealis"), ("127.42.0.3", "pi")] {
            machines.up(ip, name).await?;
            machines.know(ip)?;
        }
        machines.down("127.42.0.4", "gone").await?;
        machines.configure()?;
        // The third ends its error output without a line end, and with ssh's own status.
        let command = "case \"$SSH_CONNECTION\" in *' 127.42.0.2 '*) exit 3;; *' 127.42.0.3 '*) printf odd >&2; exit 255;; esac; echo fine";
        let line = format!("pdsh @all '{}'", command.replace('\'', "'\\''"));
        let output = cluster.console(&["--json", "--exec", &line]).await?;
        assert_eq!(output.status, 255, "{output:?}");
        let document: serde_json::Value = serde_json::from_str(&output.stdout)?;
        let seen: Vec<String> = (0..4)
            .map(|at| {
                let worker = &document["workers"][at];
                format!("{} {} {} {}", worker["verdict"], worker["exit"], worker["stdout"], worker["stderr"])
            })
            .collect();
        assert_eq!(
            seen,
            [
                r#""exited" 0 ["fine"] []"#,
                r#""exited" 3 [] []"#,
                r#""exited" 255 [] ["odd"]"#,
                r#""unreachable" null [] []"#,
            ]
        );
        let reason = document["workers"][3]["reason"].as_str().unwrap_or_default();
        assert!(reason.contains("Connection refused"), "{reason}");
        let kept = cluster.console_dir().join(".local/state/c2-tui");
        let mode = |path: &Path| anyhow::Ok(fs::metadata(path)?.permissions().mode() & 0o777);
        assert_eq!((mode(&kept)?, mode(&kept.join("pdsh-failed.json"))?), (0o700, 0o600), "for its user alone");
        let again = cluster.exec(&["pdsh @failed,!127.42.0.4 \"echo again\""]).await?;
        assert_eq!(sorted(&again.stdout), ["127.42.0.2: again", "127.42.0.3: again"], "{again:?}");
        let none = cluster.exec(&["pdsh @failed true"]).await?;
        assert!(none.status == 1 && none.stderr.contains("had no failures"), "{none:?}");
        Ok(())
    });
}

fn equal_outputs_are_folded_and_an_outlier_is_compared() {
    if !available() {
        return;
    }
    scenario(async |cluster| {
        let mut machines = Machines::new(cluster)?;
        for (ip, name) in [("127.43.0.1", "atlas"), ("127.43.0.2", "borealis"), ("127.43.0.3", "pi")] {
            machines.up(ip, name).await?;
            machines.know(ip)?;
        }
        machines.configure()?;
        let command = "echo same; case $SSH_CONNECTION in *127.43.0.2*) echo two;; *) echo one;; esac";
        let output = cluster.exec(&[&format!("pdsh @all --fold \"{command}\"")]).await?;
        assert_eq!(
            output.stdout, "--- 2 workers: 127.43.0.1,127.43.0.3\nsame\none\n--- 127.43.0.2\n- one\n+ two\n",
            "{output:?}"
        );
        assert_eq!(output.stderr, "3 workers: 3 done\n");
        Ok(())
    });
}

fn a_configuration_with_an_unknown_key_is_refused() {
    scenario(async |cluster| {
        let folder = cluster.console_dir().join(".config/c2-tui");
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("config.json"), r#"{"ssh": {"fan_out": 3}}"#)?;
        let output = cluster.exec(&["pdsh @all true"]).await?;
        assert!(output.status == 2 && output.stderr.contains("did you mean \"fanout\"?"), "{output:?}");
        Ok(())
    });
}
