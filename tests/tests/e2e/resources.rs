//! Jobs take what they need of a machine, and nothing that others hold.

use std::time::Duration;

use anyhow::{Result, ensure};
use c2_shared::job::JobSpec;
use c2_tests::{Cluster, eventually, scenario};

crate::tests![
    what_is_taken_is_nobody_elses_and_why_says_whose_it_is,
    what_is_held_outlives_c2d,
    what_an_operator_sets_counts_before_what_the_agent_says,
    cards_are_given_out_by_number_by_tag_and_in_parts,
    a_driver_that_hangs_holds_up_nothing,
];

/// A job that runs until a file is there, and first says what it finds in its environment.
fn gated(gate: &std::path::Path, change: impl FnOnce(&mut JobSpec)) -> JobSpec {
    let command = format!(
        "echo $OMP_NUM_THREADS $CUDA_VISIBLE_DEVICES $HIP_VISIBLE_DEVICES; while [ ! -e {} ]; do sleep 0.1; done",
        gate.display()
    );
    let mut spec = JobSpec { command, ..JobSpec::default() };
    change(&mut spec);
    spec
}

pub(super) async fn says(cluster: &Cluster, line: &str, words: &str) -> Result<()> {
    let said = cluster.exec(&[line]).await?;
    let text = said.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    ensure!(text.contains(words), "{line} does not say {words:?}: {said:?}");
    Ok(())
}

fn what_is_taken_is_nobody_elses_and_why_says_whose_it_is() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let set = "set-resources 127.0.0.2 cpus=4,memory=8G,license=1";
        says(cluster, set, "127.0.0.2 has slots 0/4, cpus 0/4, memory 0/8G, license 0/1").await?;
        let folder = cluster.new_folder("gate")?;
        let gate = folder.join("open");
        let large = |spec: &mut JobSpec| (spec.cpus, spec.memory_bytes) = (3, 6 << 30);
        let first = cluster.submit_spec(gated(&gate, large)).await?;
        cluster.running(first).await?;
        says(cluster, "list", "cpus 3/4, memory 6G/8G, license 0/1").await?;
        says(cluster, "job 1", "takes cpus=3, memory=6G").await?;
        let lines = [
            "submit true --cpus=2 --memory=1G",
            "submit true --memory=3G",
            "submit true --cpus=9 --need=license=2",
            "submit true --need=license=1 --cpus=1",
        ];
        cluster.exec(&lines).await?;
        // Whatever fits beside it goes on.
        let fits = cluster.ended("job-5".parse()?).await?;
        ensure!(fits.done, "{fits:?}");
        says(cluster, "why 2", "1 of 4 cpus free, needs 2; in use by job-1").await?;
        says(cluster, "why 3", "2G of 8G memory free, needs 3G; in use by job-1").await?;
        says(cluster, "why 4", "has 4 cpus, needs 9 cpus; has 1 license, needs 2 license").await?;
        says(cluster, "why 4", "no worker can run it as they are").await?;
        says(cluster, "change 4 --cpus=1 --clear=need", "job-4 is queued").await?;
        ensure!(cluster.ended("job-4".parse()?).await?.done);
        std::fs::write(&gate, "")?;
        for job in ["job-2", "job-3"] {
            ensure!(cluster.ended(job.parse()?).await?.done);
        }
        ensure!(cluster.ended(first).await?.job.stdout == "3\n");
        Ok(())
    });
}

fn what_is_held_outlives_c2d() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        cluster.exec(&["set-resources 127.0.0.2 cpus=4,license=3"]).await?;
        let gate = cluster.new_folder("gate")?.join("open");
        let takes = |spec: &mut JobSpec| {
            spec.cpus = 3;
            spec.needs = [("license".to_owned(), 2)].into();
        };
        let first = cluster.submit_spec(gated(&gate, takes)).await?;
        cluster.running(first).await?;
        cluster.kill_c2d()?;
        cluster.restart_c2d().await?;
        says(cluster, "info 127.0.0.2", "license 2/3").await?;
        cluster.exec(&["submit true --need=license=2"]).await?;
        says(cluster, "why 2", "1 of 3 license free, needs 2; in use by job-1").await?;
        std::fs::write(&gate, "")?;
        ensure!(cluster.ended("job-2".parse()?).await?.done);
        says(cluster, "info 127.0.0.2", "license 0/3").await
    });
}

