//! Programs and machines that stand still and go on as if nothing had been.

use std::cell::Cell;
use std::time::Duration;

use c2_shared::job::{JobState, OnLost};
use c2_tests::scenario;
use c2_tests::wait::SOON;
use rustix::process::Signal;

use crate::faults::ticks::{Ticking, logged};

crate::waiting_tests![
    an_agent_that_stands_still_loses_its_jobs_before_others_get_them,
    a_machine_that_slept_ends_what_runs_elsewhere_by_now,
    c2d_that_stood_still_blames_nobody
];

/// A machine, or only its agent, stops for longer than its lease and goes on when its job has
/// begun elsewhere.
fn stopped_past_the_lease(whole_machine: bool) {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let job = Ticking::submit(cluster, "job", OnLost::Requeue).await?;
        job.runs(1, SOON).await?;
        if whole_machine {
            cluster.signal_machine("127.0.0.2", Signal::STOP)?;
        } else {
            cluster.signal_agent("127.0.0.2", Signal::STOP)?;
        }
        cluster.agent("127.0.0.3").await?;
        job.runs(2, Duration::from_secs(90)).await?;
        let ticks = job.ticks(1).len();
        if whole_machine {
            cluster.signal_machine("127.0.0.2", Signal::CONT)?;
        } else {
            job.ran_in_turn(2)?;
            cluster.signal_agent("127.0.0.2", Signal::CONT)?;
        }
        // It has ended when the second goes on for a while and the first does not.
        let seen = Cell::new((job.ticks(1).len(), job.ticks(2).len()));
        c2_tests::eventually("end of the first attempt", SOON, async || {
            let (first, second) = (job.ticks(1).len(), job.ticks(2).len());
            if first > seen.get().0 {
                seen.set((first, second));
            }
            Ok((second > seen.get().1 + 10).then_some(()))
        })
        .await?;
        // What slept with the machine is killed when its runner is awake; a grace would be 50 ticks.
        assert!(job.ticks(1).len() <= ticks + 25, "the first attempt went on");
        job.finish()?;
        let end = cluster.ended(job.job).await?.job;
        assert_eq!((end.row.state, end.row.attempt), (JobState::Succeeded, 2), "{end:?}");
        logged(cluster, 1).await
    });
}

fn an_agent_that_stands_still_loses_its_jobs_before_others_get_them() {
    stopped_past_the_lease(false);
}

fn a_machine_that_slept_ends_what_runs_elsewhere_by_now() {
    stopped_past_the_lease(true);
}

fn c2d_that_stood_still_blames_nobody() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let job = Ticking::submit(cluster, "job", OnLost::Requeue).await?;
        job.runs(1, SOON).await?;
        cluster.signal_c2d(Signal::STOP)?;
        tokio::time::sleep(Duration::from_secs(30)).await;
        cluster.signal_c2d(Signal::CONT)?;
        job.finish()?;
        let end = cluster.ended(job.job).await?.job;
        assert_eq!((end.row.state, end.row.attempt), (JobState::Succeeded, 1), "{end:?}");
        job.ran_in_turn(1)?;
        logged(cluster, 1).await
    });
}
