//! The way of the packages, as the guide has it: its own lines, typed on three machines that were just booted.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use c2_tests::booted::Booted;
use c2_tests::home::{Home, Machine};
use c2_tests::wait::SOON;
use c2_tests::{eventually, now};

use crate::guide::{Block, page};

/// What the guide promises.
const WORK_WITHIN: Duration = Duration::from_secs(300);
/// How the guide writes a line of `c2d invite`.
const LINE: &str = "c2j1.SECRET.FINGERPRINT@10.0.0.6:30814";
const AGENT: &str = "c2-agent@c2-jobs";

pub(super) fn typed(given: &Path) -> Result<()> {
    let Some(home) = Home::of(2)? else { return Ok(()) };
    for entry in fs::read_dir(given.join("dist"))?.chain(fs::read_dir(given.join("next/dist"))?) {
        // Copied to each worker, as the guide says.
        let from = entry?.path();
        if from.to_string_lossy().contains("c2-agent") {
            let to = from.parent().and_then(Path::parent).context("a folder above")?;
            fs::copy(&from, to.join(from.file_name().unwrap_or_default()))?;
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(story(&home, given))
}

async fn story(home: &Home, given: &Path) -> Result<()> {
    let up = |machine| Booted::up(home, machine, given);
    let (server, first, second) =
        tokio::try_join!(up(Machine::Server), up(Machine::Worker(1)), up(Machine::Worker(2)))?;
    let workers = [&first, &second];
    let begun = now();
    installed(&server, workers).await?;
    let took = now() - begun;
    ensure!(took < WORK_WITHIN, "it took {took:?}");
    upgraded(&server, workers).await?;
    backed_up(&server).await?;
    what_cannot_start_says_why(&server).await?;
    long_jobs_keep_their_files(&server, &first).await
}

/// Types a block line by line; answers what the last one said. `line` is the latest that an invitation printed.
async fn types(machine: &Booted, block: &Block, line: &mut String) -> Result<String> {
    let mut said = String::new();
    for text in block.text.replace("\\\n", " ").lines() {
        said = done(machine, &text.replace(LINE, line)).await.with_context(|| block.place.clone())?;
        if said.starts_with("c2j1.") {
            said.trim().clone_into(line);
        }
    }
    Ok(said)
}

async fn done(machine: &Booted, text: &str) -> Result<String> {
    let output = machine.bash(text).await?;
    ensure!(output.status == 0, "{text}\n{}{}", output.stdout, output.stderr);
    Ok(output.stdout)
}

async fn refused(machine: &Booted, text: &str) -> Result<()> {
    let output = machine.bash(text).await?;
    ensure!(output.status != 0, "{text}\n{output:?}");
    Ok(())
}

async fn tui(machine: &Booted, line: &str) -> Result<String> {
    done(machine, &format!("c2-tui --exec '{line}'")).await
}

async fn installed(server: &Booted, workers: [&Booted; 2]) -> Result<()> {
    let blocks = page("install.md").section("Debian packages").blocks_of("sh");
    let [c2d, agent, console] = blocks.as_slice() else { anyhow::bail!("{} blocks", blocks.len()) };
    let mut line = String::new();
    types(server, c2d, &mut line).await?;
    ensure!(line.ends_with("@10.0.0.6:30814"), "{line:?}");
    // One that is started too early says what it waits for, and does not try for ever.
    done(workers[0], agent.text.lines().next().context("a first line")?).await?;
    refused(workers[0], &format!("systemctl start {AGENT}")).await?;
    shows(workers[0], AGENT, "hint: let this machine join: `c2d invite`").await?;
    for worker in workers {
        types(worker, agent, &mut line).await?;
    }
    // Before it has logged in, a console says how.
    for wrong in ["c2-tui --exec list", "c2d invite"] {
        let said = server.bash(wrong).await?;
        ensure!(said.status == 3 && said.stderr.contains("sudo -u c2 c2d --data-dir /var/lib/c2d"), "{said:?}");
    }
    let listed = types(server, console, &mut line).await?;
    ensure!(listed.contains("10.0.0.11"), "{listed}");
    eventually("two workers", SOON, async || {
        Ok((tui(server, "list").await?.matches(" online ").count() == 2).then_some(()))
    })
    .await?;
    for worker in ["10.0.0.11", "10.0.0.12"] {
        let said = tui(server, &format!("submit \"id -un; pwd; echo $C2_WORKER\" --worker={worker} --wait")).await?;
        ensure!(said.starts_with("c2-jobs\n/tmp/C2/job-") && said.contains(worker), "{said}");
    }
    Ok(())
}

/// Jobs run on while packages replace everything, and the services are others then.
async fn upgraded(server: &Booted, workers: [&Booted; 2]) -> Result<()> {
    let blocks = page("upgrade.md").section("With Debian packages").blocks_of("sh");
    let [c2d, agent] = blocks.as_slice() else { anyhow::bail!("{} blocks", blocks.len()) };
    tui(server, "submit \"until [ -e /tmp/go ]; do sleep 0.1; done; echo survived\" --worker=10.0.0.11 --name=long")
        .await?;
    eventually("its start", SOON, async || Ok(tui(server, "job long").await?.contains("running").then_some(())))
        .await?;
    for (machine, unit, block) in [(server, "c2d", c2d), (workers[0], AGENT, agent), (workers[1], AGENT, agent)] {
        let process = format!("systemctl show -P MainPID {unit}");
        let before = done(machine, &process).await?;
        let block = Block { text: format!("cd next; {}", block.text), kinds: Vec::new(), place: block.place.clone() };
        types(machine, &block, &mut String::new()).await?;
        ensure!(done(machine, &process).await? != before, "{unit} was not restarted");
        done(machine, &format!("systemctl is-active {unit}")).await?;
    }
    done(workers[0], "touch /tmp/go").await?;
    let said = tui(server, "output long --follow").await?;
    ensure!(said == "survived\n", "{said}");
    let why = tui(server, "why long").await?;
    ensure!(why.contains("succeeded") && !why.contains("attempt 2"), "{why}");
    Ok(())
}

async fn backed_up(server: &Booted) -> Result<()> {
    let blocks = page("operations.md").section("Back up and restore").blocks_of("sh");
    let of_service = blocks.iter().filter(|block| block.text.contains("/var/lib/c2d")).collect::<Vec<_>>();
    let [backup, restore] = of_service[..] else { anyhow::bail!("{} blocks", of_service.len()) };
    types(server, backup, &mut String::new()).await?;
    let lost = tui(server, "submit \"echo lost\" --wait").await?;
    ensure!(lost == "lost\n", "{lost}");
    types(server, restore, &mut String::new()).await?;
    let jobs = tui(server, "jobs --all").await?;
    ensure!(jobs.contains("long") && !jobs.contains("echo lost"), "{jobs}");
    let said = tui(server, "submit \"echo again\" --wait").await?;
    ensure!(said == "again\n", "{said}");
    Ok(())
}

/// Each start fails at once, and `systemctl status` has the reason.
async fn what_cannot_start_says_why(server: &Booted) -> Result<()> {
    let config = "/var/lib/c2d/config.json";
    let put = "install -m 600";
    for (owner, text, reason) in [
        ("c2", r#"{"hots": "10.0.0.6"}"#, "unknown field \"hots\""),
        ("c2", r#"{"port": "30814"}"#, "line 1: port: "),
        ("root", "{}", "hint: it belongs to user 0: give it to the user of this program with chown"),
    ] {
        done(server, &format!("echo '{text}' | {put} -o {owner} /dev/stdin {config}")).await?;
        refused(server, "systemctl restart c2d").await?;
        refused(server, "systemctl is-active c2d").await?;
        shows(server, "c2d", reason).await?;
    }
    let line = page("operations.md").section("Configure").blocks_of("sh");
    let install = line.iter().find(|block| block.text.contains("install -o c2")).context("the guide has a line")?;
    done(server, "echo '{\"keep_days\": 7}' >config.json").await?;
    types(server, install, &mut String::new()).await?;
    let said = tui(server, "submit \"echo well\" --wait").await?;
    ensure!(said == "well\n", "{said}");
    Ok(())
}

/// Whether a unit failed for good, and says so.
async fn shows(machine: &Booted, unit: &str, reason: &str) -> Result<()> {
    let status = machine.bash(&format!("systemctl status --no-pager --full {unit}")).await?;
    ensure!(status.stdout.contains("Active: failed") && status.stdout.contains(reason), "{reason}: {status:?}");
    let restarts = done(machine, &format!("systemctl show -P NRestarts {unit}")).await?;
    ensure!(restarts.trim() == "0", "{restarts}");
    Ok(())
}

/// A machine that removes old files leaves those of a job that runs for weeks: the agent of a user, who has no rule
/// against it.
async fn long_jobs_keep_their_files(server: &Booted, worker: &Booted) -> Result<()> {
    let invited = done(server, "sudo -u c2 c2d --data-dir /var/lib/c2d invite").await?;
    done(worker, "useradd --create-home --shell /bin/sh me").await?;
    let joined = done(worker, &format!("sudo -u me -H c2-agent join {} --name=mine", invited.trim())).await?;
    ensure!(joined.contains("start it with: sudo systemctl enable --now c2-agent@me"), "{joined}");
    done(worker, "cd / && sudo -u me -H setsid --fork c2-agent >/dev/null 2>&1 </dev/null").await?;
    tui(server, "wait long").await?;
    eventually("its worker", SOON, async || {
        Ok((tui(server, "list").await?.matches(" online ").count() == 3).then_some(()))
    })
    .await?;
    let id = done(worker, "cat ~me/.local/state/c2-agent/worker_id").await?;
    let job = "submit \"mkdir old; touch old/file file; until [ -e /tmp/end ]; do sleep 0.1; done; ls file old\"";
    tui(server, &format!("{job} --name=weeks --worker={}", id.trim())).await?;
    let folder = "/tmp/C2-$(id -u me)/*";
    eventually("its files", SOON, async || {
        Ok((worker.bash(&format!("ls {folder}/old/file")).await?.status == 0).then_some(()))
    })
    .await?;
    done(worker, "find /tmp/C2-$(id -u me) | xargs touch -h -d '40 days ago'; touch -d '40 days ago' /tmp/other")
        .await?;
    // Times of access and of changes of a file cannot be set back, and are not asked for.
    done(worker, "echo 'd /tmp 1777 root root mM:1d' >/etc/tmpfiles.d/tmp.conf; systemd-tmpfiles --clean").await?;
    refused(worker, "ls /tmp/other").await?;
    done(worker, "touch /tmp/end").await?;
    let said = tui(server, "output weeks --follow").await?;
    ensure!(said == "file\n\nold:\nfile\n", "{said}");
    Ok(())
}
