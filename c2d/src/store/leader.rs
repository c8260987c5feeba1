//! Which of several c2d on one database leads.
//!
//! The truth is the row `leader`: its epoch grows with each leader, and each transaction of a writer locks the
//! row and goes on only if the epoch is its own. So whoever was deposed commits nothing, however long it was
//! stopped in between. An advisory lock only says when to try. Who leads shows every half second that it
//! still does; its answers count only for a short while after that was last confirmed, by a clock that goes
//! on while a process is stopped or the machine sleeps. A new leader waits as long before it answers.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use tokio::sync::watch;

use crate::clock::boot_ms;
use crate::store::sql::postgres::{Postgres, settle};
use crate::store::sql::{Connection, Target};
use crate::store::{StoreError, memo};

/// How long answers count after it was last confirmed that this c2d leads.
const LEASE_MS: u64 = 2_000;
/// How often that is confirmed.
const CONFIRM_EVERY: Duration = Duration::from_millis(500);
/// The session that has the lock says something this often, or the server ends it: so a leader that was stopped
/// loses the lock.
const SESSION: &str = "SET idle_session_timeout = '3s'";
/// The lock: our number, and one for the schema.
pub(super) const LOCK: &str = "1127350273, hashtext(current_schema())";

/// Shared by all c2d that lead or stand by, and exclusive to a migration.
pub(super) const PRESENCE: &str = "1127350274, hashtext(current_schema())";

/// Whether this c2d leads; cheap to clone. With SQLite there is one c2d, and it always does.
#[derive(Clone, Debug, Default)]
pub struct Leadership(Option<Arc<Lead>>);

#[derive(Debug)]
struct Lead {
    epoch: u64,
    /// Until when it may answer, by the clock that never stops.
    until_ms: Arc<AtomicU64>,
    lost: watch::Receiver<Option<String>>,
    resign: Sender<Sender<()>>,
}

/// A c2d that would lead.
#[derive(Debug)]
pub struct Candidate {
    target: Target,
    /// Where others find it.
    address: String,
    connection: Connection,
    /// No other may come.
    is_alone: bool,
}

impl Leadership {
    /// The number of this leader; none where there is only one c2d.
    pub fn epoch(&self) -> Option<u64> {
        self.0.as_ref().map(|lead| lead.epoch)
    }

    /// Whether what is answered now is the leader's word.
    pub fn holds(&self) -> bool {
        self.0.as_ref().is_none_or(|lead| boot_ms() < lead.until_ms.load(Ordering::Relaxed))
    }

    /// Waits until another leads, or nobody knows; answers why.
    pub async fn lost(&self) -> String {
        let Some(lead) = &self.0 else { return std::future::pending().await };
        let mut lost = lead.lost.clone();
        let why = lost.wait_for(Option::is_some).await.ok().and_then(|why| why.clone());
        match why {
            Some(why) => why,
            // The thread is gone without a word, which it is only after it resigned.
            None => std::future::pending().await,
        }
    }

    /// Lets others lead at once; blocks. To be called when nothing is answered any more.
    pub fn resign(&self) {
        let Some(lead) = &self.0 else { return };
        lead.until_ms.store(0, Ordering::Relaxed);
        let (done, is_done) = channel();
        if lead.resign.send(done).is_ok() {
            // Without an answer the thread had lost already. A session that stands still in a transaction is in the
            // way for as long as the lease.
            let _gone = is_done.recv_timeout(Duration::from_millis(2 * LEASE_MS));
        }
    }
}

impl Candidate {
    /// Connects; makes the table of leaders in a new database. Blocks, as all its calls.
    pub fn open(target: &Target, address: &str) -> Result<Self, StoreError> {
        let connection = connect(target)?;
        if !join(&connection)? {
            return Err(StoreError::Moving);
        }
        Ok(Self { target: target.clone(), address: address.to_owned(), connection, is_alone: false })
    }

    /// One that no c2d is beside, for as long as it leads; nothing if there is any.
    pub fn alone(target: &Target) -> Result<Option<Self>, StoreError> {
        let connection = connect(target)?;
        let is_alone: bool = connection.value(&format!("SELECT pg_try_advisory_lock({PRESENCE})"), ())?;
        let address = "c2d migrate".to_owned();
        Ok(is_alone.then(|| Self { target: target.clone(), address, connection, is_alone }))
    }

