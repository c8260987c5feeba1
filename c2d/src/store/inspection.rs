//! How a database on a server is: who leads, and what a failure of the server would cost.

use c2_shared::checkup::Check;

use crate::store::leader::{LOCK, PRESENCE};
use crate::store::sql::postgres::Postgres;
use crate::store::sql::{Connection, Target};
use crate::store::{StoreError, memo};

/// Bytes that a standby may be behind before it is worth a word.
const BEHIND_BYTES: u64 = 16 << 20;

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
    let mut state = look(&c)?;
    if has_tables(&c)? {
        state.jobs = count(&c, "SELECT count(*) FROM job")?;
        state.files = count(&c, "SELECT count(*) FROM blob")?;
        state.moved = memo::moved(&c)?;
    }
    Ok(state)
}

/// All but what takes long where there is much.
pub(super) fn look(c: &Connection) -> Result<ServerState, StoreError> {
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
    if !has_tables(c)? {
        return Ok(state);
    }
    state.epoch = count(c, "SELECT epoch FROM leader")?;
    state.c2ds = held(c, PRESENCE)?;
    if held(c, LOCK)? > 0 {
        state.leader = Some(c.value("SELECT address FROM leader", ())?);
    }
    Ok(state)
}

fn has_tables(c: &Connection) -> Result<bool, StoreError> {
    c.value("SELECT to_regclass('leader') IS NOT NULL AND to_regclass('job') IS NOT NULL", ())
}

fn count(c: &Connection, sql: &str) -> Result<u64, StoreError> {
    c.value::<i64>(sql, ()).map(i64::unsigned_abs)
}

/// How many sessions hold a lock.
fn held(c: &Connection, lock: &str) -> Result<u64, StoreError> {
    let (class, object) = lock.split_once(", ").unwrap_or_default();
    let sql = format!(
        "SELECT count(DISTINCT pid) FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = {class}
            AND objid::bigint = {object}::bigint & 4294967295"
    );
    count(c, &sql)
}

impl ServerState {
    /// Who leads, and what a failure of the server would cost.
    pub fn checks(&self) -> Vec<Check> {
        let leader = match &self.leader {
            Some(at) => {
                let others = self.c2ds.saturating_sub(1);
                Check::ok("leader", format!("{at} leads, as number {}; {others} stand by", self.epoch))
            }
            None => Check::warn("leader", "no c2d leads", "start one with this --store"),
        };
        let disk = if self.fsync && self.full_page_writes {
            Check::ok("disk of the database", "commits wait for it")
        } else {
            let hint = "set fsync and full_page_writes to on in postgresql.conf";
            Check::fail("disk of the database", "commits do not wait for it: a power cut may spoil everything", hint)
        };
        vec![leader, disk, self.standby()]
    }

    fn standby(&self) -> Check {
        const WHAT: &str = "standby of the database";
        if self.synchronous.is_empty() {
            let words = "none is synchronous: what was accepted since the last backup is lost with the server";
            return Check::warn(WHAT, words, "set synchronous_standby_names there");
        }
        if self.standbys.iter().any(|(_, waits, _)| waits.is_none()) {
            return Check::warn(WHAT, "this user may not see how it is", "GRANT pg_monitor TO the user of c2d");
        }
        let synchronous = self.standbys.iter().filter(|(_, waits, _)| *waits == Some(true));
        let Some((name, _, behind)) = synchronous.min_by_key(|(_, _, behind)| behind.unwrap_or(u64::MAX)) else {
            let words = format!("{} is set, and none is there: commits wait", self.synchronous);
            return Check::fail(WHAT, words, "start the standby again, or take it out of synchronous_standby_names");
        };
        let bytes = behind.unwrap_or_default();
        let words = format!("{name} is synchronous, {bytes} bytes behind: a job that was accepted is there as well");
        if bytes > BEHIND_BYTES {
            Check::warn(WHAT, words, "see its disk and its line")
        } else {
            Check::ok(WHAT, words)
        }
    }
}

#[cfg(test)]
mod tests {
    use c2_shared::checkup::State;

    use super::*;

    #[test]
    fn what_a_failure_of_the_server_would_cost_is_told() {
        let standby = |name: &str, waits, behind| (name.to_owned(), waits, behind);
        let two = vec![standby("slow", Some(true), Some(BEHIND_BYTES + 1)), standby("near", Some(true), Some(7))];
        let table = [
            ("", vec![], State::Warn, "none is synchronous"),
            ("*", vec![], State::Fail, "* is set, and none is there: commits wait"),
            ("*", vec![standby("b", None, None)], State::Warn, "this user may not see"),
            ("a", vec![standby("b", Some(false), Some(0))], State::Fail, "a is set"),
            ("*", two[..1].to_vec(), State::Warn, "slow is synchronous"),
            ("*", two, State::Ok, "near is synchronous, 7 bytes behind"),
        ];
        for (synchronous, standbys, state, words) in table {
            let server = ServerState { synchronous: synchronous.to_owned(), standbys, ..ServerState::default() };
            let check = server.standby();
            assert!(check.state == state && check.words.starts_with(words), "{check:?}");
        }
        let disk = |fsync, full_page_writes| {
            let server = ServerState { fsync, full_page_writes, ..ServerState::default() };
            server.checks()[1].state
        };
        assert_eq!([disk(true, true), disk(true, false), disk(false, true)], [State::Ok, State::Fail, State::Fail]);
    }
}
