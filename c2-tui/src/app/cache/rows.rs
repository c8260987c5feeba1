//! The rows of the cache as tables see them: where they are, what they are searched by, and what
//! they lead to.

use c2_shared::id::{JobId, WorkerId};
use c2_shared::job::JobState;

use super::change::cells;
use super::{Cache, Group, Job, JobScope, Schedule, Wait, WaitKey, Worker};
use crate::app::panes::workers::NOT_YET;
use crate::app::table::{NO_WORD, Opens, Row, Rows};
use crate::app::text::{sanitize, width};

/// Cells for the id of a job, so that nothing moves while there are few.
const ID: u16 = 9;

/// Cells for what jobs ask for, so that its head can be read, and that why they wait has room.
const ASKS: (u16, u16) = (4, 12);

impl Row for Worker {
    type Id = WorkerId;
    type Scope = ();
    type Cache = Cache;

    fn rows(cache: &Cache) -> &Rows<Self> {
        &cache.workers
    }

    fn id(&self) -> WorkerId {
        self.row.worker_id.clone()
    }

    fn within(&self, (): &()) -> bool {
        true
    }

    fn searched(&self) -> String {
        self.searched()
    }

    fn opens(&self) -> Opens {
        Opens::Worker(self.row.worker_id.clone(), self.row.ip)
    }

    fn detail(&self, _: &Cache) -> Option<String> {
        let silent = if self.heard_ms.is_none() { "  not heard since c2d was started" } else { "" };
        Some(format!("{}  c2-agent {}{silent}", self.hostname, sanitize(&self.row.version)))
    }

    fn worker(id: WorkerId) -> Option<WorkerId> {
        Some(id)
    }

    fn widest(cache: &Cache, column: &str) -> Option<u16> {
        match column {
            "address" => Some(cache.seen.address),
            "host" => Some(cache.seen.host),
            "heard" if cache.workers.values().any(|worker| worker.heard_ms.is_none()) => Some(cells(NOT_YET.len())),
            _ => None,
        }
    }

    fn uses(cache: &Cache, column: &str) -> bool {
        match column {
            "gpu" => cache.seen.gpus,
            "group" => cache.seen.groups,
            "tags" => cache.seen.tags,
            _ => true,
        }
    }
}

impl Row for Job {
    type Id = JobId;
    type Scope = JobScope;
    type Cache = Cache;

    const ARE_JOBS: bool = true;

    fn rows(cache: &Cache) -> &Rows<Self> {
        &cache.jobs
    }

    fn id(&self) -> JobId {
        self.row.job_id
    }

    fn within(&self, scope: &JobScope) -> bool {
        let state = self.row.state;
        match scope {
            JobScope::Active => !state.is_terminal(),
            JobScope::Running => state == JobState::Running,
            JobScope::Done => matches!(state, JobState::Succeeded | JobState::Cancelled),
            JobScope::Failed => state == JobState::Failed,
            JobScope::All => true,
            JobScope::Ended => state.is_terminal(),
            JobScope::These(ids) => ids.contains(&self.row.job_id),
            JobScope::On(id) => self.row.worker_id.as_ref() == Some(id),
        }
    }

    fn searched(&self) -> String {
        self.searched()
    }

    fn opens(&self) -> Opens {
        Opens::Job(self.row.job_id)
    }

    /// Its whole title, and why it failed.
    fn detail(&self, _: &Cache) -> Option<String> {
        Some(match &self.row.outcome {
            Some(outcome) if outcome.state() == JobState::Failed => {
                format!("{}: {}", sanitize(&outcome.to_string()), self.title)
            }
            _ => self.title.clone(),
        })
    }

    fn uses(cache: &Cache, column: &str) -> bool {
        match column {
            "group" => cache.seen.asked_groups,
            "tags" => cache.seen.asked_tags,
            "needs" => cache.seen.asked_needs,
            "try" => cache.seen.retries,
            "worker" | "run" => cache.seen.starts,
            "left" => cache.knows_progress(),
            _ => true,
        }
    }

