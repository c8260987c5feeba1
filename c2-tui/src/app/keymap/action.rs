//! What keys, hints and clicks can ask for.

use crate::app::line::Edit;
use crate::app::pager::Command;
use crate::app::panes::Pane;
use crate::app::table::Step;

/// Something to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Clear the line, stop what runs, and when pressed twice, quit.
    Interrupt,
    /// Hand the terminal back to the shell.
    Suspend,
    Repaint,
    Palette,
    Help,
    Focus(Pane),
    FocusNext,
    /// Focus the part before.
    FocusBack,
    /// Take or give back the mouse.
    Mouse,
    /// Try to reach c2d now.
    Retry,

    /// Focus the `!>` line.
    ToLine,
    /// One step back: out of a page, a filter, a pane.
    Back,
    Quit,
    /// Show only the focused part.
    Zoom,
    /// Make the focused part larger.
    Grow,
    Shrink,
    Filter,

    /// Move through rows or text.
    Step(Step),
    /// Open the selected row.
    Open,
    /// Mark the selected row.
    Mark,
    MarkStep(Step),
    /// Mark all rows that pass the filter.
    MarkAll,
    /// Take all marks away.
    Unmark,
    SortNext,
    /// Sort by the column before.
    SortBack,
    /// Sort the other way round.
    SortTurn,
    /// Show the next kind of jobs.
    Chip,
    Cancel,
    /// Say why a job does not run.
    Why,
    /// Put the selected row into the clipboard.
    Copy,
    Pager(Command),
    /// Put equal outputs of workers together, or take them apart.
    Fold,
    /// Show another stream of a job, or open its output.
    Stream,
    /// The same page of the job beside, among those that are marked.
    Beside(i8),

    Edit(Edit),
    /// Right, and at the end take the suggestion.
    RightOrAccept,
    /// Delete, and on an empty line quit.
    DeleteOrQuit,
    /// Run the line, or take what is chosen.
    Accept,
    /// Complete, and on an empty line go to the next part.
    Complete,
    /// The line before in history.
    Older,
    /// The line after in history.
    Newer,
    Search,
    /// Take what was found into the line without running it.
    TakeIntoLine,
    Previous,
    Next,
    /// Give up what was begun.
    Dismiss,
    /// Delete the character before.
    Rub,
    Yes,
    No,
}
