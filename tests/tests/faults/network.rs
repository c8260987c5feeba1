//! A network that breaks: nothing runs twice, and nothing waits for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use c2_shared::client::Client;
use c2_shared::job::{JobState, OnLost, Outcome};
use c2_shared::limits::{CANCEL_GRACE_MS, UNUSED_CONNECTION_MS};
use c2_shared::worker::WorkerStatus;
use c2_tests::network::{Cut, LOCAL, Network, REMOTE};
use c2_tests::scenario;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::faults::ticks::{Ticking, logged};

crate::waiting_tests![
    five_seconds_without_a_network,
    twenty_seconds_without_a_network,
    twenty_seconds_without_requests,
    twenty_seconds_without_answers,
    more_than_a_lease_without_a_network,
    more_than_a_lease_without_answers,
    a_cancel_whose_answer_is_lost_is_said_again,
    a_job_that_waits_for_its_worker_is_ended_when_that_is_back,
    a_connection_that_c2d_may_close_carries_no_request
];

/// A cut that is shorter than the lease changes nothing but what the console shows meanwhile.
fn short(cut: Cut, seconds: u64) {
    let Some(network) = Network::enter().expect("the network of the test") else { return };
    scenario(async |cluster| {
        cluster.agent_by(REMOTE, network.remote()).await?;
        cluster.agent(LOCAL).await?;
        let (before, during) = (
            Ticking::submit(cluster, "before", OnLost::Requeue).await?,
            Ticking::submit(cluster, "during", OnLost::Requeue).await?,
        );
        before.runs(1, c2_tests::wait::SOON).await?;
        during.runs(1, c2_tests::wait::SOON).await?;
        network.cut(cut)?;
        tokio::time::sleep(Duration::from_secs(seconds / 2)).await;
        during.finish()?;
        tokio::time::sleep(Duration::from_secs(seconds - seconds / 2)).await;
        network.mend(cut)?;
        before.finish()?;
        for job in [&before, &during] {
            let end = cluster.ended(job.job).await?.job;
            assert_eq!((end.row.state, end.row.attempt), (JobState::Succeeded, 1), "{end:?}");
            job.ran_in_turn(1)?;
        }
        logged(cluster, 2).await
    });
}

/// A cut that is longer than the lease: the job runs elsewhere after it is dead here.
fn long(cut: Cut) {
    let Some(network) = Network::enter().expect("the network of the test") else { return };
    scenario(async |cluster| {
        cluster.agent_by(REMOTE, network.remote()).await?;
        let again = Ticking::submit(cluster, "requeue", OnLost::Requeue).await?;
        let fails = Ticking::submit(cluster, "fail", OnLost::Fail).await?;
        let waits = Ticking::submit(cluster, "wait", OnLost::Wait).await?;
        for job in [&again, &fails, &waits] {
            job.runs(1, c2_tests::wait::SOON).await?;
        }
        network.cut(cut)?;
        cluster.agent(LOCAL).await?;
        again.runs(2, Duration::from_secs(90)).await?;
        let lost = cluster.ended(fails.job).await?.job;
        assert_eq!((lost.row.outcome, lost.row.attempt), (Some(Outcome::Lost), 1));
        tokio::time::sleep(Duration::from_secs(8)).await;
        network.mend(cut)?;
        for job in [&again, &fails, &waits] {
            job.finish()?;
        }
        for (job, attempts) in [(&again, 2), (&waits, 1)] {
            let end = cluster.ended(job.job).await?.job;
            assert_eq!((end.row.state, end.row.attempt), (JobState::Succeeded, attempts), "{end:?}");
            job.ran_in_turn(attempts)?;
        }
        fails.ran_in_turn(1)?;
        logged(cluster, 3).await
    });
}

fn five_seconds_without_a_network() {
    short(Cut::Both, 5);
}

fn twenty_seconds_without_a_network() {
    short(Cut::Both, 20);
}

fn twenty_seconds_without_requests() {
    short(Cut::Requests, 20);
}

fn twenty_seconds_without_answers() {
    short(Cut::Answers, 20);
}

fn more_than_a_lease_without_a_network() {
    long(Cut::Both);
}

fn more_than_a_lease_without_answers() {
    long(Cut::Answers);
}

/// A cancel while the worker cannot hear it reaches it when it is back, and nothing survives it.
fn cancelled_in_a_cut(on_lost: OnLost, cut_s: u64) {
    let Some(network) = Network::enter().expect("the network of the test") else { return };
    scenario(async |cluster| {
        cluster.agent_by(REMOTE, network.remote()).await?;
        let job = Ticking::submit(cluster, "stubborn", on_lost).await?;
        job.runs(1, c2_tests::wait::SOON).await?;
        network.cut(Cut::Both)?;
        tokio::time::sleep(Duration::from_secs(1)).await;
        cluster.client().cancel(job.job).await?;
        tokio::time::sleep(Duration::from_secs(cut_s)).await;
        network.mend(Cut::Both)?;
        // It ignores TERM, so its grace comes on top of the time in which the worker connects again.
        let limit = Duration::from_millis(CANCEL_GRACE_MS) + c2_tests::wait::SOON;
        c2_tests::eventually("the end", limit, async || {
            let state = cluster.client().job(job.job, 0).await?.job.row.state;
            Ok((state == JobState::Cancelled).then_some(()))
        })
        .await?;
        // Ended is ended: as soon as the worker is in contact, nothing of it is alive and its slot free.
        c2_tests::eventually("a free slot", limit, async || {
            let worker = cluster.client().worker(REMOTE).await?.row;
            Ok((worker.status == WorkerStatus::Online && worker.slots_used == 0).then_some(()))
        })
        .await?;
        job.is_silent().await
    });
}

fn a_cancel_whose_answer_is_lost_is_said_again() {
    cancelled_in_a_cut(OnLost::Requeue, 20);
}

fn a_job_that_waits_for_its_worker_is_ended_when_that_is_back() {
    cancelled_in_a_cut(OnLost::Wait, 65);
}

/// c2d closes what is not used for a while; a request that is on its way then has no answer.
fn a_connection_that_c2d_may_close_carries_no_request() {
    scenario(async |_| {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let client = Client::new(&listener.local_addr()?.to_string().parse()?, None, None)?;
        let opened = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&opened);
        let server = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(async move {
                    let mut head = [0; 4096];
                    while stream.read(&mut head).await.is_ok_and(|read| read > 0) {
                        let said = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
                        if said.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        for (pause_ms, connections) in [(0, 1), (0, 1), (UNUSED_CONNECTION_MS + 500, 2)] {
            tokio::time::sleep(Duration::from_millis(pause_ms)).await;
            drop(client.health().await);
            assert_eq!(opened.load(Ordering::Relaxed), connections);
        }
        server.abort();
        Ok(())
    });
}