    fn jobs(&self) -> Vec<JobId> {
        vec![self.row.job_id]
    }

    fn widest(cache: &Cache, column: &str) -> Option<u16> {
        match column {
            "id" => cache.jobs.keys().next_back().map(|id| cells(id.to_string().len()).max(ID)),
            "worker" => Some(cache.seen.address),
            _ => None,
        }
    }
}

impl Row for Schedule {
    type Id = String;
    type Scope = ();
    type Cache = Cache;

    fn rows(cache: &Cache) -> &Rows<Self> {
        &cache.schedules
    }

    fn id(&self) -> String {
        self.row.name.clone()
    }

    fn within(&self, (): &()) -> bool {
        true
    }

    fn searched(&self) -> String {
        self.searched()
    }

    fn opens(&self) -> Opens {
        Opens::Schedule(self.row.name.clone())
    }

    fn detail(&self, _: &Cache) -> Option<String> {
        let skipped = self.skipped().map(|reason| format!("  last skipped: {}", sanitize(reason)));
        let (cron, zone) = (&self.row.cron, &self.row.timezone);
        Some(format!("{}  {cron} {zone}{}  {}", self.row.name, skipped.unwrap_or_default(), self.command))
    }

    fn uses(cache: &Cache, column: &str) -> bool {
        column != "missed" || cache.schedules.values().any(|schedule| schedule.missed() > 0)
    }
}

impl Row for Group {
    type Id = String;
    type Scope = ();
    type Cache = Cache;

    fn rows(cache: &Cache) -> &Rows<Self> {
        &cache.groups
    }

    fn id(&self) -> String {
        self.searched()
    }

    fn within(&self, (): &()) -> bool {
        true
    }

    fn searched(&self) -> String {
        self.searched()
    }

    fn opens(&self) -> Opens {
        Opens::Alike(if self.line.is_empty() { self.outcome.clone() } else { self.line.clone() }, self.jobs.clone())
    }

    fn jobs(&self) -> Vec<JobId> {
        self.jobs.clone()
    }

    fn detail(&self, _: &Cache) -> Option<String> {
        Some(format!("{}: {}", self.outcome, self.line))
    }
}

impl Row for Wait {
    type Id = WaitKey;
    type Scope = ();
    type Cache = Cache;

    fn rows(cache: &Cache) -> &Rows<Self> {
        &cache.waits
    }

    fn id(&self) -> WaitKey {
        self.key
    }

    fn within(&self, (): &()) -> bool {
        true
    }

    fn searched(&self) -> String {
        self.searched()
    }

    fn detail(&self, cache: &Cache) -> Option<String> {
        let (asks, why) = (self.asks(), self.why(cache));
        Some(if asks.is_empty() || why.is_empty() { asks + &why } else { format!("{asks}: {why}") })
    }

    /// What they ask for takes no more room than it needs: why they wait needs all of it.
    fn widest(cache: &Cache, column: &str) -> Option<u16> {
        let asks = cache.waits.values().map(|wait| width(&wait.asks())).max().unwrap_or_default();
        (column == "for").then(|| cells(asks).clamp(ASKS.0, ASKS.1))
    }

    fn uses(cache: &Cache, column: &str) -> bool {
        column != "for" || cache.seen.asked_groups || cache.seen.asked_tags || cache.seen.asked_needs
    }

    /// The jobs that wait so.
    fn opens(&self) -> Opens {
        let words = |words: &[&str]| if words.is_empty() { NO_WORD.to_owned() } else { words.join(",") };
        let group: Vec<&str> = self.group.as_deref().into_iter().collect();
        let tags: Vec<&str> = self.tags.iter().map(String::as_str).collect();
        let needs: Vec<&str> = self.needs.iter().map(String::as_str).collect();
        let (group, tags, needs) = (words(&group), words(&tags), words(&needs));
        Opens::Jobs(format!("state:={} group:={group} tags:={tags} needs:={needs}", self.state()))
    }
}