fn what_an_operator_sets_counts_before_what_the_agent_says() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let found = cluster.client().worker("127.0.0.2").await?;
        ensure!(found.row.capacity.cpus == found.hardware.cpu_cores, "{found:?}");
        let config = cluster.agent_home("127.0.0.2")?.join(".config/c2-agent");
        std::fs::create_dir_all(&config)?;
        std::fs::write(config.join("config.json"), r#"{"resources": {"cpus": 7, "memory": "3G", "dongle": 2}}"#)?;
        cluster.restart_agent("127.0.0.2").await?;
        let told = eventually("what the configuration says", Duration::from_secs(20), async || {
            let row = cluster.client().worker("127.0.0.2").await?.row;
            Ok((row.capacity.cpus == 7).then_some(row.capacity))
        });
        let told = told.await?;
        ensure!(told.memory_bytes == 3 << 30 && told.needs["dongle"] == 2, "{told:?}");
        says(cluster, "set-resources @all cpus=2,dongle=1,slots=3", "slots 0/3, cpus 0/2, memory 0/3G").await?;
        says(cluster, "set-resources 127.0.0.2 cpus=auto,slots=", "slots 0/4, cpus 0/7").await?;
        says(cluster, "info 127.0.0.2", "dongle 0/1").await?;
        let wrong = cluster.exec(&["set-resources 127.0.0.2 cpus=many"]).await?;
        ensure!(wrong.stderr.contains("cpus: \"many\" is not a whole number"), "{wrong:?}");
        let wrong = cluster.exec(&["set-resources 127.0.0.2 slots=0"]).await?;
        ensure!(wrong.stderr.contains("slots=0 is not possible"), "{wrong:?}");
        Ok(())
    });
}

/// The agents' `nvidia-smi` names two cards, of which one is used by a process of nobody.
fn cards(cluster: &Cluster) -> Result<()> {
    let row = |n: u32, used| format!("{n}, NVIDIA GeForce RTX 3090, GPU-{n}, 24576, 5, {used}");
    let script = format!(
        "case $1 in *compute-apps*) echo 'GPU-1, 4711, /usr/bin/blender, 20480';; *) echo '{}'; echo '{}';; esac",
        row(0, 0),
        row(1, 20_480),
    );
    cluster.program("nvidia-smi", &script)
}

fn cards_are_given_out_by_number_by_tag_and_in_parts() {
    scenario(async |cluster| {
        cards(cluster)?;
        cluster.agent("127.0.0.2").await?;
        let foreign = eventually("a process of nobody", Duration::from_secs(20), async || {
            let load = cluster.client().worker("127.0.0.2").await?.row.load;
            Ok(load.gpu_processes.first().cloned())
        });
        ensure!(foreign.await?.name == "blender");
        let gate = cluster.new_folder("gate")?.join("open");
        // In parts: the second card is full, so both are on the first.
        let part = |spec: &mut JobSpec| spec.vram_bytes = 8 << 30;
        let (first, second) =
            (cluster.submit_spec(gated(&gate, part)).await?, cluster.submit_spec(gated(&gate, part)).await?);
        cluster.running(first).await?;
        cluster.running(second).await?;
        cluster.exec(&["submit true --vram=10G", "submit true --gpus=2", "submit true --vram=30G"]).await?;
        says(cluster, "why 3", "8G of 24G vram free, needs 10G").await?;
        says(cluster, "why 3", "blender (pid 4711, no job, 20G)").await?;
        says(cluster, "why 4", "1 of 2 gpus free, needs 2; in use by").await?;
        says(cluster, "why 5", "has 24G vram, needs 30G vram").await?;
        // The other one to itself.
        let own = cluster.submit_spec(gated(&gate, |spec| spec.gpus = 1)).await?;
        cluster.running(own).await?;
        says(cluster, "get-tags 127.0.0.2", "gpu:1 job-6").await?;
        std::fs::write(&gate, "")?;
        for (job, devices) in [(first, "0 0\n"), (second, "0 0\n"), (own, "1 1\n")] {
            let said = cluster.ended(job).await?.job.stdout;
            ensure!(said == devices, "{job} saw {said:?}");
        }
        ensure!(cluster.ended("job-4".parse()?).await?.done);
        Ok(())
    });
}

fn a_driver_that_hangs_holds_up_nothing() {
    scenario(async |cluster| {
        let folder = cluster.new_folder("driver")?;
        let hang = folder.join("hang");
        let script = format!(
            "[ -e {} ] && exec sleep 300; echo '0, NVIDIA GeForce RTX 3090, GPU-0, 24576, 5, 0'",
            hang.display()
        );
        cluster.program("nvidia-smi", &script)?;
        cluster.agent("127.0.0.2").await?;
        std::fs::write(&hang, "")?;
        // Longer than it takes to be asked again, and to be given up.
        for _ in 0..9 {
            tokio::time::sleep(Duration::from_secs(2)).await;
            let row = cluster.client().worker("127.0.0.2").await?.row;
            ensure!(row.silent_ms.is_some_and(|ms| ms < 6_500), "{row:?}");
        }
        let job = cluster.submit("echo fine").await?;
        ensure!(cluster.ended(job).await?.job.stdout == "fine\n");
        Ok(())
    });
}
