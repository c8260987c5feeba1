//! A worker is the identity of its agent's state folder: it moves, is copied, and shares its address.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::Result;
use c2_shared::job::JobState;
use c2_shared::token::Role;
use c2_tests::terminal::Terminal;
use c2_tests::wait::SOON;
use c2_tests::{Cluster, Program, eventually, scenario};
use rustix::process::Signal;

crate::tests![
    a_worker_moves_between_two_starts_with_all_it_has,
    a_copied_folder_is_found_out_and_becomes_a_worker_of_its_own,
    agents_side_by_side_need_only_folders_of_their_own,
    an_agent_does_not_clean_up_after_another,
    folders_of_c2d_and_of_others_are_no_state_folders,
    an_agent_finds_the_c2d_of_its_user_wherever_that_listens,
    an_address_that_the_machine_does_not_have_is_named,
    an_agent_whose_token_was_revoked_ends_and_says_how_to_join_again,
    an_agent_of_several_c2d_does_not_end_because_one_refuses_its_token,
    local_agents_go_on_with_a_new_token_and_with_a_new_authority,
    who_joins_is_asked_for_the_line_and_told_what_root_means,
];

fn a_worker_moves_between_two_starts_with_all_it_has() {
    scenario(async |cluster| {
        cluster.agent("127.0.4.1").await?;
        cluster.exec(&["assign 127.0.4.1 lab", "set-tags 127.0.4.1 disk"]).await?;
        let marks = cluster.new_folder("marks")?.join("starts");
        let job = cluster.submit(&format!("echo $C2_ATTEMPT >>{}; sleep 4", marks.display())).await?;
        eventually("its start", SOON, async || Ok(marks.exists().then_some(()))).await?;
        cluster.signal_agent("127.0.4.1", Signal::TERM)?;
        cluster.readdress("127.0.4.1", "127.0.4.2").await?;
        let ended = cluster.ended(job).await?.job;
        assert_eq!((ended.row.state, ended.attempts.len()), (JobState::Succeeded, 1), "{ended:?}");
        eventually("its address", SOON, async || {
            let row = cluster.client().job(job, 0).await?.job.row;
            Ok((row.worker == Some([127, 0, 4, 2].into())).then_some(()))
        })
        .await?;
        assert_eq!(std::fs::read_to_string(marks)?, "job-1.1\n");
        let workers = cluster.client().workers().await?.workers;
        assert_eq!(workers.len(), 1, "{workers:?}");
        assert!(workers[0].groups.contains("lab") && workers[0].tags.contains_key("disk"), "{workers:?}");
        // Its jobs are found by each of its names, and by none that it has no longer.
        let (name, id) = (&workers[0].hostname, workers[0].worker_id.short());
        for word in ["127.0.4.2", name, id] {
            let found = cluster.exec(&[&format!("jobs --all --worker={word}")]).await?;
            assert!(found.stdout.contains(&job.to_string()), "{word}: {found:?}");
        }
        cluster.is_noted("audit.log", "has moved: it was at 127.0.4.1").await?;
        let unknown = cluster.exec(&["info 127.0.4.1"]).await?;
        assert!(unknown.status != 0 && unknown.stderr.contains("unknown worker"), "{unknown:?}");
        Ok(())
    });
}

