//! `--local`: c2d and one agent on this machine, found running or started, and stopped again.
//!
//! Only what was started here is stopped here, by its process id, and not while jobs are active:
//! they were accepted and are to be run.

mod note;
pub(crate) mod program;

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use c2_shared::client::Client;
use c2_shared::closed;
use c2_shared::config;
use c2_shared::home;
use c2_shared::limits::PORT;
use c2_shared::server_address::ServerAddress;
use c2_shared::token::Role;
use c2_shared::worker::WorkerStatus;

use crate::command::{CommandError, Kind};
use crate::connect::{self, Place};
use note::Left;
use program::{ENDS_WITHIN, Program};

/// How long a program may take until it is ready.
const READY_WITHIN: Duration = Duration::from_secs(10);
/// Between two looks whether it is.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// c2d and an agent on this machine.
#[derive(Debug)]
pub(crate) struct Local {
    client: Client,
    data_dir: PathBuf,
    /// What was started here, c2d first.
    started: Vec<Program>,
}

impl Local {
    /// Finds or starts c2d and an agent, and waits until a worker is online.
    pub(crate) async fn start(data_dir: Option<&Path>, workspace_root: Option<&Path>) -> Result<Self, CommandError> {
        let folder = data_dir.map_or_else(config::default_data_dir, Path::to_owned);
        let folder = std::path::absolute(&folder).and_then(|folder| {
            program::make_folder(&folder)?;
            Ok(folder)
        });
        let folder = folder.map_err(|e| {
            CommandError::refused(format!("cannot use the data folder: {e}"), "name another by --data-dir")
        })?;
        closed::look(&folder).map_err(|closed| CommandError::closed(&closed))?;
        let mut local = match ready_client(&folder).await {
            Some(client) => Self { client, data_dir: folder, started: Vec::new() },
            None => start_c2d(folder, data_dir.is_some()).await?,
        };
        if !worker_online(&local.client).await
            && let Err(error) = local.start_agent(workspace_root).await
        {
            // Half a start is of no use to anybody.
            local.stop().await;
            return Err(error);
        }
        Ok(local)
    }

    /// Where this c2d is found again.
    pub(crate) fn place(&self) -> Place {
        place(&self.data_dir)
    }

    /// A client for this c2d.
    pub(crate) const fn client(&self) -> &Client {
        &self.client
    }

    /// What was started, in one line; nothing if everything ran already.
    pub(crate) fn announcement(&self) -> Option<String> {
        (!self.started.is_empty())
            .then(|| format!("started {} on this machine; data in {}", self.names(), self.data_dir.display()))
    }

    /// Stops what was started, unless it is to be kept or jobs have not ended. Says in one line
    /// what goes on running.
    pub(crate) async fn leave(self, keep: bool) -> Option<String> {
        if self.started.is_empty() {
            return None;
        }
        let active = self.active_jobs().await;
        if !keep && active == 0 {
            let stopped = format!("stopped {}, as no job is left; with --keep they keep running", self.names());
            return Some(self.stop().await.unwrap_or(stopped));
        }
        let why = if active == 0 { String::new() } else { format!(", as {} not ended", jobs_have(active)) };
        let runs = if self.started.len() == 1 { "keeps running" } else { "keep running" };
        let stop = stop_command(&self.data_dir);
        Some(format!("{} {runs}{why}, with data in {}; stop with: {stop}", self.names(), self.data_dir.display()))
    }

    /// Stops what was started here, the agent before its c2d. Says what could not be stopped.
    pub(crate) async fn stop(self) -> Option<String> {
        let mut left = Vec::new();
        for program in self.started.into_iter().rev() {
            let name = program.name();
            if !program.stop().await {
                left.push(name);
            }
        }
        (!left.is_empty()).then(|| format!("{} did not end when asked to", left.join(" and ")))
    }

    /// Jobs that have not ended; if c2d cannot say, none are known of.
    pub(crate) async fn active_jobs(&self) -> usize {
        self.client.queue_status().await.map_or(0, |queue| queue.active)
    }

    fn names(&self) -> String {
        self.started.iter().map(Program::name).collect::<Vec<_>>().join(" and ")
    }

    async fn start_agent(&mut self, workspace_root: Option<&Path>) -> Result<(), CommandError> {
        let mut arguments = vec!["--server".into(), self.client.server().into()];
        arguments.extend(["--token-file".into(), self.data_dir.join(Role::Worker.file_name()).into()]);
        arguments.extend(["--state-dir".into(), self.data_dir.join("agent").into()]);
        if let Some(root) = workspace_root {
            let root = std::path::absolute(home::expand(root));
            let root = root.map_err(|e| CommandError::refused(e.to_string(), "name another folder"))?;
            arguments.extend(["--workspace-root".into(), root.into()]);
        }
        let agent = Program::start("c2-agent", &self.data_dir, arguments)?;
        self.started.push(agent);
        let client = self.client.clone();
        let agent = self.started.last_mut().expect("it was pushed just now");
        until_ready(agent, async || worker_online(&client).await.then_some(())).await
    }
}

