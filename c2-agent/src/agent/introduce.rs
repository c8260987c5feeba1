//! How an agent becomes known to c2d, and the two answers that end it.

use std::time::Duration;

use c2_shared::advice::with_causes;
use c2_shared::api::error::ErrorCode;
use c2_shared::api::work::{RegisterRequest, RegisterResponse};
use c2_shared::client::ClientError;
use c2_shared::limits::INTRODUCE_MS;
use c2_shared::server_address::ServerAddress;
use c2_shared::time::Mono;
use c2_shared::wake;
use c2_shared::worker::Hardware;

use super::{Agent, AgentError};
use crate::connection::Introduced;
use crate::identity::{self, Identity};
use crate::options::Options;
use crate::{clock, detect, slurm, upgrade};

/// How long an agent that has to go waits for the ends of the jobs that it ends: as long as they may take.
const ENDS_WITHIN: Duration = Duration::from_secs(30);

/// How long the address of c2d may be looked for.
const LOOK_UP_WITHIN: Duration = Duration::from_secs(5);

pub(super) async fn introduction(options: &Options, identity: Identity) -> RegisterRequest {
    RegisterRequest {
        ip: options.address,
        hostname: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        worker_id: identity.worker_id,
        boot_id: identity.boot_id,
        slots: Some(options.slots),
        hardware: hardware(options).await,
        version: upgrade::own_version().to_owned(),
        session: identity.session,
        machine: identity.machine,
        folder: identity.folder,
        resources: options.resources.clone(),
        mac: own_mac(&options.server).await,
    }
}

/// What this machine has, or the cluster to which it gives jobs.
async fn hardware(options: &Options) -> Hardware {
    let own = detect::hardware(&options.sight.nvml).await;
    let own = Hardware { workspace_days: Some(options.workspace_days), ..own };
    let Some(via) = options.elsewhere.via else { return own };
    let partition = options.elsewhere.partition.as_deref();
    let (cpu_cores, memory_bytes) = match slurm::partition(partition).await {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!("what the cluster has is not known: {}", with_causes(&error));
            (0, 0)
        }
    };
    let cpu_model = partition.map_or_else(|| "a cluster".to_owned(), |name| format!("partition {name}"));
    Hardware { via: Some(via.to_string()), cpu_cores, memory_bytes, cpu_model, gpus: Vec::new(), ..own }
}

/// The hardware address of the interface by which c2d is reached, as far as there is one.
pub(crate) async fn own_mac(server: &ServerAddress) -> String {
    // Names may be looked up in the network, for as long as it likes.
    let look = tokio::time::timeout(LOOK_UP_WITHIN, tokio::net::lookup_host((server.host.as_str(), server.port)));
    let Ok(Ok(mut found)) = look.await else { return String::new() };
    let Some(address) = found.next() else { return String::new() };
    let mac = tokio::task::spawn_blocking(move || wake::mac_towards(address.ip())).await;
    mac.ok().flatten().map(|mac| mac.to_string()).unwrap_or_default()
}

impl Agent {
    /// c2d knows this worker. It polls only when all runners of the run before have said what they hold: a
    /// poll that leaves something out says that it is over.
    pub(super) fn on_registered(&mut self, now: Mono, seq: u64, answer: &RegisterResponse) {
        self.heard();
        match self.connection.introduced(answer) {
            Introduced::Briefly => return self.slots.introduce_after(now, seq, 0),
            Introduced::ToOlder => {
                tracing::warn!(
                    "c2d at {} is older than this agent, which takes nothing new from it",
                    self.connection.server()
                );
                tracing::warn!("upgrade c2d first");
            }
            Introduced::Fully => {}
        }
        if let Some(start) = answer.start {
            tracing::warn!("c2d knows a later run of this worker; this is run {start} from now on");
            self.slots.count_from(start);
            self.connection.count_from(start);
            if let Err(error) = identity::count_from(&self.state, start) {
                tracing::warn!("cannot note that: {error}");
            }
        }
        if self.connection.worker() != Some(answer.ip) {
            tracing::info!("registered at {} as {}", self.connection.server(), answer.ip);
        }
        self.connection.set_worker(answer.ip);
        self.output_keep_bytes = answer.output_keep_bytes;
        if self.runners.all_greeted() {
            self.slots.on_registered(now, seq, self.connection.is_full());
        } else {
            self.slots.introduce_after(now, seq, INTRODUCE_MS);
        }
    }

    /// Ends the runners that have not said for too long what they hold; what they ran is reported lost.
    pub(super) fn end_the_silent(&mut self) {
        self.runners.end_the_silent(clock::elapsed().since_ms(self.started));
    }

    /// Why an answer of c2d ends this agent, if it does. Whatever else c2d refuses now it may take later.
    pub(super) async fn dismissal(&mut self, error: &ClientError) -> Option<AgentError> {
        let (server, said) = (self.connection.server().to_owned(), error.to_string());
        let folder = self.state.path().to_owned();
        match error.code()? {
            // Of several servers another may lead by now, which knows this token.
            ErrorCode::Unauthorized if self.connection.is_of_several() => None,
            ErrorCode::Unauthorized => Some(AgentError::Revoked { server, said, folder }),
            ErrorCode::Clone => {
                if let Err(error) = identity::mark_as_copy(&self.state) {
                    tracing::warn!("cannot note that this folder is a copy: {error}");
                }
                self.end_all().await;
                Some(AgentError::Copy { said, folder })
            }
            _ => None,
        }
    }

    /// Ends everything that runs here, and waits for it.
    async fn end_all(&mut self) {
        let ended = async {
            for attempt in self.slots.all_running() {
                self.kill(attempt);
            }
            while self.slots.running() > 0 {
                let Some(report) = self.incoming.recv().await else { return };
                self.on_report(report);
            }
        };
        if tokio::time::timeout(ENDS_WITHIN, ended).await.is_err() {
            tracing::warn!("some jobs did not end; they end when their lease is over");
        }
    }
}
