//! What the console knows at one moment: enough to draw a frame without asking anybody.

use std::collections::BTreeSet;

use c2_shared::id::{JobId, WorkerId};
use c2_shared::job::JobState;
use c2_shared::time::Mono;

use crate::app::cache::{Cache, Sight};
use crate::app::figures::Asked;
use crate::app::focus::Focus;
use crate::app::glyphs::Glyphs;
use crate::app::keymap::{Action, Context};
use crate::app::line::{Editor, Line};
use crate::app::live::Preview;
use crate::app::now::Now;
use crate::app::overlay::Overlay;
use crate::app::page::Page;
use crate::app::pager::Pager;
use crate::app::pages::Pages;
use crate::app::panes::{Pane, Panes};
use crate::app::preferences::{Preferences, Sizes};
use crate::app::proposal::{Proposal, Trail, Undo};
use crate::app::report::{DocumentId, Fault};
use crate::app::runs::Runs;
use crate::app::table::{Grid, Opens};
use crate::app::toast::Toasts;
use crate::app::watch::Watch;
use crate::command::Theme;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Where c2d is, as `host:port`.
    pub(crate) server: String,
    /// How this console was called, as far as others must be to speak with the same c2d.
    pub(crate) call: String,
    /// The folder of c2d, where it was named.
    pub(crate) data_dir: Option<String>,
    pub(crate) theme: Theme,
    /// Borders and signs in ASCII.
    pub(crate) ascii: bool,
    /// No colours, only bold and reverse.
    pub(crate) no_color: bool,
    /// Nothing may be changed.
    pub(crate) readonly: bool,
    /// Seconds to add to UTC for the operator's clock.
    pub(crate) utc_offset_s: i32,
}

/// The connection to c2d.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    Connecting {
        since: Mono,
    },
    Up,
    /// c2d was not heard since, though it was asked.
    Silent {
        since: Mono,
    },
    Down {
        fault: Fault,
        /// When it will be tried again.
        retry_at: Mono,
        /// Whether the operator must do something about it first.
        lasts: bool,
    },
}

#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) settings: Settings,
    pub(crate) size: (u16, u16),
    /// When the last message arrived.
    pub(crate) now: Now,
    /// Grows with every change that can be seen.
    pub(crate) generation: u64,
    pub(crate) link: Link,
    pub(crate) was_up: bool,
    pub(crate) cache: Cache,
    pub(crate) panes: Panes,
    /// The pane that has the focus, or had it last.
    pub(crate) pane: Pane,
    pub(crate) focus: Focus,
    /// Only the focused part is shown.
    pub(crate) zoom: bool,
    pub(crate) sizes: Sizes,
    pub(crate) line: Line,
    /// The filter that is being typed, for the focused table.
    pub(crate) filtering: Option<Editor>,
    pub(crate) result: Option<ResultView>,
    pub(crate) pages: Pages,
    /// Commands that run beside the line, or did, and whose view was left.
    pub(crate) watches: Vec<Watch>,
    /// What the selected job writes, beside its table.
    pub(crate) preview: Option<Preview>,
    /// Outputs that the event loop keeps for pages.
    pub(crate) documents: BTreeSet<DocumentId>,
    /// The name of the one that was opened last.
    pub(crate) last_document: DocumentId,
    pub(crate) overlay: Option<Overlay>,
    pub(crate) toasts: Toasts,
    pub(crate) runs: Runs,
    /// The job that is fetched to be edited and submitted again.
    pub(crate) editing: Option<JobId>,
    /// Of which states older jobs were asked for since the last snapshot; none means all.
    pub(crate) older_asked: Vec<Option<JobState>>,
    /// Jobs whose ends are to be told aloud.
    pub(crate) watched: BTreeSet<JobId>,
    /// Jobs that have failed since the operator looked at failures.
    pub(crate) failures: Vec<JobId>,
    /// When it was last asked how long jobs take.
    pub(crate) medians_asked: Option<Mono>,
    /// A local folder that was listed for completion.
    pub(crate) folder: Option<(String, Vec<String>)>,
    /// Names that c2d was asked for to complete the line, and those that it has told just now.
    pub(crate) names_asked: Option<Asked>,
    pub(crate) names_told: Option<Asked>,
    /// The key that quits when it is pressed once more, and when it was pressed.
    pub(crate) leaving: Option<(Action, Mono)>,
    /// What a question that was just answered by a letter may still be told: the rest of the word.
    pub(crate) answered: Option<(&'static str, Mono)>,
    /// What is done with rows when it is confirmed.
    pub(crate) proposal: Option<Proposal>,
    /// The letters that were typed last where they are no text.
    pub(crate) trail: Trail,
    /// How it was before the first of them.
    pub(crate) undo: Option<Undo>,
    /// Whether the mouse belongs to the console.
    pub(crate) mouse: bool,
    /// The choices that were kept last.
    pub(crate) kept: Preferences,
}

