//! A connection to PostgreSQL, with its statements and what it is in the middle of.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use postgres::error::Severity;
use postgres::fallible_iterator::FallibleIterator as _;
use postgres::types::ToSql;
use postgres::{Client, SimpleQueryMessage, Statement};

use crate::store::StoreError;
use crate::store::sql::postgres::statement::numbered;
use crate::store::sql::postgres::tls::Tls;
use crate::store::sql::postgres::{Target, schema};
use crate::store::sql::{Params, Row, SqlError, ValueRef};

/// Statements that are kept; conditions of lists make some dozens.
const STATEMENTS_MAX: usize = 256;

/// What each session is set to, whatever the server's configuration says: a commit waits for the disk, and for
/// the standby where there is one. A session that holds locks and says nothing is ended by the server, so that a
/// stopped leader stands in nobody's way.
const SESSION: &str = "SET client_min_messages = warning; SET idle_in_transaction_session_timeout = '2s';
    SET standard_conforming_strings = on; SELECT set_config('synchronous_commit', 'on', false)
        WHERE current_setting('synchronous_commit') IN ('off', 'local')";
/// What sessions of readers are set to besides.
const READER: &str = "SET default_transaction_read_only = on";

/// A connection to PostgreSQL.
pub(in crate::store) struct Postgres {
    target: Target,
    client: RefCell<Client>,
    statements: RefCell<HashMap<String, Statement>>,
    /// The server warned since this was looked at last.
    warned: Arc<AtomicBool>,
    /// Only as the leader of this epoch anything is written.
    epoch: Option<i64>,
    in_transaction: Cell<bool>,
    /// It only reads, and may connect again.
    is_reader: bool,
    /// Whose files are derived through it.
    node: String,
}

impl std::fmt::Debug for Postgres {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Postgres").field(&self.target).finish()
    }
}

impl Postgres {
    /// Connects, to write as the leader of an epoch, or before there is one.
    pub(in crate::store) fn writer(target: &Target, epoch: Option<i64>, node: &str) -> Result<Self, StoreError> {
        Self::open(target, epoch, false, node)
    }

    /// Connects only to read.
    pub(in crate::store) fn reader(target: &Target) -> Result<Self, StoreError> {
        Self::open(target, None, true, "")
    }

    fn open(target: &Target, epoch: Option<i64>, is_reader: bool, node: &str) -> Result<Self, StoreError> {
        let warned = Arc::<AtomicBool>::default();
        let client = RefCell::new(connect(target, is_reader, &warned)?);
        let (statements, in_transaction) = (RefCell::default(), Cell::new(false));
        let (target, node) = (target.clone(), node.to_owned());
        Ok(Self { target, client, statements, warned, epoch, in_transaction, is_reader, node })
    }

    /// Whose files are derived through it: several c2d have some of their own.
    pub(in crate::store) fn node(&self) -> &str {
        &self.node
    }

    /// Runs statements that have no parameters.
    pub(in crate::store) fn batch(&self, sql: &str) -> Result<(), SqlError> {
        Ok(self.client.borrow_mut().batch_execute(sql)?)
    }

    pub(in crate::store::sql) fn execute(&self, sql: &str, params: &impl Params) -> Result<usize, StoreError> {
        if self.in_transaction.get() || self.epoch.is_none() {
            return Ok(self.run(sql, params)?);
        }
        // Whatever is written is written as the leader, also what stands alone.
        self.begin()?;
        let changed = self.run(sql, params);
        if changed.is_ok() {
            self.commit()?;
        } else {
            self.roll_back();
        }
        Ok(changed?)
    }

    fn run(&self, sql: &str, params: &impl Params) -> Result<usize, SqlError> {
        let statement = self.prepare(sql)?;
        let values = values(params);
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
        let changed = self.client.borrow_mut().execute(&statement, &values)?;
        Ok(usize::try_from(changed).unwrap_or(usize::MAX))
    }

    pub(in crate::store::sql) fn query(
        &self,
        sql: &str,
        params: &impl Params,
        read: &mut dyn FnMut(&Row<'_>) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        if self.is_reader && self.client.borrow().is_closed() {
            *self.client.borrow_mut() = connect(&self.target, true, &self.warned)?;
            self.statements.borrow_mut().clear();
        }
        let statement = self.prepare(sql)?;
        let values = values(params);
        let mut client = self.client.borrow_mut();
        let mut rows =
            client.query_raw(&statement, values.iter().map(|value| value as &dyn ToSql)).map_err(SqlError::from)?;
        while let Some(row) = rows.next().map_err(SqlError::from)? {
            if !read(&Row::Postgres(&row))? {
                break;
            }
        }
        Ok(())
    }

    fn prepare(&self, sql: &str) -> Result<Statement, SqlError> {
        if let Some(statement) = self.statements.borrow().get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.borrow_mut().prepare(&numbered(sql))?;
        let mut statements = self.statements.borrow_mut();
        if statements.len() >= STATEMENTS_MAX {
            statements.clear();
        }
        statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    /// Begins a transaction, as the leader that this c2d was when it connected. The row is locked until the
    /// end, so that no other becomes the leader before.
    pub(in crate::store::sql) fn begin(&self) -> Result<(), StoreError> {
        let sql = match self.epoch {
            Some(epoch) => format!("BEGIN; SELECT 1 FROM leader WHERE epoch = {epoch} FOR SHARE"),
            None => "BEGIN".to_owned(),
        };
        let answer = self.client.borrow_mut().simple_query(&sql).map_err(SqlError::from)?;
        self.in_transaction.set(true);
        let leads = answer.iter().any(|message| matches!(message, SimpleQueryMessage::Row(_)));
        if self.epoch.is_some() && !leads {
            self.roll_back();
            return Err(StoreError::Deposed);
        }
        self.warned.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// Makes a transaction durable. The server warns when it gave up to wait for a synchronous standby: then
    /// what was written may be lost with this server, and does not count as durable.
    pub(in crate::store::sql) fn commit(&self) -> Result<(), StoreError> {
        let done = self.client.borrow_mut().batch_execute("COMMIT").map_err(SqlError::from);
        self.in_transaction.set(false);
        done?;
        if self.warned.swap(false, Ordering::Relaxed) {
            return Err(SqlError::NotReplicated.into());
        }
        Ok(())
    }

    pub(in crate::store::sql) fn roll_back(&self) {
        self.in_transaction.set(false);
        if let Err(e) = self.client.borrow_mut().batch_execute("ROLLBACK") {
            tracing::debug!("a transaction was over already: {e}");
        }
    }

    /// Brings the schema to today's version.
    pub(in crate::store) fn migrate(&self) -> Result<(), StoreError> {
        schema::migrate(self)
    }
}

fn connect(target: &Target, is_reader: bool, warned: &Arc<AtomicBool>) -> Result<Client, StoreError> {
    let (tls, warned) = (Tls::of(target)?, Arc::clone(warned));
    let mut config = target.with_password();
    config.notice_callback(move |notice| {
        if notice.parsed_severity().is_none_or(|severity| severity == Severity::Warning) {
            tracing::warn!("PostgreSQL warns: {}", notice.message());
            warned.store(true, Ordering::Relaxed);
        }
    });
    let mut client = config.connect(tls).map_err(SqlError::from)?;
    client.batch_execute(SESSION).map_err(SqlError::from)?;
    if is_reader {
        client.batch_execute(READER).map_err(SqlError::from)?;
    }
    Ok(client)
}

fn values(params: &impl Params) -> Vec<ValueRef<'_>> {
    let mut values = Vec::new();
    params.each(&mut |value| values.push(value));
    values
}
