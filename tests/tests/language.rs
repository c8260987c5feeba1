//! What people type: examples of the help, and texts in all the forms in which they come.

use std::fs::File;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use c2_shared::job::JobSpec;
use c2_tests::{Cluster, scenario};
use c2_tui::for_tests;

crate::tests![
    what_a_job_receives_is_the_name_of_the_list,
    every_verb_refuses_in_json,
    the_examples_of_the_help_are_understood,
    scripts_and_standard_input_are_jobs,
    a_dry_run_says_what_a_submit_says,
    all_that_is_wrong_with_a_batch_is_told_at_once,
    a_key_goes_with_all_flags,
    each_line_of_a_list_brings_its_file,
    jobs_find_who_they_are_and_what_they_left,
    mistakes_in_the_arguments_are_json_too,
];

fn the_examples_of_the_help_are_understood() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let here = cluster.console_dir();
        for (name, text) in
            [("jobs.txt", "true\n"), ("inputs.txt", "a.dat\n"), ("a.dat", "a\n"), ("train.py", "true\n")]
        {
            std::fs::write(here.join(name), text)?;
        }
        let set =
            cluster.exec(&["submit \"echo x >x\" --name=job --download=x --wait", "assign 127.0.0.2 workers"]).await?;
        assert_eq!(set.status, 0, "{set:?}");
        let overs_ssh = ["pdsh", "copy", "verify-ssh", "add-worker"];
        let commands = for_tests::commands().iter();
        for command in commands.filter(|command| !command.full_screen && !overs_ssh.contains(&command.name.as_str())) {
            let help = cluster.exec(&[&format!("help {}", command.name)]).await?;
            for line in &command.examples {
                assert!(help.stdout.contains(line), "{help:?}");
                // Nobody answers at the addresses of the manual; jobs may wait for them.
                let quick = line.replace("10.0.0.11", "127.0.0.2").replace(" --wait", "").replace("gpu", "workers");
                let ran = cluster.exec(&[&quick]).await?;
                assert!([0, 1, 124].contains(&ran.status), "{quick}: {ran:?}");
                if ["wait", "follow", "hold", "cancel", "pause"].contains(&command.name.as_str()) {
                    cluster.exec(&["unpause", "release @held"]).await?;
                }
            }
        }
        Ok(())
    });
}

/// Runs the console with a file as its standard input.
fn fed(cluster: &Cluster, args: &[&str], input: &Path) -> Result<(i32, String, String)> {
    let output = cluster.full_screen(args)?.stdin(File::open(input)?).output()?;
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    Ok((output.status.code().context("a status")?, text(&output.stdout), text(&output.stderr)))
}

fn scripts_and_standard_input_are_jobs() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let here = cluster.console_dir();
        let file = |name: &str, text: &[u8]| -> Result<_> {
            std::fs::write(here.join(name), text)?;
            Ok(here.join(name))
        };
        file("who.sh", b"#!/bin/bash\n[[ $0 == ./who.sh ]] && cd \"$(dirname \"$0\")\" && echo \"$BASH\"\n")?;
        file("plain", b"echo \"$0 in $PWD\"; exit 3\n")?;
        file("cat.x", b"#!/usr/bin/env -S cat -n\nline\n")?;
        let ran = cluster.exec(&["submit --script=who.sh --wait", "submit --script=cat.x --wait"]).await?;
        assert_eq!(ran.status, 0, "{ran:?}");
        assert!(ran.stdout.starts_with("/bin/bash\n") || ran.stdout.starts_with("/usr/bin/bash\n"), "{ran:?}");
        assert!(ran.stdout.contains("2\tline"), "{ran:?}");
        file("jobs", b"{\"script\": \"who.sh\", \"download\": []}\n{\"script\": \"none.sh\"}\n")?;
        let refused = cluster.exec(&["batch jobs"]).await?;
        assert!(refused.status == 1 && refused.stderr.contains("line 2: cannot read \"none.sh\""), "{refused:?}");
        file("jobs", b"{\"script\": \"who.sh\", \"name\": \"who\"}\n")?;
        let ran = cluster.exec(&["batch jobs --wait", "output who"]).await?;
        assert!(ran.status == 0 && ran.stdout.contains("/bin/bash\n"), "{ran:?}");
        let ran = cluster.exec(&["submit --script=./plain --wait"]).await?;
        assert!(ran.status == 3 && ran.stdout.starts_with("./plain in /"), "{ran:?}");

        let input = file("in", b"\xef\xbb\xbfecho one; set -- a b\r\necho $2\r\n")?;
        assert_eq!(fed(cluster, &["--exec", "submit - --wait"], &input)?.1, "one\nb\n");
        let input = file("in2", b"#!/bin/bash\n[[ a ]] && echo bash\n")?;
        assert_eq!(fed(cluster, &["--exec", "submit - --wait"], &input)?.1, "bash\n");

        let lines = "\u{feff}queue-status\nsubmit \"set -- one two; echo \\$2\" \\\n  --wait  # it's one job\nsubmit 'echo a\necho b' --wait\n";
        let script = file("script", lines.as_bytes())?;
        for args in [&["--exec", "-"][..], &["--file", "script"][..]] {
            let (status, out, err) = fed(cluster, args, &script)?;
            assert!(status == 0 && out.ends_with("two\na\nb\n"), "{args:?} {out} {err}");
        }
        let open = file("open", b"list\nsubmit 'a\nlist\n")?;
        let (status, out, err) = fed(cluster, &["--file", "open"], &open)?;
        assert!(
            status == 2 && out.matches("WORKER").count() == 1 && err.contains("open:2: the quote '"),
            "{out} {err}"
        );
        Ok(())
    });
}

