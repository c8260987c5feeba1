//! What a worker says of its machine.

use std::time::Duration;

use anyhow::{Result, ensure};
use c2_shared::job::JobSpec;
use c2_shared::worker::GpuMemory;
use c2_tests::{Cluster, eventually, scenario};

crate::tests![
    eight_graphics_cards_are_found_and_given_out_one_by_one,
    a_driver_that_fails_is_a_machine_without_graphics_cards,
    a_library_that_hangs_delays_no_heartbeat,
];

/// The agents' `nvidia-smi` prints a file of the test, and fails as the real one does without it.
fn graphics(cluster: &Cluster, table: Option<&str>) -> Result<()> {
    let folder = cluster.new_folder("driver")?;
    let file = folder.join("table");
    if let Some(table) = table {
        std::fs::write(&file, table)?;
    }
    let failure = "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.";
    let script = format!("cat {0} 2>/dev/null && exit 0; echo \"{failure}\"; exit 9", file.display());
    cluster.program("nvidia-smi", &script)
}

fn eight_graphics_cards_are_found_and_given_out_one_by_one() {
    scenario(async |cluster| {
        let row = |n: u32| format!("{n}, NVIDIA A100-SXM4-80GB, GPU-{n}, 81920, {}, 40960\n", 10 * n);
        graphics(cluster, Some(&(0..8).map(row).collect::<String>()))?;
        cluster.agent("127.0.0.2").await?;
        let found = cluster.client().worker("127.0.0.2").await?;
        let names: Vec<&str> = found.hardware.gpus.iter().map(|gpu| gpu.name.as_str()).collect();
        assert_eq!(names, ["NVIDIA A100-SXM4-80GB"; 8]);
        assert_eq!(found.hardware.gpus[7].memory_bytes, 80 << 30);
        let said = cluster.exec(&["submit nvidia-smi --tags=gpu --hold"]).await?;
        let note =
            "no worker offers tag \"gpu\", so it waits; `detect-tags WORKER --apply` has a worker offer what it has";
        assert!(said.stdout.contains(note) || said.stderr.contains(note), "{said:?}");
        let said = cluster.exec(&["cancel 1", "detect-tags 127.0.0.2 --apply", "info 127.0.0.2"]).await?;
        assert!(said.stdout.contains("gpu:0") && said.stdout.contains("gpu:7"), "{said:?}");
        let told = eventually("what they hold in memory", Duration::from_secs(20), async || {
            let load = cluster.client().worker("127.0.0.2").await?.row.load;
            Ok((!load.gpu_memory.is_empty()).then_some(load))
        });
        let told = told.await?;
        assert_eq!(told.gpu_memory, [GpuMemory { used_bytes: 40 << 30, total_bytes: 80 << 30 }; 8]);
        assert_eq!(told.gpu_percent[7], 70.0);
        let said = cluster.exec(&["info 127.0.0.2"]).await?;
        assert!(said.stdout.contains("40 GiB of 80 GiB, 70% used"), "{said:?}");
        let command = "echo $CUDA_VISIBLE_DEVICES; sleep 1".to_owned();
        let spec = JobSpec { command, tags: vec!["gpu".to_owned()], ..JobSpec::default() };
        let (first, second) = (cluster.submit_spec(spec.clone()).await?, cluster.submit_spec(spec).await?);
        assert_eq!(cluster.ended(first).await?.job.stdout, "0\n");
        assert_eq!(cluster.ended(second).await?.job.stdout, "1\n");
        Ok(())
    });
}

fn a_driver_that_fails_is_a_machine_without_graphics_cards() {
    scenario(async |cluster| {
        graphics(cluster, None)?;
        cluster.agent("127.0.0.2").await?;
        let found = cluster.client().worker("127.0.0.2").await?.hardware;
        assert!(found.gpus.is_empty() && found.cpu_cores > 0 && found.memory_bytes > 0, "{found:?}");
        let job = cluster.submit("echo fine").await?;
        assert_eq!(cluster.ended(job).await?.job.stdout, "fine\n");
        Ok(())
    });
}

/// The library of a driver that tells of two cards and a process, and then hangs.
fn a_library_that_hangs_delays_no_heartbeat() {
    scenario(async |cluster| {
        let folder = cluster.new_folder("library")?;
        let (library, hangs, source) = (folder.join("nvml.so"), folder.join("hangs"), folder.join("driver.c"));
        std::fs::write(&source, include_str!("../../../c2-agent/src/detect/nvml/driver.c"))?;
        let built = std::process::Command::new("cc")
            .args(["-shared", "-fPIC", "-DCARDS=2", &format!("-DHANGS=\"{}\"", hangs.display()), "-o"])
            .args([&library, &source])
            .status()?;
        ensure!(built.success(), "no library was built");
        let flags = format!("exec \"$@\" --nvml={}", library.display());
        cluster.agent_by("127.0.0.2", ["sh", "-c", &flags, "sh"].map(str::to_owned).to_vec()).await?;
        let worker = async || cluster.client().worker("127.0.0.2").await;
        let seen = eventually("the foreign process", Duration::from_secs(20), async || {
            Ok(worker().await?.row.load.gpu_processes.pop())
        });
        assert_eq!(seen.await?.name, "blender");
        assert_eq!(worker().await?.hardware.gpus.len(), 2);
        std::fs::write(&hangs, "")?;
        eventually("the cards are not seen any more", Duration::from_secs(30), async || {
            let row = worker().await?.row;
            ensure!(row.silent_ms.is_some_and(|ms| ms < 6_000), "it was not heard in time: {row:?}");
            Ok(row.load.gpu_memory.is_empty().then_some(()))
        })
        .await?;
        let job = cluster.submit("echo fine").await?;
        assert_eq!(cluster.ended(job).await?.job.stdout, "fine\n");
        std::fs::remove_file(&hangs)?;
        eventually("the cards are seen again", Duration::from_secs(20), async || {
            Ok((worker().await?.row.load.gpu_memory.len() == 2).then_some(()))
        })
        .await
    });
}
