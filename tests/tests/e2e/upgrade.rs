//! Agents get a newer program from c2d; jobs run on, and a program that does not work is given up.
//!
//! A program of another version is a copy of the agent's in whose file the version is changed: what the file says
//! is what the program says of itself.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use c2_tests::cluster::Cluster;
use c2_tests::programs::Program;
use c2_tests::wait::SOON;
use c2_tests::{eventually, scenario};

crate::tests![
    an_upgraded_agent_keeps_its_jobs,
    a_program_that_does_not_work_is_given_up,
    what_another_authority_signed_is_refused,
    a_program_of_a_package_stays,
    an_agent_has_a_program_of_its_own_where_it_may_not_replace_the_one_of_all,
];

const IP: &str = "127.0.0.2";
const UPGRADE: &str = "upgrade-workers 127.0.0.2";
const OWN: &str = env!("CARGO_PKG_VERSION");

/// The program of the agent with some bytes in place of others of the same length.
fn changed(changes: &[(&str, &str)]) -> Result<Vec<u8>> {
    let mut bytes = fs::read(Program::Agent.path()?)?;
    for (from, to) in changes {
        ensure!(from.len() == to.len(), "{from:?} and {to:?} differ in length");
        let places: Vec<usize> = memchr::memmem::find_iter(&bytes, from.as_bytes()).collect();
        ensure!(!places.is_empty(), "{from:?} is not in the program");
        for at in places {
            bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        }
    }
    Ok(bytes)
}

fn of_version(version: &str) -> (String, String) {
    (format!("c2-agent-version={OWN};"), format!("c2-agent-version={version};"))
}

fn put(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::create_dir_all(path.parent().context("a folder")?)?;
    // What was there may run.
    let beside = path.with_extension("beside");
    fs::write(&beside, bytes)?;
    fs::set_permissions(&beside, fs::Permissions::from_mode(0o755))?;
    Ok(fs::rename(beside, path)?)
}

/// An agent of an older version, from a folder of its own; `run` is how a shell starts it.
async fn older_agent(cluster: &mut Cluster, run: &str) -> Result<PathBuf> {
    let program = cluster.new_folder("bin")?.join("c2-agent");
    let (from, to) = of_version("0.0.9");
    put(&program, &changed(&[(&from, &to)])?)?;
    let run = run.replace("PROGRAM", &program.display().to_string());
    // A process that another test starts at this moment may hold the file open for writing.
    let free = format!("until {} --version >/dev/null 2>&1; do sleep 0.1; done", program.display());
    let way = ["unshare", "--mount", "sh", "-c", &format!("shift; {free}; {run} \"$@\""), "sh"];
    cluster.agent_by(IP, way.map(str::to_owned).to_vec()).await?;
    Ok(program)
}

async fn version(cluster: &Cluster) -> Result<String> {
    let row = cluster.client().workers().await?.workers.into_iter().find(|row| row.ip.to_string() == IP);
    Ok(row.context("the worker is not listed")?.version)
}

/// The agent starts again, and is this version.
async fn comes_back(cluster: &mut Cluster, expected: &str) -> Result<()> {
    cluster.restart_agent(IP).await?;
    eventually(expected, SOON, async || Ok((version(cluster).await? == expected).then_some(()))).await
}

/// What c2d has for agents, in place of what lies beside it.
fn offered(cluster: &Cluster) -> PathBuf {
    cluster.data_dir().join(format!("agents/c2-agent-{}", std::env::consts::ARCH))
}

fn an_upgraded_agent_keeps_its_jobs() {
    scenario(async |cluster| {
        let program = older_agent(cluster, "exec PROGRAM").await?;
        let gate = cluster.new_folder("gate")?.join("open");
        let job = cluster.submit(&format!("while [ ! -e {} ]; do sleep 0.1; done; echo on", gate.display())).await?;
        cluster.running(job).await?;
        assert_eq!(version(cluster).await?, "0.0.9");
        let pid = cluster.pids(IP)?;

        let done = cluster.exec(&[UPGRADE]).await?;
        assert_eq!(done.stdout, format!("{IP}: upgraded from 0.0.9 to {OWN}\n"), "{done:?}");
        assert_eq!(version(cluster).await?, OWN);
        assert_eq!(cluster.pids(IP)?, pid, "it is the same process for who started it");
        assert_eq!(fs::read(&program)?, fs::read(Program::Agent.path()?)?);
        assert!(program.with_file_name("c2-agent.previous").exists());
        assert!(!program.with_file_name(".c2-agent.next").exists());
        let info = cluster.client().job(job, 0).await?.job;
        assert_eq!(info.row.state.to_string(), "running", "{info:?}");

        let again = cluster.console(&["--json", "--exec", "upgrade-workers @all"]).await?;
        assert!(again.stdout.contains(&format!("\"from\":\"{OWN}\",\"to\":\"{OWN}\"")), "{again:?}");
        fs::write(gate, "")?;
        assert_eq!(cluster.ended(job).await?.job.stdout, "on\n");
        let next = cluster.submit("echo next").await?;
        assert_eq!(cluster.ended(next).await?.job.stdout, "next\n");
        let unknown = cluster.exec(&["upgrade-workers 127.0.0.9"]).await?;
        assert!(unknown.status == 1 && unknown.stderr.contains("unknown worker"), "{unknown:?}");
        Ok(())
    });
}

