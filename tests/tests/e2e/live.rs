//! Output is seen while it is written, byte for byte, whoever goes away in between.

use anyhow::Context as _;
use c2_shared::api::jobs::Stream;
use c2_shared::api::live::{FollowEvent, FollowQuery};
use c2_shared::client::FollowStream;
use c2_shared::id::JobId;
use c2_shared::job::JobState;
use c2_tests::terminal::Terminal;
use c2_tests::{Cluster, eventually, scenario, wait};

crate::tests![
    output_is_seen_while_it_is_written,
    watching_goes_on_after_agent_and_c2d_were_killed,
    what_was_not_kept_is_a_gap_of_the_right_size,
    a_job_that_waits_is_followed_from_its_start,
    the_jobs_of_a_group_are_followed_at_once,
];

/// What a watcher has seen of a job.
#[derive(Debug, Default)]
struct Seen {
    at: FollowQuery,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    gaps: u64,
    end: Option<JobState>,
}

impl Seen {
    /// Reads until the job's end, or until standard output contains `words`.
    async fn watch(&mut self, stream: &mut FollowStream, words: Option<&str>) -> anyhow::Result<()> {
        loop {
            let event =
                tokio::time::timeout(wait::SOON, stream.next()).await.with_context(|| format!("{self:?}"))??;
            match event.context("the stream broke off")? {
                FollowEvent::Written(written) => {
                    self.at.attempt = Some(written.attempt.number);
                    let (text, at) = match written.stream {
                        Stream::Stdout => (&mut self.stdout, &mut self.at.stdout),
                        Stream::Stderr => (&mut self.stderr, &mut self.at.stderr),
                    };
                    self.gaps += written.offset - *at;
                    *at = written.offset + written.data.0.len() as u64;
                    text.extend_from_slice(&written.data.0);
                }
                FollowEvent::Ended(job) => {
                    self.end = Some(job.state);
                    return Ok(());
                }
            }
            if words.is_some_and(|words| String::from_utf8_lossy(&self.stdout).contains(words)) {
                return Ok(());
            }
        }
    }
}

async fn follow(cluster: &Cluster, job: JobId, at: &FollowQuery) -> anyhow::Result<FollowStream> {
    Ok(cluster.client().follow(job, at).await?)
}

fn output_is_seen_while_it_is_written() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let open = cluster.new_folder("gate")?.join("open");
        let gate = open.display();
        let command = format!("echo one; echo two >&2; until [ -e {gate} ]; do sleep 0.05; done; printf 'three\\377'");
        let job = cluster.submit(&command).await?;

        let (mut first, mut second) = (Seen::default(), Seen::default());
        let mut stream = follow(cluster, job, &first.at).await?;
        first.watch(&mut stream, Some("one\n")).await?;
        let mut other = follow(cluster, job, &second.at).await?;
        second.watch(&mut other, Some("one\n")).await?;
        let so_far = cluster.client().output(job, Stream::Stdout).await?.render();
        assert_eq!(so_far, b"one\n", "also without following");

        std::fs::write(&open, "")?;
        first.watch(&mut stream, None).await?;
        second.watch(&mut other, None).await?;
        for seen in [first, second] {
            assert_eq!((&seen.stdout[..], &seen.stderr[..]), (&b"one\nthree\xff"[..], &b"two\n"[..]), "{seen:?}");
            assert_eq!((seen.end, seen.gaps), (Some(JobState::Succeeded), 0), "{seen:?}");
        }
        Ok(())
    });
}

fn watching_goes_on_after_agent_and_c2d_were_killed() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let folder = cluster.new_folder("gates")?;
        let gate = |n: u32| folder.join(n.to_string()).display().to_string();
        let wait = |n: u32| format!("until [ -e {} ]; do sleep 0.05; done; echo gate {n};", gate(n));
        let job = cluster.submit(&format!("echo begin; {} {} {}", wait(1), wait(2), wait(3))).await?;

        let mut seen = Seen::default();
        let mut stream = follow(cluster, job, &seen.at).await?;
        seen.watch(&mut stream, Some("begin\n")).await?;
        cluster.kill_agent("127.0.0.2")?;
        std::fs::write(gate(1), "")?;
        cluster.restart_agent("127.0.0.2").await?;
        seen.watch(&mut stream, Some("gate 1\n")).await?;
        cluster.kill_c2d()?;
        cluster.restart_c2d().await?;
        std::fs::write(gate(2), "")?;
        let mut stream = follow(cluster, job, &seen.at).await?;
        seen.watch(&mut stream, Some("gate 2\n")).await?;
        std::fs::write(gate(3), "")?;
        seen.watch(&mut stream, None).await?;
        assert_eq!(String::from_utf8_lossy(&seen.stdout), "begin\ngate 1\ngate 2\ngate 3\n");
        assert_eq!((seen.end, seen.gaps), (Some(JobState::Succeeded), 0), "{seen:?}");
        Ok(())
    });
}

fn what_was_not_kept_is_a_gap_of_the_right_size() {
    scenario(async |cluster| {
        cluster.keep_output(256 * 1024).await?;
        cluster.agent("127.0.0.2").await?;
        let job = cluster.submit("seq 1 2000000").await?;
        cluster.ended(job).await?;
        let mut seen = Seen::default();
        let mut stream = follow(cluster, job, &seen.at).await?;
        seen.watch(&mut stream, None).await?;
        let whole: u64 = (1..=2_000_000_u64).map(|n| n.to_string().len() as u64 + 1).sum();
        assert_eq!(seen.stdout.len() as u64 + seen.gaps, whole);
        assert!(seen.gaps > 0 && seen.stdout.starts_with(b"1\n2\n") && seen.stdout.ends_with(b"\n2000000\n"));
        Ok(())
    });
}

fn a_job_that_waits_is_followed_from_its_start() {
    scenario(async |cluster| {
        let job = cluster.submit("echo at last").await?;
        let mut seen = Seen::default();
        let mut stream = follow(cluster, job, &seen.at).await?;
        eventually("the watcher", wait::SOON, async || {
            Ok((cluster.client().queue_status().await?.queued == 1).then_some(()))
        })
        .await?;
        cluster.agent("127.0.0.2").await?;
        seen.watch(&mut stream, None).await?;
        assert_eq!((&seen.stdout[..], seen.end), (&b"at last\n"[..], Some(JobState::Succeeded)));
        Ok(())
    });
}

fn the_jobs_of_a_group_are_followed_at_once() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        assert_eq!(cluster.exec(&["assign 127.0.0.2 gpu"]).await?.status, 0);
        let gate = cluster.new_folder("gate")?.join("open");
        let until = format!("until [ -e {} ]; do sleep 0.05; done", gate.display());
        let lines: Vec<String> =
            ["one", "two"].map(|word| format!("submit \"echo {word}; {until}; echo end {word}\" --group=gpu")).into();
        let [one, two] = &lines[..] else { unreachable!("two lines") };
        assert_eq!(cluster.exec(&[one, two, "submit \"echo other\""]).await?.status, 0);
        let mut follow = Terminal::start(&cluster.full_screen(&["--exec", "follow @gpu"])?, 80, 24)?;
        follow.sees("job-1 | one")?;
        follow.sees("job-2 | two")?;
        std::fs::write(&gate, "")?;
        assert_eq!(follow.end()?, 0);
        let text = follow.text();
        let mut lines: Vec<&str> = text.lines().filter(|line| line.contains(" | ")).collect();
        lines.sort_unstable();
        assert_eq!(lines, ["job-1 | end one", "job-1 | one", "job-2 | end two", "job-2 | two"], "{text}");
        Ok(())
    });
}