/// Stops what an earlier `--local` started and left running; says what that was.
pub(crate) async fn stop_left(data_dir: Option<&Path>, now: bool) -> Result<String, CommandError> {
    let folder = data_dir.map_or_else(config::default_data_dir, Path::to_owned);
    let folder = std::path::absolute(&folder).unwrap_or(folder);
    let left: Vec<Left> = ["c2-agent", "c2d"].into_iter().filter_map(|name| Left::find(&folder, name)).collect();
    if left.is_empty() {
        let message = format!("nothing that --local started runs with the data folder {}", folder.display());
        let hint =
            "name another by --data-dir; stop services with systemctl, and what a terminal runs with Ctrl-C there";
        return Err(CommandError::refused(message, hint));
    }
    let active = match ready_client(&folder).await {
        Some(client) => client.queue_status().await.map_or(0, |queue| queue.active),
        None => 0,
    };
    if active > 0 && !now {
        let message = format!("{} not ended", jobs_have(active));
        let hint = "wait for them, or cancel them; with --now they wait, and what runs continues and is collected, when \
            c2d and the agent run again";
        return Err(CommandError::refused(message, hint));
    }
    let names: Vec<&str> = left.iter().map(|left| left.name).collect();
    for left in left {
        let name = left.name;
        if !left.stop(&folder, ENDS_WITHIN).await {
            let message = format!("{name} did not end within {} s", ENDS_WITHIN.as_secs());
            return Err(CommandError::refused(
                message,
                format!("its log says more: {name}.log in {}", folder.display()),
            ));
        }
    }
    Ok(format!("stopped {}; data stays in {}", names.join(" and "), folder.display()))
}

fn jobs_have(active: usize) -> String {
    format!("{active} {}", if active == 1 { "job has" } else { "jobs have" })
}

/// What stops it, as a line for a shell.
fn stop_command(folder: &Path) -> String {
    if folder == config::default_data_dir() {
        return "c2-tui stop-local".to_owned();
    }
    let folder = folder.to_string_lossy();
    let quoted = shlex::try_quote(&folder).map_or_else(|_| folder.to_string(), |quoted| quoted.into_owned());
    format!("c2-tui stop-local --data-dir {quoted}")
}

async fn start_c2d(folder: PathBuf, own_folder: bool) -> Result<Local, CommandError> {
    let mut arguments = vec!["--data-dir".into(), folder.clone().into()];
    let is_said =
        ["C2_PORT", "C2_CONFIG"].iter().any(|name| std::env::var_os(name).is_some_and(|said| !said.is_empty()));
    // One that cannot be looked at is c2d's to refuse.
    let is_said = is_said || closed::is_there(&folder.join("config.json")).unwrap_or(true);
    if !is_said && (own_folder || is_taken(PORT)) {
        // A c2d beside the usual one, or beside that of another user, takes any free port, but the same as
        // last time if there was one: agents that outlived it look for it there.
        let noted = ServerAddress::noted(&folder).map_err(|closed| CommandError::closed(&closed))?;
        let port = noted.map_or(0, |noted| noted.port);
        arguments.extend(["--port".into(), port.to_string().into()]);
    }
    let mut c2d = Program::start("c2d", &folder, arguments)?;
    let client = match until_ready(&mut c2d, async || ready_client(&folder).await).await {
        Ok(client) => client,
        Err(error) => {
            c2d.stop().await;
            return Err(error);
        }
    };
    Ok(Local { client, data_dir: folder, started: vec![c2d] })
}

fn is_taken(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err()
}

fn place(folder: &Path) -> Place {
    Place { data_dir: Some(folder.to_owned()), ..Place::default() }
}

/// A client for the c2d that noted its address in the folder, if it answers and takes our token.
async fn ready_client(folder: &Path) -> Option<Client> {
    ServerAddress::noted(folder).ok()??;
    let client = connect::client(&place(folder)).ok()?;
    client.health().await.ok()?;
    client.queue_status().await.ok()?;
    Some(client)
}

async fn worker_online(client: &Client) -> bool {
    let workers = client.workers().await.map(|list| list.workers).unwrap_or_default();
    workers.iter().any(|worker| worker.status == WorkerStatus::Online)
}

/// Waits until `ready` gives something, the program ends, or the time is over. Another program's
/// state sends no word, so it is asked for again and again, within limits.
async fn until_ready<T>(program: &mut Program, ready: impl AsyncFn() -> Option<T>) -> Result<T, CommandError> {
    let looking = async {
        loop {
            if let Some(found) = ready().await {
                return found;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    };
    let name = program.name();
    let failure = tokio::select! {
        found = looking => return Ok(found),
        status = program.ended() => format!("{name} ended before it was ready ({status})"),
        () = tokio::time::sleep(READY_WITHIN) => format!("{name} was not ready within {} s", READY_WITHIN.as_secs()),
    };
    let (said, log) = (program.last_words(), program.log().display());
    Err(match said {
        Some((message, Some(hint))) => CommandError::new(Kind::Refused, message).hint(format!("{hint} (log: {log})")),
        Some((message, None)) => CommandError::new(Kind::Refused, message).hint(format!("its log says more: {log}")),
        None => CommandError::new(Kind::Refused, failure).hint(format!("its log says more: {log}")),
    })
}