    /// Leads, if nobody else does. What the leader before may still answer is waited for.
    pub fn try_lead(&mut self) -> Result<Option<Leadership>, StoreError> {
        if !self.connection.value::<bool>(&format!("SELECT pg_try_advisory_lock({LOCK})"), ())? {
            return Ok(None);
        }
        let was_left_well: bool = self.connection.value("SELECT left_well FROM leader", ())?;
        // The number says more than the order: that of a new database is higher than that of the one before.
        let sql =
            "UPDATE leader SET epoch = greatest(epoch + 1, CAST(extract(epoch FROM now()) AS bigint)), address = ?1,
            left_well = FALSE RETURNING epoch";
        let asked_ms = boot_ms();
        let epoch: i64 = self.connection.value(sql, [&self.address])?;
        let session = connect(&self.target)?;
        if !self.is_alone && !join(&session)? {
            return Err(StoreError::Moving);
        }
        let held = std::mem::replace(&mut self.connection, session);
        let (gone, lost) = watch::channel(None);
        let (resign, resigned) = channel::<Sender<()>>();
        let epoch_of_all = epoch.unsigned_abs();
        let until_ms = Arc::new(AtomicU64::new(asked_ms + LEASE_MS));
        // The thread ends when the last who could resign is gone, and so it has no part of it.
        let kept = Arc::clone(&until_ms);
        let lead = Arc::new(Lead { epoch: epoch_of_all, until_ms, lost, resign });
        let thread = std::thread::Builder::new().name("leader".to_owned()).spawn(move || {
            loop {
                match resigned.recv_timeout(CONFIRM_EVERY) {
                    Err(RecvTimeoutError::Timeout) => {
                        if let Err(why) = confirm(&held, epoch, &kept) {
                            kept.store(0, Ordering::Relaxed);
                            // Nobody may wait for it, as in tests.
                            let _told = gone.send(Some(why));
                            return;
                        }
                    }
                    Ok(done) => {
                        let sql = "UPDATE leader SET left_well = TRUE WHERE epoch = ?1";
                        if let Err(error) = held.execute(sql, [epoch]) {
                            tracing::debug!("the next leader has to wait: {error}");
                        }
                        if let Err(error) = held.value::<bool>(&format!("SELECT pg_advisory_unlock({LOCK})"), ()) {
                            tracing::debug!("the lock is free when the connection is gone: {error}");
                        }
                        drop(held);
                        let _told = done.send(());
                        return;
                    }
                    // Nobody is left who could answer anything.
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        });
        thread.map_err(|source| StoreError::File { path: "the thread of the leader".into(), source })?;
        self.warn_of_what_is_not_protected()?;
        if !was_left_well {
            std::thread::sleep(Duration::from_millis(LEASE_MS));
        }
        Ok(Some(Leadership(Some(lead))))
    }

    /// What a failure of the server may cost, which it decides and not c2d.
    fn warn_of_what_is_not_protected(&self) -> Result<(), StoreError> {
        let setting = |name: &str| self.connection.value::<String>("SELECT current_setting(?1)", [name]);
        if setting("synchronous_standby_names")?.is_empty() {
            tracing::warn!(
                "the database has no synchronous standby: if its machine is lost, so is what was accepted since its \
                 last backup; set synchronous_standby_names there"
            );
        }
        if setting("fsync")? == "off" || setting("full_page_writes")? == "off" {
            tracing::warn!(
                "the database does not wait for its disk (fsync, full_page_writes): a power cut may spoil it"
            );
        }
        Ok(())
    }

    /// Brings the files that all c2d have alike into a data folder.
    pub fn take_over(&self, dir: &Path) -> Result<(), StoreError> {
        let is_made: bool = self.connection.value("SELECT to_regclass('meta') IS NOT NULL", ())?;
        if is_made { memo::take_over(&self.connection, dir) } else { Ok(()) }
    }

    /// Where the leader is.
    pub fn leader(&self) -> Result<String, StoreError> {
        self.connection.value("SELECT address FROM leader", ())
    }
}

fn connect(target: &Target) -> Result<Connection, StoreError> {
    let connection = Postgres::writer(target, None, "")?.impatient();
    connection.batch(SESSION)?;
    settle(&connection)?;
    Ok(Connection::Postgres(Box::new(connection)))
}

/// Shows the others that there is one more; answers whether it may be.
fn join(connection: &Connection) -> Result<bool, StoreError> {
    connection.value(&format!("SELECT pg_try_advisory_lock_shared({PRESENCE})"), ())
}

/// Asks whether the epoch is still this one. What is answered counts from when it was asked.
fn confirm(held: &Connection, epoch: i64, until_ms: &AtomicU64) -> Result<(), String> {
    let asked_ms = boot_ms();
    match held.value::<i64>("SELECT epoch FROM leader", ()) {
        Ok(found) if found == epoch => {
            until_ms.store(asked_ms + LEASE_MS, Ordering::Relaxed);
            Ok(())
        }
        Ok(_) => Err("another c2d leads now".to_owned()),
        Err(error) => Err(format!("the database cannot be reached: {}", c2_shared::advice::with_causes(&error))),
    }
}