fn a_copied_folder_is_found_out_and_becomes_a_worker_of_its_own() {
    scenario(async |cluster| {
        cluster.agent("127.0.4.1").await?;
        let job = cluster.submit("sleep 12; echo done").await?;
        cluster.running(job).await?;
        let log = cluster.copied_agent("127.0.4.1", "127.0.4.3").await?;
        assert!(log.contains("this state folder is a copy") && log.contains("c2-agent reset-identity"), "{log}");
        let shown = cluster.exec(&["list"]).await?.stdout;
        assert!(shown.contains("a machine at 127.0.4.3 uses its identity"), "{shown}");
        let shown = cluster.exec(&[&format!("why {job}"), "info 127.0.4.1", "doctor"]).await?.stdout;
        assert_eq!(shown.matches("127.0.4.3").count(), 3, "{shown}");
        cluster.is_noted("refused.log", "a machine at 127.0.4.3 uses the identity of worker 127.0.4.1").await?;
        let again = cluster.restart_agent("127.0.4.3").await;
        assert!(again.is_err(), "it starts although it is a copy");
        let state = cluster.agent_home("127.0.4.3")?.join("state");
        let reset = cluster.run_agent(&["reset-identity", "--state-dir", &state.to_string_lossy()]).await?;
        assert_eq!(reset.status, 0, "{reset:?}");
        cluster.restart_agent("127.0.4.3").await?;
        let ids: std::collections::BTreeSet<_> =
            cluster.client().workers().await?.workers.into_iter().map(|row| row.worker_id).collect();
        assert_eq!(ids.len(), 2);
        let ended = cluster.ended(job).await?.job;
        assert_eq!((ended.row.attempt, ended.stdout.as_str()), (1, "done\n"), "the original was not disturbed");
        Ok(())
    });
}

fn agents_side_by_side_need_only_folders_of_their_own() {
    scenario(async |cluster| {
        cluster.agent("127.0.4.1").await?;
        cluster.beside("127.0.4.1").await?;
        let ambiguous = cluster.exec(&["drain 127.0.4.1"]).await?;
        assert!(ambiguous.status != 0 && ambiguous.stderr.contains("means several workers"), "{ambiguous:?}");
        let id = cluster.client().workers().await?.workers[0].worker_id.clone();
        let drained = cluster.exec(&[&format!("drain {}", id.short())]).await?;
        assert_eq!(drained.status, 0, "{drained:?}");
        Ok(())
    });
}

fn an_agent_does_not_clean_up_after_another() {
    scenario(async |cluster| {
        cluster.agent("127.0.4.1").await?;
        let root = cluster.workspace_root("127.0.4.1")?;
        let (server, token) = (cluster.addr().to_string(), cluster.data_dir().join(Role::Worker.file_name()));
        let state = cluster.new_folder("second")?.join("state");
        let [token, state, at] = [&token, &state, &root].map(|path| path.display().to_string());
        let folders = ["--state-dir", &state, "--workspace-root", &at];
        let refused =
            cluster.run_agent(&[&["--server", &server, "--token-file", &token], &folders[..]].concat()).await?;
        let by =
            format!("another agent, process {}, has its workspaces in", cluster.pids("127.0.4.1")?[1].as_raw_nonzero());
        for words in [by.as_str(), "--workspace-root"] {
            assert!(refused.status == 1 && refused.stderr.contains(words), "{words}: {refused:?}");
        }
        // What runs there does not keep the next agent out.
        let job = cluster.submit("sleep 3; echo done").await?;
        cluster.running(job).await?;
        cluster.restart_agent("127.0.4.1").await?;
        assert_eq!(cluster.ended(job).await?.job.stdout, "done\n");
        Ok(())
    });
}

fn folders_of_c2d_and_of_others_are_no_state_folders() {
    scenario(async |cluster| {
        let (line, data, other) = (cluster.invited(&[]).await?, cluster.data_dir(), cluster.new_folder("other")?);
        let token = data.join(Role::Worker.file_name());
        let mail = other.join("spool/mail");
        std::fs::create_dir_all(&mail)?;
        std::fs::write(other.join("notes"), "mine")?;
        let before = std::fs::read(&token)?;
        for (folder, words) in [(&data, "is the data folder of c2d"), (&other, "is no agent's state folder")] {
            let folder = folder.display().to_string();
            for command in [&["reset-identity"][..], &["join", &line], &["--token-file", &token.to_string_lossy()]] {
                let refused = cluster.run_agent(&[command, &["--state-dir", &folder]].concat()).await?;
                assert!(refused.status == 1 && refused.stderr.contains(words), "{command:?}: {refused:?}");
            }
        }
        assert!(std::fs::read(&token)? == before && mail.is_dir(), "nothing was changed");
        let state = other.join("state").display().to_string();
        let refused = cluster.run_agent(&["reset-identity", "--state-dir", &state]).await?;
        assert!(refused.status == 1 && refused.stderr.contains("no agent has run"), "{refused:?}");
        // The line still has its use, with the words before it.
        let joined = cluster.run_agent(&["join", "c2-agent", "join", &line, "--state-dir", &state]).await?;
        let next = format!("start it with: c2-agent --state-dir {state}");
        assert!(joined.status == 0 && joined.stdout.contains(&next), "{joined:?}");
        Ok(())
    });
}

