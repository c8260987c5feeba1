//! Files of jobs and scripts as people write them, on real programs: what becomes a job, and which line is wrong.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use c2_tests::{Cluster, scenario};
use serde_json::{Value, json};

crate::tests![
    a_line_is_a_job_or_says_why_not,
    fields_have_the_names_and_forms_of_the_flags,
    what_a_field_does_not_take_is_said_for_people,
    a_script_of_the_console_says_where_it_is_wrong,
    a_comment_ends_any_line,
    mistakes_around_a_line_lead_to_one_that_runs,
];

/// The jobs of a file as they would be submitted, or all that is said.
async fn planned(cluster: &Cluster, text: &[u8]) -> Result<Result<Vec<Value>, String>> {
    fs::write(cluster.console_dir().join("b"), text)?;
    let ran = cluster.console(&["--json", "--exec", "batch b --dry-run"]).await?;
    if ran.status != 0 {
        let error: Value = serde_json::from_str(&ran.stderr)?;
        let details = error["details"].as_array().cloned().unwrap_or_default();
        let details = details.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n");
        return Ok(Err(format!("{}\n{details}\n{}", error["message"].as_str().unwrap_or_default(), error["hint"])));
    }
    let told: Value = serde_json::from_str(&ran.stdout)?;
    Ok(Ok(told["jobs"].as_array().cloned().unwrap_or_default()))
}

fn commands(jobs: &[Value]) -> Vec<&str> {
    jobs.iter().map(|job| job["command"].as_str().unwrap_or_default()).collect()
}

fn a_line_is_a_job_or_says_why_not() {
    scenario(async |cluster| {
        let table: [(&[u8], &[&str]); 15] = [
            (b"[ -d /opt/x ] && echo install\nmake\n", &["[ -d /opt/x ] && echo install", "make"]),
            (b"{ date; echo x; } > log\n", &["{ date; echo x; } > log"]),
            (b"{a,b}.sh\n", &["{a,b}.sh"]),
            (b"(cd x && make)\n", &["(cd x && make)"]),
            (b"[[ -f a ]] && x\n", &["[[ -f a ]] && x"]),
            (b"for i in 1 2; do echo $i; done\n", &["for i in 1 2; do echo $i; done"]),
            (b"if a; then b; fi\ncase $x in a) b;; esac\n", &["if a; then b; fi", "case $x in a) b;; esac"]),
            (b"f() { if x; then y; fi; }; f\n", &["f() { if x; then y; fi; }; f"]),
            (b"python a.py \\\n  --lr 0.1\nb\n", &["python a.py \\\n  --lr 0.1", "b"]),
            (b"\xef\xbb\xbftrue\r\nfalse\r\n", &["true", "false"]),
            (b"#!/bin/sh\n\n  # note\nmake # kept\n", &["make # kept"]),
            (b"{\"command\":\n \"a\"}\nb\n", &["a", "b"]),
            (b"[\"a\", {\"command\": \"b\"}]", &["a", "b"]),
            (b"cat <<<x\n", &["cat <<<x"]),
            (b"echo done\necho if then\n", &["echo done", "echo if then"]),
        ];
        for (text, expected) in table {
            let jobs = planned(cluster, text).await?.map_err(anyhow::Error::msg);
            let jobs = jobs.with_context(|| String::from_utf8_lossy(text).into_owned())?;
            ensure!(commands(&jobs) == expected, "{expected:?}: {jobs:?}");
        }
        let table: [(&[u8], &str); 24] = [
            (b"echo a\recho b\r", "line 1 of \"b\" has a carriage return inside"),
            (b"true\ncat <<EOF\nx\nEOF\n", "line 2: a here-document begins"),
            (b"echo \"a\nb\"\n", "line 1: the quote \" at column 6 is not closed"),
            (b"true\nif true\nthen echo x\nfi\n", "line 2: \"if\" begins a command that continues"),
            (b"for i in 1 2\ndo echo $i\ndone\n", "line 1: \"for\" begins"),
            (b"while read a; do\necho\ndone <x\n", "line 1: the line ends with \"do\""),
            (b"case $x in\na) b;;\nesac\n", "line 1: \"case\" begins"),
            (b"true\ndone\n", "line 2: \"done\" belongs to a command that began"),
            (b"f() {\n  echo\n}\nf\n", "line 1: the line ends with \"{\""),
            (b"(\ncd x\n)\n", "line 1: a parenthesis is not closed"),
            (b"make &&\nmake test\n", "line 1: the line ends with \"&&\""),
            (b"make \\", "line 1: the line ends after a backslash"),
            (b"!> submit \"make\"\n", "line 1: a line is a command of the shell"),
            (b"true\n{\"command\":\"x\"} // c\n", "line 2, column 17: \"// c\" stands behind the JSON"),
            (b"true\n{\"command\":\"a\",\"command\":\"b\"}\n", "line 2, column 29: \"command\" is given twice"),
            (b"[{\"command\":\"a\"},]", "there is a comma too many"),
            (b"{'command': 'x'}\n", "line 1, column 2: names of fields stand in double quotes"),
            (b"{\"jobs\": [{\"command\": \"a\"}]}\n", "write the list of jobs itself"),
            (b"{\"cmd\": \"a\"}\n", "line 1: unknown field \"cmd\" (write it as \"command\")"),
            (b"x\0y\n", "line 1: the command contains a NUL byte"),
            (b"ok\ncaf\xe9\n", "line 2 of \"b\" is not valid UTF-8"),
            (b"\n# nothing\n", "there is no job in \"b\""),
            (b"[]", "there is no job in \"b\""),
            (b"{\"command\": \"a\"", "line 1: the JSON is not complete"),
        ];
        for (text, words) in table {
            let said = planned(cluster, text).await?.err().unwrap_or_default();
            ensure!(said.contains(words), "{}: {said}", String::from_utf8_lossy(text));
            ensure!(said.matches(" at line ").count() == 0, "one number of a line: {said}");
        }
        Ok(())
    });
}

