//! A newer program for this agent, from c2d: fetched and checked here, tried out by `trial`.
//!
//! The present program stays in its place until the new one has reached c2d, so whatever happens meanwhile, the
//! next start is that of a program that works.

mod fetch;
mod note;
mod place;
mod trial;
mod version;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use c2_shared::advice::with_causes;
use c2_shared::api::upgrade::{ProgramOffer, UpgradeReport, UpgradeVerdict};
use c2_shared::client::Client;
use tokio::task::JoinSet;

use crate::agent::AgentError;
use crate::slots::{Request, RequestKind};
use crate::state::StateDir;

pub(crate) use trial::{TrialOptions, begin, run};
pub(crate) use version::own as own_version;

/// Set for a program that is tried out; what it says on its standard output is read by who tries it.
const TRIAL_VARIABLE: &str = "C2_AGENT_TRIAL";
/// What it says there when it has reached c2d.
const REACHED: &str = "reached c2d\n";

/// Becomes the newer program that an upgrade left in the state folder, where it could not take the place of this one.
/// Returns where there is none.
pub(crate) fn follow(state: &Path) {
    let Some((program, version)) = place::kept(state) else { return };
    tracing::info!("continuing as c2-agent {version} of {}", program.display());
    let error = trial::become_agent(&program, std::env::args_os().skip(1));
    tracing::warn!("{}; this stays c2-agent {}", with_causes(&error), own_version());
}

/// A program that was fetched and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Next {
    /// The request to which it belongs.
    id: u64,
    /// Its version.
    to: String,
    /// Where it lies.
    next: PathBuf,
    /// Whose place it is to take.
    program: PathBuf,
}

/// Why the program stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Kept {
    reason: String,
    hint: String,
}

/// How fetching a program ended.
pub(crate) type Fetched = (u64, Result<Option<Next>, UpgradeVerdict>);

/// The upgrades that c2d asked for.
#[derive(Debug)]
pub(crate) struct Upgrades {
    client: Client,
    state: StateDir,
    known: Option<u64>,
    tasks: JoinSet<Fetched>,
    /// What is to be said to c2d, and the first poll that said it.
    report: Option<(UpgradeReport, Option<u64>)>,
    /// This is a program that is tried out, and it has not said yet that it reached c2d.
    is_trial: bool,
    has_reached: bool,
}

impl Upgrades {
    /// Begins with what the program before noted for this one to say.
    pub(crate) fn new(state: &StateDir, client: Client) -> Self {
        let is_trial = std::env::var_os(TRIAL_VARIABLE).is_some();
        if is_trial {
            trial::end_with_parent();
        }
        let report = if is_trial { None } else { note::take(state) };
        match report.as_ref().map(|report| &report.verdict) {
            Some(UpgradeVerdict::Upgraded { from, to }) => tracing::info!("upgraded from {from} to {to}"),
            Some(UpgradeVerdict::Kept { reason, .. }) => tracing::warn!("not upgraded: {reason}"),
            _ => {}
        }
        let (state, report) = (state.clone(), report.map(|report| (report, None)));
        Self { client, state, known: None, tasks: JoinSet::new(), report, is_trial, has_reached: false }
    }

    /// Fetches what c2d offers, unless that is under way or this is a trial itself.
    pub(crate) fn begin(&mut self, id: u64, offer: &ProgramOffer) {
        let reported = self.report.as_ref().is_some_and(|(report, _)| report.id == id);
        if self.is_trial || reported || self.known.replace(id) == Some(id) || !self.tasks.is_empty() {
            return;
        }
        let (client, offer, state) = (self.client.clone(), offer.clone(), self.state.clone());
        self.tasks.spawn(async move { (id, fetch::fetch(&client, id, &offer, &state).await) });
    }

    /// Waits for the end of fetching; for ever when nothing is fetched.
    pub(crate) async fn fetched(&mut self) -> Fetched {
        loop {
            match self.tasks.join_next().await {
                Some(Ok(fetched)) => return fetched,
                Some(Err(error)) => tracing::error!("an upgrade broke off: {error}"),
                None => std::future::pending().await,
            }
        }
    }

    /// Takes what became of it: a program to try out, or something to report.
    pub(crate) fn take(&mut self, (id, fetched): Fetched) -> Result<(), AgentError> {
        let verdict = match fetched {
            Ok(Some(next)) => return Err(AgentError::Upgrade { next, state: self.state.clone() }),
            Ok(None) => UpgradeVerdict::Current { version: own_version().to_owned() },
            Err(verdict) => verdict,
        };
        if let UpgradeVerdict::Kept { reason, .. } = &verdict {
            tracing::warn!("not upgraded: {reason}");
        }
        self.report = Some((UpgradeReport { id, verdict }, None));
        Ok(())
    }

    /// Puts what is to be said into a poll.
    pub(crate) fn say(&mut self, request: &mut Request) {
        if let (RequestKind::Poll(poll), Some((report, said))) = (&mut request.kind, &mut self.report) {
            poll.upgraded = Some(report.clone());
            said.get_or_insert(request.seq);
        }
    }

    /// c2d answered a poll: it has what that said, and a program that is tried out has reached it.
    pub(crate) fn answered(&mut self, seq: u64) {
        self.report.take_if(|(_, said)| said.is_some_and(|said| said <= seq));
        if self.is_trial && !std::mem::replace(&mut self.has_reached, true) {
            let mut out = std::io::stdout();
            if let Err(error) = out.write_all(REACHED.as_bytes()).and_then(|()| out.flush()) {
                tracing::warn!("cannot say that c2d was reached: {error}");
            }
        }
    }
}

impl Kept {
    fn new(reason: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { reason: reason.into(), hint: hint.into() }
    }

    fn verdict(self) -> UpgradeVerdict {
        UpgradeVerdict::Kept { version: own_version().to_owned(), reason: self.reason, hint: self.hint }
    }
}
