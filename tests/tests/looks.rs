//! What people see of jobs and workers, and what they may name at once.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use c2_shared::token::Role;
use c2_tests::http::Caller;
use c2_tests::programs::Program;
use c2_tests::{Cluster, eventually, scenario};
use serde_json::json;

crate::waiting_tests![
    a_begin_is_shown_with_its_zone,
    one_line_means_many_workers_or_none,
    a_job_is_shown_as_it_was_submitted,
    the_log_leads_to_older_results,
    a_silent_worker_is_told_of_until_its_job_runs_elsewhere,
    a_full_disk_under_an_output_is_an_error,
    the_same_mistake_has_the_same_status_everywhere,
    bodies_say_what_to_write,
    folders_travel_whole,
];

fn a_begin_is_shown_with_its_zone() {
    scenario(async |cluster| {
        std::fs::write(cluster.console_dir().join("two"), "true\ntrue\n")?;
        let cases = [
            ("Europe/Berlin", "2030-01-31T08:00", "2030-01-31 08:00:00 CET"),
            ("Europe/Berlin", "2030-07-31T08:00", "2030-07-31 08:00:00 CEST"),
            ("America/New_York", "2030-01-31T08:00+02:00", "2030-01-31 01:00:00 EST"),
            ("Asia/Kolkata", "2030-01-31T08:00 Europe/Berlin", "2030-01-31 12:30:00 IST"),
            // There is no half past two in this night.
            ("Europe/Berlin", "2030-03-31T02:30", "2030-03-31 03:30:00 CEST"),
            ("Europe/Berlin", "2020-01-31", "at once, as 2020-01-31 00:00:00 CET has passed"),
        ];
        for (zone, begin, shown) in cases {
            let lines = [format!("submit true '--begin={begin}'"), "job last".to_owned()];
            let mut console = cluster.full_screen(&["--exec", &lines[0], "--exec", &lines[1]])?;
            let output = console.env("TZ", zone).output()?;
            let (out, err) = (String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?);
            ensure!(err.contains(&format!("begins at {shown}")) || err.contains(&format!("begins {shown}")), "{err}");
            let time = shown.trim_start_matches("at once, as ").trim_end_matches(" has passed");
            ensure!(out.contains(&format!("  {time}\n")), "{out}");
            for line in ["batch two --dry-run", "split 'echo {}' two --dry-run"] {
                let mut console = cluster.full_screen(&["--exec", &format!("{line} '--begin={begin}'")])?;
                let out = String::from_utf8(console.env("TZ", zone).output()?.stdout)?;
                ensure!(out.matches(time).count() == 2, "{line}: {out}");
            }
        }
        let output = cluster.exec(&["batch two --begin=+2h"]).await?;
        ensure!(output.stderr.contains("2 jobs: begins at 20"), "{output:?}");
        Ok(())
    });
}

fn one_line_means_many_workers_or_none() {
    scenario(async |cluster| {
        for ip in ["127.0.0.2", "127.0.0.3", "127.0.0.4"] {
            cluster.agent(ip).await?;
        }
        let statuses = async |cluster: &Cluster| -> Result<Vec<String>> {
            let rows = cluster.client().workers().await?.workers;
            Ok(rows.iter().map(|row| format!("{} {:?} {:?}", row.status, row.groups, row.tags.keys())).collect())
        };
        let before = statuses(cluster).await?;
        for line in [
            "drain 127.0.0.2 127.0.0.9",
            "drain 127.0.0.[2-3] nosuch",
            "assign 127.0.0.2,127.0.0.9 g",
            "set-tags 127.0.0.2,nosuch a",
            "set-tags @all 'two words'",
            "assign @nosuch g",
            "unassign @all nosuch",
            "cleanup-workspaces 127.0.0.2,nosuch",
        ] {
            let output = cluster.exec(&[line]).await?;
            ensure!(output.status == 1 && output.stderr.contains("hint: "), "{line}: {output:?}");
            ensure!(statuses(cluster).await? == before, "{line}: nothing was done to anybody");
        }
        let lines = ["drain 127.0.0.2 127.0.0.[3,4]", "assign @all,!127.0.0.4 g", "set-tags @g a,b", "resume @all"];
        let output = cluster.exec(&lines).await?;
        ensure!(output.status == 0 && output.stdout.matches("draining").count() == 5, "{output:?}");
        let both = "online {\"g\"} [\"a\", \"b\"]";
        ensure!(statuses(cluster).await? == [both, both, "online {} []"], "{:?}", statuses(cluster).await?);
        let output = cluster.console(&["--json", "--exec", "unassign @all g", "--exec", "drain 127.0.0.2"]).await?;
        let mut documents = output.stdout.lines().map(serde_json::from_str::<serde_json::Value>);
        let several = documents.next().context("an answer")??;
        ensure!(several["workers"].as_array().is_some_and(|rows| rows.len() == 2), "those that were in it: {several}");
        ensure!(documents.next().context("an answer")??["status"] == "draining", "one is one: {output:?}");
        Ok(())
    });
}

