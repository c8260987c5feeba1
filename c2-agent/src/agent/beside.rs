//! What an agent does before and beside its work.

use std::time::Duration;

use c2_shared::api::work::RegisterRequest;
use c2_shared::client::Client;
use c2_shared::service;
use c2_shared::worker::{Hardware, Load};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::detect::{self, Wanted};
use crate::housekeeping;
use crate::neighbours::Neighbours;
use crate::options::Options;
use crate::supervise::agent_mark;

/// How long the first look for others who need the machine may take.
const LOOK_WITHIN: Duration = Duration::from_secs(5);

/// How graphics processors are watched, where there are any.
pub(super) fn wanted(hardware: &Hardware, options: &Options, worker_id: &str) -> Option<Wanted> {
    let nvml = options.sight.nvml.clone();
    (!hardware.gpus.is_empty()).then(|| Wanted { nvml, job_marks: vec![agent_mark(worker_id)] })
}

/// Tasks beside the work: one looks at the machine, and its latest figures are answered; one is housekeeping.
pub(super) fn beside(options: &Options, client: &Client, gpus: Option<Wanted>) -> (JoinSet<()>, watch::Receiver<Load>) {
    let (load, latest) = watch::channel(Load::default());
    let (root, state) = (options.workspace_root.clone(), options.state_dir.clone());
    let mut tasks = JoinSet::new();
    let neighbours = Neighbours::new(options.sight.sight_root.clone(), &options.yield_to, options.sight.rest_ms);
    let (folders, is_elsewhere) = ([root.clone(), state], options.elsewhere.via.is_some());
    tasks.spawn(detect::watch_load(load, gpus, folders, options.shares.clone(), neighbours, is_elsewhere));
    tasks.spawn(housekeeping::run(root, options.workspace_days, client.clone(), latest.clone()));
    (tasks, latest)
}

/// Nothing starts before it is known whether anything may.
pub(super) async fn first_look(options: &Options, load: &mut watch::Receiver<Load>) {
    if !options.yield_to.is_empty() {
        drop(tokio::time::timeout(LOOK_WITHIN, load.changed()).await);
    }
}

/// What there is to say at the start, to people and to who started it.
pub(super) fn greet(introduction: &RegisterRequest, options: &Options, client: &Client, taken_over: usize) {
    if introduction.hardware.runs_as_root {
        tracing::warn!(
            "jobs run as root and may do anything on this machine; `c2-agent install` makes a user for them"
        );
    }
    let (server, slots, root) = (client.server(), options.slots, options.workspace_root.display());
    tracing::info!("looking for c2d at {server}; {slots} slots, {taken_over} jobs taken over, workspaces in {root}");
    service::ready();
}
