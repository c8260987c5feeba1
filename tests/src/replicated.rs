//! Two PostgreSQL servers, of which one follows the other: a commit waits for both.

use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::postgres_server::{programs, unprivileged};
use crate::wait::{SOON, eventually};

/// Runs a server in a folder until its input closes: a new one, or a copy of that at $3 which follows it.
const SERVE: &str = r#"
    if [ -z "$3" ]; then
        "$1/initdb" --auth=trust --username=c2 --locale=C --encoding=UTF8 --no-sync -D "$2/data" >"$2/log" 2>&1 || exit 1
    else
        "$1/pg_basebackup" -h "$3" -U c2 -D "$2/data" -R -X stream --no-sync >"$2/log" 2>&1 || exit 1
    fi
    "$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= -c fsync=off -c max_connections=100 \
        -c wal_receiver_status_interval=1 -c wal_retrieve_retry_interval=200 >>"$2/log" 2>&1 &
    until "$1/psql" -h "$2" -U c2 -d postgres -c 'SELECT 1' >/dev/null 2>&1; do sleep 0.05; done
    echo ready
    cat >/dev/null
    kill -QUIT $!
    wait
"#;

/// The two servers; they end with the value.
#[derive(Debug)]
pub struct Replicated {
    servers: [Option<Server>; 2],
}

#[derive(Debug)]
struct Server {
    dir: PathBuf,
    child: Child,
}

impl Replicated {
    /// Starts both, and waits until the first waits for the second; nothing where PostgreSQL is not installed.
    ///
    /// # Errors
    /// When one does not get ready.
    pub async fn start() -> Result<Option<Self>> {
        let Some(bin) = programs() else { return Ok(None) };
        let first = Server::start(&bin, None)?;
        let second = Server::start(&bin, Some(&first.dir))?;
        first.sql("ALTER SYSTEM SET synchronous_standby_names = '*'; SELECT pg_reload_conf()")?;
        eventually("a synchronous standby", SOON, async || {
            Ok(first.sql("SELECT sync_state FROM pg_stat_replication")?.contains("sync").then_some(()))
        })
        .await?;
        Ok(Some(Self { servers: [Some(first), Some(second)] }))
    }

    /// A URL that names both.
    ///
    /// # Errors
    /// When one is gone.
    pub fn url(&self) -> Result<String> {
        let mut hosts = Vec::new();
        for server in &self.servers {
            let dir = &server.as_ref().context("it is gone")?.dir;
            hosts.push(dir.display().to_string().replace('/', "%2F"));
        }
        Ok(format!("postgres://c2@{}/postgres?target_session_attrs=read-write", hosts.join(",")))
    }

    /// Ends the first at once, and has the second go on in its place.
    ///
    /// # Errors
    /// When it does not.
    pub fn fail_over(&mut self) -> Result<()> {
        drop(self.servers[0].take());
        self.servers[1].as_ref().context("it is gone")?.sql("SELECT pg_promote()").map(drop)
    }

    /// Asks the one that is left.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn ask(&self, sql: &str) -> Result<String> {
        self.servers.iter().flatten().next().context("none is left")?.sql(sql)
    }
}

impl Server {
    fn start(bin: &Path, follows: Option<&Path>) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("c2-pg-").tempdir()?.keep();
        std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o700))?;
        let mut command = unprivileged(&dir);
        command.args(["sh", "-c", SERVE, "sh"]).arg(bin).arg(&dir).arg(follows.unwrap_or(Path::new("")));
        let child = command.current_dir(&dir).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut server = Self { dir, child };
        let mut ready = [0; 6];
        let read = server.child.stdout.as_mut().context("no output")?.read_exact(&mut ready);
        read.with_context(|| std::fs::read_to_string(server.dir.join("log")).unwrap_or_default())?;
        Ok(server)
    }

    fn sql(&self, sql: &str) -> Result<String> {
        let mut psql = Command::new("psql");
        psql.arg("-h").arg(&self.dir).args(["-U", "c2", "-d", "postgres", "-At", "-v", "ON_ERROR_STOP=1"]);
        // One transaction each: some statements cannot be in one with others.
        for part in sql.split("; ") {
            psql.args(["-c", part]);
        }
        let output = psql.output().context("psql")?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Its input closes, and it ends; what is left of it is a folder.
        drop(self.child.stdin.take());
        let _ended = self.child.wait();
        let _gone = std::fs::remove_dir_all(&self.dir);
    }
}
