//! Who runs how much: four jobs an agent, the first eligible worker, and nothing for the silent.

use std::time::Duration;

use anyhow::Result;
use c2_shared::worker::WorkerStatus;
use c2_tests::wait::SOON;
use c2_tests::{eventually, scenario};

crate::tests![
    two_agents_run_eight_jobs_and_the_ninth_waits,
    a_silent_worker_goes_offline_after_fifteen_seconds_and_gets_nothing,
    a_restarted_c2d_knows_its_workers,
];

fn two_agents_run_eight_jobs_and_the_ninth_waits() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        cluster.agent("127.0.0.3").await?;
        let gate = cluster.new_folder("gate")?.join("open");
        let wait_for_gate = format!("while [ ! -e {} ]; do sleep 0.1; done", gate.display());
        let mut jobs = Vec::new();
        for _ in 0..9 {
            jobs.push(cluster.submit(&wait_for_gate).await?);
        }

        let client = cluster.client().clone();
        eventually("eight jobs running", SOON, async || {
            let queue = client.queue_status().await?;
            assert!(queue.running <= 8 && queue.slots == 8, "{queue:?}");
            Ok((queue.running == 8 && queue.queued == 1).then_some(()))
        })
        .await?;
        let list = cluster.exec(&["list"]).await?;
        for ip in ["127.0.0.2", "127.0.0.3"] {
            let row = list.stdout.lines().find(|line| line.contains(ip)).unwrap_or_default();
            assert!(row.contains("4/4") && row.contains("online"), "{ip}: {list:?}");
        }

        std::fs::write(gate, "")?;
        for job in jobs {
            cluster.ended(job).await?;
        }
        Ok(())
    });
}

fn a_silent_worker_goes_offline_after_fifteen_seconds_and_gets_nothing() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        cluster.kill_agent("127.0.0.2")?;
        let client = cluster.client().clone();
        let status = async || Ok::<_, anyhow::Error>(client.worker("127.0.0.2").await?.row.status);
        assert_eq!(status().await?, WorkerStatus::Online);

        eventually("offline", Duration::from_secs(20), async || {
            Ok((status().await? == WorkerStatus::Offline).then_some(()))
        })
        .await?;
        let job = cluster.submit("true").await?;
        assert_eq!(client.job(job, 1).await?.job.row.attempt, 0, "given to a worker that is offline");

        cluster.restart_agent("127.0.0.2").await?;
        assert_eq!(cluster.ended(job).await?.job.row.attempt, 1);
        Ok(())
    });
}

fn a_restarted_c2d_knows_its_workers() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        cluster.kill_c2d()?;
        cluster.restart_c2d().await?;
        let client = cluster.client().clone();
        let known = client.workers().await?.workers;
        assert_eq!(known.len(), 1, "{known:?}");
        eventually("online again", SOON, async || -> Result<_> {
            Ok((client.worker("127.0.0.2").await?.row.status == WorkerStatus::Online).then_some(()))
        })
        .await?;
        Ok(())
    });
}
