//! How a database on a server is: who leads, and what a failure of the server would cost.

use crate::store::leader::{LOCK, PRESENCE};
use crate::store::sql::postgres::Postgres;
use crate::store::sql::{Connection, Target};
use crate::store::{StoreError, memo};

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerState {
    /// The version of the server.
    pub version: String,
    /// Where the leader is; none if no c2d leads.
    pub leader: Option<String>,
    pub epoch: u64,
    /// How many c2d there are, the leader included.
    pub c2ds: u64,
    pub jobs: u64,
    pub files: u64,
    /// Where everything was moved to.
    pub moved: Option<String>,
    /// Whether commits wait for the disk of the server.
    pub fsync: bool,
    pub full_page_writes: bool,
    /// Which standbys commits wait for, by the server's configuration.
    pub synchronous: String,
    /// Servers that follow it: name, whether commits wait for it, and bytes that it is behind. What this user may
    /// not see is none.
    pub standbys: Vec<(String, Option<bool>, Option<u64>)>,
}

/// Looks at a database; changes nothing.
pub fn inspect(target: &Target) -> Result<ServerState, StoreError> {
    let c = Connection::Postgres(Box::new(Postgres::reader(target)?));
    let setting = |name: &str| c.value::<String>("SELECT current_setting(?1)", [name]);
    let mut state = ServerState {
        version: setting("server_version")?,
        fsync: setting("fsync")? == "on",
        full_page_writes: setting("full_page_writes")? == "on",
        synchronous: setting("synchronous_standby_names")?,
        ..ServerState::default()
    };
    let sql = "SELECT coalesce(application_name, ''), CASE sync_state WHEN 'sync' THEN 1 WHEN 'quorum' THEN 1
        WHEN 'async' THEN 0 WHEN 'potential' THEN 0 END, greatest(0, CAST(pg_wal_lsn_diff(pg_current_wal_flush_lsn(),
        flush_lsn) AS bigint)) FROM pg_stat_replication ORDER BY 1";
    state.standbys = c.query(sql, (), |row| {
        let behind: Option<i64> = row.get(2)?;
        Ok((row.get(0)?, row.get::<_, Option<bool>>(1)?, behind.map(i64::unsigned_abs)))
    })?;
    if !c.value::<bool>("SELECT to_regclass('leader') IS NOT NULL AND to_regclass('job') IS NOT NULL", ())? {
        return Ok(state);
    }
    let count = |sql: &str| c.value::<i64>(sql, ()).map(i64::unsigned_abs);
    state.jobs = count("SELECT count(*) FROM job")?;
    state.files = count("SELECT count(*) FROM blob")?;
    state.moved = memo::moved(&c)?;
    state.epoch = count("SELECT epoch FROM leader")?;
    let held = |lock: &str| {
        let (class, object) = lock.split_once(", ").unwrap_or_default();
        count(&format!(
            "SELECT count(DISTINCT pid) FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = {class}
                AND objid::bigint = {object}::bigint & 4294967295"
        ))
    };
    // Who leads has a session more, which is there for the case that it leads no longer.
    let (leaders, sessions) = (held(LOCK)?, held(PRESENCE)?);
    state.c2ds = sessions.saturating_sub(leaders);
    if leaders > 0 {
        state.leader = Some(c.value("SELECT address FROM leader", ())?);
    }
    Ok(state)
}
