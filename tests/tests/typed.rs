//! Lines as people type them, on real programs: what is read, what is refused with the way out, and what is said
//! of a job that cannot run.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use c2_shared::token::Role;
use c2_tests::http::Caller;
use c2_tests::{Cluster, eventually, scenario};
use serde_json::json;

crate::waiting_tests![
    a_submit_says_who_is_missing,
    the_first_failure_in_the_order_given_is_the_status,
    host_names_know_no_case,
    a_path_at_home_is_at_home_or_refused,
    names_that_mean_something_else_are_refused,
    jobs_in_the_words_of_others_lead_to_ours,
    workers_of_a_job_may_be_ranges_and_no_groups,
    a_condition_means_what_it_says_whatever_the_end,
    retries_wait_and_longer_each_time,
    streams_keep_their_order,
    hidden_files_are_named_and_several_jobs_have_folders,
];

/// Runs a line that may be refused: its status, and what it says on both streams.
async fn said(cluster: &Cluster, line: &str) -> Result<(i32, String)> {
    let ran = cluster.exec(&[line]).await?;
    Ok((ran.status, format!("{}{}", ran.stdout, ran.stderr)))
}

async fn says(cluster: &Cluster, line: &str, status: i32, words: &[&str]) -> Result<()> {
    let (ended, text) = said(cluster, line).await?;
    ensure!(ended == status, "{line}: {ended}: {text}");
    for word in words {
        ensure!(text.contains(word), "{line}: {word:?} is not in {text}");
    }
    Ok(())
}

/// A worker that speaks HTTP alone, with a name of its own.
async fn named_worker(cluster: &Cluster, ip: &str, hostname: &str) -> Result<()> {
    let token = Some(cluster.token(Role::Worker)?.expose().to_owned());
    let worker = Caller { server: cluster.addr(), source: ip.parse()?, token };
    let answer = worker.call("POST", "/api/workers/register", Some(json!({"hostname": hostname}))).await?;
    ensure!(answer.status == 200, "{answer:?}");
    Ok(())
}

fn a_submit_says_who_is_missing() {
    scenario(async |cluster| {
        says(cluster, "submit true", 0, &["job-1: no worker has registered, so it waits"]).await?;
        says(cluster, "submit true --array=1-2", 0, &["no worker has registered, so it waits"]).await?;
        cluster.agent("127.0.0.2").await?;
        cluster.agent("127.0.0.3").await?;
        for line in ["assign 127.0.0.3 away", "set-tags 127.0.0.2 gpu:0,gpu:1"] {
            says(cluster, line, 0, &[]).await?;
        }
        cluster.kill_agent("127.0.0.3")?;
        eventually("that it is offline", Duration::from_secs(40), async || {
            Ok(said(cluster, "list").await?.1.contains("offline").then_some(()))
        })
        .await?;
        for (flags, words) in [
            ("--group=away", "no worker of group \"away\" is online, so it waits"),
            ("--tags=notag", "no worker offers tag \"notag\", so it waits"),
            ("--tags=gpu:7", "no worker offers tag \"gpu:7\", so it waits; `detect-tags WORKER --apply`"),
            ("--tags=gpu:0 --group=away", "no worker of group \"away\" offers tag \"gpu:0\", so it waits"),
            ("--exclude=127.0.0.22", "no worker is called \"127.0.0.22\", so that excludes none"),
            ("--exclude=127.0.0.[2-3]", "every worker that it could run on is excluded, so it waits"),
            ("--worker=nsa", "no worker is called \"nsa\", so it waits for one"),
            ("--worker=127.0.0.3", "is online, so it waits"),
            ("--cpus=4096", "has cpus=4096, so it waits"),
            ("--share=films", "no worker has share \"films\" now, so it waits"),
        ] {
            says(cluster, &format!("submit true {flags}"), 0, &[words]).await?;
            // A dry run says the same, and so does each job of a list.
            says(cluster, &format!("submit true {flags} --dry-run"), 0, &[words]).await?;
            fs::write(cluster.console_dir().join("b"), "true\n")?;
            says(cluster, &format!("batch b {flags}"), 0, &[words]).await?;
        }
        // A tag without a number is any of them: two hold both, and none is left for a third.
        let ran = cluster.exec(&["submit 'sleep 60' --tags=gpu", "submit 'sleep 60' --tags=gpu"]).await?;
        ensure!(ran.status == 0 && !ran.stderr.contains("tag"), "{ran:?}");
        eventually("that both are held", Duration::from_secs(10), async || {
            let tags = said(cluster, "get-tags 127.0.0.2").await?.1;
            Ok((tags.matches(" job-").count() == 2).then_some(()))
        })
        .await
    });
}

