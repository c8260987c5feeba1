//! What the program does for each of its commands.

use c2_shared::advice::{self, Failure, Unwritten};
use c2_shared::{arguments, exit};

use crate::agent::AgentError;
use crate::options::{Cli, Command, Options};
use crate::slurm::FrontError;
use crate::{agent, choice, doctor, identity, install, join, settings, slurm, supervise, upgrade};

impl Cli {
    /// The command line of this process; a wrong one ends it with an explanation.
    ///
    /// # Errors
    /// With a text that is to be shown instead of doing anything.
    pub fn read() -> Result<Self, Help> {
        arguments::read_with_origins::<Self>(std::env::args_os())
            .map(|(cli, origins)| Self { origins, ..cli })
            .map_err(|error| if error.use_stderr() { error.exit() } else { Help(error.to_string()) })
    }

    /// Whether this is the process behind a slot, whose standard error is a file.
    #[must_use]
    pub const fn is_slot(&self) -> bool {
        matches!(self.command, Some(Command::RunSlot(_) | Command::RunVia(_)))
    }

    /// Does what the command line says; answers the exit status.
    ///
    /// # Errors
    /// With all that is to be said about it.
    pub fn run(self) -> Result<u8, Failure> {
        let origins = self.origins.clone();
        self.act().map_err(|failure| failure.saying(|message, about| origins.told(message, about)))
    }

    fn act(self) -> Result<u8, Failure> {
        match self.command {
            Some(Command::RunSlot(options)) => supervise::run(&options)?,
            Some(Command::RunVia(options)) => return Ok(slurm::run(options).map_err(FrontError)?),
            Some(Command::RunTrial(options)) => upgrade::run(&options)?,
            Some(Command::Join(options)) => say(&join::run(&options)?)?,
            Some(Command::ResetIdentity(options)) => say(&identity::reset(&options)?)?,
            Some(Command::Install(wish)) => say(&install::install(&wish)?)?,
            Some(Command::Doctor(flags)) => {
                let (said, well) = doctor::run(&Options::decide(&flags)?);
                say(&said)?;
                return Ok(if well { exit::DONE } else { exit::FAILED });
            }
            Some(Command::Config(listing)) => say(&settings::list(&listing, &self.origins)?)?,
            None => {
                upgrade::follow(&choice::state_dir(self.flags.state_dir.as_deref())?);
                match agent::start(&Options::decide(&self.flags)?) {
                    Err(AgentError::Upgrade { next, state }) => return Err(upgrade::begin(&next, &state).into()),
                    ended => ended?,
                }
            }
        }
        Ok(exit::DONE)
    }
}

/// What was asked for with `--help` or `--version`.
#[derive(Debug)]
pub struct Help(String);

impl Help {
    /// Shows it; answers the exit status.
    ///
    /// # Errors
    /// When standard output takes nothing.
    pub fn show(self) -> Result<u8, Failure> {
        say(&self.0)?;
        Ok(exit::DONE)
    }
}

fn say(text: &str) -> Result<(), Unwritten> {
    advice::print(&format!("{}\n", text.trim_end()))
}