fn a_dry_run_says_what_a_submit_says() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let failed = cluster.submit_spec(JobSpec { command: "false".into(), ..JobSpec::default() }).await?;
        cluster.ended(failed).await?;
        let cases = [
            (
                "{\"command\":\"x\",\"name\":\"a\",\"depends\":\"b\"}\n{\"command\":\"x\",\"name\":\"b\",\"depends\":[\"a\"]}\n",
                "line 1: jobs wait for each other: a -> b -> a",
            ),
            (
                "true\n{\"command\":\"x\",\"name\":\"a\",\"depends\":\"a\"}\n",
                "line 2: jobs wait for each other: a -> a",
            ),
            ("{\"command\":\"true\",\"depends\":[\"nope\"]}\n", "line 1: unknown job \"nope\""),
            ("true\n\n{\"command\":\"true\",\"group\":\"nogroup\"}\n", "line 3: unknown group \"nogroup\""),
            (
                "{\"command\":\"true\",\"name\":\"a\"}\n{\"command\":\"true\",\"name\":\"a\"}\n{\"command\":\"x\",\"depends\":\"a\"}\n",
                "line 3: two jobs of the batch are named \"a\"",
            ),
            ("{\"command\":\"true\",\"name\":\"1-5\"}\n", "line 1: the name \"1-5\" means something else already"),
            ("{\"command\":\"true\",\"upload\":[\"no.such\"]}\n", "line 1: cannot read \"no.such\""),
        ];
        for (text, words) in cases {
            std::fs::write(cluster.console_dir().join("b"), text)?;
            let dry = cluster.exec(&["batch b --dry-run"]).await?;
            let run = cluster.exec(&["batch b"]).await?;
            assert!(dry.status == 1 && dry.stderr.contains(words), "{text}: {dry:?}");
            assert_eq!((run.status, &run.stderr), (1, &dry.stderr), "{text}");
        }
        std::fs::write(
            cluster.console_dir().join("b"),
            "true\n{\"command\":\"x\",\"tags\":\"t\"}\n{\"command\":\"y\",\"tags\":\"t\"}\n",
        )?;
        let dry = cluster.exec(&["batch b --dry-run"]).await?;
        assert!(dry.status == 0 && dry.stderr.contains("line 2 and 1 more: no worker offers tag \"t\""), "{dry:?}");
        let run = cluster.exec(&[&format!("submit true --depends={failed}")]).await?;
        assert!(run.stderr.contains("job-1 has ended (failed), so it never runs"), "{run:?}");
        Ok(())
    });
}