fn fields_have_the_names_and_forms_of_the_flags() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let here = cluster.console_dir();
        fs::write(here.join("f.txt"), "hello\n")?;
        fs::write(here.join("1.mp4"), "film\n")?;
        let set = ["assign 127.0.0.2 gpu", "set-tags 127.0.0.2 disk,gpu:0", "submit true --name=first"];
        ensure!(cluster.exec(&set).await?.status == 0);
        let table = [
            (json!({"timeout": "5m"}), "timeout_s", json!(300)),
            (json!({"timeout": "1 hour 30 min"}), "timeout_s", json!(5_400)),
            (json!({"timeout": 300}), "timeout_s", json!(300)),
            (json!({"timeout_s": "5m"}), "timeout_s", json!(300)),
            (json!({"begin": "2030-01-31T08:00Z"}), "begin_at", json!(1_896_076_800_000_u64)),
            (json!({"begin_at": "2030-01-31T08:00Z"}), "begin_at", json!(1_896_076_800_000_u64)),
            (json!({"begin-at": 1_896_076_800_000_u64}), "begin_at", json!(1_896_076_800_000_u64)),
            (json!({"on-lost": "fail"}), "on_lost", json!("fail")),
            (json!({"same-machine": true, "depends": "first"}), "same_machine", json!(true)),
            (json!({"tags": "disk"}), "tags", json!(["disk"])),
            (json!({"tags": "disk,gpu:0"}), "tags", json!(["disk", "gpu:0"])),
            (json!({"depends": "last"}), "depends", json!(["job-1"])),
            (json!({"depends": 1}), "depends", json!(["job-1"])),
            (json!({"depends": ["any:first"]}), "depends", json!(["any:job-1"])),
            (json!({"exclude": "127.0.0.[8-9]"}), "exclude", json!(["127.0.0.8", "127.0.0.9"])),
            (json!({"worker": "127.0.0.2"}), "workers", json!(["127.0.0.2"])),
            (json!({"download": "*.png"}), "download", json!(["*.png"])),
            (json!({"env": ["A=1", "B=2"]}), "env", json!({"A": "1", "B": "2"})),
            (json!({"env": "A=1"}), "env", json!({"A": "1"})),
            (json!({"env": {"A": 1}}), "env", json!({"A": "1"})),
            (json!({"priority": "3"}), "priority", json!(3)),
            (json!({"retries": "2", "retry-delay": "5s"}), "retry_delay_s", json!(5)),
            (json!({"memory": "4G"}), "memory_bytes", json!(4_u64 << 30)),
            (json!({"umask": "022"}), "umask", json!("022")),
            (json!({"group": "gpu"}), "group", json!("gpu")),
        ];
        for (fields, name, expected) in table {
            let mut job = fields.clone();
            job["command"] = json!("true");
            let jobs = planned(cluster, format!("{job}\n").as_bytes()).await?.map_err(anyhow::Error::msg);
            let jobs = jobs.with_context(|| fields.to_string())?;
            ensure!(jobs[0][name] == expected, "{fields}: {}", jobs[0]);
        }
        // Files of this machine are named as the flags name them, and arrive.
        let job = json!({"command": "cat in.mp4 -", "upload": ["1.mp4:in.mp4"], "stdin-file": "f.txt", "name": "cats"});
        fs::write(here.join("b"), format!("{job}\n"))?;
        let ran = cluster.exec(&["batch b --wait", "output cats"]).await?;
        ensure!(ran.status == 0 && ran.stdout.ends_with("film\nhello\n"), "{ran:?}");
        let job = json!({"command": "true", "idempotency-key": "once"});
        fs::write(here.join("b"), format!("{job}\n"))?;
        let ran = cluster.exec(&["batch b", "batch b"]).await?;
        ensure!(ran.status == 0 && ran.stdout == "Submitted 1 job\njob-3\n".repeat(2), "{ran:?}");
        Ok(())
    });
}

