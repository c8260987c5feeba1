//! Where a job runs and by which shell, what it finds of other jobs, and what becomes of it otherwise later.

use anyhow::Result;
use c2_shared::job::{JobState, Outcome};
use c2_tests::{Cluster, scenario};

crate::tests![
    a_job_runs_in_the_folder_and_by_the_shell_that_it_asks_for,
    a_folder_or_a_shell_that_is_not_there_is_the_jobs_own_fault,
    files_that_exclude_each_other_are_refused_or_placed_apart,
    a_job_finds_what_its_dependencies_left,
    a_job_waits_for_its_own_worker,
    a_job_finds_the_folders_that_machines_share,
    a_job_that_runs_gets_more_time_or_less,
];

async fn check(cluster: &Cluster, line: &str, status: i32, stdout: &str) -> Result<()> {
    let output = cluster.exec(&[line]).await?;
    assert_eq!((output.status, output.stdout.trim()), (status, stdout), "{line}: {output:?}");
    Ok(())
}

fn a_job_runs_in_the_folder_and_by_the_shell_that_it_asks_for() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let data = cluster.new_folder("data of all")?;
        let (data, root) = (data.display().to_string(), cluster.workspace_root("127.0.0.2")?.display().to_string());
        check(cluster, &format!("submit pwd --cwd='{data}' --wait"), 0, &data).await?;
        let home = "submit 'test \"$PWD\" = \"$(cd ~ && pwd)\"' --cwd=~ --wait";
        check(cluster, home, 0, "").await?;
        check(cluster, "submit 'echo $C2_WORKSPACE' --cwd=/ --wait", 0, &format!("{root}/job-3")).await?;
        // What it leaves for its submitter lies in its own folder, wherever it runs.
        let left = "submit 'pwd >$C2_WORKSPACE/where' --cwd=/ --download=where --wait";
        check(cluster, left, 0, "").await?;
        let listed = cluster.exec(&["get-files last --list"]).await?;
        assert!(listed.stdout.contains("where"), "{listed:?}");
        check(cluster, "submit '[[ a == a ]] && echo $0 ${BASH_VERSION:+yes}' --shell=bash --wait", 0, "job-5 yes")
            .await?;
        check(cluster, "submit 'echo $0' --shell=/bin/bash --wait", 0, "job-6").await?;
        Ok(())
    });
}

fn a_folder_or_a_shell_that_is_not_there_is_the_jobs_own_fault() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let file = cluster.new_folder("x")?.join("file");
        std::fs::write(&file, "")?;
        let file = file.display();
        let table = [
            ("--cwd=/no/such".to_owned(), 125, "c2: cannot run in /no/such: No such file or directory".to_owned()),
            (format!("--cwd={file}"), 125, format!("c2: cannot run in {file}: not a directory")),
            ("--shell=nosuch".to_owned(), 127, "c2: cannot start the shell nosuch: No such file".to_owned()),
            (format!("--shell={file}"), 126, format!("c2: cannot start the shell {file}: Permission denied")),
        ];
        for (flag, status, said) in table {
            let output = cluster.exec(&[&format!("submit true {flag} --retries=1 --retry-delay=0 --wait")]).await?;
            assert_eq!(output.status, status, "{flag}: {output:?}");
            assert!(output.stderr.contains(&said), "{flag}: {output:?}");
            let row = cluster.exec(&["job last", "info 127.0.0.2"]).await?;
            assert!(row.stdout.contains("127.0.0.2") && !row.stdout.contains("quarantined"), "{row:?}");
        }
        Ok(())
    });
}

fn files_that_exclude_each_other_are_refused_or_placed_apart() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let file = cluster.new_folder("x")?.join("file");
        std::fs::write(&file, "text")?;
        check(cluster, "submit 'echo one >a' --name=make --download=a --wait", 0, "").await?;
        let line = format!("submit 'cat a/b job-1/a' --with-files-of=make --upload={}:a/b --wait", file.display());
        check(cluster, &line, 0, "textone").await?;
        check(cluster, "submit 'cat a' --with-files-of=make --wait", 0, "one").await?;
        let both = format!("submit 'cat a' --upload={0}:a --upload={0}:a/b", file.display());
        let refused = cluster.exec(&[&both]).await?;
        assert!(refused.status == 2 || refused.status == 1, "{refused:?}");
        assert!(refused.stderr.contains("\"a/b\" lies below another uploaded file"), "{refused:?}");
        Ok(())
    });
}

