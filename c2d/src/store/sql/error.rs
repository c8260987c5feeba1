//! What an engine answers instead of rows.

use crate::store::StoreError;

/// Why a statement failed.
#[derive(Debug, thiserror::Error)]
pub enum SqlError {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error(transparent)]
    Postgres(#[from] tokio_postgres::Error),
    #[error("PostgreSQL gave up waiting for its synchronous standby")]
    NotReplicated,
    #[error("PostgreSQL does not answer")]
    Silent,
    #[error("the column {column} is no {wanted}")]
    Mismatch { column: String, wanted: &'static str },
    #[error("a row is missing")]
    NoRow,
}

impl SqlError {
    /// What the engine says.
    pub(in crate::store) fn words(&self) -> String {
        match self {
            Self::Postgres(e) => c2_shared::advice::with_causes(e),
            Self::Sqlite(_) | Self::NotReplicated | Self::Silent | Self::Mismatch { .. } | Self::NoRow => {
                self.to_string()
            }
        }
    }

    /// A constraint that fails is the scheduler's defect; anything else is the disk's.
    pub(in crate::store) fn refused(self) -> StoreError {
        if self.is_constraint() { StoreError::Broken { what: self.words() } } else { self.into() }
    }

    /// Whether a constraint of the schema was violated.
    pub(in crate::store) fn is_constraint(&self) -> bool {
        match self {
            Self::Sqlite(e) => e.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation),
            // Class 23 is about constraints, whichever it is.
            Self::Postgres(e) => e.code().is_some_and(|code| code.code().starts_with("23")),
            Self::NotReplicated | Self::Silent | Self::Mismatch { .. } | Self::NoRow => false,
        }
    }

    /// Whether the disk is full, and nothing of the transaction was kept.
    pub(in crate::store) fn is_full(&self) -> bool {
        match self {
            Self::Sqlite(e) => e.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull),
            Self::Postgres(e) => e.code() == Some(&tokio_postgres::error::SqlState::DISK_FULL),
            Self::NotReplicated | Self::Silent | Self::Mismatch { .. } | Self::NoRow => false,
        }
    }
}

impl StoreError {
    /// A statement whose row is not there, or not in the state that it expects.
    pub(in crate::store) fn nothing_to_change(sql: &str) -> Self {
        Self::Broken { what: format!("nothing to change: {sql}") }
    }
}
