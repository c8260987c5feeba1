//! What keys, hints and clicks can ask for.

use crate::app::line::Edit;
use crate::app::listing::Listed;
use crate::app::pager::Command;
use crate::app::panes::Pane;
use crate::app::row_verb::RowVerb;
use crate::app::table::Step;

/// Something to do; [`super::TABLE`] says in words what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Interrupt,
    Suspend,
    Repaint,
    Palette,
    Help,
    Focus(Pane),
    FocusNext,
    FocusBack,
    Mouse,
    Retry,

    ToLine,
    Back,
    /// The same, whatever is filtered there.
    Leave,
    Quit,
    Zoom,
    Grow,
    Shrink,
    Filter,

    Step(Step),
    Open,
    Mark,
    MarkStep(Step),
    MarkAll,
    Unmark,
    SortNext,
    SortBack,
    SortTurn,
    Chip,
    Row(RowVerb),
    Follow,
    EditAgain,
    Assign,
    Tags,
    Actions,
    Why,
    Preview,
    Notify,
    Failures,
    List(Listed),
    Timeline,
    Pass(i8),
    SchedulePause,
    ScheduleRun,
    ScheduleRemove,
    Details,
    Copy,
    Pager(Command),
    Fold,
    Stream,
    Beside(i8),

    Edit(Edit),
    RightOrAccept,
    DeleteOrQuit,
    Accept,
    Complete,
    Older,
    Newer,
    Search,
    TakeIntoLine,
    Previous,
    Next,
    Dismiss,
    Rub,
    Yes,
    No,
}

impl Action {
    /// Whether it may change something that others see, or begins a line that does.
    pub(crate) const fn changes(self) -> bool {
        matches!(
            self,
            Self::Row(_)
                | Self::EditAgain
                | Self::Assign
                | Self::Tags
                | Self::SchedulePause
                | Self::ScheduleRun
                | Self::ScheduleRemove
        )
    }

    /// Whether it changes something that others see, or puts a line in the place of what is typed next, so that a
    /// letter alone does not do it. What destroys asks by itself.
    pub(crate) const fn is_proposed(self) -> bool {
        match self {
            Self::Row(verb) => !verb.destroys(),
            Self::SchedulePause | Self::ScheduleRun | Self::EditAgain => true,
            _ => false,
        }
    }
}
