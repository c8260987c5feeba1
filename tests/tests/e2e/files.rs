//! Files on their way to jobs and back, through everything that can be killed on it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use c2_shared::blob::{BlobHasher, BlobId};
use c2_shared::bytes64::Bytes64;
use c2_shared::id::JobId;
use c2_shared::job::{JobSpec, Outcome, Upload};
use c2_shared::token::Role;
use c2_shared::worker::WorkerStatus;
use c2_tests::http::Caller;
use c2_tests::machine::may;
use c2_tests::wait::SOON;
use c2_tests::{Cluster, eventually, scenario};
use serde_json::json;

crate::tests![
    the_readmes_example_brings_its_pictures_back,
    large_files_survive_the_death_of_everybody,
    what_a_job_leaves_is_in_its_workspace_and_nowhere_else,
    files_that_no_job_asked_for_reach_no_console,
    failed_jobs_leave_their_files_too,
    a_folder_that_its_job_closed_is_read_and_removed,
    an_upload_that_is_lost_is_said_and_not_waited_for,
    a_file_that_was_damaged_at_c2d_is_no_fault_of_a_worker,
    contents_of_a_plain_submit_arrive_byte_for_byte,
];

/// Large enough to travel as a blob, in many pieces.
const LARGE_BYTES: usize = 300 * 1024 * 1024;

/// Bytes that no compression and no repetition hides an error in.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..len / 8).flat_map(next).collect()
}

fn hash(path: &Path) -> Result<BlobId> {
    let mut hasher = BlobHasher::default();
    hasher.read(&mut std::fs::File::open(path).with_context(|| path.display().to_string())?)?;
    Ok(hasher.finish())
}

/// Waits until a folder has a file whose name ends in one of these ways.
async fn appears(folder: &Path, ends: &[&str]) -> Result<()> {
    eventually(&format!("a file {ends:?} in {}", folder.display()), SOON, async || {
        for entry in std::fs::read_dir(folder)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if ends.iter().any(|end| name.ends_with(end)) {
                return Ok(Some(()));
            }
        }
        Ok(None)
    })
    .await
}

fn the_readmes_example_brings_its_pictures_back() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let console = cluster.console_dir();
        std::fs::write(console.join("scene.blend"), "a cube")?;
        std::fs::write(console.join("render.sh"), "cat input.blend >a.png; cp a.png b.png; echo log >log.txt")?;
        let submit = "submit \"sh render.sh\" --upload=scene.blend:input.blend,render.sh --download=*.png --wait";
        let output =
            cluster.exec(&[submit, "get-files last", "get-files last", "get-files 1 elsewhere --list"]).await?;
        assert_eq!(output.status, 0, "{output:?}");
        for name in ["a.png", "b.png"] {
            assert_eq!(std::fs::read_to_string(console.join("job-1").join(name))?, "a cube");
        }
        assert!(!console.join("job-1/log.txt").exists() && !console.join("elsewhere").exists());
        assert_eq!(output.stdout.matches("saved").count(), 2, "{output:?}");
        assert_eq!(output.stdout.matches("there already").count(), 2, "{output:?}");

        std::fs::write(console.join("job-1/a.png"), "mine")?;
        let kept = cluster.exec(&["get-files 1"]).await?;
        assert!(kept.status == 1 && kept.stdout.contains("--force"), "{kept:?}");
        assert_eq!(std::fs::read_to_string(console.join("job-1/a.png"))?, "mine");
        assert_eq!(cluster.exec(&["get-files 1 --force"]).await?.status, 0);
        assert_eq!(std::fs::read_to_string(console.join("job-1/a.png"))?, "a cube");
        let missing = cluster.exec(&["submit x --upload=scene.blend,nothing.blend"]).await?;
        assert!(missing.status == 1 && missing.stderr.contains("nothing.blend"), "{missing:?}");
        Ok(())
    });
}

