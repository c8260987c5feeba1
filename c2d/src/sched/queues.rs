//! Jobs that wait for a worker, in queues by shape.
//!
//! A shape is what a job asks of a worker: group, tags, a worker to run on or not to run on; and the batch,
//! which may have enough jobs that run. All jobs of one shape can run in the same places, so only the first of each queue is ever looked
//! at: choosing costs what the shapes cost that a worker can serve, never the length of a queue,
//! and jobs that wait for a lock never stand in the way of those behind them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use c2_shared::id::{JobId, WorkerId};
use c2_shared::job::{Placement, Terms};
use c2_shared::time::Mono;

/// What a job asks of a worker.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Shape {
    pub(crate) placement: Arc<Placement>,
    /// The batch, of which only so many may run at once.
    pub(crate) batch: Option<Arc<str>>,
    /// The only one that may run it.
    pub(crate) pinned: Option<WorkerId>,
    /// Workers that could not start it a short while ago.
    pub(crate) avoid: Vec<WorkerId>,
    /// It rests before a retry, so nobody may run it yet.
    pub(crate) rests: bool,
}

/// Names a shape while any job has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ShapeId(u32);

/// Place of a job in its queue: higher priority first, then the order of submission, unless an operator moved it.
pub(crate) type Rank = (Reverse<i32>, i64, JobId);

/// Where the jobs of a shape can run, as far as one look-up can tell.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Anywhere,
    Group(Box<str>),
    Worker(WorkerId),
}

#[derive(Clone, Debug)]
struct Queue {
    shape: Shape,
    /// All that its latest job asked for.
    terms: Arc<Terms>,
    /// Active jobs of this shape, waiting or not.
    users: usize,
    ready: BTreeSet<Rank>,
    /// The first of them that jobs of a lower rank were given past, as it found no room, and since when.
    passed: Option<(JobId, Mono)>,
}

/// All shapes and their queues.
#[derive(Clone, Debug, Default)]
pub(crate) struct Queues {
    ids: BTreeMap<Shape, ShapeId>,
    queues: Vec<Option<Queue>>,
    free: Vec<ShapeId>,
    /// Shapes with a job that waits.
    ready: BTreeMap<Place, BTreeSet<ShapeId>>,
}

impl Queues {
    /// Names a shape on behalf of one more job.
    pub(crate) fn enter(&mut self, shape: Shape) -> ShapeId {
        let id = match self.ids.get(&shape) {
            Some(id) => *id,
            None => self.add(shape),
        };
        self.queue_mut(id).users += 1;
        id
    }

    /// Forgets that a job has this shape; the last one takes the shape with it.
    pub(crate) fn leave(&mut self, id: ShapeId) {
        let queue = self.queue_mut(id);
        queue.users -= 1;
        if queue.users == 0 {
            assert!(queue.ready.is_empty(), "a queue without users still has jobs");
            let shape = std::mem::take(&mut queue.shape);
            self.ids.remove(&shape);
            self.queues[id.0 as usize] = None;
            self.free.push(id);
        }
    }

    /// Keeps what a job of this shape asks for once, if the one before it asked for the same.
    pub(crate) fn share(&mut self, id: ShapeId, terms: &mut Arc<Terms>) {
        let queue = self.queue_mut(id);
        if *terms == queue.terms {
            *terms = Arc::clone(&queue.terms);
            return;
        }
        let own = Arc::make_mut(terms);
        own.placement = Arc::clone(&queue.shape.placement);
        own.batch.clone_from(&queue.shape.batch);
        queue.terms = Arc::clone(terms);
    }

    pub(crate) fn shape(&self, id: ShapeId) -> &Shape {
        &self.queue(id).shape
    }

    /// Lets a job wait.
    pub(crate) fn push(&mut self, id: ShapeId, rank: Rank) {
        let queue = self.queue_mut(id);
        if queue.ready.is_empty() {
            let place = queue.shape.place();
            self.ready.entry(place).or_default().insert(id);
        }
        let new = self.queue_mut(id).ready.insert(rank);
        assert!(new, "{} waits twice", rank.2);
    }

