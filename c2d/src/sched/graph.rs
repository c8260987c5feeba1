//! Dependencies: which jobs a new one waits for, and what follows when one ends.
//!
//! New edges can form a cycle only within a batch, because ids are given by c2d; so the topological
//! check looks at the batch alone. A job's end is followed through everything that depends on it
//! in one turn, with a work list instead of recursion, so that a chain of 50,000 is no deeper than
//! a chain of two.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use c2_shared::id::{AttemptId, JobId, WorkerId};
use c2_shared::job::{Condition, DependsOn, JobState, Outcome};

use crate::sched::event::NewJob;
use crate::sched::scheduler::{Scheduler, Turn};
use crate::sched::{Decision, Reject};

/// A dependency with its job found.
pub(crate) type Edge = (Condition, JobId);

/// Cycles that are told; whoever mends so many looks again.
const CYCLES_MAX: usize = 20;

/// Finds the jobs that a batch depends on, and all that is wrong with that. Its jobs will be numbered from
/// `first`; those that `instead` names stand for older ones.
pub(crate) fn resolve(jobs: &[NewJob], first: u64, instead: &BTreeMap<JobId, JobId>) -> (Vec<Vec<Edge>>, Vec<Reject>) {
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    let mut ambiguous: BTreeSet<&str> = BTreeSet::new();
    for (i, job) in jobs.iter().enumerate() {
        if let Some(name) = job.name.as_deref()
            && names.insert(name, i).is_some()
        {
            ambiguous.insert(name);
        }
    }
    let find = |on: &DependsOn| match on {
        DependsOn::Job(id) if id.0 < first => Ok(*instead.get(id).unwrap_or(id)),
        DependsOn::Job(id) => Err(Reject::UnknownJob { job: *id }),
        DependsOn::Name(name) if ambiguous.contains(name.as_str()) => Err(Reject::AmbiguousName { name: name.clone() }),
        DependsOn::Name(name) => match names.get(name.as_str()) {
            Some(i) => Ok(JobId(first + *i as u64)),
            None => Err(Reject::UnknownName { name: name.clone() }),
        },
    };
    let (mut edges, mut refusals) = (Vec::with_capacity(jobs.len()), Vec::new());
    for (place, job) in jobs.iter().enumerate() {
        let mut found = Vec::with_capacity(job.depends.len());
        for on in &job.depends {
            match find(&on.on) {
                Ok(job) => found.push((on.condition, job)),
                Err(refusal) => refusals.push(refusal.of_job(place)),
            }
        }
        edges.push(found);
    }
    let label = |i: usize| jobs[i].name.as_deref().map_or_else(|| format!("job {} of the batch", i + 1), str::to_owned);
    let mut rest: Option<Vec<Vec<Edge>>> = None;
    for _ in 0..CYCLES_MAX {
        let Some(path) = cycle(rest.as_deref().unwrap_or(&edges), first) else { break };
        // Without its edges the next one is found.
        let rest = rest.get_or_insert_with(|| edges.clone());
        path.iter().for_each(|i| rest[*i].clear());
        let place = path[0];
        refusals.push(Reject::Cycle { path: path.into_iter().map(label).collect() }.of_job(place));
    }
    (edges, refusals)
}

/// Finds jobs of a batch that wait for each other, as a path that ends where it began.
fn cycle(edges: &[Vec<Edge>], first: u64) -> Option<Vec<usize>> {
    let inner = |i: usize| edges[i].iter().filter_map(move |(_, on)| usize::try_from(on.0.checked_sub(first)?).ok());
    let mut waits: Vec<usize> = (0..edges.len()).map(|i| inner(i).count()).collect();
    let mut dependents: Vec<Vec<usize>> = vec![Vec::new(); edges.len()];
    for i in 0..edges.len() {
        for on in inner(i) {
            dependents[on].push(i);
        }
    }
    let mut free: Vec<usize> = (0..edges.len()).filter(|i| waits[*i] == 0).collect();
    while let Some(done) = free.pop() {
        for &i in &dependents[done] {
            waits[i] -= 1;
            if waits[i] == 0 {
                free.push(i);
            }
        }
    }
    // Whoever still waits, waits for somebody who still waits: following that leads into a cycle.
    let mut at = waits.iter().position(|waits| *waits > 0)?;
    let mut path: Vec<usize> = Vec::new();
    loop {
        if let Some(start) = path.iter().position(|seen| *seen == at) {
            path.drain(..start);
            path.push(at);
            return Some(path);
        }
        path.push(at);
        at = inner(at).find(|on| waits[*on] > 0).expect("a job that still waits waits for one that does");
    }
}

