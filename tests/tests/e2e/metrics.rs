//! What Prometheus reads of c2d, by its own tools, and the dashboard that shows it.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use c2_shared::token::Role;
use c2_tests::http::Caller;
use c2_tests::machine::has;
use c2_tests::{Cluster, scenario};
use regex::Regex;
use serde_json::Value;

crate::tests![promtool_finds_nothing_to_say, the_dashboard_shows_what_there_is];

const ASSETS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/grafana");

async fn exposition(cluster: &Cluster) -> Result<String> {
    let token = Some(cluster.token(Role::Operator)?.expose().to_owned());
    let caller = Caller { server: cluster.addr(), source: "127.0.0.1".parse()?, token };
    Ok(caller.call("GET", "/metrics", None).await?.text)
}

/// Jobs of all kinds, and a worker in a group.
async fn some_life(cluster: &mut Cluster) -> Result<()> {
    cluster.agent("127.0.0.2").await?;
    let lines = ["assign 127.0.0.2 gpu", "submit true --group=gpu --wait", "submit \"sleep 0.2\" --wait"];
    ensure!(cluster.exec(&lines).await?.status == 0);
    ensure!(cluster.exec(&["submit \"exit 3\" --wait"]).await?.status == 3);
    ensure!(cluster.exec(&["submit \"sleep 600\"", "cancel last"]).await?.status == 0);
    Ok(())
}

fn promtool_finds_nothing_to_say() {
    let found = Command::new("promtool").arg("--version").output().is_ok();
    if !has("what Prometheus reads", found, "it needs promtool, of Debian's package prometheus") {
        return;
    }
    scenario(async |cluster| {
        some_life(cluster).await?;
        let mut promtool = Command::new("promtool")
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        promtool.stdin.take().context("a pipe")?.write_all(exposition(cluster).await?.as_bytes())?;
        let said = promtool.wait_with_output()?;
        ensure!(said.status.success() && said.stdout.is_empty() && said.stderr.is_empty(), "{said:?}");
        // The example for Prometheus itself, with files that exist.
        let example = std::fs::read_to_string(Path::new(ASSETS).join("prometheus.yml"))?;
        let here = cluster.console_dir();
        std::fs::write(here.join("c2.token"), "x")?;
        std::fs::write(here.join("c2d.pem"), cluster.c2d(&["authority", "show"]).await?.stdout)?;
        std::fs::write(here.join("prometheus.yml"), example.replace("/etc/prometheus", &here.display().to_string()))?;
        let said = Command::new("promtool").args(["check", "config", "prometheus.yml"]).current_dir(&here).output()?;
        ensure!(said.status.success(), "{said:?}");
        Ok(())
    });
}

fn the_dashboard_shows_what_there_is() {
    scenario(async |cluster| {
        some_life(cluster).await?;
        let exposition = exposition(cluster).await?;
        let sample = Regex::new(r"(?m)^(?:# TYPE )?([a-z_0-9]+)[{ ]")?;
        let there: BTreeSet<&str> =
            sample.captures_iter(&exposition).filter_map(|c| Some(c.get(1)?.as_str())).collect();
        let dashboard: Value = serde_json::from_str(&std::fs::read_to_string(Path::new(ASSETS).join("c2.json"))?)?;
        let panels = dashboard["panels"].as_array().context("panels")?;
        let targets = panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten();
        let name = Regex::new(r"\b(?:c2|process)_[a-z_]+")?;
        let mut shown = BTreeSet::new();
        for target in targets {
            let expression = target["expr"].as_str().context("an expression")?;
            for name in name.find_iter(expression) {
                ensure!(there.contains(name.as_str()), "{} of {expression:?}: {exposition}", name.as_str());
                shown.insert(name.as_str().to_owned());
            }
        }
        ensure!(shown.len() > 15, "{shown:?}");
        Ok(())
    });
}
