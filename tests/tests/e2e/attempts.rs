//! What the attempts of one job wrote, each by itself.

use c2_shared::api::output::{OutputQuery, Streams};
use c2_shared::job::JobSpec;
use c2_tests::scenario;
use c2_tests::terminal::Terminal;

crate::tests![a_retry_leaves_the_output_of_the_attempt_before, only_the_attempt_that_runs_is_followed_and_no_further,];

fn retried(command: String) -> JobSpec {
    JobSpec { command, retries: 2, ..JobSpec::default() }
}

fn a_retry_leaves_the_output_of_the_attempt_before() {
    scenario(async |cluster| {
        cluster.keep_output(256 * 1024).await?;
        cluster.agent("127.0.0.2").await?;
        let command = "case $C2_ATTEMPT in *.1) printf 'one\\377\\n\\ntwo'; echo wrong >&2; exit 1;; \
                       *.2) seq 60000; exit 2;; esac; echo done";
        let job = cluster.submit_spec(retried(command.to_owned())).await?;
        assert_eq!(cluster.ended(job).await?.job.stdout, "done\n");
        let of = |attempt, stream| OutputQuery { stream, attempt };
        let first = cluster.client().output(job, of(Some(1), Streams::Stdout)).await?;
        assert_eq!((&first.render()[..], first.dropped), (&b"one\xff\n\ntwo"[..], 0));
        assert_eq!(cluster.client().output(job, of(Some(1), Streams::Stderr)).await?.render(), b"wrong\n");
        assert_eq!(cluster.client().output(job, of(Some(2), Streams::Stdout)).await?.dropped, 86_750);
        for attempt in [Some(3), None] {
            assert_eq!(cluster.client().output(job, of(attempt, Streams::Stdout)).await?.render(), b"done\n");
        }
        let written = cluster.full_screen(&["--exec", &format!("output {job} --attempt=1")])?.output()?;
        assert_eq!(written.stdout, b"one\xff\n\ntwo", "{written:?}");
        Ok(())
    });
}

fn only_the_attempt_that_runs_is_followed_and_no_further() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let gate = cluster.new_folder("gate")?.join("open");
        let wait = format!("until [ -e {} ]; do sleep 0.05; done", gate.display());
        let command = format!("echo of $C2_ATTEMPT; case $C2_ATTEMPT in *.1) exit 1;; *.2) {wait}; exit 1;; esac");
        let job = cluster.submit_spec(retried(command)).await?;
        let mut second = Terminal::start(&cluster.full_screen(&["--exec", &format!("follow {job}")])?, 80, 24)?;
        second.sees("of job-1.2")?;
        let line = format!("output {job} --attempt=2 --follow");
        let mut follow = Terminal::start(&cluster.full_screen(&["--exec", &line])?, 80, 24)?;
        follow.sees("of job-1.2")?;
        let former = cluster.exec(&[&format!("output {job} --attempt=1 --follow")]).await?;
        assert!(former.stderr.contains("attempt 1 of job-1 has ended"), "{former:?}");
        std::fs::write(&gate, "")?;
        assert_eq!(follow.end()?, 0);
        let text = follow.text();
        assert_eq!(text.lines().filter(|line| !line.trim().is_empty()).collect::<Vec<_>>(), ["of job-1.2"], "{text}");
        assert_eq!(second.end()?, 0);
        Ok(())
    });
}
