//! A connection to PostgreSQL, with its statements and what it is in the middle of.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::TryStreamExt as _;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, SimpleQueryMessage, Statement};

use crate::store::StoreError;
use crate::store::sql::postgres::at_once::{self, Names};
use crate::store::sql::postgres::pending::{Group, Kept, Pending};
use crate::store::sql::postgres::session::{Blocking, connect, in_order};
use crate::store::sql::postgres::statement::{for_many, numbered};
use crate::store::sql::postgres::value::Argument;
use crate::store::sql::postgres::{Target, schema};
use crate::store::sql::{Params, Row, SqlError, ValueRef};

/// Statements that are kept; conditions of lists make some dozens.
const STATEMENTS_MAX: usize = 256;

/// How long the answer to a short question may take.
const ANSWER: Duration = Duration::from_secs(8);
/// Locks the row of the leader until the end of a transaction, so that no other becomes the leader before;
/// without that row nothing counts.
const LEADS: &str = "SELECT 1 FROM leader WHERE epoch = ?1 FOR SHARE";

/// A connection to PostgreSQL.
pub(in crate::store) struct Postgres {
    target: Target,
    client: RefCell<Client>,
    statements: RefCell<HashMap<String, Statement>>,
    names: RefCell<Names>,
    pending: RefCell<Pending>,
    /// The server warned since this was looked at last.
    warned: Arc<AtomicBool>,
    /// Only as the leader of this epoch anything is written.
    epoch: Option<i64>,
    transaction: Cell<Phase>,
    /// It only reads, and may connect again.
    is_reader: bool,
    /// Whose files are derived through it.
    node: String,
    /// How long an answer may take; for ever if none.
    patience: Option<Duration>,
    /// Behind the client, which speaks through it.
    runtime: Blocking,
}

/// How far a transaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    None,
    /// The server does not know of it yet.
    Due,
    Open,
}

