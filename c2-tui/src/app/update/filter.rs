//! The filter of a table while it is typed.

use crate::app::line::Editor;
use crate::app::model::Model;

/// Changes the filter that is being typed, and what it filters with it.
pub(super) fn edit(model: &mut Model, change: impl FnOnce(&mut Editor)) {
    let Some(editor) = &mut model.filtering else { return };
    change(editor);
    let text = editor.text().to_owned();
    if let Some((grid, cache)) = model.grid_mut(model.focus) {
        grid.set_filter(&text, cache);
        grid.wake();
    }
}
