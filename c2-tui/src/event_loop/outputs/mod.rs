//! Texts that pages show and that may be longer than memory: what a job wrote, what a running
//! command gives. Each is kept in a spool and read from there, by a task of its own that ends with
//! its page.

mod document;
mod job;
mod run;

use std::collections::BTreeMap;
use std::path::PathBuf;

use c2_shared::client::Client;
use c2_shared::id::JobId;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use self::document::{Document, Gone, Order};
use super::spool::save_text;
use crate::app::Msg;
use crate::app::live::Shown;
use crate::app::msg::Saved;
use crate::app::report::DocumentId;

pub(super) use run::Writer;

/// Orders that wait for one output; pages name each block once.
const ORDERS_LEN: usize = 256;

pub(super) struct Outputs {
    client: watch::Receiver<Client>,
    folder: PathBuf,
    to: mpsc::Sender<Msg>,
    open: BTreeMap<DocumentId, mpsc::Sender<Order>>,
}

impl Outputs {
    pub(super) const fn new(client: watch::Receiver<Client>, folder: PathBuf, to: mpsc::Sender<Msg>) -> Self {
        Self { client, folder, to, open: BTreeMap::new() }
    }

    pub(super) fn open(&mut self, tasks: &mut JoinSet<()>, id: DocumentId, job: JobId, shown: Shown) {
        let (client, folder) = (self.client.clone(), self.folder.clone());
        self.begin(tasks, id, |document, orders| job::serve(document, orders, client, folder, job, shown));
    }

    /// Opens what a command gives; it is written with the writer.
    pub(super) fn open_run(&mut self, tasks: &mut JoinSet<()>, id: DocumentId) -> Writer {
        let (writer, kept) = Writer::new(&self.folder, id);
        self.begin(tasks, id, |document, orders| run::serve(document, orders, kept));
        writer
    }

    fn begin<F>(
        &mut self,
        tasks: &mut JoinSet<()>,
        id: DocumentId,
        serve: impl FnOnce(Document, mpsc::Receiver<Order>) -> F,
    ) where
        F: Future<Output = Result<(), Gone>> + Send + 'static,
    {
        let (orders_to, orders) = mpsc::channel(ORDERS_LEN);
        self.open.insert(id, orders_to);
        let serving = serve(Document::new(id, self.to.clone()), orders);
        tasks.spawn(async move {
            if let Err(Gone) = serving.await {
                tracing::debug!(document = ?id, "the console ended while an output was open");
            }
        });
    }

    pub(super) fn read(&self, document: DocumentId, blocks: Vec<u64>) {
        self.order(document, Order::Read(blocks));
    }

    pub(super) fn close(&mut self, document: DocumentId) {
        self.open.remove(&document);
    }

    pub(super) fn save(&self, tasks: &mut JoinSet<()>, what: Saved, path: String, overwrite: bool) {
        let text = match what {
            Saved::Output(document) => return self.order(document, Order::Save { path, overwrite }),
            Saved::Text(text) => text,
        };
        let to = self.to.clone();
        tasks.spawn_blocking(move || {
            let ending = save_text(&path, overwrite, &text);
            let _nobody_listens = to.blocking_send(Msg::Saved { what: Saved::Text(text), path, ending });
        });
    }

    fn order(&self, document: DocumentId, order: Order) {
        if let Some(orders) = self.open.get(&document)
            && orders.try_send(order).is_err()
        {
            tracing::warn!(?document, "an output has too many orders");
        }
    }
}
