//! Keeps the event stream of c2d open and passes on what it says, with the README's back-off
//! between tries.
//!
//! It decides nothing about the screen: it only says connecting, connected, event, disconnected.

use std::time::Duration;

use c2_shared::backoff::Backoff;
use c2_shared::client::{Client, ClientError, EventStream};
use c2_shared::limits::ANSWER_TIMEOUT_MS;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::app::Msg;
use crate::app::msg::Fault;
use crate::runner::Clock;

/// Silence of the stream after which c2d is asked whether it is still there: a connection whose
/// other end vanished stays open for ever.
const SILENCE: Duration = Duration::from_secs(15);

/// Runs until nobody listens. Each message on `retry` ends a wait between two tries.
pub async fn run(client: Client, clock: Clock, to: mpsc::Sender<Msg>, mut retry: mpsc::Receiver<()>) {
    let mut backoff = Backoff::default();
    loop {
        if to.send(Msg::Connecting).await.is_err() {
            return;
        }
        let fault = match open(&client).await {
            Ok(stream) => {
                backoff.reset();
                match follow(&client, stream, &to).await {
                    Some(fault) => fault,
                    None => return,
                }
            }
            Err(fault) => fault,
        };
        let wait = backoff.next(0.0);
        let retry_at = clock.now().mono.after_ms(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
        tracing::info!(reason = fault.message, ?wait, "no event stream");
        if to.send(Msg::Disconnected { fault, retry_at }).await.is_err() {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            asked = retry.recv() => match asked {
                Some(()) => backoff.reset(),
                None => return,
            },
        }
    }
}

async fn open(client: &Client) -> Result<EventStream, Fault> {
    match timeout(Duration::from_millis(ANSWER_TIMEOUT_MS), client.events()).await {
        Ok(opened) => opened.map_err(|error| fault(&error)),
        Err(_) => Err(Fault { message: format!("c2d at {} did not answer in time", client.server()), hint: None }),
    }
}

/// Passes events on until the stream ends; nothing when nobody listens any more.
async fn follow(client: &Client, mut stream: EventStream, to: &mpsc::Sender<Msg>) -> Option<Fault> {
    to.send(Msg::Connected).await.ok()?;
    loop {
        let msg = match timeout(SILENCE, stream.next()).await {
            Ok(Ok(Some(event))) => Msg::Event(event),
            Ok(Ok(None)) => return Some(Fault { message: "c2d closed the stream".to_owned(), hint: None }),
            Ok(Err(error)) => return Some(fault(&error)),
            Err(_) => match client.health().await {
                Ok(()) => continue,
                Err(error) => return Some(fault(&error)),
            },
        };
        to.send(msg).await.ok()?;
    }
}

fn fault(error: &ClientError) -> Fault {
    Fault { message: error.to_string(), hint: error.hint() }
}