fn a_job_finds_what_its_dependencies_left() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        cluster
            .exec(&["submit 'echo one >a; echo two >b.txt' --name=make --download=*.txt --worker=127.0.0.2"])
            .await?;
        cluster.exec(&["wait make"]).await?;
        let here = "submit 'cat $C2_DEP_1_DIR/a' --depends=make --wait";
        check(cluster, here, 0, "one").await?;
        // On any machine it has the files that were to be kept.
        cluster.agent("127.0.0.3").await?;
        let there = "submit 'cat b.txt; echo ${C2_DEP_1_DIR-none}' --with-files-of=make --worker=127.0.0.3 --wait";
        check(cluster, there, 0, "two\nnone").await?;
        // In a batch jobs go by their names.
        let batch = cluster.console_dir().join("jobs");
        std::fs::write(
            &batch,
            "{\"name\": \"a\", \"command\": \"echo three >out\", \"download\": [\"out\"]}\n\
             {\"name\": \"b\", \"command\": \"test $(cat out) = three\", \"with_files_of\": [\"a\"]}\n",
        )?;
        let both = "job-4 succeeded\njob-5 succeeded";
        check(cluster, &format!("batch '{}' --wait", batch.display()), 0, both).await?;
        // Files of one name keep each other from no place.
        cluster
            .exec(&["submit 'echo four >r.txt' --download=*.txt", "submit 'echo five >r.txt' --download=*.txt"])
            .await?;
        cluster.exec(&["wait 6-7"]).await?;
        check(cluster, "submit 'cat r.txt job-7/r.txt' --with-files-of=6-7 --wait", 0, "four\nfive").await?;
        Ok(())
    });
}

fn a_job_waits_for_its_own_worker() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let output = cluster.exec(&["submit true --worker=127.0.0.3", "why last"]).await?;
        assert!(output.stderr.contains("127.0.0.3"), "{output:?}");
        assert!(output.stdout.contains("only 127.0.0.3 may run it"), "{output:?}");
        let expired = cluster.exec(&["submit true --worker=127.0.0.3 --expires=1s --wait"]).await?;
        assert_eq!(expired.status, 125, "{expired:?}");
        let log = cluster.exec(&["log", "jobs --state=failed"]).await?;
        assert!(log.stdout.contains("expired"), "{log:?}");
        cluster.agent("127.0.0.3").await?;
        assert_eq!(cluster.exec(&["wait 1"]).await?.status, 0);
        Ok(())
    });
}

fn a_job_finds_the_folders_that_machines_share() {
    scenario(async |cluster| {
        let config = cluster.new_folder("config")?;
        let data = cluster.new_folder("all the data")?;
        std::fs::create_dir_all(config.join("c2-agent"))?;
        let text =
            format!(r#"{{"shares": {{"my-data": "{}", "later": "{}"}}}}"#, data.display(), data.join("x").display());
        std::fs::write(config.join("c2-agent/config.json"), text)?;
        cluster.agent("127.0.0.3").await?;
        cluster.agent_by("127.0.0.2", vec!["env".to_owned(), format!("XDG_CONFIG_HOME={}", config.display())]).await?;
        let line = "submit 'echo $C2_WORKER:$C2_SHARE_MY_DATA' --share=my-data --wait";
        check(cluster, line, 0, &format!("127.0.0.2:{}", data.display())).await?;
        let waits = cluster.exec(&["submit 'cd \"$C2_SHARE_LATER\" && pwd' --share=later", "why last"]).await?;
        assert!(waits.stderr.contains("no worker has share \"later\" now, so it waits"), "{waits:?}");
        assert!(waits.stdout.contains("has no share later now"), "{waits:?}");
        std::fs::create_dir(data.join("x"))?;
        check(cluster, "wait last", 0, "job-2 succeeded").await?;
        check(cluster, "output last", 0, &data.join("x").display().to_string()).await?;
        let info = cluster.exec(&["info 127.0.0.2"]).await?;
        assert!(info.stdout.contains("later, my-data"), "{info:?}");
        Ok(())
    });
}

fn a_job_that_runs_gets_more_time_or_less() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let long = cluster.submit_spec(c2_shared::job::JobSpec {
            command: "sleep 3; echo done".to_owned(),
            timeout_s: Some(2),
            ..Default::default()
        });
        let long = long.await?;
        let endless = cluster.submit("sleep 600").await?;
        cluster.running(long).await?;
        cluster.running(endless).await?;
        let output =
            cluster.exec(&[&format!("change {long} --timeout=+1m"), &format!("change {endless} --timeout=1s")]).await?;
        assert_eq!(output.stdout, format!("{long} is running\n{endless} is running\n"), "{output:?}");
        assert_eq!(cluster.ended(long).await?.job.row.outcome, Some(Outcome::Exit { code: 0 }));
        let ended = cluster.ended(endless).await?.job.row;
        assert_eq!((ended.state, ended.outcome), (JobState::Failed, Some(Outcome::Timeout)));
        let refused = cluster.exec(&["submit 'sleep 60'"]).await?;
        assert_eq!(refused.status, 0);
        cluster.running("job-3".parse()?).await?;
        let refused = cluster.exec(&["change last --command=true"]).await?;
        assert!(refused.stderr.contains("what it asked for in command does not change any more"), "{refused:?}");
        Ok(())
    });
}
