//! The authority of c2d, and the way from one to the next.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use c2_shared::api::tokens::JoinRequest;
use c2_shared::client::{Client, ClientError};
use c2_shared::pass::Pass;
use c2_tests::wait::SOON;
use c2_tests::{Cluster, eventually, scenario};

crate::tests![
    a_new_authority_ends_the_old_one_and_its_tokens,
    the_old_authority_is_honoured_until_all_machines_know_the_new_one,
];

fn a_new_authority_ends_the_old_one_and_its_tokens() {
    scenario(async |cluster| {
        let job = cluster.submit("true").await?;
        let data = cluster.data_dir();
        let read = |name: &str| fs::read_to_string(data.join(name));
        let names = ["authority.pem", "operator.token", "worker.token"];
        let old = names.map(|name| read(name).unwrap_or_default());
        let running = cluster.c2d(&["authority", "rotate", "--now"]).await?;
        assert!(running.status == 1 && running.stderr.contains("stop c2d first"), "{running:?}");
        let stolen = cluster.new_folder("stolen")?.join("operator.token");
        fs::copy(data.join("operator.token"), &stolen)?;
        cluster.kill_c2d()?;
        let done = cluster.c2d(&["authority", "rotate", "--now"]).await?;
        assert!(done.status == 0 && done.stdout.contains("no other machine has joined"), "{done:?}");
        for (name, old) in names.iter().zip(old) {
            let meta = fs::metadata(data.join(name))?;
            assert!(read(name)? != old && meta.permissions().mode() & 0o777 == 0o600, "{name}");
        }
        cluster.restart_c2d().await?;
        let refused = cluster.console_with_token(&stolen, &["--exec", "jobs"]).await?;
        assert_eq!(refused.status, 4, "{refused:?}");
        let here = cluster.exec(&[&format!("job {job}")]).await?;
        assert_eq!(here.status, 0, "programs on this machine need nothing: {here:?}");
        assert!(read("audit.log")?.contains("with its tokens, and the old one ended"));
        Ok(())
    });
}

/// A console of another machine that has logged in; its pass lies in this file.
async fn logged_in(cluster: &Cluster, folder: &Path, name: &str) -> Result<PathBuf> {
    let here = cluster.addr().to_string();
    let line = cluster.c2d(&["invite", "--role", "operator", "--address", &here]).await?;
    let invitation: Pass = line.stdout.trim().parse().with_context(|| format!("{line:?}"))?;
    let (fingerprint, server) = (invitation.fingerprint, invitation.server.clone());
    let client = Client::new(&cluster.addr().into(), Some(invitation), None)?;
    let joined = client.join(&JoinRequest { name: name.to_owned(), ..JoinRequest::default() }).await?;
    let file = folder.join(name);
    Pass { token: joined.token.parse()?, fingerprint, server }.write(&file)?;
    Ok(file)
}

fn client(cluster: &Cluster, pass: &Path) -> Result<Client> {
    Ok(Client::new(&cluster.addr().into(), Some(Pass::read(pass)?), None)?.kept_in(pass))
}

async fn rotate(cluster: &mut Cluster) -> Result<c2_tests::Output> {
    cluster.kill_c2d()?;
    let done = cluster.c2d(&["authority", "rotate"]).await?;
    cluster.restart_c2d().await?;
    Ok(done)
}

fn the_old_authority_is_honoured_until_all_machines_know_the_new_one() {
    scenario(async |cluster| {
        let (data, folder) = (cluster.data_dir(), cluster.new_folder("consoles")?);
        cluster.agent("127.0.0.2").await?;
        let [early, late] = [logged_in(cluster, &folder, "early").await?, logged_in(cluster, &folder, "late").await?];
        let [is_open, before] = [client(cluster, &early)?, client(cluster, &early)?];
        let old = Pass::read(&early)?;
        before.workers().await?;

        let done = rotate(cluster).await?;
        ensure!(done.status == 0 && ["(early)", "(late)"].iter().all(|one| done.stdout.contains(one)), "{done:?}");
        let kept = data.join("authority.before.pem");
        ensure!(fs::metadata(&kept)?.permissions().mode() & 0o777 == 0o600);
        // Whoever comes with what it knows is let in, and told.
        before.workers().await?;
        let new = Pass::read(&early)?;
        ensure!(new.token == old.token && new.fingerprint != old.fingerprint, "it is written down");
        before.workers().await?;
        client(cluster, &early)?.workers().await?;
        is_open.workers().await?;

        // One of them was not heard yet, so the old one stays, and there is no third.
        let refused = rotate(cluster).await?;
        ensure!(refused.status == 1 && refused.stderr.contains("(late)"), "{refused:?}");
        ensure!(!refused.stderr.contains("(early)") && kept.exists(), "{refused:?}");
        let late_one = client(cluster, &late)?;
        late_one.workers().await?;
        late_one.workers().await?;
        eventually("the end of the old authority", SOON, async || Ok((!kept.exists()).then_some(()))).await?;
        let stale = Client::new(&cluster.addr().into(), Some(old), None)?.workers().await;
        ensure!(matches!(stale, Err(ClientError::Stranger { .. })), "{stale:?}");
        for one in [&early, &late] {
            client(cluster, one)?.workers().await?;
        }
        for known in [&before, &is_open, &late_one] {
            known.workers().await?;
        }
        let log = fs::read_to_string(data.join("audit.log"))?;
        for words in ["the old one is honoured for a while", "is honoured no longer"] {
            ensure!(log.contains(words), "{words}: {log}");
        }
        let check = cluster.c2d(&["check"]).await?;
        ensure!(check.status == 0, "{check:?}");
        let job = cluster.exec(&["submit --wait \"echo well\""]).await?;
        ensure!(job.stdout.ends_with("well\n"), "the programs of this machine go on: {job:?}");
        Ok(())
    });
}
