//! All rows of all tables, copied from one engine to the other, and compared.

use c2_shared::blob::BlobHasher;

use crate::store::memo;
use crate::store::migration::{MigrationError, Report};
use crate::store::sql::{Connection, Transaction, ValueRef};
use crate::store::{StoreError, schema};

/// Small texts, some of which are about one c2d of several.
const TEXTS: &str = "meta";

/// A table that both engines have, with the columns that are written.
struct Table {
    name: String,
    columns: String,
    count: usize,
}

/// As SQLite has them, which tells computed columns from others.
fn tables() -> Result<Vec<Table>, StoreError> {
    let sql = "SELECT t.name, c.name FROM sqlite_schema t, pragma_table_xinfo(t.name) c WHERE t.type = 'table'
        AND t.name NOT LIKE 'sqlite%' AND t.name <> ?1 AND c.hidden = 0 ORDER BY t.name, c.cid";
    let mut tables: Vec<Table> = Vec::new();
    schema::empty()?.query(sql, [TEXTS], |row| {
        let (name, column): (String, String) = (row.get(0)?, row.get(1)?);
        match tables.last_mut() {
            Some(last) if last.name == name => {
                last.columns = format!("{}, {column}", last.columns);
                last.count += 1;
            }
            _ => tables.push(Table { name, columns: column, count: 1 }),
        }
        Ok(())
    })?;
    Ok(tables)
}

/// Whether there is nothing yet.
pub(super) fn is_empty(c: &Connection) -> Result<bool, StoreError> {
    for name in tables()?.iter().map(|table| table.name.as_str()).chain([TEXTS]) {
        if c.value::<i64>(&format!("SELECT count(*) FROM {name}"), ())? > 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

pub(super) fn copy(from: &Connection, to: &Transaction<'_>) -> Result<(), StoreError> {
    for Table { name, columns, count } in tables()? {
        let places: Vec<String> = (1..=count).map(|place| format!("?{place}")).collect();
        let sql = format!("INSERT INTO {name} ({columns}) VALUES ({})", places.join(", "));
        from.query(&format!("SELECT {columns} FROM {name}"), (), |row| {
            let values = (0..count).map(|place| row.get_ref(place)).collect::<Result<Vec<_>, _>>()?;
            to.write(&sql, values, false)
        })?;
    }
    for (name, value) in memo::all(from)? {
        to.write("INSERT INTO meta VALUES (?1, ?2)", (&*memo::name(to, &name), value), false)?;
    }
    Ok(())
}

/// Counts everything and compares it; fails if anything differs.
pub(super) fn compare(from: &Connection, to: &Connection) -> Result<Report, MigrationError> {
    let mut report = Report::default();
    for table in tables()? {
        let (here, there) = (sum(from, &table)?, sum(to, &table)?);
        if here != there {
            return Err(MigrationError::Differs(format!("the table {}", table.name)));
        }
        report.rows += here.0;
        if table.name == "job" {
            report.jobs = here.0;
        }
    }
    if memo::all(from)? != memo::all(to)? {
        return Err(MigrationError::Differs(format!("the table {TEXTS}")));
    }
    Ok(report)
}

/// How many rows a table has, and what all of them add up to, whatever their order is.
fn sum(c: &Connection, table: &Table) -> Result<(u64, u128), StoreError> {
    let (mut count, mut total) = (0_u64, 0_u128);
    c.query(&format!("SELECT {} FROM {}", table.columns, table.name), (), |row| {
        let mut hasher = BlobHasher::default();
        let mut add = |kind: u8, bytes: &[u8]| {
            hasher.update(&[kind]);
            hasher.update(&bytes.len().to_le_bytes());
            hasher.update(bytes);
        };
        for place in 0..table.count {
            match row.get_ref(place)? {
                ValueRef::Null => add(0, &[]),
                ValueRef::Int(n) => add(1, &n.to_le_bytes()),
                // As PostgreSQL keeps it.
                ValueRef::Text(text) if text.contains('\0') => add(2, text.replace('\0', "\u{fffd}").as_bytes()),
                ValueRef::Text(text) => add(2, text.as_bytes()),
                ValueRef::Blob(bytes) => add(3, bytes),
            }
        }
        let half = hasher.finish().0.first_chunk().copied().unwrap_or_default();
        total = total.wrapping_add(u128::from_le_bytes(half));
        count += 1;
        Ok(())
    })?;
    Ok((count, total))
}
