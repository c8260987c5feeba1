//! Cleaning takes what is over, and never what a job still uses.

use c2_shared::id::JobId;
use c2_tests::wait::SOON;
use c2_tests::{eventually, scenario};

crate::tests![
    what_is_over_goes_and_what_runs_stays,
    what_a_job_depends_on_stays_until_it_has_ended,
    a_worker_that_is_away_is_said_to_be,
    cleaning_under_load_takes_nothing_from_a_job,
];

fn what_is_over_goes_and_what_runs_stays() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        cluster.agent("127.0.0.3").await?;
        let gate = cluster.new_folder("gate")?.join("open");
        let wait = format!("echo kept >file; while [ ! -e {} ]; do sleep 0.1; done; cat file", gate.display());
        for n in 1..=4 {
            cluster.submit("echo left >file").await?;
            cluster.ended(JobId(n)).await?;
        }
        let live = cluster.submit(&wait).await?;
        let worker = eventually("the job's file", SOON, async || {
            let row = cluster.client().job(live, 0).await?.job.row;
            Ok(row.worker)
        })
        .await?;
        let root = cluster.workspace_root(&worker.to_string())?;
        let file = root.join(live.to_string()).join("file");
        eventually("the job's file", SOON, async || Ok(file.exists().then_some(()))).await?;

        let cleaned = cluster.exec(&["cleanup-workspaces @all"]).await?;
        assert_eq!(cleaned.status, 0, "{cleaned:?}");
        assert!(cleaned.stdout.contains(&format!("kept {live}: its job has not ended")), "{cleaned:?}");
        let left: Vec<String> = std::fs::read_dir(&root)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect::<std::io::Result<_>>()?;
        assert_eq!(left, [live.to_string()]);
        for n in 0..20 {
            assert_eq!(cluster.exec(&[&format!("cleanup-workspaces {worker}")]).await?.status, 0, "cleaning {n}");
        }
        std::fs::write(gate, "")?;
        assert_eq!(cluster.ended(live).await?.job.stdout, "kept\n");
        let last = cluster.console(&["--json", "--exec", &format!("cleanup-workspaces {worker}")]).await?;
        assert!(last.stdout.contains(&format!("\"removed\":[\"{live}\"]")), "{last:?}");
        assert_eq!(std::fs::read_dir(root)?.count(), 0);
        Ok(())
    });
}

fn what_a_job_depends_on_stays_until_it_has_ended() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        cluster.submit("echo made >file").await?;
        cluster.submit("echo other >file").await?;
        cluster.ended(JobId(1)).await?;
        cluster.ended(JobId(2)).await?;
        let later =
            cluster.exec(&["submit 'cat \"$C2_DEP_1_DIR/file\"' --depends=job-1 --same-machine --hold"]).await?;
        assert_eq!(later.status, 0, "{later:?}");
        let cleaned = cluster.exec(&["cleanup-workspaces 127.0.0.2"]).await?;
        assert!(cleaned.stdout.contains("kept job-1: job-3 depends on it"), "{cleaned:?}");
        let root = cluster.workspace_root("127.0.0.2")?;
        assert!(root.join("job-1/file").exists() && !root.join("job-2").exists(), "{cleaned:?}");
        assert_eq!(cluster.exec(&["release job-3"]).await?.status, 0);
        assert_eq!(cluster.ended(JobId(3)).await?.job.stdout, "made\n");
        let cleaned = cluster.exec(&["cleanup-workspaces 127.0.0.2"]).await?;
        assert!(!cleaned.stdout.contains("kept") && !root.join("job-1").exists(), "{cleaned:?}");
        Ok(())
    });
}

fn a_worker_that_is_away_is_said_to_be() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        cluster.kill_agent("127.0.0.2")?;
        // A c2d that was just started has heard of nobody.
        cluster.kill_c2d()?;
        cluster.restart_c2d().await?;
        let one = cluster.exec(&["cleanup-workspaces 127.0.0.2"]).await?;
        assert!(one.status == 1 && one.stderr.contains("127.0.0.2 is offline"), "{one:?}");
        let unknown = cluster.exec(&["cleanup-workspaces 127.0.0.9"]).await?;
        assert!(unknown.status == 1 && unknown.stderr.contains("unknown worker"), "{unknown:?}");
        Ok(())
    });
}

fn cleaning_under_load_takes_nothing_from_a_job() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        for _ in 0..100 {
            cluster.submit("echo here >file; sleep 0.05; cat file").await?;
        }
        let all = eventually("the end of all jobs", SOON, async || {
            let cleaned = cluster.exec(&["cleanup-workspaces 127.0.0.2"]).await?;
            anyhow::ensure!(cleaned.status == 0, "{cleaned:?}");
            Ok((cluster.client().queue_status().await?.active == 0).then_some(()))
        });
        all.await?;
        for n in 1..=100 {
            let job = cluster.ended(JobId(n)).await?.job;
            assert_eq!((job.row.attempt, job.stdout.as_str()), (1, "here\n"), "{job:?}");
        }
        Ok(())
    });
}