    /// Takes a waiting job out.
    pub(crate) fn remove(&mut self, id: ShapeId, rank: Rank) {
        let queue = self.queue_mut(id);
        let was = queue.ready.remove(&rank);
        assert!(was, "{} did not wait", rank.2);
        if queue.ready.is_empty() {
            let place = queue.shape.place();
            let shapes = self.ready.get_mut(&place).expect("a shape with waiting jobs has a place");
            shapes.remove(&id);
            if shapes.is_empty() {
                self.ready.remove(&place);
            }
        }
    }

    /// How many jobs of each shape wait.
    pub(crate) fn lengths(&self) -> impl Iterator<Item = (ShapeId, usize)> {
        self.ready.values().flatten().map(|id| (*id, self.queue(*id).ready.len()))
    }

    /// The first waiting job of a shape.
    pub(crate) fn first(&self, id: ShapeId) -> Option<Rank> {
        self.queue(id).ready.first().copied()
    }

    /// Since when the first waiting job of a shape is passed over.
    pub(crate) fn passed_since(&self, id: ShapeId) -> Option<Mono> {
        let queue = self.queue(id);
        let first = queue.ready.first()?;
        queue.passed.filter(|(job, _)| *job == first.2).map(|(_, since)| since)
    }

    /// Notes that the first waiting job of a shape is passed over.
    pub(crate) fn pass(&mut self, id: ShapeId, now: Mono) {
        let queue = self.queue_mut(id);
        queue.passed = queue.ready.first().map(|first| (first.2, now));
    }

    /// How many jobs of a shape wait before a rank; for explanations.
    pub(crate) fn ahead(&self, id: ShapeId, rank: Rank) -> usize {
        self.queue(id).ready.range(..rank).count()
    }

    /// Shapes with waiting jobs that a worker of these groups may serve.
    pub(crate) fn servable<'a>(
        &'a self,
        worker: &WorkerId,
        groups: &'a BTreeSet<String>,
    ) -> impl Iterator<Item = ShapeId> + 'a {
        let groups = groups.iter().map(|group| Place::Group(group.as_str().into()));
        let places = [Place::Anywhere, Place::Worker(worker.clone())].into_iter().chain(groups);
        places.filter_map(|place| self.ready.get(&place)).flatten().copied()
    }

    /// The shapes of a batch with waiting jobs.
    pub(crate) fn ready_of(&self, batch: &str) -> impl Iterator<Item = ShapeId> {
        let shapes = self.ready.values().flatten().copied();
        shapes.filter(move |id| self.shape(*id).batch.as_deref() == Some(batch))
    }

    /// All shapes with waiting jobs.
    pub(crate) fn all_ready(&self) -> impl Iterator<Item = ShapeId> {
        self.ready.values().flatten().copied()
    }

    /// Whether no job waits.
    pub(crate) fn is_idle(&self) -> bool {
        self.ready.is_empty()
    }

    /// All waiting jobs, each with its shape; for checks.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = (ShapeId, Rank)> {
        let ids = self.ready.values().flatten();
        ids.flat_map(|id| self.queue(*id).ready.iter().map(|rank| (*id, *rank)))
    }

    fn add(&mut self, shape: Shape) -> ShapeId {
        let queue =
            Some(Queue { shape: shape.clone(), terms: Arc::default(), users: 0, ready: BTreeSet::new(), passed: None });
        let id = match self.free.pop() {
            Some(id) => {
                self.queues[id.0 as usize] = queue;
                id
            }
            None => {
                self.queues.push(queue);
                ShapeId(u32::try_from(self.queues.len() - 1).expect("there are fewer shapes than jobs"))
            }
        };
        self.ids.insert(shape, id);
        id
    }

    fn queue(&self, id: ShapeId) -> &Queue {
        self.queues[id.0 as usize].as_ref().expect("a named shape has a queue")
    }

    fn queue_mut(&mut self, id: ShapeId) -> &mut Queue {
        self.queues[id.0 as usize].as_mut().expect("a named shape has a queue")
    }
}

impl Shape {
    /// The narrowest place: a job tied to a worker is found there even if it asks for a group too.
    fn place(&self) -> Place {
        match (&self.pinned, &self.placement.group) {
            (Some(worker), _) => Place::Worker(worker.clone()),
            (None, Some(group)) => Place::Group(group.as_str().into()),
            (None, None) => Place::Anywhere,
        }
    }
}
