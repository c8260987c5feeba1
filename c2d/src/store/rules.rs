//! Whom to tell of what, as rows; and what is to be told: notices, and ended jobs behind a place in the log.

use crate::sched::decision::{NoticeRecord, RuleRecord};
use crate::store::columns::{int, json, rows, to_json, uint};
use crate::store::sql::{Connection, Row, Transaction, params};
use crate::store::write::{Written, run};
use crate::store::{History, StoreError, StoredJob};

/// An ended job with what [`History::ended_after`] says of it.
#[derive(Clone, Debug)]
pub struct EndedJob {
    pub seq: u64,
    pub job: StoredJob,
    pub schedule: Option<String>,
    /// The notifications that it asked for.
    pub notify: Vec<String>,
}

pub(super) const TABLES: &str = "
CREATE TABLE rule (
    name TEXT PRIMARY KEY,
    events TEXT NOT NULL,
    target TEXT NOT NULL,
    grp TEXT,
    job_name TEXT,
    schedule TEXT,
    seq INTEGER NOT NULL,
    notice INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE notice (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    text TEXT NOT NULL
);
";

pub(super) fn put(t: &Transaction<'_>, rule: &RuleRecord) -> Written {
    let sql = "INSERT INTO rule (name, events, target, grp, job_name, schedule, seq, notice)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (name) DO UPDATE SET events = ?2, target = ?3, grp = ?4,
        job_name = ?5, schedule = ?6, seq = ?7, notice = ?8";
    let on = to_json(&rule.on);
    let values =
        params![rule.name, on, rule.to, rule.group, rule.job_name, rule.schedule, int(rule.seq), int(rule.notice)];
    run(t, sql, values)
}

pub(super) fn add_notice(t: &Transaction<'_>, notice: &NoticeRecord) -> Written {
    let values = (int(notice.id), to_json(&notice.kind), int(notice.at_ms), &notice.text);
    run(t, "INSERT INTO notice VALUES (?1, ?2, ?3, ?4)", values)
}

pub(super) fn load(c: &Connection) -> Result<Vec<RuleRecord>, StoreError> {
    rows(c, ("rule", &["name"]), "SELECT * FROM rule ORDER BY name", |row: &Row<'_>| {
        Ok(RuleRecord {
            name: row.get("name")?,
            on: json(&row.get::<_, String>("events")?)?,
            to: row.get("target")?,
            group: row.get("grp")?,
            job_name: row.get("job_name")?,
            schedule: row.get("schedule")?,
            seq: uint(row.get("seq")?),
            notice: uint(row.get("notice")?),
        })
    })
}

pub(super) fn load_notices(c: &Connection) -> Result<Vec<NoticeRecord>, StoreError> {
    rows(c, ("notice", &["id"]), "SELECT id, kind, at_ms, text FROM notice ORDER BY id", |row| {
        let (id, at_ms) = (uint(row.get(0)?), uint(row.get(2)?));
        Ok(NoticeRecord { id, kind: json(&row.get::<_, String>(1)?)?, at_ms, text: row.get(3)? })
    })
}

impl History {
    /// The jobs that ended after a place in the log, oldest first, each with its place, the schedule that
    /// submitted it and the notifications that it asked for.
    pub async fn ended_after(&self, seq: u64, limit: i64) -> Result<Vec<EndedJob>, StoreError> {
        self.ask(move |c| {
            let columns = StoredJob::COLUMNS;
            let terms =
                "json_extract(terms, '$.schedule') AS of_schedule, json_extract(terms, '$.notify') AS to_notify";
            let sql = format!("SELECT {columns}, {terms} FROM job WHERE seq > ?1 ORDER BY seq LIMIT ?2");
            c.query(&sql, (int(seq), limit), |row| {
                let job = StoredJob::read(row)?;
                let notify: Option<String> = row.get("to_notify")?;
                let notify = notify.map_or_else(|| Ok(Vec::new()), |text| json(&text))?;
                Ok(EndedJob { seq: uint(row.get("seq")?), job, schedule: row.get("of_schedule")?, notify })
            })
        })
        .await
    }
}
