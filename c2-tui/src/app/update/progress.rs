//! How far jobs are by what they write, as far as the console reads it anyway: on the page in sight and
//! beside the table.

use c2_shared::job::JobState;

use crate::app::live::Live;
use crate::app::model::Model;
use crate::app::page::Page;

/// Looks at the ends of the outputs in sight, and forgets jobs that run no more.
pub(super) fn look(model: &mut Model) {
    let previewed = model.preview.as_ref().and_then(|preview| preview.live.as_ref());
    let lives = model.pages.last().and_then(Page::live).into_iter().chain(previewed);
    let said: Vec<_> = lives.filter_map(|live| Some((live.job, Live::percent(live)?))).collect();
    let cache = &mut model.cache;
    cache.progress.extend(said);
    let jobs = &cache.jobs;
    cache.progress.retain(|job, _| jobs.get(job).is_some_and(|job| job.row.state == JobState::Running));
}