fn large_files_survive_the_death_of_everybody() {
    scenario(async |cluster| {
        let (console, folder) = (cluster.console_dir(), cluster.new_folder("gate")?);
        let (begun, open, done) = (folder.join("begun"), folder.join("open"), folder.join("done"));
        let mut content = noise(LARGE_BYTES);
        std::fs::write(console.join("in.bin"), &content)?;
        let input = BlobId::of(&content).to_string();
        content.extend_from_slice(b"back\n");
        let output = BlobId::of(&content).to_string();
        drop(content);
        let command = format!(
            "touch {}; while [ ! -e {} ]; do sleep 0.1; done; (cat in.bin; echo back) >out.bin; touch {}",
            begun.display(),
            open.display(),
            done.display()
        );
        let submit = format!("submit \"{command}\" --upload=in.bin --download=out.bin");
        let submitted = cluster.exec(&[&submit]).await?;
        assert_eq!(submitted.status, 0, "{submitted:?}");
        cluster.kill_c2d()?;
        cluster.restart_c2d().await?;

        // On the way to the job.
        cluster.agent("127.0.0.2").await?;
        let state = cluster.workspace_root("127.0.0.2")?.with_file_name("state");
        appears(&state.join("blobs"), &[".part", &input]).await?;
        cluster.kill_agent("127.0.0.2")?;
        cluster.restart_agent("127.0.0.2").await?;
        eventually("the job's begin", SOON, async || Ok(begun.exists().then_some(()))).await?;

        // On the way back: the job ends while nobody is there to take what it leaves.
        cluster.kill_agent("127.0.0.2")?;
        cluster.kill_c2d()?;
        std::fs::write(open, "")?;
        eventually("the job's end", SOON, async || Ok(done.exists().then_some(()))).await?;
        cluster.restart_c2d().await?;
        cluster.restart_agent("127.0.0.2").await?;
        appears(&cluster.data_dir().join("files"), &[".part", &output]).await?;
        cluster.kill_agent("127.0.0.2")?;
        cluster.kill_c2d()?;
        cluster.restart_c2d().await?;
        cluster.restart_agent("127.0.0.2").await?;

        let end = cluster.ended(JobId(1)).await?.job;
        assert_eq!(end.row.outcome, Some(Outcome::Exit { code: 0 }), "{end:?}");
        let got = cluster.exec(&["get-files 1 back"]).await?;
        assert_eq!(got.status, 0, "{got:?}");
        assert_eq!(hash(&console.join("back/out.bin"))?.to_string(), output);
        Ok(())
    });
}

fn what_a_job_leaves_is_in_its_workspace_and_nowhere_else() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let secret = cluster.new_folder("outside")?.join("secret");
        std::fs::write(&secret, "secret")?;
        let command = format!("ln -s {} link; mkfifo pipe; mkdir sub; echo ok >sub/fine", secret.display());
        let spec = JobSpec { command, download: vec!["**".to_owned(), "none*".to_owned()], ..JobSpec::default() };
        let job = cluster.submit_spec(spec).await?;
        cluster.ended(job).await?;
        let left = cluster.client().job_files(job, true).await?;
        let paths: Vec<&str> = left.files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["sub/fine"], "{left:?}");
        assert_eq!(left.files[0].content.as_ref().map(|content| content.lossy()).as_deref(), Some("ok\n"));
        for said in ["link", "pipe", "none*"] {
            assert!(left.problems.iter().any(|problem| problem.contains(said)), "{said}: {left:?}");
        }
        Ok(())
    });
}