fn an_agent_finds_the_c2d_of_its_user_wherever_that_listens() {
    scenario(async |cluster| {
        let (home, data) = (cluster.new_folder("home")?, cluster.data_dir());
        let state_home = data.parent().expect("the data folder is in the folder of the test");
        let mut agent = Command::new(Program::Agent.path()?);
        agent.env_clear().env("HOME", &home).env("XDG_STATE_HOME", state_home);
        agent.arg("--workspace-root").arg(home.join("C2")).stdout(Stdio::null()).stderr(Stdio::null());
        let mut agent = agent.spawn()?;
        let found = eventually("a worker", SOON, async || {
            let workers = cluster.client().workers().await?.workers;
            Ok(workers.first().map(|worker| worker.ip))
        })
        .await;
        agent.kill()?;
        agent.wait()?;
        assert_eq!(found?, std::net::IpAddr::from([127, 0, 0, 1]));
        Ok(())
    });
}

fn an_address_that_the_machine_does_not_have_is_named() {
    scenario(async |cluster| {
        let home = cluster.new_folder("home")?;
        let token = cluster.data_dir().join(Role::Worker.file_name());
        let args =
            ["--server", &cluster.addr().to_string(), "--token-file", &token.to_string_lossy()].map(str::to_owned);
        let folders =
            ["--state-dir", "--workspace-root"].map(|flag| format!("{flag}={}", home.join(&flag[2..]).display()));
        let args = args.iter().chain(&folders).map(String::as_str);
        let args: Vec<&str> = ["doctor", "--address", "192.0.2.7"].into_iter().chain(args).collect();
        let said = cluster.run_agent(&args).await?;
        assert!(said.status == 1 && said.stdout.contains("is not one of this machine"), "{said:?}");
        // The agent itself says so, too, and tries again: the address may come.
        let log = home.join("log");
        let mut agent = Command::new(Program::Agent.path()?);
        agent
            .args(&args[1..])
            .env_clear()
            .env("HOME", &home)
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log)?);
        let mut agent = agent.spawn()?;
        let said = eventually("the reason", SOON, async || {
            Ok(std::fs::read_to_string(&log)?.contains("is not one of this machine").then_some(()))
        })
        .await;
        agent.kill()?;
        agent.wait()?;
        said
    });
}

/// The home of a machine that joined, and its state folder.
async fn joined(cluster: &Cluster) -> Result<(PathBuf, String)> {
    let line = cluster.invited(&[]).await?;
    let home = cluster.new_folder("home")?;
    let state = home.join("state").display().to_string();
    let joined = cluster.run_agent(&["join", &line, "--state-dir", &state]).await?;
    assert_eq!(joined.status, 0, "{joined:?}");
    Ok((home, state))
}