fn all_that_is_wrong_with_a_batch_is_told_at_once() {
    scenario(async |cluster| {
        let wrong = [
            (r#"{"command":"x","name":"a","depends":"b"}"#, "jobs wait for each other: a -> b -> a"),
            (r#"{"command":"x","name":"b","depends":"a"}"#, ""),
            (r#"{"command":"x","depends":["nope"]}"#, "unknown job \"nope\""),
            (r#"{"command":"x","group":"nogroup"}"#, "unknown group \"nogroup\""),
            (r#"{"command":"x","name":"q"}"#, ""),
            (r#"{"command":"x","name":"q"}"#, ""),
            (r#"{"command":"x","depends":"q"}"#, "two jobs of the batch are named \"q\""),
            (r#"{"command":"x","name":"1-5"}"#, "the name \"1-5\" means something else already"),
            (r#"{"command":""}"#, "the command is empty"),
            (r#"{"command":"x","download":["["]}"#, "has a [ without its ]"),
            (r#"{"command":"x","name":"s","depends":"s"}"#, "jobs wait for each other: s -> s"),
            // It waits for one that is wrong, and is itself right.
            (r#"{"command":"x","depends":"t"}"#, ""),
            (r#"{"command":"x","name":"t","timeout":"soon"}"#, "\"soon\""),
        ];
        let text: String = wrong.iter().map(|(line, _)| format!("{line}\n")).collect();
        std::fs::write(cluster.console_dir().join("b"), text)?;
        let refused = cluster.exec(&["batch b"]).await?;
        ensure!(refused.status == 1, "{refused:?}");
        for (number, (_, words)) in wrong.iter().enumerate() {
            let told =
                refused.stderr.lines().find(|told| told.trim_start().starts_with(&format!("line {}:", number + 1)));
            ensure!(
                told.map_or(words.is_empty(), |told| !words.is_empty() && told.contains(words)),
                "{words}: {refused:?}"
            );
        }
        Ok(())
    });
}

fn a_key_goes_with_all_flags() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        ensure!(cluster.exec(&["assign 127.0.0.2 gpu", "submit true --name=first"]).await?.status == 0);
        for (flag, key) in
            [("--group=gpu", "a"), ("--tags=t", "b"), ("--exclude=127.0.0.9", "c"), ("--depends=first", "d")]
        {
            let line = format!("submit true {flag} --idempotency-key={key}");
            let (once, again) = (cluster.exec(&[&line]).await?, cluster.exec(&[&line]).await?);
            ensure!(once.status == 0 && once.stdout == again.stdout, "{line}: {once:?} {again:?}");
        }
        let file = cluster.console_dir().join("one.jsonl");
        std::fs::write(&file, r#"{"command":"true","idempotency-key":"k","depends":"1-2,any:@batch:no"}"#)?;
        ensure!(cluster.exec(&["submit true --batch=no"]).await?.status == 0);
        let line = format!("batch '{}'", file.display());
        let (once, again) = (cluster.exec(&[&line]).await?, cluster.exec(&[&line]).await?);
        ensure!(once.status == 0 && once.stdout == again.stdout, "{once:?} {again:?}");
        std::fs::write(&file, "true\n{\"command\":\"true\",\"idempotency-key\":\"k\"}\n")?;
        let refused = cluster.exec(&[&line]).await?;
        ensure!(refused.status == 1 && refused.stderr.contains("line 2: a job of a batch has no"), "{refused:?}");
        let of_a_list = cluster.exec(&["split 'echo {}' b --idempotency-key={}"]).await?;
        ensure!(of_a_list.status == 2 && of_a_list.stderr.contains("write a key of your own"), "{of_a_list:?}");
        Ok(())
    });
}

fn each_line_of_a_list_brings_its_file() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let here = cluster.console_dir();
        std::fs::create_dir(here.join("in"))?;
        let names = ["in/a b.wav", "in/$(touch x),1.wav", "in/it's [1].wav"];
        for name in names {
            std::fs::write(here.join(name), name)?;
        }
        std::fs::write(here.join("list"), names.join("\n"))?;
        std::fs::write(here.join("list0"), names.join("\0"))?;
        let line = "split 'cp {/} {/.}.mp3' LIST --upload={} --name={/.} --download={/.}.mp3 --env=F={/} --wait";
        let ran = cluster.exec(&[&line.replace("LIST", "list"), "get-files 1-3 out"]).await?;
        assert_eq!(ran.status, 0, "{ran:?}");
        for (job, name) in (1..).zip(names) {
            let left = here.join(format!("out/job-{job}")).join(name.replace("in/", "").replace(".wav", ".mp3"));
            assert_eq!(std::fs::read_to_string(&left).with_context(|| left.display().to_string())?, name);
        }
        let ran = cluster.exec(&[&line.replace("LIST", "list0 --null")]).await?;
        assert_eq!(ran.status, 0, "{ran:?}");
        let refused = cluster.exec(&["split 'echo {}' list0"]).await?;
        assert!(refused.status == 1 && refused.stderr.contains("--null"), "{refused:?}");
        Ok(())
    });
}

/// Names as they lie about, one a line or between NULs, by way of a real agent.
fn what_a_job_receives_is_the_name_of_the_list() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let here = cluster.console_dir();
        let names = [
            "plain",
            "a b",
            " two  ",
            "it's",
            "\"both\" it's",
            "$(touch x)",
            "`touch x`",
            "$HOME",
            "${x}",
            "\\",
            "a\\b",
            "-n",
            "--",
            "-e x",
            "line\nend",
            "\n",
            "a\r",
            "*",
            "~",
            "~root",
            "#x",
            "!x",
            "{}",
            "{#}",
            "a;b|c&d>e<f",
            "é 漢 🦀",
            "2",
            "if",
            "%s\\n",
            "\t",
            "\u{1}",
        ];
        std::fs::write(here.join("list"), names.join("\0"))?;
        let templates = [
            "printf '<%s>' {}",
            "x={}; printf '<%s>' \"$x\"",
            "printf '<%s>' \"$(printf %s {}; echo .)\" | sed '$s/\\.>$/>/'",
        ];
        let mut first = 1;
        for template in templates {
            let line = format!("split '{}' list --null --wait", template.replace('\'', "'\\''"));
            let ran = cluster.exec(&[&line]).await?;
            ensure!(ran.status == 0, "{line}: {ran:?}");
            for (job, name) in (first..).zip(names) {
                let wrote = cluster.client().job(c2_shared::id::JobId(job), 0).await?.job.stdout;
                ensure!(wrote == format!("<{name}>"), "{template}: {name:?} became {wrote:?}");
            }
            first += names.len() as u64;
        }
        let left = cluster.exec(&["submit 'ls ../*/x' --wait"]).await?;
        ensure!(left.status != 0, "a name was run: {left:?}");
        // Not the name, and so refused, with the place.
        std::fs::write(here.join("list"), b"ok\0caf\xe9.txt\0")?;
        let refused = cluster.exec(&["split 'cat {}' list --null"]).await?;
        ensure!(
            refused.status == 1 && refused.stderr.contains("input 2 of \"list\" is not valid UTF-8"),
            "{refused:?}"
        );
        for template in ["cat \"{}\"", "cat '\\''{}'\\''", "cat `echo {}`", "cat $(( {} ))"] {
            let refused = cluster.exec(&[&format!("split '{template}' list --null")]).await?;
            ensure!(refused.status == 2 && refused.stderr.contains("of the command stands"), "{template}: {refused:?}");
        }
        Ok(())
    });
}

/// Lines with operands that c2d does not know, and with values that mean nothing.
const UNKNOWN: [&str; 49] = [
    "job job-999",
    "job nonsense",
    "output nonsense",
    "wait job-999",
    "cancel job-999",
    "hold nonsense",
    "release 999",
    "change 999 --priority=1",
    "top 999",
    "bottom @nogroup",
    "retry job-999",
    "why 999",
    "follow nonsense",
    "get-files 999",
    "info nowhere",
    "drain nowhere",
    "resume @nogroup",
    "wake nowhere",
    "assign nowhere g",
    "unassign nowhere g",
    "set-tags nowhere t",
    "set-resources nowhere cpus=1",
    "get-tags nowhere",
    "detect-tags nowhere",
    "remove-worker nowhere",
    "cleanup-workspaces nowhere",
    "upgrade-workers nowhere",
    "pdsh nowhere true",
    "copy jobs.txt nowhere:/tmp",
    "verify-ssh nowhere",
    "batches nobatch",
    "schedule show nothing",
    "schedule run nothing",
    "schedule change nothing --cron=@daily",
    "notify show nothing",
    "notify test nothing",
    "submit true --group=nogroup",
    "submit true --depends=999",
    "submit true --upload=no/file",
    "submit --script=no/file",
    "batch no/file",
    "split 'echo {}' no/file",
    "help nothing",
    "submit true --tags='a b'",
    "jobs --state=nothing",
    "log nothing",
    "timeline --since=soon",
    "submit true --timeout=soon",
    "submit 'true",
];

/// The error of a line, which is the last document on standard error.
fn json_error(ran: &c2_tests::Output) -> Result<serde_json::Value> {
    let last = ran.stderr.lines().last().with_context(|| format!("{ran:?}"))?;
    let error: serde_json::Value = serde_json::from_str(last).with_context(|| format!("{ran:?}"))?;
    for field in ["code", "message", "hint"] {
        ensure!(error[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {error}");
    }
    Ok(error)
}

/// Each verb with words that mean nothing to it, and with a c2d that is not there.
fn every_verb_refuses_in_json() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        for command in for_tests::commands().iter().filter(|command| !command.full_screen) {
            let verb = command.name.as_str();
            for line in [format!("{verb} --no-such-flag"), format!("{verb} a b c d e f --no-such-flag=x")] {
                let ran = cluster.console(&["--json", "--exec", &line]).await?;
                // What is behind the target of pdsh is the command, flags and all.
                if ran.status == 2 {
                    let error = json_error(&ran)?;
                    ensure!(error["code"] == "usage", "{line}: {error}");
                    let named = [verb, "no-such-flag"]
                        .iter()
                        .any(|word| error["message"].as_str().unwrap_or_default().contains(word))
                        || error["message"].as_str().unwrap_or_default().contains('<');
                    ensure!(named, "{line}: the message names the word: {error}");
                } else {
                    ensure!(ran.status != 0 && verb == "pdsh", "{line}: {ran:?}");
                    json_error(&ran)?;
                }
            }
        }
        // Operands that c2d does not know.
        for line in UNKNOWN {
            let ran = cluster.console(&["--json", "--exec", line]).await?;
            ensure!([1, 2].contains(&ran.status), "{line}: {ran:?}");
            let error = json_error(&ran)?;
            ensure!(error["message"] != "", "{line}: {error}");
        }
        cluster.kill_c2d()?;
        for line in ["list", "submit true", "jobs", "wait 1", "schedule list", "stats", "doctor"] {
            let ran = cluster.console(&["--json", "--exec", line]).await?;
            if line != "doctor" {
                ensure!(ran.status == 3 && json_error(&ran)?["code"] == "unreachable", "{line}: {ran:?}");
            }
        }
        Ok(())
    });
}

fn jobs_find_who_they_are_and_what_they_left() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let ran = cluster
            .exec(&["submit 'test \"$HOME\" = \"$(getent passwd $(id -u) | cut -d: -f6)\" && echo $LOGNAME' --wait"])
            .await?;
        ensure!(ran.status == 0 && ran.stdout.trim() == whoami()?, "{ran:?}");
        let masks = cluster.exec(&["submit umask --wait", "submit umask --umask=022 --wait"]).await?;
        assert_eq!(masks.stdout, "0077\n0022\n", "{masks:?}");
        let missing = cluster.exec(&["submit true --download=report.csv --wait", "get-files last --list"]).await?;
        assert!(missing.stderr.contains("nothing matches \"report.csv\""), "{missing:?}");
        assert!(missing.stdout.contains("nothing matches \"report.csv\""), "{missing:?}");
        let exact =
            cluster.exec(&["submit ': >\"a[1].txt\"' --download='a[1].txt' --wait", "get-files last --list"]).await?;
        assert!(
            exact.status == 0 && exact.stdout.contains("a[1].txt") && !exact.stderr.contains("nothing"),
            "{exact:?}"
        );
        for pattern in ["'['", "'*.{png,jpg}'"] {
            let refused = cluster.exec(&[&format!("submit true --download={pattern}")]).await?;
            assert_eq!(refused.status, 1, "{refused:?}");
        }
        Ok(())
    });
}

fn whoami() -> Result<String> {
    let output = std::process::Command::new("id").arg("-un").output()?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

fn mistakes_in_the_arguments_are_json_too() {
    scenario(async |cluster| {
        for args in
            [&["--json", "--wiat"][..], &["--json", "logout"], &["--wiat", "--json"], &["--json", "--exec", "lsit"]]
        {
            let output = cluster.bare_console(args)?.output()?;
            let error: serde_json::Value = serde_json::from_slice(&output.stderr)?;
            assert_eq!((output.status.code(), &error["code"]), (Some(2), &"usage".into()), "{args:?} {error}");
            ensure!(!error["message"].as_str().is_some_and(|text| text.starts_with(' ')), "{error}");
            ensure!(!error.to_string().contains("\\n"), "{error}");
        }
        let output = cluster.bare_console(&["--exec", "submit", "echo hi"])?.output()?;
        let said = String::from_utf8(output.stderr)?;
        assert!(output.status.code() == Some(2) && said.contains("in quotes: c2-tui --exec '"), "{said}");
        Ok(())
    });
}