fn a_program_that_does_not_work_is_given_up() {
    scenario(async |cluster| {
        let program = older_agent(cluster, "exec PROGRAM").await?;
        let before = fs::read(&program)?;
        let gate = cluster.new_folder("gate")?.join("open");
        let job = cluster.submit(&format!("while [ ! -e {} ]; do sleep 0.1; done; echo on", gate.display())).await?;
        cluster.running(job).await?;
        let (from, to) = of_version("9.9.9");
        let whole = changed(&[(&from, &to)])?;
        let broken = [&whole[..8192], to.as_bytes()].concat();
        let mute = changed(&[(&from, &to), ("/api/workers/register", "/api/workers/registex")])?;
        for (bytes, words) in [
            (b"no program".to_vec(), "is no c2-agent for"),
            (broken, "keeps 0.0.9: 9.9.9 "),
            (mute, "keeps 0.0.9: 9.9.9 did not reach c2d within 30 s"),
        ] {
            put(&offered(cluster), &bytes)?;
            let refused = cluster.exec(&[UPGRADE]).await?;
            assert!(refused.status == 1 && refused.stderr.contains(words), "{words}: {refused:?}");
            assert_eq!(fs::read(&program)?, before, "{words}");
            assert!(!program.with_file_name(".c2-agent.next").exists(), "{words}");
            assert_eq!(version(cluster).await?, "0.0.9", "{words}");
        }
        fs::write(gate, "")?;
        assert_eq!(cluster.ended(job).await?.job.stdout, "on\n");
        put(&offered(cluster), &whole)?;
        let done = cluster.exec(&[UPGRADE]).await?;
        assert_eq!(done.stdout, format!("{IP}: upgraded from 0.0.9 to 9.9.9\n"), "{done:?}");
        Ok(())
    });
}

fn what_another_authority_signed_is_refused() {
    scenario(async |cluster| {
        let program = older_agent(cluster, "exec PROGRAM").await?;
        let before = fs::read(&program)?;
        let own = cluster.data_dir().join("authority.pem");
        // The running c2d keeps its certificate; what it signs from now on is signed by a stranger.
        let stranger = Cluster::start().await?;
        let kept = fs::read(&own)?;
        fs::write(&own, fs::read(stranger.data_dir().join("authority.pem"))?)?;
        let refused = cluster.exec(&[UPGRADE]).await?;
        assert!(refused.status == 1 && refused.stderr.contains("is not signed by the authority"), "{refused:?}");
        assert_eq!(fs::read(&program)?, before);
        fs::write(&own, kept)?;
        assert_eq!(cluster.exec(&[UPGRADE]).await?.status, 0);
        Ok(())
    });
}

fn a_program_of_a_package_stays() {
    scenario(async |cluster| {
        let program = older_agent(cluster, "mount --bind PROGRAM /usr/bin/yes; exec /usr/bin/yes").await?;
        let before = fs::read(&program)?;
        let refused = cluster.exec(&[UPGRADE]).await?;
        let words = "/usr/bin/yes belongs to a package";
        assert!(refused.status == 1 && refused.stderr.contains(words), "{refused:?}");
        assert!(refused.stderr.contains("sudo apt install ./c2-agent_"), "{refused:?}");
        assert_eq!((fs::read(&program)?, version(cluster).await?.as_str()), (before, "0.0.9"));
        Ok(())
    });
}

/// As `add-worker` leaves it: root put the program where it is, and the agent is another user.
fn an_agent_has_a_program_of_its_own_where_it_may_not_replace_the_one_of_all() {
    scenario(async |cluster| {
        let closed = "d=$(dirname PROGRAM); mount --bind $d $d && mount -o remount,ro,bind $d; exec PROGRAM";
        let program = older_agent(cluster, closed).await?;
        let before = fs::read(&program)?;
        let gate = cluster.new_folder("gate")?.join("open");
        let job = cluster.submit(&format!("while [ ! -e {} ]; do sleep 0.1; done; echo on", gate.display())).await?;
        cluster.running(job).await?;
        let pid = cluster.pids(IP)?;
        let done = cluster.exec(&[UPGRADE]).await?;
        assert_eq!(
            (done.status, done.stdout.as_str()),
            (0, &*format!("{IP}: upgraded from 0.0.9 to {OWN}\n")),
            "{done:?}"
        );
        assert_eq!((fs::read(&program)?, version(cluster).await?.as_str()), (before, OWN));
        assert_eq!(cluster.pids(IP)?, pid, "it is the same process for who started it");

        // The next start begins with the program of all, and so does one after a program that is newer still.
        comes_back(cluster, OWN).await?;
        let (from, to) = of_version("0.9.9");
        put(&offered(cluster), &changed(&[(&from, &to)])?)?;
        let done = cluster.exec(&[UPGRADE]).await?;
        assert_eq!(done.stdout, format!("{IP}: upgraded from {OWN} to 0.9.9\n"), "{done:?}");
        let own = cluster.agent_home(IP)?.join("state/program");
        assert_eq!(fs::read(own.join("c2-agent.previous"))?, fs::read(Program::Agent.path()?)?);
        comes_back(cluster, "0.9.9").await?;
        fs::write(gate, "")?;
        assert_eq!(cluster.ended(job).await?.job.stdout, "on\n");

        // What root installs counts when it is newer, and without the own one.
        let (from, to) = of_version("9.9.9");
        put(&program, &changed(&[(&from, &to)])?)?;
        comes_back(cluster, "9.9.9").await?;
        put(&program, &fs::read(Program::Agent.path()?)?)?;
        fs::remove_dir_all(own)?;
        comes_back(cluster, OWN).await?;
        Ok(())
    });
}