fn files_that_no_job_asked_for_reach_no_console() {
    scenario(async |cluster| {
        let token = Some(cluster.token(Role::Worker)?.expose().to_owned());
        let worker = Caller { server: cluster.addr(), source: "127.0.0.9".parse()?, token };
        worker.call("POST", "/api/workers/register", Some(json!({"worker_id": "w"}))).await?;
        let trap = cluster.new_folder("trap")?.join("x");
        std::fs::write(&trap, "trap")?;
        let blob = BlobId::of(b"trap");
        cluster.client().put_blob(blob, 4, std::fs::File::open(&trap)?, &|_| ()).await?;
        let names = ["result.txt", ".bash_profile", ".ssh/rc", ".local/bin/ls", "other.txt", "../up"];
        let file = |path: &&str| json!({"path": path, "size": 4, "sha256": blob, "mode": 0o755});
        let poll = async |seq: u64, unsent: serde_json::Value| {
            let poll = json!({"worker_id": "w", "session": "s", "seq": seq, "slots_free": 1, "unsent": unsent});
            worker.call("POST", "/api/workers/get-work/127.0.0.9", Some(poll)).await
        };
        for (job, download) in [(1, vec!["result.txt"]), (2, vec![]), (3, vec!["*"]), (4, vec!["**"])] {
            let download = download.into_iter().map(str::to_owned).collect();
            cluster.submit_spec(JobSpec { command: "true".to_owned(), download, ..JobSpec::default() }).await?;
            let work = poll(2 * job, json!([])).await?.json;
            assert_eq!(work["assign"][0]["job_id"], format!("job-{job}"), "{work}");
            let files: Vec<serde_json::Value> = names.iter().map(file).collect();
            let ended =
                json!({"attempt": format!("job-{job}.1"), "outcome": {"kind": "exit", "code": 0}, "files": files});
            poll(2 * job + 1, json!([ended])).await?;
            cluster.ended(JobId(job)).await?;

            let left = cluster.client().job_files(JobId(job), false).await?;
            let home = format!("home-{job}");
            let got = cluster.exec(&[&format!("get-files {job} {home}")]).await?;
            assert_eq!(got.status, 0, "{got:?}");
            let home = cluster.console_dir().join(home);
            for name in names {
                let asked = name == "result.txt" && job != 2 || name == "other.txt" && job > 2;
                assert_eq!(left.files.iter().any(|file| file.path == name), asked, "{job} {name}: {left:?}");
                assert_eq!(home.join(name).exists(), asked, "{job} {name}");
                assert_eq!(got.stdout.contains(&format!("not asked for: {name}\n")), !asked, "{job} {name}: {got:?}");
            }
        }
        Ok(())
    });
}

fn failed_jobs_leave_their_files_too() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let failed = JobSpec {
            command: "echo why >log; exit 3".to_owned(),
            download: vec!["log".to_owned()],
            ..JobSpec::default()
        };
        let job = cluster.submit_spec(failed).await?;
        assert_eq!(cluster.ended(job).await?.job.row.outcome, Some(Outcome::Exit { code: 3 }));
        assert_eq!(cluster.client().job_files(job, false).await?.files.len(), 1);
        Ok(())
    });
}

/// A file of so many bytes, and a job that shows it.
fn shown(cluster: &Cluster, len: usize) -> Result<(PathBuf, BlobId, JobSpec)> {
    let content = noise(len);
    let blob = BlobId::of(&content);
    let path = cluster.new_folder("files")?.join("x");
    std::fs::write(&path, &content)?;
    let upload = Upload { path: "in".to_owned(), sha256: Some(blob), ..Upload::default() };
    Ok((path, blob, JobSpec { command: "cat in".to_owned(), upload: vec![upload], ..JobSpec::default() }))
}

fn an_upload_that_is_lost_is_said_and_not_waited_for() {
    scenario(async |cluster| {
        let (path, blob, spec) = shown(cluster, 4_096)?;
        let refused = cluster.submit_spec(spec.clone()).await.unwrap_err();
        assert!(refused.to_string().contains("\"in\""), "{refused:#}");
        cluster.client().put_blob(blob, 4_096, std::fs::File::open(&path)?, &|_| ()).await?;
        let job = cluster.submit_spec(spec).await?;
        // As after a damage of the disk.
        std::fs::remove_file(cluster.data_dir().join("files").join(blob.to_string()))?;
        cluster.agent("127.0.0.2").await?;
        let outcome = cluster.ended(job).await?.job.row.outcome;
        let Some(Outcome::Setup { reason }) = outcome else { panic!("{outcome:?}") };
        assert!(reason.contains("upload \"in\"") && reason.contains(&blob.to_string()), "{reason}");
        Ok(())
    });
}

