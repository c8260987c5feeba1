//! Whom to tell of what, as rows; and what is to be told.

use rusqlite::{Connection, Row, Transaction, params};

use crate::sched::decision::{NoticeRecord, RuleRecord};
use crate::store::StoreError;
use crate::store::columns::{int, json, to_json, uint};
use crate::store::load::all;
use crate::store::write::{Written, run};

pub(super) fn put(t: &Transaction<'_>, rule: &RuleRecord) -> Written {
    let sql = "INSERT OR REPLACE INTO rule VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
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
    all(c, "SELECT * FROM rule ORDER BY name", |row: &Row<'_>| {
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
    all(c, "SELECT id, kind, at_ms, text FROM notice ORDER BY id", |row| {
        let (id, at_ms) = (uint(row.get(0)?), uint(row.get(2)?));
        Ok(NoticeRecord { id, kind: json(&row.get::<_, String>(1)?)?, at_ms, text: row.get(3)? })
    })
}
