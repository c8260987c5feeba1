//! Finds the three programs beside the running test, up to date.
//!
//! Cargo builds a program for the tests of its own package only, so a test of this package asks
//! for them: at once when nothing changed. Without cargo (a test program started by hand) what
//! lies in the target folder is used as it is.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context as _, Result, ensure};

/// One of the programs under test.
#[derive(Clone, Copy, Debug)]
pub enum Program {
    C2d,
    Agent,
    Tui,
}

impl Program {
    const fn name(self) -> &'static str {
        match self {
            Self::C2d => "c2d",
            Self::Agent => "c2-agent",
            Self::Tui => "c2-tui",
        }
    }

    /// Where the program lies.
    pub fn path(self) -> Result<PathBuf> {
        static FOLDER: OnceLock<Result<PathBuf, String>> = OnceLock::new();
        let folder = FOLDER.get_or_init(|| built().map_err(|error| format!("{error:#}")));
        let folder = folder.as_ref().map_err(|report| anyhow::anyhow!("{report}"))?;
        let path = folder.join(self.name());
        ensure!(path.exists(), "{path:?} is missing; build it with `cargo build --workspace`");
        Ok(path)
    }
}

/// Brings the programs up to date and names their folder.
fn built() -> Result<PathBuf> {
    let me = std::env::current_exe().context("this test's own path")?;
    // `target/debug/deps/e2e-0123` for tests, `target/debug/c2-bench` for programs.
    let folder =
        me.ancestors().skip(1).find(|dir| !dir.ends_with("deps")).context("no target folder above this test")?;
    if let Some(cargo) = std::env::var_os("CARGO") {
        let mut build = Command::new(cargo);
        build.args(["build", "--workspace", "--bins"]).current_dir(env!("CARGO_MANIFEST_DIR"));
        // What cargo tells a test of its package is no news of the build, but would rebuild what looks at it.
        let told = |name: &str| ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|front| name.starts_with(front));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(told)) {
            build.env_remove(name);
        }
        if let Some(target) = folder.parent() {
            build.arg("--target-dir").arg(target);
        }
        if folder.ends_with("release") {
            build.arg("--release");
        }
        let output = build.output().context("cannot run cargo")?;
        ensure!(output.status.success(), "cargo build failed\n{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(folder.to_owned())
}
