//! A session with the server: how it is set up, and how answers are waited for.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::maybe_done;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::error::Severity;
use tokio_postgres::{AsyncMessage, Client, Connection, Error, Socket};

use crate::store::StoreError;
use crate::store::sql::SqlError;
use crate::store::sql::postgres::Target;
use crate::store::sql::postgres::tls::{Stream, Tls};

/// What each session is set to, whatever the server's configuration says: a commit waits for the disk, and for
/// the standby where there is one. A session that holds locks and says nothing is ended by the server, so that a
/// stopped leader stands in nobody's way. No question here is worth a compiler.
const SESSION: &str =
    "SET default_transaction_isolation = 'read committed'; SET client_min_messages = warning; SET jit = off;
    SET idle_in_transaction_session_timeout = '2s';
    SET standard_conforming_strings = on; SELECT set_config('synchronous_commit', 'on', false)
        WHERE current_setting('synchronous_commit') IN ('off', 'local')";
/// What sessions of readers are set to besides.
const READER: &str = "SET default_transaction_read_only = on";
/// What those of writers are. Whatever they do often finds its rows by a key, and how is planned once: while tables
/// are empty it looks as good to read the whole of them, and the plan is kept.
const WRITER: &str = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off;
    SET enable_bitmapscan = off";

/// Runs what speaks to the server; who asks blocks meanwhile.
pub(super) struct Blocking(Option<Runtime>);

impl Blocking {
    pub(super) fn new() -> Result<Self, StoreError> {
        let built = Builder::new_current_thread().enable_all().build();
        built.map(Some).map(Self).map_err(StoreError::file(std::path::Path::new("the connection to the database")))
    }

    pub(super) fn block_on<F: Future>(&self, work: F) -> F::Output {
        self.0.as_ref().expect("it is there until it is dropped").block_on(work)
    }
}

impl Drop for Blocking {
    fn drop(&mut self) {
        // A connection may go with a task, where nothing may wait.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Connects. What the server warns of is noted in `warned`.
pub(super) fn connect(
    runtime: &Blocking,
    target: &Target,
    is_reader: bool,
    warned: &Arc<AtomicBool>,
) -> Result<Client, StoreError> {
    let (tls, warned, config) = (Tls::of(target)?, Arc::clone(warned), target.with_password());
    let connected = runtime.block_on(async move {
        let (client, connection) = config.connect(tls).await?;
        tokio::spawn(attend(connection, warned));
        client.batch_execute(SESSION).await?;
        client.batch_execute(if is_reader { READER } else { WRITER }).await?;
        Ok(client)
    });
    Ok(connected.map_err(|error: Error| SqlError::from(error))?)
}

/// Sends and receives for as long as there is a client.
async fn attend(mut connection: Connection<Socket, Stream>, warned: Arc<AtomicBool>) {
    while let Some(message) = poll_fn(|cx| connection.poll_message(cx)).await {
        match message {
            Ok(AsyncMessage::Notice(notice)) => {
                if notice.parsed_severity().is_none_or(|severity| severity == Severity::Warning) {
                    tracing::warn!("PostgreSQL warns: {}", notice.message());
                    warned.store(true, Ordering::Relaxed);
                }
            }
            Ok(_) => {}
            Err(error) => {
                tracing::info!("the connection to PostgreSQL broke: {}", c2_shared::advice::with_causes(&error));
                return;
            }
        }
    }
}

/// Sends all requests in their order before the first of them is answered. A request is sent when it is
/// polled first.
pub(super) async fn in_order<F: Future>(requests: Vec<F>) -> Vec<F::Output> {
    let mut waiting: Vec<_> = requests.into_iter().map(|request| Box::pin(maybe_done(request))).collect();
    poll_fn(|cx| {
        for request in &mut waiting {
            // Whether it is answered is asked below.
            let _sent = request.as_mut().poll(cx);
        }
        std::task::Poll::Ready(())
    })
    .await;
    let mut answers = Vec::with_capacity(waiting.len());
    for mut request in waiting {
        request.as_mut().await;
        answers.extend(request.as_mut().take_output());
    }
    answers
}