fn what_a_field_does_not_take_is_said_for_people() {
    scenario(async |cluster| {
        let table = [
            (r#""upload":{"a":"b"}"#, "write it like \"upload\": [\"scene.blend:input.blend\"]"),
            (r#""tags":{"a":1}"#, "write it like \"tags\": [\"gpu:0\", \"disk\"]"),
            (r#""env":{"A":["x"]}"#, "write it like \"env\": {\"MODEL\": \"small\"}"),
            (r#""env":["A"]"#, "\"A\": write it as KEY=VALUE"),
            (r#""priority":"high""#, "\"high\" is not a whole number"),
            (r#""priority":3.5"#, "\"3.5\" is not a whole number"),
            (r#""timeout":"soon""#, "\"soon\" is not a duration like 90, 90s, 5m or 2h30m"),
            (r#""timeout":"01:30:00""#, "write it as 90m"),
            (r#""begin":"2h""#, "is not a time; write +2h"),
            (r#""hold":"yes""#, "write it like \"hold\": true"),
            (r#""group":["gpu"]"#, "write it like \"group\": \"gpu\""),
            (r#""on_lost":"die""#, "not one of requeue, fail, wait"),
            (r#""partition":"gpu""#, "write it as \"group\""),
            (r#""walltime":"1h""#, "write it as \"timeout\""),
            (r#""array":"1-9""#, "submit COMMAND --array=1-100"),
            (r#""nmae":"x""#, "did you mean \"name\"?"),
            (r#""wait":true"#, "write it behind the file: batch FILE --wait"),
            (r#""stdin-file":"none""#, "cannot read \"none\""),
            (r#""cwd":"x""#, "write the full path of a folder"),
        ];
        for (field, words) in table {
            let said = planned(cluster, format!("true\n{{\"command\":\"a\",{field}}}\n").as_bytes()).await?;
            let said = said.err().unwrap_or_default();
            ensure!(said.contains("line 2: ") && said.contains(words), "{field}: {said}");
            for word in ["struct", "u64", "i32", "sequence", "a map", "documentation"] {
                ensure!(!said.contains(word), "{field}: {said}");
            }
        }
        Ok(())
    });
}

fn a_script_of_the_console_says_where_it_is_wrong() {
    scenario(async |cluster| {
        let script = cluster.console_dir().join("s");
        let table: [(&[u8], i32, &str); 12] = [
            (b"help quit\nlsit\n", 2, "s:2: unknown command \"lsit\"\n  hint: did you mean \"list\"?"),
            (b"submit - <<EOF\necho x\nEOF\n", 2, "s:1: "),
            (
                b"submit true <<EOF\n",
                2,
                "s:1: unexpected \"<<EOF\" after submit\n  hint: a text of several lines stands in quotes",
            ),
            (b"for i in 1 2; do\n  list\ndone\n", 2, "s:1: "),
            (b"help quit\rhelp list\r", 1, "line 1 of \"s\" has a carriage return inside"),
            (b"\xff\xfeh\0e\0", 1, "line 1 of \"s\" is not valid UTF-8"),
            (b"help quit\nsubmit \"a\n", 2, "s:2: the quote \" at column 8 is not closed"),
            (b"help quit \\", 2, "s:1: the line ends after a backslash"),
            (b"$ help quit\n", 2, "hint: write it as: help quit"),
            (b"c2-tui --exec 'help quit'\n", 2, "hint: write it as: help quit"),
            (b"\xef\xbb\xbf!> help quit # bye\r\n", 0, "Leave the console"),
            (b"#!/usr/bin/env -S c2-tui --file\nhelp \\\n  quit\n", 0, "Leave the console"),
        ];
        for (text, status, words) in table {
            fs::write(&script, text)?;
            let ran = cluster.console(&["--file", "s"]).await?;
            let said = format!("{}{}", ran.stdout, ran.stderr);
            ensure!(ran.status == status && said.contains(words), "{}: {ran:?}", String::from_utf8_lossy(text));
        }
        Ok(())
    });
}

fn a_comment_ends_any_line() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        fs::write(cluster.console_dir().join("jobs.txt"), "true\n")?;
        let lines = [
            "list    # List all workers",
            "submit \"echo hello\"   # Basic job",
            "batch jobs.txt --dry-run   # Preview",
            "job job-1  # Job details",
            "submit true --hold --name=a#b   # held",
            "hold a#b  # again",
            "cancel job-2  # Cancel job",
            "set-tags 127.0.0.2 gpu:0  # Set available tags",
            "log  # Show last n results",
            "wait 1 # Waits",
            "retry 1 # Once more",
            "help  # x",
            "# Submit training job",
            "!> list",
            "!>!> list # twice",
            "  #",
            "split 'echo {} # {#}' jobs.txt --raw # numbers",
        ];
        for line in lines {
            let ran = cluster.exec(&[line]).await?;
            ensure!(ran.status == 0, "{line}: {ran:?}");
        }
        // Without a blank it is a word, and in quotes it is the command's.
        let ran = cluster
            .exec(&["submit 'echo a #b' --wait", "submit \"echo 'a # b'\" --wait", "submit 'echo a#b' --wait"])
            .await?;
        ensure!(ran.stdout == "a\na # b\na#b\n", "{ran:?}");
        let refused = cluster.exec(&["list #x"]).await?;
        ensure!(refused.status == 2 && refused.stderr.contains("a comment begins with a # by itself"), "{refused:?}");
        Ok(())
    });
}

fn mistakes_around_a_line_lead_to_one_that_runs() {
    scenario(async |cluster| {
        let table: [(&[&str], &str); 4] = [
            (&["--exec", "help", "quit"], "c2-tui --exec 'help quit'"),
            (&["--exec", "help list", "--exec", "help", "quit"], "c2-tui --exec 'help list' --exec 'help quit'"),
            (&["--exec", "$ help quit"], "help quit"),
            (&["--exec", "c2-tui --exec 'help quit'"], "help quit"),
        ];
        for (args, led) in table {
            let output = cluster.bare_console(args)?.output()?;
            let said = String::from_utf8(output.stderr)?;
            ensure!(output.status.code() == Some(2) && said.contains(led), "{args:?}: {said}");
            ensure!(!said.contains("\\u000a"), "{said}");
            // What it leads to is run by a shell as it stands.
            let split = std::process::Command::new("sh").args(["-c", &format!("printf '%s\\n' {led}")]).output()?;
            let split = String::from_utf8(split.stdout)?;
            let mut words: Vec<&str> = split.lines().skip_while(|word| *word == "c2-tui").collect();
            if words[0] != "--exec" {
                words = vec!["--exec", led];
            }
            let ran = cluster.bare_console(&words)?.output()?;
            ensure!(ran.status.success() && String::from_utf8(ran.stdout)?.contains("Leave the console"), "{led}");
        }
        Ok(())
    });
}
