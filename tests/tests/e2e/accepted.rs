//! A job that was accepted is never lost, and an answer that was lost never makes a second job.

use std::cell::Cell;
use std::collections::BTreeSet;

use anyhow::Result;
use c2_shared::api::jobs::JobsQuery;
use c2_shared::client::Client;
use c2_shared::id::JobId;
use c2_shared::job::JobSpec;
use c2_tests::wait::SOON;
use c2_tests::{eventually, scenario};

crate::tests![c2d_killed_while_jobs_are_submitted_keeps_each_accepted_one_once];

/// Jobs of each of the three submitters.
const JOBS: usize = 100;

fn c2d_killed_while_jobs_are_submitted_keeps_each_accepted_one_once() {
    scenario(async |cluster| {
        let client = cluster.client().clone();
        let count = Cell::new(0);
        let killer = async {
            for accepted in [40, 120, 210] {
                eventually("more jobs", SOON, async || Ok((count.get() >= accepted).then_some(()))).await?;
                cluster.kill_c2d()?;
                cluster.restart_c2d().await?;
            }
            anyhow::Ok(())
        };
        let submitters = [0, 1, 2].map(|who| submit_all(&client, who, &count));
        let [a, b, c] = submitters;
        let (killed, a, b, c) = tokio::join!(killer, a, b, c);
        killed?;

        let accepted: BTreeSet<JobId> = [a?, b?, c?].concat().into_iter().collect();
        assert_eq!(accepted.len(), 3 * JOBS, "two submits were answered with the same job");
        let there = client.jobs(&JobsQuery::default()).await?.jobs;
        assert_eq!(there.iter().map(|row| row.job_id).collect::<BTreeSet<_>>(), accepted);
        Ok(())
    });
}

/// Submits one job after the other, each until it is answered: the key makes repetition harmless.
async fn submit_all(client: &Client, who: usize, count: &Cell<usize>) -> Result<Vec<JobId>> {
    let mut accepted = Vec::new();
    for n in 0..JOBS {
        let idempotency_key = Some(format!("{who}-{n}"));
        let spec = JobSpec { command: "true".to_owned(), idempotency_key, ..JobSpec::default() };
        let answer = eventually("an answer", SOON, async || Ok(Some(client.submit(&spec).await?.job_id)));
        accepted.push(answer.await?);
        count.set(count.get() + 1);
    }
    Ok(accepted)
}
