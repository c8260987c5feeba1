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

use self::job::Left;
pub(super) use run::Writer;

/// Orders that wait for one output; pages name each block once.
const ORDERS_LEN: usize = 256;

/// Outputs that are kept after their pages are gone.
const LEFT_MAX: usize = 16;

pub(super) struct Outputs {
    client: watch::Receiver<Client>,
    folder: PathBuf,
    to: mpsc::Sender<Msg>,
    open: BTreeMap<DocumentId, mpsc::Sender<Order>>,
    /// What was read of jobs that have not ended, those that were opened last behind the others: a worker that is
    /// silent by now cannot be asked for it again.
    left: Vec<(JobId, Shown, watch::Receiver<Option<Left>>)>,
}

impl Outputs {
    pub(super) const fn new(client: watch::Receiver<Client>, folder: PathBuf, to: mpsc::Sender<Msg>) -> Self {
        Self { client, folder, to, open: BTreeMap::new(), left: Vec::new() }
    }

    pub(super) fn open(&mut self, tasks: &mut JoinSet<()>, id: DocumentId, job: JobId, shown: Shown) {
        let (client, folder) = (self.client.clone(), self.folder.clone());
        let is_this = |(of, which, _): &(JobId, Shown, _)| (*of, *which) == (job, shown);
        // Where it was opened several times, the one that has most.
        let known = self.left.iter().filter(|left| is_this(left)).filter_map(|(_, _, left)| left.borrow().clone());
        let known = known.max_by_key(Left::bytes);
        let (keep, left) = watch::channel(known.clone());
        self.left.retain(|(of, which, left)| (*of, *which) != (job, shown) || left.has_changed().is_ok());
        self.left.push((job, shown, left));
        if self.left.len() > LEFT_MAX {
            self.left.remove(0);
        }
        let read = job::Read { job, shown, known, keep };
        self.begin(tasks, id, |document, orders| job::serve(document, orders, client, folder, read));
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