#[derive(Clone, Debug)]
pub(crate) struct ResultView {
    /// The line that made it.
    pub(crate) title: String,
    pub(crate) text: Pager,
    /// Rows that it takes in a box as wide as the screen.
    pub(crate) rows: usize,
    pub(crate) status: i32,
    /// A page was opened since: of the result its title stays.
    pub(crate) is_folded: bool,
}

/// Rows of a result that are counted; no screen has more.
const ROWS_MAX: usize = 500;

impl ResultView {
    /// Counts its rows on a screen of this width.
    pub(crate) fn measure(&mut self, width: u16) {
        self.rows = self.text.rows_within(width.saturating_sub(4).into(), ROWS_MAX);
    }
}

/// From this age on a running command shows that it runs; below it only flickers.
const SPINNER_AFTER_MS: u64 = 200;
/// Time between two frames of the spinner.
pub(crate) const SPINNER_MS: u64 = 120;

impl Model {
    /// The console as it starts: nothing known, the line focused.
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            settings,
            size: (0, 0),
            now: Now::default(),
            generation: 0,
            link: Link::Connecting { since: Mono::default() },
            was_up: false,
            cache: Cache::default(),
            panes: Panes::default(),
            pane: Pane::Jobs,
            focus: Focus::Line,
            zoom: false,
            sizes: Sizes::default(),
            line: Line::default(),
            filtering: None,
            result: None,
            pages: Pages::default(),
            watches: Vec::new(),
            preview: None,
            documents: BTreeSet::new(),
            last_document: DocumentId::default(),
            overlay: None,
            toasts: Toasts::default(),
            runs: Runs::default(),
            editing: None,
            older_asked: Vec::new(),
            watched: BTreeSet::new(),
            failures: Vec::new(),
            medians_asked: None,
            folder: None,
            names_asked: None,
            names_told: None,
            leaving: None,
            answered: None,
            proposal: None,
            trail: Trail::default(),
            undo: None,
            mouse: true,
            kept: Preferences::default(),
        }
    }

    /// What the operator must do before there can be a connection, and why.
    pub(crate) fn trouble(&self) -> Option<String> {
        match &self.link {
            Link::Down { fault, lasts: true, .. } => Some(fault.words()),
            _ => None,
        }
    }

    pub(crate) fn glyphs(&self) -> &'static Glyphs {
        Glyphs::of(self.settings.ascii)
    }

    pub(crate) fn sight(&self) -> Sight<'_> {
        Sight { now: self.now, glyphs: self.glyphs(), cache: &self.cache, utc_offset_s: self.settings.utc_offset_s }
    }

    /// The contexts in which a key is looked up now, the nearest first.
    pub(crate) fn contexts(&self) -> Vec<Context> {
        let near: &[Context] = match (&self.overlay, self.focus) {
            (Some(Overlay::Question(question)), _) if question.count.is_some() => &[Context::Count],
            (Some(Overlay::Question(_)), _) => &[Context::Question],
            (Some(Overlay::Finder(_)), _) => &[Context::Finder],
            (None, focus) if focus != Focus::Line && self.pager(focus).is_some_and(|p| p.prompt().is_some()) => {
                &[Context::Ask]
            }
            (None, _) if self.filtering.is_some() => &[Context::Filter],
            (None, Focus::Line) if self.line.search.is_some() => &[Context::Search],
            (None, Focus::Line) if self.line.menu.is_some() => &[Context::Menu, Context::Line],
            (None, Focus::Line) => &[Context::Line],
            (None, Focus::Pane(pane)) => pane.view().keys(),
            (None, Focus::Page) => self.pages.last().map_or(&[], Page::keys),
            (None, Focus::Result) => &[Context::Result, Context::Pager, Context::Pane],
        };
        let proposal = self.proposal.as_ref().filter(|_| self.overlay.is_none()).map(|_| Context::Proposal);
        proposal.into_iter().chain(near.iter().copied()).chain([Context::Everywhere]).collect()
    }

    pub(crate) fn grid(&self, focus: Focus) -> Option<&dyn Grid<Cache>> {
        match focus {
            Focus::Pane(pane) => Some(self.panes.grid(pane)),
            Focus::Page => self.pages.last()?.grid(),
            Focus::Line | Focus::Result => None,
        }
    }

    pub(crate) fn grid_mut(&mut self, focus: Focus) -> Option<(&mut dyn Grid<Cache>, &Cache)> {
        let grid = match focus {
            Focus::Pane(pane) => self.panes.grid_mut(pane),
            Focus::Page => self.pages.last_mut()?.grid_mut()?,
            Focus::Line | Focus::Result => return None,
        };
        Some((grid, &self.cache))
    }

    pub(crate) fn pager(&self, focus: Focus) -> Option<&Pager> {
        match focus {
            Focus::Result | Focus::Line => self.result.as_ref().map(|r| &r.text),
            Focus::Page => self.pages.last()?.text(),
            Focus::Pane(_) => None,
        }
    }

    pub(crate) fn pager_mut(&mut self, focus: Focus) -> Option<&mut Pager> {
        match focus {
            Focus::Result | Focus::Line => self.result.as_mut().map(|r| &mut r.text),
            Focus::Page => self.pages.last_mut()?.text_mut(),
            Focus::Pane(_) => None,
        }
    }

    /// What the selected row leads to.
    pub(crate) fn opens(&self) -> Option<Opens> {
        self.grid(self.focus)?.opens(&self.cache)
    }

    /// The jobs that an action on jobs is about now.
    pub(crate) fn chosen_jobs(&self) -> Vec<JobId> {
        match (self.grid(self.focus), self.focus) {
            (Some(grid), _) => grid.jobs(&self.cache),
            (None, Focus::Page) => self.pages.last().and_then(Page::about).into_iter().collect(),
            (None, _) => Vec::new(),
        }
    }

    /// The workers that an action on workers is about now.
    pub(crate) fn chosen_workers(&self) -> Vec<WorkerId> {
        self.grid(self.focus).map(Grid::workers).unwrap_or_default()
    }

    /// The job of the selected row, or of the page.
    pub(crate) fn selected_job(&self) -> Option<JobId> {
        match self.opens() {
            Some(Opens::Job(job)) => Some(job),
            _ => self.chosen_jobs().first().copied(),
        }
    }

    /// The job that is selected in the table that has the keys, or otherwise among the jobs.
    pub(crate) fn previewed(&self) -> Option<JobId> {
        let near = self.grid(self.focus).filter(|grid| grid.is_of_jobs());
        match near.unwrap_or_else(|| self.panes.grid(Pane::Jobs)).opens(&self.cache) {
            Some(Opens::Job(job)) => Some(job),
            _ => None,
        }
    }

    /// The marked jobs of the first table that has any.
    pub(crate) fn marked_jobs(&self) -> Vec<JobId> {
        let marks = self.panes.of_jobs().into_iter().map(|table| table.marks().collect::<Vec<_>>());
        marks.into_iter().find(|marks| !marks.is_empty()).unwrap_or_default()
    }

    /// How long the present command has been running, once that is worth showing.
    pub(crate) fn running_ms(&self) -> Option<u64> {
        let since = self.runs.present.as_ref()?.since;
        Some(self.now.mono.since_ms(since)).filter(|ms| *ms >= SPINNER_AFTER_MS)
    }
}

impl Preferences {
    /// Those of a console as it is now.
    pub(crate) fn of(model: &Model) -> Self {
        Self {
            theme: model.settings.theme,
            mouse: model.mouse,
            sizes: model.sizes,
            sorts: Pane::ALL.map(|pane| model.panes.grid(pane).sort()),
        }
    }

    /// Gives them to a console.
    pub(crate) fn apply(self, model: &mut Model) {
        model.settings.theme = self.theme;
        model.mouse = self.mouse;
        model.sizes = self.sizes.within_bounds();
        for (pane, sort) in Pane::ALL.into_iter().zip(self.sorts) {
            model.panes.grid_mut(pane).set_sort(sort, &model.cache);
        }
        model.kept = Self::of(model);
    }
}
