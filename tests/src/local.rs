//! One machine on which C2 was never started: an empty home folder and nothing else.

use std::path::{Path, PathBuf};

use anyhow::Result;
use tempfile::TempDir;

use crate::leftovers;
use crate::process::{Output, command, run};
use crate::programs::Program;

/// The machine; everything that runs on it ends with it.
#[derive(Debug)]
pub struct Machine {
    home: TempDir,
}

impl Machine {
    /// A new home folder.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new() -> Result<Self> {
        Ok(Self { home: tempfile::Builder::new().prefix("c2-local-").tempdir()? })
    }

    /// Runs `c2-tui --local --exec LINE`.
    ///
    /// # Errors
    /// When the console cannot be run.
    pub fn exec(&self, line: &str) -> Result<Output> {
        let root = self.path().join("workspaces");
        self.tui(&["--local", "--exec", line, "--workspace-root", &root.to_string_lossy()])
    }

    /// Runs `c2-tui` with the data folder of this machine and more arguments.
    ///
    /// # Errors
    /// When the console cannot be run.
    pub fn tui(&self, args: &[&str]) -> Result<Output> {
        self.tui_with(&[], args)
    }

    /// The same with variables of the environment.
    ///
    /// # Errors
    /// When the console cannot be run.
    pub fn tui_with(&self, variables: &[(&str, &str)], args: &[&str]) -> Result<Output> {
        let mut console = command(&Program::Tui.path()?, self.path());
        console.envs(variables.iter().copied()).args(args).arg("--data-dir").arg(self.data_dir());
        tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run(console))
    }

    /// The command lines of the processes that still run here.
    #[must_use]
    pub fn processes(&self) -> Vec<String> {
        leftovers::command_lines(self.path())
    }

    /// The data folder of its c2d.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.path().join("c2d")
    }

    /// Its home folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.home.path()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        leftovers::end(self.path());
    }
}
