//! Nothing is lost and nothing runs twice, whoever is killed in the middle.

use c2_tests::scenario;

use crate::e2e::marks::Marked;

crate::tests![
    c2d_killed_under_load_loses_nothing_and_repeats_nothing,
    an_agent_killed_under_load_loses_nothing_and_repeats_nothing,
    both_killed_at_once_lose_nothing_and_repeat_nothing,
    a_job_outlives_its_agent_and_keeps_its_output,
];

fn c2d_killed_under_load_loses_nothing_and_repeats_nothing() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let jobs = Marked::submit(cluster).await?;
        for started in [30, 80, 130] {
            jobs.started(started).await?;
            cluster.kill_c2d()?;
            cluster.restart_c2d().await?;
        }
        jobs.each_ran_once(cluster).await
    });
}

fn an_agent_killed_under_load_loses_nothing_and_repeats_nothing() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let jobs = Marked::submit(cluster).await?;
        for started in [30, 80, 130] {
            jobs.started(started).await?;
            cluster.kill_agent("127.0.0.2")?;
            cluster.restart_agent("127.0.0.2").await?;
        }
        jobs.each_ran_once(cluster).await
    });
}

fn both_killed_at_once_lose_nothing_and_repeat_nothing() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let jobs = Marked::submit(cluster).await?;
        jobs.started(60).await?;
        cluster.kill_agent("127.0.0.2")?;
        cluster.kill_c2d()?;
        cluster.restart_c2d().await?;
        cluster.restart_agent("127.0.0.2").await?;
        jobs.each_ran_once(cluster).await
    });
}

fn a_job_outlives_its_agent_and_keeps_its_output() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let folder = cluster.new_folder("gate")?;
        let (begun, open) = (folder.join("begun"), folder.join("open"));
        let command = format!(
            "echo first; touch {}; while [ ! -e {} ]; do sleep 0.1; done; echo second",
            begun.display(),
            open.display()
        );
        let job = cluster.submit(&command).await?;
        c2_tests::eventually("the job's begin", c2_tests::wait::SOON, async || Ok(begun.exists().then_some(())))
            .await?;
        cluster.kill_agent("127.0.0.2")?;
        std::fs::write(open, "")?;
        cluster.restart_agent("127.0.0.2").await?;
        let end = cluster.ended(job).await?.job;
        assert_eq!((end.row.attempt, end.stdout.as_str()), (1, "first\nsecond\n"), "{end:?}");
        Ok(())
    });
}
