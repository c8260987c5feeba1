//! `c2-tui run`: a command as a job, as if it ran here.

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use c2_shared::id::JobId;
use c2_shared::job::JobState;
use c2_shared::token::Role;
use c2_tests::wait::SOON;
use c2_tests::{Cluster, eventually, scenario};
use rustix::process::{Pid, Signal, kill_process};

crate::tests![
    words_arrive_as_they_were_given,
    it_ends_as_its_job_does,
    an_interrupt_cancels_the_job,
    a_reader_that_leaves_cancels_the_job,
    output_comes_while_the_job_runs,
    make_takes_it_for_a_command,
];

/// `c2-tui run` in an environment that names this c2d.
fn command(cluster: &Cluster, args: &[&str]) -> Result<Command> {
    let mut command = cluster.bare_console(&["run"])?;
    command.args(args).env("C2_SERVER", cluster.addr().to_string());
    command.env("C2_TOKEN_FILE", cluster.data_dir().join(Role::Operator.file_name()));
    Ok(command)
}

/// The exit status, standard output and standard error without the name of the job.
fn seen(cluster: &Cluster, args: &[&str]) -> Result<(Option<i32>, String, String)> {
    let output = command(cluster, args)?.output()?;
    let told = String::from_utf8(output.stderr)?;
    let told = told.lines().filter(|line| !line.starts_with("Submitted job job-")).map(|line| format!("{line}\n"));
    Ok((output.status.code(), String::from_utf8(output.stdout)?, told.collect()))
}

fn words_arrive_as_they_were_given() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let words = ["a b", "$HOME", "it's", "*", "", "--json", "é\n2", "-"];
        let args = [&["--", "printf", "%s|"], &words[..]].concat();
        let expected = words.iter().map(|word| format!("{word}|")).collect::<String>();
        let (status, out, told) = seen(cluster, &args)?;
        ensure!((status, out.as_str()) == (Some(0), expected.as_str()), "{out:?} {told}");
        let (status, out, _) = seen(cluster, &["--env=A=1 2", "--", "sh", "-c", "echo \"$A\"; cat"])?;
        ensure!((status, out.as_str()) == (Some(0), "1 2\n"), "it has nothing to read: {out:?}");
        let (status, _, told) = seen(cluster, &["--", "-"])?;
        ensure!(status == Some(127) && told.contains("not found"), "a dash is a word as well: {told}");
        Ok(())
    });
}

fn it_ends_as_its_job_does() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let table: [(&[&str], i32, &str, &str); 6] = [
            (&["--", "sh", "-c", "echo out; echo err >&2; exit 3"], 3, "out\n", "err\nc2-tui: job-1 "),
            (&["--", "sh", "-c", "kill -9 $$"], 137, "", "c2-tui: job-2 "),
            (&["--timeout=1s", "--", "sleep", "600"], 124, "", "c2-tui: job-3 "),
            (&["--", "echo hello"], 127, "", "c2-tui run -- sh -c 'LINE'"),
            (&["--depends=99", "--", "true"], 1, "", "c2-tui: unknown job job-99"),
            (&["make", "-j"], 2, "", "two dashes stand before the command"),
        ];
        for (args, status, out, told) in table {
            let seen = seen(cluster, args)?;
            ensure!(seen.0 == Some(status) && seen.1 == out && seen.2.contains(told), "{args:?}: {seen:?}");
        }
        let away = command(cluster, &["--server=127.0.0.1:1", "--", "true"])?.output()?;
        ensure!(away.status.code() == Some(3), "{away:?}");
        Ok(())
    });
}

async fn cancelled(cluster: &Cluster, job: JobId) -> Result<()> {
    let ended = cluster.ended(job).await?;
    ensure!(ended.job.row.state == JobState::Cancelled, "{ended:?}");
    Ok(())
}

fn an_interrupt_cancels_the_job() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        for (job, signal) in [(JobId(1), Signal::INT), (JobId(2), Signal::TERM)] {
            let mut run = command(cluster, &["--", "sleep", "600"])?;
            let run = run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
            eventually("the submit", SOON, async || Ok(cluster.running(job).await.ok())).await?;
            kill_process(Pid::from_child(&run), signal)?;
            let output = run.wait_with_output()?;
            let told = String::from_utf8(output.stderr)?;
            ensure!(output.status.code() == Some(130) && told.contains(&format!("cancelled {job}")), "{told}");
            cancelled(cluster, job).await?;
        }
        Ok(())
    });
}

fn a_reader_that_leaves_cancels_the_job() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let mut run = command(cluster, &["--", "sh", "-c", "while echo y; do sleep 0.01; done"])?;
        let mut run = run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let mut head = Command::new("head")
            .arg("-n1")
            .stdin(run.stdout.take().context("a pipe")?)
            .stdout(Stdio::null())
            .spawn()?;
        head.wait()?;
        ensure!(run.wait()?.code() == Some(141));
        cancelled(cluster, JobId(1)).await
    });
}

fn output_comes_while_the_job_runs() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let gate = cluster.console_dir().join("gate");
        let line = format!("echo first; while [ ! -e {0} ]; do sleep 0.05; done; echo second", gate.display());
        let out = cluster.console_dir().join("out");
        let mut run = command(cluster, &["--", "sh", "-c", &line])?;
        let mut run = run.stdout(std::fs::File::create(&out)?).stderr(Stdio::null()).spawn()?;
        let is = |text: &str| Ok((std::fs::read_to_string(&out)? == text).then_some(()));
        eventually("the first line", SOON, async || is("first\n")).await?;
        std::fs::write(&gate, "")?;
        ensure!(run.wait()?.success());
        is("first\nsecond\n")?.context("all of it")
    });
}

fn make_takes_it_for_a_command() {
    if !c2_tests::machine::has("c2-tui run in a Makefile", which("make"), "it needs make: apt install make") {
        return;
    }
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let folder = cluster.console_dir();
        let makefile = "all: a b\na b:\n\t@$(RUN) -- echo $@ >$@\nbad:\n\t@$(RUN) -- false\n";
        std::fs::write(folder.join("Makefile"), makefile)?;
        let run = command(cluster, &[])?;
        let program = run.get_program().to_string_lossy().into_owned();
        let make = |target: &str| {
            let mut make = Command::new("make");
            make.arg("-j2").arg(format!("RUN={program} run")).arg(target).current_dir(&folder).env_clear();
            make.envs(run.get_envs().filter_map(|(name, value)| Some((name, value?)))).output()
        };
        ensure!(make("all")?.status.success());
        ensure!(std::fs::read_to_string(folder.join("b"))? == "b\n");
        ensure!(!make("bad")?.status.success());
        Ok(())
    });
}

fn which(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).exists())
}