/// Whether a final state is what a dependency asked for.
pub(crate) fn meets(condition: Condition, state: JobState) -> bool {
    match condition {
        Condition::Ok => state == JobState::Succeeded,
        Condition::Any => true,
        Condition::NotOk => state != JobState::Succeeded,
    }
}

impl Scheduler {
    /// The worker on which a job's fulfilled dependencies ran: none, one, or two that differ.
    pub(crate) fn machine_of(&self, edges: &[Edge]) -> Result<Option<WorkerId>, (WorkerId, WorkerId)> {
        let mut machine = None;
        for id in edges.iter().filter_map(|(_, on)| self.ended.get(*on)?.worker) {
            match machine {
                None => machine = Some(id),
                Some(other) if other != id => return Err((other, id)),
                Some(_) => {}
            }
        }
        Ok(machine)
    }
}

impl Turn<'_> {
    /// Ends a job, and with it all that can no longer run.
    pub(crate) fn end(&mut self, job: JobId, outcome: Outcome) {
        let mut ending = VecDeque::from([(job, outcome)]);
        while let Some((id, outcome)) = ending.pop_front() {
            let Some(active) = self.s.jobs.get(id) else { continue };
            let (attempt, worker) = (active.attempt, active.worker.clone());
            let state = outcome.state();
            let root = if let Outcome::Dependency { root } = outcome { root } else { id };
            let dependents = self.s.dependents.get(&id).cloned().unwrap_or_default();
            let seq = self.s.last_seq + 1;
            let number = AttemptId { job: id, number: attempt };
            let started_ms = worker.as_ref().and_then(|worker| self.s.started_ms(worker, number));
            self.decide(Decision::End { job: id, attempt, outcome, started_ms, at_ms: self.now.wall_ms, seq });
            for dependent in dependents {
                if let Some(failure) = self.inform(dependent, id, state, worker.clone(), root) {
                    ending.push_back((dependent, failure));
                }
            }
        }
    }

    /// Tells a job that one of its dependencies ended; answers how it must end, if it must.
    fn inform(
        &mut self,
        id: JobId,
        on: JobId,
        state: JobState,
        worker: Option<WorkerId>,
        root: JobId,
    ) -> Option<Outcome> {
        let job = self.s.jobs.get(id)?;
        if job.depends.iter().any(|edge| edge.on == on && !meets(edge.condition, state)) {
            return Some(Outcome::Dependency { root });
        }
        if !job.depends.iter().any(|edge| edge.on == on && !edge.fulfilled) {
            return None;
        }
        let pinned = job.pinned.clone();
        let tie = worker.filter(|_| job.terms.same_machine);
        if let (Some(pinned), Some(other)) = (&pinned, &tie)
            && pinned != other
        {
            let (one, other) = (self.s.called(pinned), self.s.called(other));
            let reason = format!("its dependencies ran on {one} and {other}, but it asked for the same machine");
            return Some(Outcome::Setup { reason });
        }
        self.decide(Decision::Fulfil { job: id, on });
        if let (None, Some(worker)) = (pinned, tie) {
            self.decide(Decision::Pin { job: id, worker });
        }
        self.let_wait(id);
        None
    }

    /// Moves a job that does not run to where it belongs now.
    pub(crate) fn let_wait(&mut self, id: JobId) {
        let Some(job) = self.s.jobs.get(id) else { return };
        let state = job.waiting_state(job.state == JobState::Held, self.now.wall_ms);
        let waits_for_time = state == JobState::Blocked && !job.is_blocked();
        // Its time may have come before, by a clock that was set back since.
        let begin = job.terms.begin_at.filter(|_| waits_for_time).map(|at| (at, id));
        if job.state != state {
            self.decide(Decision::SetWaiting { job: id, state });
        }
        self.s.begins.extend(begin);
    }
}