fn the_first_failure_in_the_order_given_is_the_status() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let lines = ["submit 'exit 3' --name=w1", "submit 'kill -9 $$' --name=w2", "submit true --name=w3"];
        ensure!(cluster.exec(&lines).await?.status == 0);
        for (line, status) in [("w3 w1 w2", 3), ("w3 w2 w1", 137), ("w3", 0), ("1-3", 3), ("w2,w1", 137)] {
            says(cluster, &format!("wait {line}"), status, &[]).await?;
        }
        for command in ["wait", "follow"] {
            says(cluster, &format!("help {command}"), 0, &["first"]).await?;
        }
        says(cluster, "help wait", 0, &["first job, in the order given, that did not succeed"]).await?;
        fs::write(cluster.console_dir().join("b"), "true\nexit 4\nexit 3\n")?;
        says(cluster, "batch b --wait", 4, &[]).await
    });
}

fn host_names_know_no_case() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        named_worker(cluster, "127.0.0.7", "NAS.Home.Lan").await?;
        for name in ["nas.home.lan", "NAS.HOME.LAN", "Nas.Home.Lan"] {
            says(cluster, &format!("info {name}"), 0, &["127.0.0.7"]).await?;
            says(cluster, &format!("drain {name}"), 0, &["127.0.0.7 is draining"]).await?;
            says(cluster, &format!("resume {name},127.0.0.2"), 0, &["127.0.0.7"]).await?;
            says(cluster, &format!("assign {name} store"), 0, &["127.0.0.7"]).await?;
            says(cluster, &format!("unassign {name} store"), 0, &["127.0.0.7"]).await?;
            says(cluster, &format!("set-tags {name} disk"), 0, &["disk"]).await?;
            // The worker is known, and waits for nobody else.
            let (status, text) = said(cluster, &format!("submit true --worker={name} --hold")).await?;
            ensure!(status == 0 && !text.contains("is called"), "{text}");
            let (status, text) = said(cluster, &format!("submit true --exclude={name} --wait")).await?;
            ensure!(status == 0 && !text.contains("is called"), "{text}");
        }
        says(cluster, "info nas.home.lna", 1, &["did you mean \"NAS.Home.Lan\"?"]).await
    });
}

fn a_path_at_home_is_at_home_or_refused() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        // The console runs in its home folder.
        let home = cluster.console_dir();
        for (name, text) in [("in.txt", "one\n"), ("jobs", "true\n"), ("job.sh", "echo \"$0\"\n")] {
            fs::write(home.join(name), text)?;
        }
        let made = "submit 'cat in.txt >o.txt' --upload=~/in.txt --download=o.txt --wait";
        says(cluster, made, 0, &[]).await?;
        says(cluster, "get-files last ~/out", 0, &["o.txt"]).await?;
        ensure!(fs::read_to_string(home.join("out/o.txt"))? == "one\n");
        for line in [
            "submit cat --stdin-file=~/in.txt --wait",
            "submit 'cat a/b' --upload=~/in.txt:a/b --wait",
            "split 'echo {}' ~/in.txt --wait",
            "batch ~/jobs --wait",
            "submit --script=~/job.sh --wait",
        ] {
            says(cluster, line, 0, &[]).await?;
        }
        for line in [
            "get-files 1 ~nobody-here/out",
            "submit cat --stdin-file=~nobody-here/x",
            "submit true --upload=~nobody-here/x",
            "submit true --upload=~+/x",
            "split 'echo {}' ~nobody-here/x",
            "batch ~nobody-here/x",
            "submit --script=~nobody-here/x",
        ] {
            says(cluster, line, 1, &["there is no user \"", "write ./~"]).await?;
        }
        let left: Vec<_> =
            fs::read_dir(&home)?.map(|entry| entry.map(|entry| entry.file_name())).collect::<Result<_, _>>()?;
        ensure!(!left.iter().any(|name| name.to_string_lossy().starts_with('~')), "{left:?}");
        // A file of such a name is there, and is meant.
        fs::write(home.join("~x"), "true\n")?;
        says(cluster, "batch ~x --dry-run", 0, &["1 job"]).await?;
        let without = cluster.full_screen(&["--exec", "get-files 1 ~/out2"])?.env_remove("HOME").output()?;
        let text = String::from_utf8_lossy(&without.stderr);
        ensure!(text.contains("HOME is not set") && !home.join("~").exists(), "{text}");
        Ok(())
    });
}

