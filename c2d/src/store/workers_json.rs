//! `workers.json`: the list of workers for people to read, and to edit while c2d is down.
//!
//! It is written whole beside its name and then renamed. A start that finds it different from what
//! was last written takes over groups, tags and the drain mark; one that cannot be read is put
//! aside, never thrown away. Workers stand in it by their id; where an address stands in its place, as
//! 0.1.0 wrote it, the worker of that address is meant.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use c2_shared::id::WorkerId;
use c2_shared::validate;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::sched::decision::WorkerRecord;
use crate::sched::event::Introduction;
use crate::store::columns::to_json;
use crate::store::folder::{private, sync_dir};
use crate::store::sql::{Connection, params};
use crate::store::{StoreError, load, memo};

/// Under this name the database keeps the hash of what was written.
const MEMO: &str = "workers_json";

/// A worker as the file shows it. Only the last three are read back.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ip: Option<IpAddr>,
    #[serde(default)]
    hostname: String,
    #[serde(default)]
    slots: u32,
    #[serde(default)]
    groups: BTreeSet<String>,
    #[serde(default)]
    tags: BTreeSet<String>,
    #[serde(default)]
    drained: bool,
}

type Entries = BTreeMap<String, Entry>;

/// Writes the file.
pub(super) fn export(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let entries: Entries = load::workers(connection)?
        .into_iter()
        .map(|worker| {
            let (groups, tags, drained) = (worker.groups, worker.tags, worker.drained);
            let Introduction { id, ip, hostname, slots, .. } = worker.intro;
            (id.into(), Entry { ip: Some(ip), hostname, slots, groups, tags, drained })
        })
        .collect();
    let mut text = serde_json::to_vec_pretty(&entries).expect("our own plain types become JSON");
    text.push(b'\n');
    replace(path, &text).map_err(StoreError::file(path))?;
    sync_dir(path.parent().unwrap_or_else(|| Path::new("/")))?;
    memo::put(connection, MEMO, &hash(&text))
}

/// Takes over what somebody edited while c2d was down; says what was changed.
pub(super) fn import(connection: &mut Connection, path: &Path) -> Result<Vec<String>, StoreError> {
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(StoreError::File { path: path.to_owned(), source }),
    };
    if memo::get(connection, MEMO)?.as_deref() == Some(&hash(&text)) {
        return Ok(Vec::new());
    }
    let known = load::workers(connection)?;
    match read(&text).and_then(|entries| identified(&known, entries)) {
        Ok(entries) => take_over(connection, &entries),
        Err(reason) => {
            let aside = aside(path);
            tracing::warn!("{path:?} cannot be used ({reason}); it is kept as {aside:?}");
            std::fs::rename(path, &aside).map_err(StoreError::file(path))?;
            Ok(vec![format!("the edited list of workers cannot be used and is kept as {aside:?}")])
        }
    }
}

/// Whether a list is as it was written, or why it cannot be read.
pub(super) fn look(text: &[u8], connection: &Connection) -> Result<Result<bool, String>, StoreError> {
    let known = memo::get(connection, MEMO)?;
    Ok(read(text).map(|_| known.as_deref() == Some(&hash(text))))
}

fn read(text: &[u8]) -> Result<Entries, String> {
    let entries: Entries = serde_json::from_slice(text).map_err(|e| e.to_string())?;
    for entry in entries.values() {
        for group in &entry.groups {
            validate::word("group", group).map_err(|e| e.message)?;
        }
        for tag in &entry.tags {
            validate::word("tag", tag).map_err(|e| e.message)?;
        }
    }
    Ok(entries)
}

/// A worker that an entry means, and where it is.
type Identified = Vec<(WorkerId, IpAddr, Entry)>;

fn identified(known: &[WorkerRecord], entries: Entries) -> Result<Identified, String> {
    let mut list = Vec::new();
    for (key, entry) in entries {
        let at = |ip: IpAddr| known.iter().filter(move |worker| worker.intro.ip == ip);
        let worker = match key.parse::<IpAddr>() {
            Ok(ip) => {
                let now = at(ip).find(|worker| !worker.passed_on).or_else(|| at(ip).next());
                (now.map_or_else(|| WorkerId::of_address(ip), |worker| worker.intro.id.clone()), ip)
            }
            Err(_) => {
                let id = WorkerId::from(key.as_str());
                let own = key.strip_prefix("addr:").and_then(|ip| ip.parse().ok());
                let here = known.iter().find(|worker| worker.intro.id == id).map(|worker| worker.intro.ip);
                let ip =
                    here.or(entry.ip).or(own).ok_or_else(|| format!("{key:?} is no worker of c2d and has no ip"))?;
                (id, ip)
            }
        };
        list.push((worker.0, worker.1, entry));
    }
    Ok(list)
}

fn take_over(connection: &mut Connection, entries: &Identified) -> Result<Vec<String>, StoreError> {
    let known: BTreeMap<WorkerId, WorkerRecord> =
        load::workers(connection)?.into_iter().map(|worker| (worker.intro.id.clone(), worker)).collect();
    let transaction = connection.transaction()?;
    let mut edits = Vec::new();
    for (id, ip, entry) in entries {
        let same = |known: &WorkerRecord| {
            (&known.groups, &known.tags, known.drained) == (&entry.groups, &entry.tags, entry.drained)
        };
        if known.get(id).is_some_and(same) {
            continue;
        }
        let slots = if entry.slots == 0 { c2_shared::limits::SLOTS } else { entry.slots };
        let (groups, tags) = (to_json(&entry.groups), to_json(&entry.tags));
        transaction.execute(
            "INSERT INTO worker (id, ip, hostname, boot_id, machine, folder, session, slots, version, hardware, groups,
                tags, drained, passed_on) VALUES (?1, ?2, ?3, '', '', '', '', ?4, '', '{}', ?5, ?6, ?7, 0)
                ON CONFLICT (id) DO UPDATE SET groups = excluded.groups, tags = excluded.tags, drained = excluded.drained",
            params![id.as_str(), ip.to_string(), entry.hostname, slots, groups, tags, entry.drained],
        )?;
        let drained = if entry.drained { ", drained" } else { "" };
        edits
            .push(format!("the list of workers was edited: {ip} has the groups {groups} and the tags {tags}{drained}"));
    }
    transaction.commit()?;
    tracing::info!("took over {} changes from the edited list of workers", edits.len());
    Ok(edits)
}

/// Where an unreadable file goes: beside itself, without replacing an earlier one.
fn aside(path: &Path) -> PathBuf {
    let name = |n: u32| {
        let mut name = path.as_os_str().to_owned();
        name.push(if n == 0 { ".bad".to_owned() } else { format!(".bad.{n}") });
        PathBuf::from(name)
    };
    (0..).map(name).find(|path| !path.exists()).unwrap_or_else(|| name(0))
}

fn replace(path: &Path, text: &[u8]) -> std::io::Result<()> {
    let mut next = path.as_os_str().to_owned();
    next.push(".new");
    let mut file = private().truncate(true).open(&next)?;
    file.write_all(text)?;
    file.sync_all()?;
    std::fs::rename(&next, path)
}

fn hash(text: &[u8]) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}
