//! The lines of the guide's consoles, typed one after the other on a c2d with two workers, page by page.

use std::fs;

use anyhow::{Result, ensure};
use c2_tests::{Cluster, scenario};

use super::{Page, pages};

crate::tests![the_lines_of_the_guide_work_as_typed];

/// The programs that the examples run. They say what they were given.
const PROGRAMS: [&str; 13] = [
    "analyze.py",
    "backup.sh",
    "cleanup.sh",
    "convert.sh",
    "infer.py",
    "matlab",
    "nvidia-smi",
    "process",
    "python",
    "render.py",
    "restic",
    "task.sh",
    "train.py",
];

fn the_lines_of_the_guide_work_as_typed() {
    let mut seen = 0;
    for page in pages() {
        let blocks = page.blocks_of("console");
        let lines: Vec<(String, String)> = blocks
            .iter()
            .filter(|block| !block.has("read"))
            .flat_map(|block| block.lines().map(move |line| (block.place.clone(), line.to_owned())))
            .collect();
        if lines.is_empty() {
            continue;
        }
        seen += lines.len();
        scenario(async |cluster| typed(cluster, &page, &lines).await);
    }
    assert!(seen > 60, "only {seen} lines were found");
}

/// A home as the examples have it: two workers in every group, with tags and things that are counted.
async fn home(cluster: &mut Cluster, page: &Page) -> Result<()> {
    for worker in ["127.0.0.11", "127.0.0.12"] {
        cluster.agent(worker).await?;
    }
    for name in PROGRAMS {
        cluster.program(name, &script(name))?;
    }
    let folder = cluster.console_dir();
    for name in ["data.txt", "config.yaml", "scene.blend", "job.sh"] {
        fs::write(folder.join(name), "#!/bin/sh\necho hello\n")?;
    }
    for block in page.blocks_of("text") {
        if let Some(name) = block.kinds.iter().find_map(|kind| kind.strip_prefix("file=")) {
            fs::write(folder.join(name), &block.text)?;
        }
    }
    let lines = [
        "assign 127.0.0.11 gpu",
        "set-tags @all disk",
        "set-resources @all cpus=64,memory=256G,gpus=2,vram=24G,license=2",
    ];
    let output = cluster.exec(&lines).await?;
    ensure!(output.status == 0, "{output:?}");
    Ok(())
}

/// It says what it was given; work on data takes a moment, in which its batch can be changed.
fn script(name: &str) -> String {
    let more = match name {
        "process" => "sleep 2",
        "render.py" => "echo x >one.png",
        _ => "true",
    };
    format!("echo {name} \"$@\"; {more}")
}

async fn typed(cluster: &mut Cluster, page: &Page, lines: &[(String, String)]) -> Result<()> {
    home(cluster, page).await?;
    for (place, line) in lines {
        let line = line.replace("10.0.0.", "127.0.0.");
        let output = cluster.exec(&[&line]).await?;
        ensure!(output.status == 0, "{place}: {line}\n{}{}status {}", output.stdout, output.stderr, output.status);
    }
    Ok(())
}
