//! What became of an upgrade, noted by who tried it out for the agent that comes next.

use std::io;

use c2_shared::api::upgrade::UpgradeReport;

use crate::state::StateDir;

const FILE: &str = "upgrade.json";

pub(super) fn put(state: &StateDir, report: &UpgradeReport) -> io::Result<()> {
    std::fs::write(state.path().join(FILE), serde_json::to_vec(report)?)
}

/// Takes it. Where it cannot be read it is lost: the list of workers says which version runs.
pub(super) fn take(state: &StateDir) -> Option<UpgradeReport> {
    let path = state.path().join(FILE);
    let text = std::fs::read(&path).ok()?;
    if let Err(error) = std::fs::remove_file(&path) {
        tracing::warn!("{} stays: {error}", path.display());
    }
    serde_json::from_slice(&text).ok()
}