/// A request under way: its answer says how many rows there were.
type Request<'a> = Pin<Box<dyn Future<Output = Result<u64, Error>> + 'a>>;

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
        let (warned, runtime) = (Arc::<AtomicBool>::default(), Blocking::new()?);
        let client = RefCell::new(connect(&runtime, target, is_reader, &warned)?);
        let (statements, names) = (RefCell::default(), RefCell::default());
        let (pending, transaction) = (RefCell::default(), Cell::new(Phase::None));
        let (target, node) = (target.clone(), node.to_owned());
        Ok(Self {
            target,
            client,
            statements,
            names,
            pending,
            warned,
            epoch,
            transaction,
            is_reader,
            node,
            patience: None,
            runtime,
        })
    }

    /// The same for short questions alone: one that is not answered counts as failed. A commit may take as long
    /// as the disks and the standby of the server need.
    pub(in crate::store) fn impatient(self) -> Self {
        Self { patience: Some(ANSWER), ..self }
    }

    fn wait<T>(&self, answer: impl Future<Output = Result<T, SqlError>>) -> Result<T, SqlError> {
        self.runtime.block_on(async {
            match self.patience {
                Some(patience) => tokio::time::timeout(patience, answer).await.unwrap_or(Err(SqlError::Silent)),
                None => answer.await,
            }
        })
    }

    /// Whose files are derived through it: several c2d have some of their own.
    pub(in crate::store) fn node(&self) -> &str {
        &self.node
    }

    /// Runs statements that have no parameters.
    pub(in crate::store) fn batch(&self, sql: &str) -> Result<(), StoreError> {
        self.send()?;
        let client = self.client.borrow();
        Ok(self.wait(async { Ok(client.batch_execute(sql).await?) })?)
    }

    pub(in crate::store::sql) fn execute(&self, sql: &str, params: &impl Params) -> Result<usize, StoreError> {
        if self.transaction.get() != Phase::None || self.epoch.is_none() {
            return self.run(sql, params);
        }
        // Whatever is written is written as the leader, also what stands alone.
        self.begin();
        let changed = self.run(sql, params);
        if changed.is_ok() {
            self.commit()?;
        } else {
            self.roll_back();
        }
        changed
    }

    fn run(&self, sql: &str, params: &impl Params) -> Result<usize, StoreError> {
        self.send()?;
        let statement = self.prepare(sql, || Some(numbered(sql)))?;
        let values = values(params);
        let values = values.iter().map(|value| value as &dyn ToSql);
        let client = self.client.borrow();
        let done = self.wait(async { Ok(client.execute_raw(&statement, values).await?) })?;
        Ok(usize::try_from(done).unwrap_or(usize::MAX))
    }

    /// Runs a statement of a transaction before the next question or the commit, with what else waits then.
    pub(in crate::store::sql) fn write(
        &self,
        sql: &str,
        params: &impl Params,
        must_change: bool,
    ) -> Result<(), StoreError> {
        let is_enough = self.pending.borrow_mut().add(sql, params, must_change);
        if is_enough { self.send() } else { Ok(()) }
    }

    pub(in crate::store::sql) fn query(
        &self,
        sql: &str,
        params: &impl Params,
        read: &mut dyn FnMut(&Row<'_>) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        if self.is_reader && self.client.borrow().is_closed() {
            *self.client.borrow_mut() = connect(&self.runtime, &self.target, true, &self.warned)?;
            self.statements.borrow_mut().clear();
        }
        self.send()?;
        let statement = self.prepare(sql, || Some(numbered(sql)))?;
        let values = values(params);
        let values = values.iter().map(|value| value as &dyn ToSql);
        let client = self.client.borrow();
        let mut failed = None;
        self.wait(async {
            let mut rows = std::pin::pin!(client.query_raw(&statement, values).await?);
            while let Some(row) = rows.try_next().await? {
                match read(&Row::Postgres(&row)) {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) => {
                        failed = Some(error);
                        break;
                    }
                }
            }
            Ok(())
        })?;
        failed.map_or(Ok(()), Err)
    }

    /// A statement that the server knows, under its name here.
    fn prepare(&self, name: &str, sql: impl FnOnce() -> Option<String>) -> Result<Statement, SqlError> {
        if let Some(statement) = self.statements.borrow().get(name) {
            return Ok(statement.clone());
        }
        let sql = sql().ok_or(SqlError::NoRow)?;
        let client = self.client.borrow();
        let statement = self.wait(async { Ok(client.prepare(&sql).await?) })?;
        let mut statements = self.statements.borrow_mut();
        if statements.len() >= STATEMENTS_MAX {
            statements.clear();
        }
        statements.insert(name.to_owned(), statement.clone());
        Ok(statement)
    }

    /// Begins a transaction, as the leader that this c2d was when it connected. The server learns of it with
    /// the first statement.
    pub(in crate::store::sql) fn begin(&self) {
        self.transaction.set(Phase::Due);
    }

    /// Sends everything that waits, all of it before the first answer.
    fn send(&self) -> Result<(), StoreError> {
        let (is_due, groups) = (self.transaction.get() == Phase::Due, self.pending.borrow_mut().take());
        if !is_due && groups.is_empty() {
            return Ok(());
        }
        let statements = groups.iter().map(|group| self.statement(group)).collect::<Result<Vec<_>, _>>()?;
        let arguments: Vec<Vec<Argument<'_>>> = groups.iter().map(arguments).collect();
        let leader = self.epoch.filter(|_| is_due).map(|epoch| (self.prepare(LEADS, || Some(numbered(LEADS))), epoch));
        let leader = leader.map(|(statement, epoch)| Ok::<_, SqlError>((statement?, epoch))).transpose()?;
        let client = self.client.borrow();
        let mut requests: Vec<Request<'_>> = Vec::new();
        if is_due {
            self.warned.store(false, Ordering::Relaxed);
            self.transaction.set(Phase::Open);
            requests.push(Box::pin(async { client.batch_execute("BEGIN").await.map(|()| 1) }));
        }
        if let Some((statement, epoch)) = &leader {
            requests.push(Box::pin(client.execute_raw(statement, [epoch])));
        }
        for (statement, arguments) in statements.iter().zip(&arguments) {
            let arguments = arguments.iter().map(|argument| argument as &dyn ToSql);
            requests.push(Box::pin(client.execute_raw(statement, arguments)));
        }
        let mut answers = self.runtime.block_on(in_order(requests)).into_iter();
        for begun in answers.by_ref().take(usize::from(is_due) + usize::from(leader.is_some())) {
            if begun.map_err(SqlError::from)? == 0 {
                return Err(StoreError::Deposed);
            }
        }
        for (group, changed) in groups.iter().zip(answers) {
            let changed = changed.map_err(|error| SqlError::from(error).refused())?;
            if group.must_change && changed < group.rows.len() as u64 {
                return Err(StoreError::nothing_to_change(&group.sql));
            }
        }
        Ok(())
    }

    fn statement(&self, group: &Group) -> Result<Statement, SqlError> {
        let one = self.prepare(&group.sql, || Some(numbered(&group.sql)))?;
        if group.rows.len() == 1 {
            return Ok(one);
        }
        self.prepare(&format!("many {}", group.sql), || for_many(&group.sql, one.params().iter().map(|ty| ty.name())))
    }

    /// Makes a transaction durable. The server warns when it gave up to wait for a synchronous standby: then
    /// what was written may be lost with this server, and does not count as durable.
    pub(in crate::store::sql) fn commit(&self) -> Result<(), StoreError> {
        if !self.commit_at_once()? {
            self.send()?;
            let done = self.runtime.block_on(self.client.borrow().batch_execute("COMMIT"));
            self.transaction.set(Phase::None);
            done.map_err(SqlError::from)?;
        }
        if self.warned.swap(false, Ordering::Relaxed) {
            return Err(SqlError::NotReplicated.into());
        }
        Ok(())
    }

    /// Sends a short transaction of which the server knows nothing yet, with its end; answers whether it was one.
    fn commit_at_once(&self) -> Result<bool, StoreError> {
        let is_short = self.pending.borrow().is_within(at_once::ROWS_MAX, at_once::BYTES_MAX);
        if self.transaction.get() != Phase::Due || !is_short {
            return Ok(false);
        }
        let Some(text) = self.as_text()? else { return Ok(false) };
        let groups = self.pending.borrow_mut().take();
        self.warned.store(false, Ordering::Relaxed);
        self.transaction.set(Phase::Open);
        let (mut done, client) = (0, self.client.borrow());
        let result = self.runtime.block_on(async {
            let mut answers = std::pin::pin!(client.simple_query_raw(&text).await?);
            while let Some(answer) = answers.try_next().await? {
                done += usize::from(matches!(answer, SimpleQueryMessage::CommandComplete(_)));
            }
            Ok::<_, Error>(())
        });
        if let Err(error) = result {
            let before = 1 + usize::from(self.epoch.is_some());
            let is_missing = error.code() == Some(&SqlState::DIVISION_BY_ZERO);
            return Err(match done.checked_sub(before).and_then(|at| groups.get(at)) {
                None if is_missing => StoreError::Deposed,
                Some(group) if is_missing => StoreError::nothing_to_change(&group.sql),
                Some(_) => SqlError::from(error).refused(),
                None => SqlError::from(error).into(),
            });
        }
        self.transaction.set(Phase::None);
        Ok(true)
    }

    /// All that waits as one text, from the begin to the commit; none if the server keeps too many statements.
    fn as_text(&self) -> Result<Option<String>, SqlError> {
        let pending = self.pending.borrow();
        let leads = self.epoch.map(at_once::leads);
        let groups = || leads.iter().chain(pending.groups());
        for group in groups() {
            if self.names.borrow().of(group).is_none() && !self.names.borrow_mut().add(group, &self.for_all(group)?) {
                return Ok(None);
            }
        }
        if let Some(new) = self.names.borrow_mut().take_new() {
            let client = self.client.borrow();
            self.wait(async { Ok(client.batch_execute(&new).await?) })?;
        }
        let (mut text, names) = ("BEGIN;".to_owned(), self.names.borrow());
        for group in groups() {
            at_once::call(&mut text, names.of(group).ok_or(SqlError::NoRow)?, group);
        }
        text.push_str("COMMIT");
        Ok(Some(text))
    }

    /// The statement for all rows of a group, which fails if it has to change them and does not.
    fn for_all(&self, group: &Group) -> Result<String, SqlError> {
        let one = numbered(&group.sql);
        let sql = if group.rows.len() > 1 {
            let known = self.prepare(&group.sql, || Some(one))?;
            for_many(&group.sql, known.params().iter().map(|ty| ty.name())).ok_or(SqlError::NoRow)?
        } else {
            one
        };
        let parameters = group.rows.first().map_or(0, Vec::len);
        Ok(if group.must_change { at_once::must_change(&sql, parameters) } else { sql })
    }

    pub(in crate::store::sql) fn roll_back(&self) {
        self.pending.borrow_mut().take();
        if self.transaction.replace(Phase::None) != Phase::Open {
            return;
        }
        if let Err(e) = self.runtime.block_on(self.client.borrow().batch_execute("ROLLBACK")) {
            tracing::debug!("a transaction was over already: {e}");
        }
    }

    /// Brings the schema to today's version.
    pub(in crate::store) fn migrate(&self) -> Result<(), StoreError> {
        schema::migrate(self)
    }
}

/// What is sent for a group: for several rows each column is an array.
fn arguments(group: &Group) -> Vec<Argument<'_>> {
    match &group.rows[..] {
        [row] => row.iter().map(|value| Argument::One(value.value())).collect(),
        rows => {
            let column = |at: usize| Argument::Many(rows.iter().map(|row: &Vec<Kept>| row[at].value()).collect());
            (0..rows.first().map_or(0, Vec::len)).map(column).collect()
        }
    }
}

fn values(params: &impl Params) -> Vec<ValueRef<'_>> {
    let mut values = Vec::new();
    params.each(&mut |value| values.push(value));
    values
}
