//! One row of an answer.

use std::fmt::Display;

use crate::store::sql::{FromColumn, SqlError, ValueRef, postgres, sqlite};

/// A row, good for as long as it is the present one.
pub(in crate::store) enum Row<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(&'a tokio_postgres::Row),
}

/// By what a column is found: its place or its name.
pub(in crate::store) trait Column:
    rusqlite::RowIndex + tokio_postgres::row::RowIndex + Display + Copy
{
}

impl Column for usize {}
impl Column for &str {}

impl Row<'_> {
    /// The value of a column.
    pub(in crate::store) fn get<C: Column, T: FromColumn>(&self, column: C) -> Result<T, SqlError> {
        T::of(self.get_ref(column)?).map_err(|wanted| SqlError::Mismatch { column: column.to_string(), wanted })
    }

    /// The same without a copy.
    pub(in crate::store) fn get_ref(&self, column: impl Column) -> Result<ValueRef<'_>, SqlError> {
        match self {
            Self::Sqlite(row) => sqlite::value(row, column),
            Self::Postgres(row) => postgres::read(row, column),
        }
    }

    /// A text without a copy.
    pub(in crate::store) fn text(&self, column: impl Column) -> Result<&str, SqlError> {
        match self.get_ref(column)? {
            ValueRef::Text(text) => Ok(text),
            _ => Err(SqlError::Mismatch { column: column.to_string(), wanted: "text" }),
        }
    }

    /// Bytes without a copy, where there are any.
    pub(in crate::store) fn bytes(&self, column: impl Column) -> Result<Option<&[u8]>, SqlError> {
        match self.get_ref(column)? {
            ValueRef::Blob(bytes) => Ok(Some(bytes)),
            ValueRef::Null => Ok(None),
            _ => Err(SqlError::Mismatch { column: column.to_string(), wanted: "bytes" }),
        }
    }
}
