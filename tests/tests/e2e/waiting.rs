//! Who waits for a job that does not run is told why within a second, and again when the reason is another one.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use c2_tests::wait::SOON;
use c2_tests::{Cluster, eventually, now, scenario};

crate::waiting_tests![
    why_nothing_runs_is_said_at_once_and_again,
    each_reason_is_said_by_submit_and_by_wait,
    a_submit_that_waits_outlives_its_request,
    many_jobs_are_waited_for_whatever_their_order,
];

/// What is promised is a second. A machine that is busy building may take longer for the rest of the way.
const SAID: Duration = Duration::from_millis(3_500);

/// A console that waits, and what it says on its standard error.
struct Console {
    child: Child,
    said: Receiver<String>,
}

impl Console {
    fn start(cluster: &Cluster, line: &str) -> Result<Self> {
        let mut command = cluster.full_screen(&["--exec", line])?;
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let (says, said) = channel();
        let errors = BufReader::new(child.stderr.take().context("standard error")?);
        std::thread::spawn(move || errors.lines().map_while(Result::ok).try_for_each(|line| says.send(line)));
        Ok(Self { child, said })
    }

    /// The next line, which comes soon.
    fn says(&self, expected: &str) -> Result<()> {
        let begun = now();
        let line =
            self.said.recv_timeout(Duration::from_secs(20)).with_context(|| format!("{expected:?} is not said"))?;
        ensure!(line.contains(expected), "{expected:?} was to be said, and it was {line:?}");
        ensure!(begun.elapsed() < SAID, "{line:?} was said after {:?}", begun.elapsed());
        Ok(())
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        let _ended = self.child.kill().and_then(|()| self.child.wait());
    }
}

async fn run(cluster: &Cluster, line: &str) -> Result<()> {
    let ran = cluster.exec(&[line]).await?;
    ensure!(ran.status == 0, "{line}: {ran:?}");
    Ok(())
}

fn why_nothing_runs_is_said_at_once_and_again() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let mut console = Console::start(cluster, "submit true --tags=t --wait")?;
        console.says("Submitted job job-1")?;
        console.says("waiting: no worker offers tag \"t\"")?;
        run(cluster, "drain 127.0.0.2").await?;
        run(cluster, "set-tags 127.0.0.2 t").await?;
        console.says("waiting: every worker is draining")?;
        run(cluster, "pause").await?;
        console.says("waiting: the whole queue is paused")?;
        run(cluster, "hold 1").await?;
        console.says("waiting: it is held")?;
        run(cluster, "resume 127.0.0.2").await?;
        run(cluster, "unpause").await?;
        run(cluster, "release 1").await?;
        ensure!(console.child.wait()?.success(), "it ran at last");
        ensure!(console.said.recv().is_err(), "and nothing else was said");
        Ok(())
    });
}

fn each_reason_is_said_by_submit_and_by_wait() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        cluster.agent("127.0.0.3").await?;
        run(cluster, "submit true --hold --name=first").await?;
        cluster.kill_agent("127.0.0.3")?;
        eventually("that it is offline", Duration::from_secs(40), async || {
            let list = cluster.exec(&["list"]).await?;
            Ok(list.stdout.contains("offline").then_some(()))
        })
        .await?;
        let reasons = [
            ("submit true --depends=first", "job-1 has to succeed first, and is held"),
            ("submit true --begin=+2h", "its time has not come: "),
            ("submit true --worker=127.0.0.3", "127.0.0.3: offline"),
            ("submit true --worker=nobody", "only nobody may run it"),
            ("submit true --cpus=4096", "no worker has 4096 cpus"),
            ("submit true --share=films", "no worker has share \"films\" now"),
        ];
        for ((line, reason), job) in reasons.into_iter().zip((2..).step_by(2)) {
            let console = Console::start(cluster, &format!("{line} --wait"))?;
            console.says(&format!("Submitted job job-{job}"))?;
            console.says(&format!("waiting: {reason}"))?;
            let waits = Console::start(cluster, &format!("wait {job}"))?;
            waits.says(&format!("waiting: {reason}"))?;
            // Without waiting it is said beside the number, unless it is what was asked for.
            let told = cluster.exec(&[line]).await?;
            let is_asked = line.contains("--depends");
            ensure!(told.status == 0 && (is_asked || !told.stderr.is_empty()), "{line}: {told:?}");
            cluster.exec(&["cancel last"]).await?;
        }
        let several = Console::start(cluster, "wait 1 2")?;
        several.says("waiting for job-1: it is held")
    });
}

fn a_submit_that_waits_outlives_its_request() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let gate = cluster.new_folder("gate")?.join("open");
        let line =
            |word: &str| format!("submit \"until [ -e {} ]; do sleep 0.1; done; echo {word}\" --wait", gate.display());
        let first = Console::start(cluster, &line("one"))?;
        first.says("Submitted job job-1")?;
        // Longer than one request is held.
        tokio::time::sleep(Duration::from_secs(22)).await;
        let last = Console::start(cluster, &line("two"))?;
        last.says("Submitted job job-2")?;
        cluster.kill_c2d()?;
        last.says("cannot reach c2d")?;
        cluster.restart_c2d().await?;
        std::fs::write(&gate, "")?;
        for mut console in [first, last] {
            let child = &mut console.child;
            let status = eventually("the end of the wait", SOON, async || Ok(child.try_wait()?)).await?;
            ensure!(status.success(), "{status}");
        }
        Ok(())
    });
}

fn many_jobs_are_waited_for_whatever_their_order() {
    scenario(async |cluster| {
        const JOBS: usize = 60;
        cluster.agent("127.0.0.2").await?;
        let gate = cluster.new_folder("gate")?.join("open");
        let line = |n: usize| match n {
            // The first one ends as the last.
            1 => format!("until [ -e {} ]; do sleep 0.1; done", gate.display()),
            3 | 7 => format!("exit {n}"),
            JOBS => format!("sleep 3; touch {}", gate.display()),
            n => format!("true {n}"),
        };
        let lines: Vec<String> = (1..=JOBS).map(line).collect();
        std::fs::write(cluster.console_dir().join("lines"), lines.join("\n"))?;
        let waited = cluster.exec(&["batch lines --wait"]).await?;
        ensure!(waited.status == 3, "the first that did not succeed: {waited:?}");
        ensure!(waited.stdout.lines().count() == JOBS, "{waited:?}");
        for n in 1..=JOBS {
            let state = if matches!(n, 3 | 7) { "failed" } else { "succeeded" };
            ensure!(waited.stdout.lines().any(|line| line.starts_with(&format!("job-{n} {state}"))), "{n}: {waited:?}");
        }
        Ok(())
    });
}
