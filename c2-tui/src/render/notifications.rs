//! Notifications as text: a table of all, one in full, and what came of a test.

use c2_shared::api::notifications::{Kind, NotificationList, NotificationRow, NotificationTested};

use crate::render::look::{Look, Style};
use crate::render::sanitize;
use crate::render::table::{Cell, Table, fields, flexible, words};
use crate::render::workers::joined;

pub(crate) fn list(look: &Look, list: &NotificationList) -> String {
    if list.notifications.is_empty() {
        return "there is no notification\n`notify add NAME --on=failed --to=TARGET` adds one\n".to_owned();
    }
    let mut table = Table::new([words("NAME"), flexible("ON"), flexible("TO"), flexible("ONLY"), flexible("STATE")]);
    for row in &list.notifications {
        let state = match (&row.trouble, &row.missing) {
            (Some(reason), _) => Cell::styled(format!("failing: {reason}"), Style::Bad),
            (None, Some(missing)) => Cell::styled(missing, Style::Waiting),
            (None, None) => Cell::styled("ok", Style::Good),
        };
        table.row([Cell::from(&row.name), Cell::from(on(row)), Cell::from(&row.to), Cell::from(only(row)), state]);
    }
    table.render(look)
}

pub(crate) fn show(look: &Look, row: &NotificationRow) -> String {
    let trouble = row.trouble.as_ref().map(|reason| format!("{reason} ({} times in a row)", row.failures));
    fields(
        look,
        &[
            ("notification", row.name.clone()),
            ("on", on(row)),
            ("to", row.to.clone()),
            ("only", only(row)),
            ("missing", row.missing.clone().unwrap_or_default()),
            ("failing", trouble.unwrap_or_default()),
        ],
    )
}

pub(crate) fn tested(answer: &NotificationTested) -> String {
    let to = sanitize::cell(&answer.to);
    match &answer.trouble {
        None => format!("{to} was notified\n"),
        Some(reason) => format!("{to} could not be notified: {}\n", sanitize::cell(reason)),
    }
}

fn on(row: &NotificationRow) -> String {
    if row.on.is_empty() {
        return "jobs with --notify".to_owned();
    }
    joined(row.on.iter().map(|kind: &Kind| kind.word()))
}

/// Of which jobs alone it tells.
fn only(row: &NotificationRow) -> String {
    let filters = [("group", &row.group), ("job", &row.job_name), ("schedule", &row.schedule)];
    joined(filters.into_iter().filter_map(|(what, name)| Some(format!("{what} {}", name.as_ref()?))))
}
