//! Keeps the event stream of c2d open and passes on what it says, with the README's back-off
//! between tries.
//!
//! Before each further try the address and the token are read again: c2d may have been started only
//! now, may listen elsewhere, or the operator may have logged in again. What was found serves every
//! other request of the console as well. It decides nothing about the screen: it only says connecting,
//! connected, event, silent, heard, disconnected.

use std::pin::pin;
use std::time::Duration;

use c2_shared::advice::Advice as _;
use c2_shared::api::error::ErrorCode;
use c2_shared::backoff::Backoff;
use c2_shared::client::{Client, ClientError, EventStream};
use c2_shared::limits::ANSWER_TIMEOUT_MS;
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};

use crate::app::Msg;
use crate::app::report::Fault;
use crate::clock::Clock;
use crate::command::CommandError;
use crate::connect::{self, Place};

/// Silence of the stream after which c2d is asked whether it is still there: a connection whose
/// other end vanished or hangs stays open for ever.
const BEAT: Duration = Duration::from_millis(1_800);
/// For an answer; one that takes longer is missed on the screen.
const LATE: Duration = Duration::from_millis(900);

/// Between two tries where time alone cures nothing: c2d counts tokens that it refuses.
const SLOW: Duration = Duration::from_secs(10);

/// Why there is no stream.
struct Lost {
    fault: Fault,
    /// Whether the operator must do something about it first.
    lasts: bool,
}

/// Runs until nobody listens. Each message on `retry` ends a wait between two tries, or has a stream that is open
/// begin anew, with everything as it is now.
pub(crate) async fn run(
    place: Place,
    clients: watch::Sender<Client>,
    clock: Clock,
    to: mpsc::Sender<Msg>,
    mut retry: mpsc::Receiver<()>,
) {
    let mut backoff = Backoff::default();
    // Where a stream was open last.
    let mut served: Option<Client> = None;
    let mut found: Result<Client, CommandError> = Ok(clients.borrow().clone());
    loop {
        if let Ok(client) = &found {
            clients.send_replace(client.clone());
        }
        let server = clients.borrow().server().to_owned();
        if to.send(Msg::Connecting { server }).await.is_err() {
            return;
        }
        let lost = match found {
            Ok(client) => match open(&client, &place).await {
                Ok(stream) => {
                    backoff.reset();
                    served = Some(client.clone());
                    match follow(&client, stream, clock, &to, &mut retry).await {
                        Some(Ended::Asked) => {
                            found = connect::client_again(&place, served.as_ref());
                            continue;
                        }
                        Some(Ended::Lost(error)) => lost(&client, &place, error),
                        None => return,
                    }
                }
                Err(lost) => lost,
            },
            Err(error) => Lost { fault: error.into(), lasts: true },
        };
        let Lost { fault, lasts } = lost;
        let wait = if lasts { SLOW } else { backoff.next(0.0) };
        let retry_at = clock.now().mono.after_ms(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
        tracing::info!(reason = fault.message, ?wait, "no event stream");
        if to.send(Msg::Disconnected { fault, retry_at, lasts }).await.is_err() {
            return;
        }
        tokio::select! {
            () = sleep(wait) => {}
            asked = retry.recv() => match asked {
                Some(()) => backoff.reset(),
                None => return,
            },
        }
        found = connect::client_again(&place, served.as_ref());
    }
}

async fn open(client: &Client, place: &Place) -> Result<EventStream, Lost> {
    match timeout(Duration::from_millis(ANSWER_TIMEOUT_MS), client.events()).await {
        Ok(opened) => opened.map_err(|error| lost(client, place, Some(error))),
        Err(_) => {
            let message = format!("c2d at {} did not answer in time", client.server());
            Err(Lost { fault: Fault { message, hint: None }, lasts: false })
        }
    }
}

/// Passes events on until the stream ends, by an error or without one; nothing when nobody listens
/// any more.
async fn follow(
    client: &Client,
    mut stream: EventStream,
    clock: Clock,
    to: &mpsc::Sender<Msg>,
    retry: &mut mpsc::Receiver<()>,
) -> Option<Ended> {
    to.send(Msg::Connected).await.ok()?;
    loop {
        let heard = tokio::select! {
            biased;
            asked = retry.recv() => return asked.map(|()| Ended::Asked),
            heard = stream.next() => heard,
            error = beat(client, clock, to) => return error.map(|error| Ended::Lost(Some(error))),
        };
        match heard {
            Ok(Some(event)) => to.send(Msg::Event(event)).await.ok()?,
            Ok(None) => return Some(Ended::Lost(None)),
            Err(error) => return Some(Ended::Lost(Some(error))),
        }
    }
}

/// Why a stream is followed no longer.
enum Ended {
    /// The operator asked for a new one.
    Asked,
    /// It ended, by an error or without one.
    Lost(Option<ClientError>),
}

/// Asks c2d time and again whether it is still there; answers why it is not.
async fn beat(client: &Client, clock: Clock, to: &mpsc::Sender<Msg>) -> Option<ClientError> {
    loop {
        let since = clock.now().mono;
        sleep(BEAT).await;
        let mut answer = pin!(client.health());
        let in_time = timeout(LATE, &mut answer).await;
        let was_late = in_time.is_err();
        let answer = match in_time {
            Ok(answer) => answer,
            Err(_) => {
                to.send(Msg::Silent { since }).await.ok()?;
                answer.await
            }
        };
        match answer {
            Ok(_) if was_late => to.send(Msg::Heard).await.ok()?,
            Ok(_) => {}
            Err(error) => return Some(error),
        }
    }
}

/// Why a stream ended or was not opened, in the operator's words.
fn lost(client: &Client, place: &Place, error: Option<ClientError>) -> Lost {
    let Some(error) = error else {
        return Lost { fault: Fault { message: "c2d closed the stream".to_owned(), hint: None }, lasts: false };
    };
    if error.code() == Some(ErrorCode::Unauthorized) {
        let server = client.server();
        let message = if client.has_token() {
            format!("c2d at {server} refuses the token of this console: it was revoked or replaced")
        } else {
            format!("this console has no token for the c2d at {server}")
        };
        return Lost { fault: Fault { message, hint: Some(connect::how_to_get_in(place)) }, lasts: true };
    }
    let lasts = match &error {
        ClientError::Untrusted { .. } | ClientError::Stranger { .. } => true,
        ClientError::Refused { .. } => error.code() == Some(ErrorCode::Forbidden),
        ClientError::Unreachable { .. }
        | ClientError::Timeout { .. }
        | ClientError::Protocol { .. }
        | ClientError::Nameless { .. } => false,
    };
    Lost { fault: Fault { message: error.to_string(), hint: error.hint() }, lasts }
}
