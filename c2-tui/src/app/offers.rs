//! What is worth a hint, and how a hint spells it.

use crate::app::keymap::Action;
use crate::app::model::Model;
use crate::app::page::Page;

impl Model {
    /// Whether an action is worth a hint: a console that may only look changes nothing, and what cannot be done with the
    /// job that has the keys is not offered.
    pub(crate) fn offers(&self, action: Action) -> bool {
        let job = self.selected_job().and_then(|id| self.cache.jobs.get(&id));
        match action {
            action if self.settings.readonly && action.changes() => false,
            Action::Row(verb) if verb.is_of_jobs() => match (job, self.pages.last()) {
                // A row stands for several.
                (_, Some(Page::List(_))) => true,
                (Some(job), _) => verb.fits_job(job.row.state),
                (None, _) => false,
            },
            Action::Why => job.is_none_or(|job| !job.row.state.is_terminal()),
            _ => true,
        }
    }

    /// A command line of a hint, with the folder of c2d where that was named.
    pub(crate) fn spelled(&self, hint: &str) -> String {
        match (&self.settings.data_dir, hint.strip_prefix("c2d ")) {
            (Some(folder), Some(rest)) => format!("c2d --data-dir {folder} {rest}"),
            _ => hint.to_owned(),
        }
    }
}