fn an_agent_whose_token_was_revoked_ends_and_says_how_to_join_again() {
    scenario(async |cluster| {
        let (home, state) = joined(cluster).await?;
        let log = home.join("log");
        let mut agent = Command::new(Program::Agent.path()?);
        agent.args(["--state-dir", &state, "--workspace-root"]).arg(home.join("C2")).env_clear().env("HOME", &home);
        let mut agent = agent.stdout(Stdio::null()).stderr(std::fs::File::create(&log)?).spawn()?;
        eventually("the worker", SOON, async || {
            Ok((cluster.client().workers().await?.workers.len() == 1).then_some(()))
        })
        .await?;
        let tokens = cluster.client().tokens().await?.tokens;
        let token = tokens.iter().find(|token| token.worker_id.is_some()).expect("its token");
        let revoked = cluster.c2d(&["token", "revoke", &token.id]).await?;
        assert_eq!(revoked.status, 0, "{revoked:?}");
        let status = eventually("its end", SOON, async || Ok(agent.try_wait()?)).await?;
        let said = std::fs::read_to_string(&log)?;
        assert_eq!(status.code(), Some(78), "{said}");
        for words in ["does not take this agent's token any more", "hint: join again", "c2-agent join LINE"] {
            assert!(said.contains(words), "{words}: {said}");
        }
        Ok(())
    });
}

fn an_agent_of_several_c2d_does_not_end_because_one_refuses_its_token() {
    scenario(async |cluster| {
        let (home, state) = joined(cluster).await?;
        let log = home.join("log");
        let servers = format!("{},127.0.4.9:1", cluster.addr());
        let mut agent = Command::new(Program::Agent.path()?);
        agent.args(["--server", &servers, "--state-dir", &state, "--workspace-root"]).arg(home.join("C2"));
        agent.env_clear().env("HOME", &home).stdout(Stdio::null()).stderr(std::fs::File::create(&log)?);
        let mut agent = agent.spawn()?;
        eventually("the worker", SOON, async || {
            Ok((cluster.client().workers().await?.workers.len() == 1).then_some(()))
        })
        .await?;
        let tokens = cluster.client().tokens().await?.tokens;
        let token = tokens.iter().find(|token| token.worker_id.is_some()).expect("its token");
        assert_eq!(cluster.c2d(&["token", "revoke", &token.id]).await?.status, 0);
        let said = eventually("the refusal", SOON, async || {
            Ok(std::fs::read_to_string(&log)?.contains("c2d refuses: ").then_some(()))
        })
        .await;
        let ended = agent.try_wait()?;
        agent.kill()?;
        agent.wait()?;
        assert!(ended.is_none(), "{ended:?}");
        said
    });
}

fn local_agents_go_on_with_a_new_token_and_with_a_new_authority() {
    scenario(async |cluster| {
        cluster.agent("127.0.4.1").await?;
        let works = async |cluster: &Cluster, after: &str| {
            let said = cluster.exec(&["submit --wait \"echo well\""]).await?;
            anyhow::ensure!(said.stdout.ends_with("well\n"), "after {after}: {said:?}");
            Ok(())
        };
        let rotated = cluster.c2d(&["token", "rotate", "worker"]).await?;
        assert_eq!(rotated.status, 0, "{rotated:?}");
        works(cluster, "a new token").await?;
        cluster.kill_c2d()?;
        let rotated = cluster.c2d(&["authority", "rotate", "--now"]).await?;
        assert_eq!(rotated.status, 0, "{rotated:?}");
        cluster.restart_c2d().await?;
        works(cluster, "a new authority").await?;
        assert!(!cluster.has_ended("127.0.4.1")?);
        Ok(())
    });
}

fn who_joins_is_asked_for_the_line_and_told_what_root_means() {
    scenario(async |cluster| {
        let line = cluster.invited(&[]).await?;
        let mut join = Command::new(Program::Agent.path()?);
        join.args(["join", "--state-dir"]).arg(cluster.new_folder("home")?.join("state"));
        let mut terminal = Terminal::start(&join, 120, 40)?;
        terminal.sees("paste the line that `c2d invite` printed on the machine of c2d:")?;
        terminal.press(&format!("{line}\r"))?;
        terminal.sees("this machine is a worker of")?;
        if rustix::process::geteuid().is_root() {
            terminal.sees("as root its jobs may do anything on this machine")?;
            terminal.sees("sudo -u c2-jobs -H c2-agent join LINE")?;
        }
        assert_eq!(terminal.end()?, 0);
        Ok(())
    });
}
