//! SQLite: statements are compiled once for each connection, values are bound and read without copies.

use rusqlite::types::{ToSqlOutput, Value, ValueRef as Raw};
use rusqlite::{Connection, ToSql};

use crate::store::StoreError;
use crate::store::sql::row::Column;
use crate::store::sql::{Params, Row, SqlError, ValueRef};

impl ToSql for ValueRef<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Owned(Value::Null),
            Self::Int(n) => ToSqlOutput::Owned(Value::Integer(*n)),
            Self::Text(text) => ToSqlOutput::Borrowed(Raw::Text(text.as_bytes())),
            Self::Blob(bytes) => ToSqlOutput::Borrowed(Raw::Blob(bytes)),
        })
    }
}

/// Runs a statement without an answer; says how many rows it changed.
pub(super) fn execute(c: &Connection, sql: &str, params: &impl Params) -> Result<usize, SqlError> {
    let mut statement = c.prepare_cached(sql)?;
    bind(&mut statement, params)?;
    Ok(statement.raw_execute()?)
}

/// Gives each row of an answer to `read` until that has enough.
pub(super) fn query(
    c: &Connection,
    sql: &str,
    params: &impl Params,
    read: &mut dyn FnMut(&Row<'_>) -> Result<bool, StoreError>,
) -> Result<(), StoreError> {
    let mut statement = c.prepare_cached(sql).map_err(SqlError::from)?;
    bind(&mut statement, params)?;
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next().map_err(SqlError::from)? {
        if !read(&Row::Sqlite(row))? {
            break;
        }
    }
    Ok(())
}

fn bind(statement: &mut rusqlite::Statement<'_>, params: &impl Params) -> Result<(), SqlError> {
    let (mut place, mut result) = (0, Ok(()));
    params.each(&mut |value| {
        place += 1;
        if result.is_ok() {
            result = statement.raw_bind_parameter(place, value);
        }
    });
    Ok(result?)
}

/// The value of a column.
pub(super) fn value<'a>(row: &'a rusqlite::Row<'_>, column: impl Column) -> Result<ValueRef<'a>, SqlError> {
    let mismatch = |wanted| SqlError::Mismatch { column: column.to_string(), wanted };
    match row.get_ref(column)? {
        Raw::Null => Ok(ValueRef::Null),
        Raw::Integer(n) => Ok(ValueRef::Int(n)),
        Raw::Text(text) => std::str::from_utf8(text).map(ValueRef::Text).map_err(|_| mismatch("text")),
        Raw::Blob(bytes) => Ok(ValueRef::Blob(bytes)),
        Raw::Real(_) => Err(mismatch("value of ours")),
    }
}

/// What the database holds, without the room that removed jobs left in its file.
pub(super) fn bytes_in_use(c: &Connection) -> rusqlite::Result<u64> {
    let number = |name| c.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map(i64::unsigned_abs);
    Ok(number("page_count")?.saturating_sub(number("freelist_count")?) * number("page_size")?)
}