fn a_job_is_shown_as_it_was_submitted() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        std::fs::write(cluster.console_dir().join("f"), "x\n")?;
        let submit = "submit cat --stdin-file=f --on-lost=fail --umask=027 --retries=2 --retry-delay=3s --wait";
        let output = cluster.exec(&[submit, "job last"]).await?;
        for (label, value) in [("stdin", "a file"), ("on lost", "fail"), ("umask", "027")] {
            ensure!(output.stdout.contains(&format!("\n{label:<13}{value}\n")), "{label}: {output:?}");
        }
        ensure!(output.stdout.contains("retry delay  3.0s"), "{output:?}");
        let output = cluster.exec(&["submit \"printf 'aaaa\\rbb\\nx\\n'\" --wait", "job last"]).await?;
        ensure!(output.stdout.starts_with("aaaa\rbb\nx\n"), "to a pipe it goes to the byte: {output:?}");
        ensure!(output.stdout.ends_with("\nbbaa\nx\n"), "{output:?}");
        let output = cluster.exec(&["submit '[[ -f a ]] && echo y' --wait"]).await?;
        ensure!(output.status == 127 && output.stderr.contains("\njob-3: 1: "), "{output:?}");
        let own = "submit 'echo $0 $#; cd \"$(dirname \"$0\")\" && test \"$PWD\" -ef . && basename \"$PWD\"' --wait";
        let output = cluster.exec(&[own]).await?;
        ensure!(output.stdout == "job-4 0\njob-4\n", "{output:?}");
        let help = cluster.exec(&["help submit"]).await?;
        ensure!(help.stdout.contains("--shell=bash") && help.stdout.contains("$0"), "{help:?}");
        Ok(())
    });
}

fn the_log_leads_to_older_results() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let many: Vec<String> = (0..5).map(|_| "true".to_owned()).collect();
        std::fs::write(cluster.console_dir().join("many"), many.join("\n"))?;
        let output = cluster.exec(&["batch many --wait", "submit false --wait"]).await?;
        ensure!(output.status == 1, "{output:?}");
        let output = cluster.exec(&["log 2"]).await?;
        let older = output.stdout.lines().last().and_then(|line| line.strip_prefix("older results: add "));
        let older = older.with_context(|| format!("{output:?}"))?;
        let output = cluster.exec(&[&format!("log 4 {older}")]).await?;
        ensure!(output.stdout.matches("job-").count() == 4 && !output.stdout.contains("older"), "{output:?}");
        for (line, status, words) in [
            ("log --state=queued", 2, "succeeded"),
            ("log --state=cancelled", 0, "no result fits these filters"),
            ("jobs --state=unreachable", 0, "no job fits these filters"),
            ("jobs --state=asleep", 2, "unreachable"),
            ("cancel @unreachable", 1, "no such job is unreachable"),
        ] {
            let output = cluster.exec(&[line]).await?;
            let said = format!("{}{}", output.stdout, output.stderr);
            ensure!(output.status == status && said.contains(words), "{line}: {output:?}");
        }
        let operator = Caller {
            server: cluster.addr(),
            source: "127.0.0.1".parse()?,
            token: Some(cluster.token(Role::Operator)?.expose().to_owned()),
        };
        let answer = operator.call("GET", "/api/jobs/log?state=running", None).await?;
        ensure!(answer.status == 400, "{answer:?}");
        Ok(())
    });
}

