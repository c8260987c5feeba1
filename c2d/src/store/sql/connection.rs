//! Connections and transactions, whatever engine is behind them.

use std::borrow::Cow;
use std::ops::Deref;

use crate::store::StoreError;
use crate::store::sql::postgres::{self, Postgres};
use crate::store::sql::{FromColumn, Params, Row, SqlError, sqlite};

/// A connection; whoever has it is alone with it.
#[derive(Debug)]
pub(in crate::store) enum Connection {
    Sqlite(rusqlite::Connection),
    Postgres(Box<Postgres>),
}

/// What is committed together or not at all; without a commit nothing of it stays.
pub(in crate::store) struct Transaction<'a> {
    connection: &'a Connection,
    is_open: bool,
}

impl Connection {
    /// A name in the database of something that lies in the data folder: several c2d have one each.
    pub(in crate::store) fn local<'a>(&self, name: &'a str) -> Cow<'a, str> {
        match self {
            Self::Sqlite(_) => Cow::Borrowed(name),
            Self::Postgres(c) => Cow::Owned(format!("{name} of {}", c.node())),
        }
    }

    /// Runs a statement; says how many rows it changed.
    #[expect(clippy::needless_pass_by_value, reason = "values are put together where they are bound")]
    pub(in crate::store) fn execute(&self, sql: &str, params: impl Params) -> Result<usize, StoreError> {
        match self {
            Self::Sqlite(c) => Ok(sqlite::execute(c, sql, &params)?),
            Self::Postgres(c) => c.execute(sql, &params),
        }
    }

    /// All rows of an answer, as `read` understands them.
    #[expect(clippy::needless_pass_by_value, reason = "values are put together where they are bound")]
    pub(in crate::store) fn query<T>(
        &self,
        sql: &str,
        params: impl Params,
        mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut list = Vec::new();
        self.each(sql, &params, &mut |row| {
            list.push(read(row)?);
            Ok(true)
        })?;
        Ok(list)
    }

    /// The first row of an answer, if there is one.
    #[expect(clippy::needless_pass_by_value, reason = "values are put together where they are bound")]
    pub(in crate::store) fn first<T>(
        &self,
        sql: &str,
        params: impl Params,
        mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut first = None;
        self.each(sql, &params, &mut |row| {
            first = Some(read(row)?);
            Ok(false)
        })?;
        Ok(first)
    }

    /// The first column of the first row, if there is one.
    pub(in crate::store) fn optional<T: FromColumn>(
        &self,
        sql: &str,
        params: impl Params,
    ) -> Result<Option<T>, StoreError> {
        self.first(sql, params, |row| Ok(row.get(0)?))
    }

    /// The first column of the first row, which is there.
    pub(in crate::store) fn value<T: FromColumn>(&self, sql: &str, params: impl Params) -> Result<T, StoreError> {
        Ok(self.optional(sql, params)?.ok_or(SqlError::NoRow)?)
    }

    fn each(
        &self,
        sql: &str,
        params: &impl Params,
        read: &mut dyn FnMut(&Row<'_>) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(c) => sqlite::query(c, sql, params, read),
            Self::Postgres(c) => c.query(sql, params, read),
        }
    }

    /// Begins a transaction that writes.
    pub(in crate::store) fn transaction(&mut self) -> Result<Transaction<'_>, StoreError> {
        match self {
            Self::Sqlite(c) => drop(sqlite::execute(c, "BEGIN IMMEDIATE", &())?),
            Self::Postgres(c) => c.begin(),
        }
        Ok(Transaction { connection: self, is_open: true })
    }

    /// What the database holds, without the room that removed jobs left in its files. PostgreSQL gives room back
    /// late and does not say how much of its files is such, so there the rows are summed up, once the files are
    /// larger than `limit`.
    pub(in crate::store) fn bytes_in_use(&self, limit: u64) -> Result<u64, StoreError> {
        let number = |sql: &str| self.value::<i64>(sql, ()).map(i64::unsigned_abs);
        match self {
            Self::Sqlite(c) => Ok(sqlite::bytes_in_use(c)?),
            Self::Postgres(_) => {
                let files = number(postgres::FILES_BYTES)?;
                if files <= limit { Ok(files) } else { number(postgres::ROWS_BYTES) }
            }
        }
    }

    /// How much less that is without a job; none if it is measured anew each time.
    pub(in crate::store) fn bytes_of(&self, job: i64) -> Result<Option<u64>, StoreError> {
        match self {
            Self::Sqlite(_) => Ok(None),
            Self::Postgres(_) => Ok(Some(self.value::<i64>(postgres::JOB_BYTES, [job])?.unsigned_abs())),
        }
    }

    /// Closes it, and says if that failed.
    pub(in crate::store) fn close(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(c) => c.close().map_err(|(_, error)| error.into()),
            Self::Postgres(_) => Ok(()),
        }
    }

    /// Leaves the files of the database in their smallest form; nothing depends on it.
    pub(in crate::store) fn fold(&self) {
        match self {
            Self::Sqlite(c) => {
                if let Err(e) = c.pragma_update(None, "wal_checkpoint", "TRUNCATE") {
                    tracing::debug!("the database was not folded at the end: {e}");
                }
            }
            Self::Postgres(_) => {}
        }
    }
}

impl Transaction<'_> {
    /// Runs a statement whose answer nobody waits for: before the next question, or before the commit, which
    /// fail then in its place. Where it must change something, it fails if nothing is there to change.
    #[expect(clippy::needless_pass_by_value, reason = "values are put together where they are bound")]
    pub(in crate::store) fn write(&self, sql: &str, params: impl Params, must_change: bool) -> Result<(), StoreError> {
        match self.connection {
            Connection::Sqlite(c) => match sqlite::execute(c, sql, &params).map_err(SqlError::refused)? {
                0 if must_change => Err(StoreError::nothing_to_change(sql)),
                _ => Ok(()),
            },
            Connection::Postgres(c) => c.write(sql, &params, must_change),
        }
    }

    /// Makes it durable. If this fails, nobody knows whether it is.
    pub(in crate::store) fn commit(mut self) -> Result<(), StoreError> {
        match self.connection {
            Connection::Sqlite(c) => drop(sqlite::execute(c, "COMMIT", &())?),
            Connection::Postgres(c) => c.commit()?,
        }
        self.is_open = false;
        Ok(())
    }
}

impl Deref for Transaction<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        match self.connection {
            Connection::Sqlite(c) if self.is_open => {
                if let Err(e) = sqlite::execute(c, "ROLLBACK", &()) {
                    // Some failures of SQLite end the transaction themselves.
                    tracing::debug!("a transaction was over already: {e}");
                }
            }
            Connection::Postgres(c) if self.is_open => c.roll_back(),
            Connection::Sqlite(_) | Connection::Postgres(_) => {}
        }
    }
}
