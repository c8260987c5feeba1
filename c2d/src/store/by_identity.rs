//! The step from workers known by their address to workers known by their identity.
//!
//! Rows of one identity become one: a worker that had several addresses had a row at each. Everything that
//! named an address then names the identity that was there.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use c2_shared::id::WorkerId;
use c2_shared::job::Terms;
use rusqlite::{Transaction, params};

use crate::store::StoreError;
use crate::store::columns::{json, to_json};

/// The new shape. What is looked up by address in an old row is in `place_of`, which is dropped at the end.
const SHAPE: &str = "
CREATE TEMP TABLE place_of (ip TEXT PRIMARY KEY, id TEXT NOT NULL);
ALTER TABLE worker RENAME TO old_worker;
CREATE TABLE worker (
    id TEXT PRIMARY KEY,
    ip TEXT NOT NULL,
    hostname TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    machine TEXT NOT NULL,
    folder TEXT NOT NULL,
    session TEXT NOT NULL,
    slots INTEGER NOT NULL,
    version TEXT NOT NULL,
    hardware TEXT NOT NULL,
    groups TEXT NOT NULL,
    tags TEXT NOT NULL,
    drained INTEGER NOT NULL,
    passed_on INTEGER NOT NULL
) WITHOUT ROWID;
ALTER TABLE job ADD COLUMN address TEXT;
ALTER TABLE attempt ADD COLUMN address TEXT NOT NULL DEFAULT '';
DROP TRIGGER job_ended_is_final;
";

const ROWS: &str = "
UPDATE hold SET worker = coalesce((SELECT id FROM place_of WHERE ip = worker), 'addr:' || worker);
UPDATE lock SET worker = coalesce((SELECT id FROM place_of WHERE ip = worker), 'addr:' || worker);
UPDATE removed SET worker = coalesce((SELECT id FROM place_of WHERE ip = worker), 'addr:' || worker)
    WHERE worker IS NOT NULL;
UPDATE attempt SET address = worker, worker = coalesce((SELECT id FROM place_of WHERE ip = worker), 'addr:' || worker);
UPDATE job SET address = worker, worker = coalesce((SELECT id FROM place_of WHERE ip = worker), 'addr:' || worker)
    WHERE worker IS NOT NULL;
UPDATE job SET pinned = coalesce((SELECT id FROM place_of WHERE ip = pinned), 'addr:' || pinned)
    WHERE pinned IS NOT NULL;
CREATE TRIGGER job_ended_is_final BEFORE UPDATE ON job WHEN OLD.state >= 4
    BEGIN SELECT RAISE(ABORT, 'an ended job never changes'); END;
DROP TABLE old_worker;
DROP TABLE place_of;
";

/// A worker as it was kept by its address.
struct Old {
    ip: String,
    hostname: String,
    worker_id: String,
    boot_id: String,
    slots: i64,
    version: String,
    hardware: String,
    groups: BTreeSet<String>,
    tags: BTreeSet<String>,
    drained: bool,
    /// Tags that its attempts hold.
    locks: BTreeSet<String>,
    /// When it was last given something.
    used_ms: i64,
}

/// Brings the rows into the new shape; part of a larger transaction.
pub(super) fn migrate(t: &Transaction<'_>) -> Result<(), StoreError> {
    t.execute_batch(SHAPE)?;
    let mut rows = old_rows(t)?;
    // Where it was given something last is where it is, as far as anybody knows.
    rows.sort_by_key(|row| std::cmp::Reverse(row.used_ms));
    let mut merged: BTreeMap<WorkerId, Old> = BTreeMap::new();
    let mut hosts: BTreeMap<String, Vec<WorkerId>> = BTreeMap::new();
    let mut places: BTreeMap<IpAddr, WorkerId> = BTreeMap::new();
    for row in rows {
        let id = WorkerId::from(row.worker_id.as_str());
        let by_address = WorkerId::from(format!("addr:{}", row.ip));
        let id = match merged.get(&id) {
            _ if row.worker_id.is_empty() => by_address,
            // Each of them holds it at a machine of its own, so they are not one.
            Some(other) if !other.locks.is_disjoint(&row.locks) => by_address,
            Some(_) | None => id,
        };
        t.execute("INSERT INTO place_of VALUES (?1, ?2)", (&row.ip, id.as_str()))?;
        if let Ok(ip) = row.ip.parse() {
            places.insert(ip, id.clone());
        }
        let named = hosts.entry(row.hostname.to_ascii_lowercase()).or_default();
        if !named.contains(&id) {
            named.push(id.clone());
        }
        match merged.get_mut(&id) {
            Some(first) => {
                first.groups.extend(row.groups);
                first.tags.extend(row.tags);
                first.locks.extend(row.locks);
                first.drained |= row.drained;
            }
            None => drop(merged.insert(id, row)),
        }
    }
    for (id, row) in merged {
        t.execute(
            "INSERT INTO worker VALUES (?1, ?2, ?3, ?4, '', '', '', ?5, ?6, ?7, ?8, ?9, ?10, 0)",
            params![
                id.as_str(),
                row.ip,
                row.hostname,
                row.boot_id,
                row.slots,
                row.version,
                row.hardware,
                to_json(&row.groups),
                to_json(&row.tags),
                row.drained
            ],
        )?;
    }
    excludes(t, &places, &hosts)?;
    Ok(t.execute_batch(ROWS)?)
}

fn old_rows(t: &Transaction<'_>) -> Result<Vec<Old>, StoreError> {
    let sql = "SELECT ip, hostname, worker_id, boot_id, slots, version, hardware, groups, tags, drained,
        (SELECT json_group_array(tag) FROM lock WHERE lock.worker = ip),
        (SELECT coalesce(max(started_ms), 0) FROM attempt WHERE attempt.worker = ip) FROM old_worker ORDER BY ip";
    let mut statement = t.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        list.push(Old {
            ip: row.get(0)?,
            hostname: row.get(1)?,
            worker_id: row.get(2)?,
            boot_id: row.get(3)?,
            slots: row.get(4)?,
            version: row.get(5)?,
            hardware: row.get(6)?,
            groups: json(&row.get::<_, String>(7)?)?,
            tags: json(&row.get::<_, String>(8)?)?,
            drained: row.get(9)?,
            locks: json(&row.get::<_, String>(10)?)?,
            used_ms: row.get(11)?,
        });
    }
    Ok(list)
}

/// Words by which active jobs exclude workers become the identities that they meant; those that meant nobody,
/// or several, stay as they are.
fn excludes(
    t: &Transaction<'_>,
    places: &BTreeMap<IpAddr, WorkerId>,
    hosts: &BTreeMap<String, Vec<WorkerId>>,
) -> Result<(), StoreError> {
    let sql = "SELECT id, terms FROM job WHERE state < 4 AND terms -> '$.placement.exclude' IS NOT NULL";
    let mut statement = t.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (job, mut terms): (i64, Terms) = (row.get(0)?, json(&row.get::<_, String>(1)?)?);
        for word in &mut std::sync::Arc::make_mut(&mut terms.placement).exclude {
            let meant = match word.parse::<IpAddr>() {
                Ok(ip) => places.get(&ip.to_canonical()),
                Err(_) => {
                    hosts.get(&word.to_ascii_lowercase()).filter(|ids| ids.len() == 1).and_then(|ids| ids.first())
                }
            };
            if let Some(id) = meant {
                *word = id.to_string();
            }
        }
        t.execute("UPDATE job SET terms = ?2 WHERE id = ?1", (job, to_json(&terms)))?;
    }
    Ok(())
}