fn a_silent_worker_is_told_of_until_its_job_runs_elsewhere() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let job = cluster.submit("test $C2_ATTEMPT != job-1.1 || sleep 600").await?;
        cluster.running(job).await?;
        cluster.cut_power("127.0.0.2")?;
        let why = || async { cluster.exec(&["why 1"]).await };
        eventually("that it is silent", Duration::from_secs(40), async || {
            let output = why().await?;
            let told = output.stdout.contains("job-1 runs on 127.0.0.2, which was not heard for ");
            Ok((told && output.stdout.contains("\nit is queued again in ")).then_some(()))
        })
        .await?;
        let lists =
            cluster.exec(&["jobs --state=unreachable", "jobs --state=running", "jobs --state=cancelling"]).await?;
        ensure!(lists.stdout.matches("job-1 ").count() == 2 && lists.stdout.ends_with("lists all\n"), "{lists:?}");
        let waited = cluster.exec(&["wait 1 --timeout=4"]).await?;
        ensure!(waited.stderr.contains("waiting: 127.0.0.2 is silent; it is queued again"), "{waited:?}");
        eventually("that it is lost", Duration::from_secs(90), async || {
            let output = cluster.exec(&["job 1"]).await?;
            let is_told = output.stdout.contains("queued") && output.stdout.contains("worker lost");
            Ok(is_told.then_some(()))
        })
        .await
    });
}

/// A program of C2 whose standard output is a full disk.
fn to_a_full_disk(program: Program, args: &[&str]) -> Result<(Option<i32>, String)> {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full")?;
    let output = Command::new(program.path()?).args(args).stdin(Stdio::null()).stdout(full).output()?;
    Ok((output.status.code(), String::from_utf8(output.stderr)?))
}

fn a_full_disk_under_an_output_is_an_error() -> Result<()> {
    for program in [Program::C2d, Program::Agent, Program::Tui] {
        for arg in ["--help", "--version"] {
            let (status, said) = to_a_full_disk(program, &[arg])?;
            let words = "cannot write the output: No space left on device";
            ensure!(status == Some(1) && said.contains(words), "{program:?} {arg}: {status:?} {said}");
        }
        let gone =
            Command::new("sh").arg("-c").arg("{ \"$0\" --help; echo $? >&2; } | true").arg(program.path()?).output()?;
        let said = String::from_utf8(gone.stderr)?;
        ensure!(["0\n", "141\n"].contains(&said.as_str()), "a reader that left needs no words: {program:?} {said}");
    }
    Ok(())
}

fn the_same_mistake_has_the_same_status_everywhere() {
    scenario(async |cluster| {
        let here = cluster.console_dir();
        std::fs::write(here.join("bad.json"), "{\"sever\": 1}")?;
        std::fs::create_dir_all(here.join(".config/c2-tui"))?;
        std::fs::write(here.join(".config/c2-tui/config.json"), "{\"shs\": 1}")?;
        let bad = here.join("bad.json").display().to_string();
        let data = here.join("data").display().to_string();
        let invited = cluster.c2d(&["invite", "--address", "127.0.0.1"]).await?;
        let line = invited.stdout.trim().rsplit_once('@').with_context(|| format!("{invited:?}"))?.0;
        let line = format!("{line}@127.0.0.1:1");
        let run = |program: Program, args: &[&str]| -> Result<(i32, String)> {
            let output = Command::new(program.path()?)
                .args(args)
                .env("HOME", &here)
                .env_remove("XDG_STATE_HOME")
                .env_remove("XDG_CONFIG_HOME")
                .stdin(Stdio::null())
                .output()?;
            Ok((output.status.code().context("a status")?, String::from_utf8_lossy(&output.stderr).into_owned()))
        };
        let table: [(i32, Program, &[&str]); 12] = [
            (2, Program::C2d, &["--prot"]),
            (2, Program::Agent, &["--prot"]),
            (2, Program::Tui, &["--prot"]),
            (2, Program::C2d, &["--data-dir", &data, "--config", &bad]),
            (2, Program::Agent, &["--config", &bad]),
            (2, Program::Tui, &["--exec", "pdsh 127.0.0.1 true"]),
            (2, Program::Agent, &["join", "xx"]),
            (2, Program::Tui, &["login", "xx"]),
            (3, Program::Agent, &["join", &line]),
            (3, Program::Tui, &["login", &line]),
            (3, Program::C2d, &["--data-dir", &data, "token", "list"]),
            (3, Program::Tui, &["--server", "127.0.0.1:1", "--exec", "list"]),
        ];
        for (status, program, args) in table {
            let (ended, said) = run(program, args)?;
            ensure!(ended == status, "{program:?} {args:?}: {ended} {said}");
        }
        let (_, said) = run(Program::Tui, &["--exec", "list"])?;
        ensure!(said.contains("c2-tui login"), "a c2d elsewhere is reached after a login: {said}");
        Ok(())
    });
}