fn names_that_mean_something_else_are_refused() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        for name in [
            "1-5", "7", "00012", "job-5", "Job-5", "JOB-5", "#5", "1,2", "job-1-3", "last", "LAST", "all", "queued",
            "Failed", "@x", "any:x", "notok:1", "-x",
        ] {
            let line = format!("submit true --name={name}");
            says(cluster, &line, 1, &["means something else already", "hint: "]).await?;
            fs::write(cluster.console_dir().join("b"), json!({"command": "true", "name": name}).to_string())?;
            says(cluster, "batch b --dry-run", 1, &["line 1", "means something else already"]).await?;
        }
        for name in ["a1-5", "5a", "1.5", "job", "job-x", "laster", "a,b", "é", "a b", "failed-2"] {
            says(cluster, &format!("submit true '--name={name}' --hold"), 0, &["Submitted"]).await?;
            says(cluster, &format!("job '{name}'"), 0, &["held"]).await?;
        }
        Ok(())
    });
}

fn jobs_in_the_words_of_others_lead_to_ours() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        ensure!(cluster.exec(&["submit true --name=nightly-build --wait", "submit true --hold"]).await?.status == 0);
        for (line, ours) in [
            ("cancel JOB-2", "job-2"),
            ("job #2", "job-2"),
            ("cancel 1..2", "1-2"),
            ("cancel 1:2", "1-2"),
            ("wait [1-2]", "1-2"),
            ("output latest", "last"),
            ("job nightly-biuld", "nightly-build"),
            ("submit true --depends=nightly-biuld", "nightly-build"),
            ("submit true --depends=any:JOB-2", "job-2"),
            ("submit true --with-files-of=nightly", "nightly-build"),
            ("cancel @done", "@succeeded"),
            ("cancel @runing", "@running"),
            ("get-files @done", "@succeeded"),
            ("retry @error", "@failed"),
            ("cancel failed", "@failed"),
        ] {
            says(cluster, line, 1, &[&format!("did you mean \"{ours}\"?")]).await?;
        }
        // What `all` means depends on what is done with them.
        for (line, ours) in [
            ("cancel all", "@queued @running"),
            ("wait all", "@queued @running"),
            ("hold all", "@queued"),
            ("top all", "@queued"),
            ("release all", "@held"),
            ("retry all", "@failed"),
            ("output all", "last"),
            ("why all", "last"),
            ("get-files all", "@succeeded"),
        ] {
            says(cluster, line, 1, &[&format!("did you mean \"{ours}\"?")]).await?;
        }
        says(cluster, "cancel @all", 1, &["@queued @running"]).await?;
        fs::write(cluster.console_dir().join("b"), "{\"command\":\"x\",\"depends\":\"nightly-biuld\"}\n")?;
        says(cluster, "batch b", 1, &["line 1: unknown job \"nightly-biuld\" (did you mean \"nightly-build\"?)"]).await
    });
}

fn workers_of_a_job_may_be_ranges_and_no_groups() {
    scenario(async |cluster| {
        for ip in ["127.0.0.2", "127.0.0.3", "127.0.0.4"] {
            cluster.agent(ip).await?;
        }
        says(cluster, "assign 127.0.0.4 gpu", 0, &[]).await?;
        let table = [("--exclude=127.0.0.[2,4]", "127.0.0.3"), ("--worker=127.0.0.[4-4]", "127.0.0.4")];
        for (flag, ip) in table {
            for _ in 0..3 {
                says(cluster, &format!("submit true {flag} --wait"), 0, &[]).await?;
                says(cluster, "job last", 0, &[&format!("worker     {ip}")]).await?;
            }
        }
        for (flag, hint) in [
            ("--worker=@gpu", "--group=GROUP"),
            ("--worker=!127.0.0.2", "can be no worker"),
            ("--exclude=@gpu", "name each worker"),
            ("--exclude=127.0.0.[2", "name each worker"),
            ("--group=@gpu", "leave the @ out: gpu"),
            ("--group=gpu,store", "a job has one group"),
            ("--group=gup", "did you mean \"gpu\"?"),
            ("--group=GPU", "did you mean \"gpu\"?"),
        ] {
            says(cluster, &format!("submit true {flag}"), 1, &[hint]).await?;
        }
        Ok(())
    });
}