fn a_file_that_was_damaged_at_c2d_is_no_fault_of_a_worker() {
    scenario(async |cluster| {
        let (path, blob, spec) = shown(cluster, 400_000)?;
        let damage = |cluster: &Cluster, blob: BlobId| -> Result<()> {
            let file = cluster.data_dir().join("files").join(blob.to_string());
            let mut bytes = std::fs::read(&file)?;
            bytes[1_000..1_004].copy_from_slice(b"\0\0\0\0");
            Ok(std::fs::write(file, bytes)?)
        };
        let put = async |cluster: &Cluster| {
            cluster.client().put_blob(blob, 400_000, std::fs::File::open(&path)?, &|_| ()).await?;
            anyhow::Ok(())
        };
        put(cluster).await?;
        let jobs = [cluster.submit_spec(spec.clone()).await?, cluster.submit_spec(spec.clone()).await?];
        damage(cluster, blob)?;
        cluster.agent("127.0.0.2").await?;
        for job in jobs {
            let outcome = cluster.ended(job).await?.job.row.outcome;
            let Some(Outcome::Setup { reason }) = outcome else { panic!("{outcome:?}") };
            assert!(reason.contains("upload \"in\"") && reason.contains(&blob.to_string()), "{reason}");
        }
        let row = cluster.client().worker("127.0.0.2").await?.row;
        assert_eq!((row.status, &row.status_reason), (WorkerStatus::Online, &None), "{row:?}");

        // It can be sent again, and what the job wrote may be damaged too.
        put(cluster).await?;
        let job = cluster.submit_spec(spec).await?;
        assert_eq!(cluster.ended(job).await?.job.row.outcome, Some(Outcome::Exit { code: 0 }));
        damage(cluster, blob)?;
        let read = cluster.exec(&[&format!("output {job}")]).await?;
        assert!(
            read.stdout.len() < 1_000 && format!("{read:?}").contains("was damaged on the disk of c2d"),
            "{read:?}"
        );
        Ok(())
    });
}

fn contents_of_a_plain_submit_arrive_byte_for_byte() {
    scenario(async |cluster| {
        let token = Some(cluster.token(Role::Operator)?.expose().to_owned());
        let operator = Caller { server: cluster.addr(), source: "127.0.0.1".parse()?, token };
        let mut stdin = noise(7_000_000);
        let (small, file) = (stdin.split_off(6_999_000), stdin.split_off(6_000_000));
        let upload = |path: &str, content: &[u8]| json!({"path": path, "content": Bytes64(content.to_vec())});
        // What a job writes into its standard input harms nobody.
        let command = "sha256sum - file small | cut -d' ' -f1; stat -Lc %s /dev/stdin; : >/dev/stdin; ls";
        let uploads = [upload("file", &file), upload("small", &small)];
        let spec = json!({"command": command, "stdin": Bytes64(stdin.clone()), "upload": uploads});
        for _ in 0..2 {
            let submitted = operator.call("POST", "/api/jobs/submit", Some(spec.clone())).await?;
            assert_eq!(submitted.status, 201, "{submitted:?}");
        }
        cluster.agent("127.0.0.2").await?;
        let [stdin, file, small] = [&stdin, &file, &small].map(|content| BlobId::of(content));
        for job in 1..=2 {
            let end = cluster.ended(JobId(job)).await?.job;
            assert_eq!(end.stdout, format!("{stdin}\n{file}\n{small}\n6000000\nfile\nsmall\n"), "{end:?}");
        }
        let state = cluster.workspace_root("127.0.0.2")?.with_file_name("state");
        assert_eq!(hash(&state.join("blobs").join(stdin.to_string()))?, stdin);
        Ok(())
    });
}

fn a_folder_that_its_job_closed_is_read_and_removed() {
    scenario(async |cluster| {
        // Nobody else's files may be opened, as by any user but root.
        let way = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all", "--"];
        let way = if may("an agent without privileges")? { way.map(str::to_owned).to_vec() } else { Vec::new() };
        cluster.agent_by("127.0.0.2", way).await?;
        for mode in ["000", "100", "200", "500"] {
            let command = format!("mkdir d; echo x >d/f; chmod 000 d; echo y >g; chmod {mode} .");
            let download = vec!["g".to_owned(), "d/f".to_owned()];
            let job = cluster.submit_spec(JobSpec { command, download, ..JobSpec::default() }).await?;
            cluster.ended(job).await?;
            let got = cluster.exec(&[&format!("get-files {job} to-{mode}")]).await?;
            let folder = cluster.console_dir().join(format!("to-{mode}"));
            let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap_or_default();
            assert_eq!((read("g").as_str(), read("d/f").as_str()), ("y\n", "x\n"), "{mode}: {got:?}");
        }
        let cleaned = cluster.exec(&["cleanup-workspaces @all"]).await?;
        assert!(cleaned.status == 0 && !cleaned.stdout.contains("denied"), "{cleaned:?}");
        Ok(())
    });
}