fn bodies_say_what_to_write() {
    scenario(async |cluster| {
        let operator = Caller {
            server: cluster.addr(),
            source: "127.0.0.1".parse()?,
            token: Some(cluster.token(Role::Operator)?.expose().to_owned()),
        };
        let table = [
            ("submit", json!(["echo positional"]), 400, "object like {\"command\": ..}", None),
            ("submit", json!({"command": "a", "tags": "x"}), 400, "write [\"x\"]", Some("tags")),
            ("submit", json!({"command": "a", "depends": "job-1"}), 400, "write [\"job-1\"]", Some("depends")),
            ("submit", json!({"command": "a", "upload": [["a", "b"]]}), 400, "an object", Some("upload[0]")),
            ("submit-batch", json!([{"command": "a"}]), 400, "object like {\"jobs\": ..}", None),
            ("submit-batch", json!({"jobs": ["a", {"command": 1}]}), 400, "double quotes", Some("jobs[1].command")),
            ("submit-batch", json!({"jobs": ["echo a", {"command": "b"}]}), 201, "job-2", None),
        ];
        for (action, body, status, words, field) in table {
            let answer = operator.call("POST", &format!("/api/jobs/{action}"), Some(body.clone())).await?;
            let text = answer.json.to_string().replace("\\\"", "\"");
            ensure!(answer.status == status && text.contains(words), "{body}: {answer:?}");
            ensure!(answer.json["field"].as_str() == field, "{body}: {answer:?}");
        }
        let shown = operator.call("GET", "/api/jobs/info/job-1", None).await?;
        ensure!(shown.json["command"] == "echo a", "{shown:?}");
        Ok(())
    });
}

fn folders_travel_whole() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let here = cluster.console_dir();
        std::fs::create_dir_all(here.join("src/a b/.c"))?;
        for (name, text) in
            [("src/main", "m"), ("src/a b/x", "x"), ("src/a b/.c/y", "y"), ("1.txt", "1"), ("2.txt", "2")]
        {
            std::fs::write(here.join(name), text)?;
        }
        std::fs::create_dir(here.join("empty"))?;
        let list = "submit 'find . -type f | sort' --wait";
        let output = cluster.exec(&[&format!("{list} --upload=src --upload=src/:in --upload=*.txt")]).await?;
        let expected =
            "./1.txt\n./2.txt\n./in/a b/.c/y\n./in/a b/x\n./in/main\n./src/a b/.c/y\n./src/a b/x\n./src/main\n";
        ensure!(output.stdout == expected, "{output:?}");
        std::fs::write(here.join("b"), "{\"command\": \"cat main\", \"upload\": [\"src:.\"]}\n")?;
        let output = cluster.exec(&["batch b --wait", "output last"]).await?;
        ensure!(output.stdout.ends_with('m'), "{output:?}");
        let refused = cluster.exec(&["submit ls --upload=empty"]).await?;
        ensure!(refused.status == 1 && refused.stderr.contains("no file is in \"empty\""), "{refused:?}");
        std::os::unix::fs::symlink("..", here.join("src/up"))?;
        let refused = cluster.exec(&["submit ls --upload=src"]).await?;
        ensure!(refused.status == 1 && refused.stderr.contains("\"src/up\" is not a file"), "{refused:?}");
        Ok(())
    });
}
