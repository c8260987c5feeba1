//! The flags by which the jobs of a runner run elsewhere.

use c2_shared::config::Via;
use clap::Args;

use crate::slurm::Slurm;

/// Where jobs run, if not here.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ElsewhereOptions {
    /// The scheduler of other machines.
    #[arg(long, hide = true)]
    pub(crate) via: Option<Via>,
    /// Its partition.
    #[arg(long, hide = true)]
    pub(crate) partition: Option<String>,
}

impl ElsewhereOptions {
    pub(crate) fn slurm(&self) -> Option<Slurm> {
        self.via.map(|Via::Slurm| Slurm { partition: self.partition.clone() })
    }

    /// The same as flags, for a runner.
    pub(crate) fn to_args(&self) -> Vec<String> {
        let via = self.via.map(|via| format!("--via={via}"));
        via.into_iter().chain(self.partition.as_ref().map(|name| format!("--partition={name}"))).collect()
    }
}
