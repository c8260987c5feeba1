//! How far jobs are by what they write, as far as the console reads it anyway: on the page in sight and
//! beside the table.

use c2_shared::job::JobState;

use crate::app::live::Live;
use crate::app::model::Model;
use crate::app::page::Page;

/// Looks at the ends of the outputs in sight, and forgets jobs that run no more or are out of sight.
pub(super) fn look(model: &mut Model) {
    let previewed = model.preview.as_ref().and_then(|preview| preview.live.as_ref());
    let lives = model.pages.last().and_then(Page::live).into_iter().chain(previewed);
    let jobs = &model.cache.jobs;
    let runs = |live: &&Live| jobs.get(&live.job).is_some_and(|job| job.row.state == JobState::Running);
    // While its end is out of sight it is as far as it was.
    let before = |live: &Live| model.cache.progress.get(&live.job).copied();
    let said = lives.filter(runs).filter_map(|live| Some((live.job, live.percent().or_else(|| before(live))?)));
    model.cache.progress = said.collect();
}