fn a_condition_means_what_it_says_whatever_the_end() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        // How each ended: cancelled before it began, out of time, ended by what it depended on, with success.
        let begin = [
            "submit true --hold --name=cut",
            "submit 'sleep 60' --timeout=1 --name=late",
            "submit true --depends=cut --name=behind",
            "submit true --name=good",
        ];
        ensure!(cluster.exec(&begin).await?.status == 0);
        let names = ["cut", "late", "behind", "good"];
        for on in names {
            for condition in ["", "any:", "notok:"] {
                // Those that never run are said to be so only where that is known already.
                let line = format!("submit 'echo ran' '--depends={condition}{on}' '--name={condition}/{on}'");
                let line = line.replace("--name=any:", "--name=any-").replace("--name=notok:", "--name=notok-");
                says(cluster, &line, 0, &["Submitted"]).await?;
            }
        }
        says(cluster, "cancel cut", 0, &[]).await?;
        says(cluster, "wait 1-16", 125, &[]).await?;
        for on in names {
            let ran = [("", on == "good"), ("any-", true), ("notok-", on != "good")];
            for (condition, runs) in ran {
                let state = if runs { "succeeded" } else { "failed" };
                says(cluster, &format!("job '{condition}/{on}'"), 0, &[&format!("state      {state}")]).await?;
            }
        }
        says(cluster, "submit true --depends=late", 0, &["job-2 has ended (failed), so it never runs"]).await?;
        says(cluster, "submit true --depends=notok:good", 0, &["has ended (succeeded), so it never runs"]).await
    });
}

fn retries_wait_and_longer_each_time() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let line = "submit 'date +%s%3N; exit 1' --retries=2 --retry-delay=1s --wait";
        says(cluster, line, 1, &["waiting: it failed and is tried again at "]).await?;
        let mut began = Vec::new();
        for attempt in 1..=3 {
            let text = cluster.exec(&[&format!("output 1 --attempt={attempt}")]).await?.stdout;
            began.push(text.trim().parse::<u64>().with_context(|| text.clone())?);
        }
        let pauses = [began[1] - began[0], began[2] - began[1]];
        ensure!((1_000..1_900).contains(&pauses[0]) && pauses[1] >= 2_000, "{pauses:?}");
        // Without a delay of its own the first pause is a second, too.
        says(cluster, "submit 'date +%s%3N; exit 1' --retries=1 --wait", 1, &[]).await?;
        let first = cluster.exec(&["output last --attempt=1"]).await?.stdout.trim().parse::<u64>()?;
        let second = cluster.exec(&["output last --attempt=2"]).await?.stdout.trim().parse::<u64>()?;
        ensure!(second - first >= 1_000, "{first} {second}");
        Ok(())
    });
}

fn streams_keep_their_order() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let command = "echo 1; sleep .2; echo 2 >&2; sleep .2; echo 3";
        let ran = cluster.exec(&[&format!("submit '{command}' --wait")]).await?;
        ensure!(ran.stdout == "1\n3\n" && ran.stderr.contains("2\n"), "each to its own: {ran:?}");
        for (line, expected) in [
            ("output 1 --both", "1\n2\n3\n"),
            ("output 1", "1\n3\n"),
            ("output 1 --stderr", "2\n"),
            ("output 1 --both --follow", "1\n2\n3\n"),
        ] {
            let ran = cluster.exec(&[line]).await?;
            ensure!(ran.stdout == expected, "{line}: {ran:?}");
        }
        says(cluster, "help output", 0, &["--both", "64 MiB"]).await
    });
}

fn hidden_files_are_named_and_several_jobs_have_folders() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let made = "mkdir -p o/.c; echo 1 >o/.env; echo 2 >o/.c/x; echo 3 >o/v";
        says(
            cluster,
            &format!("submit '{made}' --download='o/**' --wait"),
            0,
            &["\"o/.env\": it is hidden", "\"o/.c\""],
        )
        .await?;
        says(cluster, "get-files 1 --list", 0, &["o/v", "\"o/.env\": it is hidden"]).await?;
        says(cluster, &format!("submit '{made}' --download='o/**,o/.*,o/.c/*' --wait"), 0, &[]).await?;
        says(cluster, "get-files 2 all", 0, &["o/.env", "o/.c/x"]).await?;
        // Two jobs with a file of one name, whichever way they are named.
        for (line, folder) in [("1-2 d1", "d1"), ("@succeeded d2", "d2"), ("1,last d3", "d3"), ("1 2", "")] {
            says(cluster, &format!("get-files {line}"), 0, &[]).await?;
            for job in ["job-1", "job-2"] {
                let file = cluster.console_dir().join(folder).join(job).join("o/v");
                ensure!(fs::read_to_string(&file)? == "3\n", "{}", file.display());
            }
        }
        Ok(())
    });
}
