//! Files of jobs and cleaned workspaces as text.

use crate::command::outcome::{CleanedWorker, Fetched, FetchedFile, Status};
use crate::render::look::{Look, Style, bytes};
use crate::render::sanitize;
use crate::render::table::{Cell, Table, flexible, numbers, words};

/// The files of each job, behind its id where there are several.
pub(crate) fn fetched(look: &Look, jobs: &[Fetched]) -> String {
    let one = |fetched: &Fetched| match (jobs.len(), fetched.files.is_empty()) {
        (1, _) | (_, true) => of_job(look, fetched),
        _ => format!("{}:\n{}", fetched.job_id, of_job(look, fetched)),
    };
    jobs.iter().map(one).collect()
}

fn of_job(look: &Look, fetched: &Fetched) -> String {
    let mut text = String::new();
    if fetched.files.is_empty() {
        text.push_str(&format!("{} left no files\n", fetched.job_id));
    } else {
        let mut table = Table::new([flexible("FILE"), numbers("SIZE"), words("STATUS")]);
        for file in &fetched.files {
            table.row([Cell::from(&file.file.path), Cell::from(bytes(file.file.size)), status(file)]);
        }
        text.push_str(&table.render(look));
    }
    if let Some(dir) = fetched.dir.as_ref().filter(|_| fetched.files.iter().any(|f| f.status == Status::Saved)) {
        text.push_str(&format!("in {}\n", sanitize::cell(&dir.display().to_string())));
    }
    let problems = fetched.problems.iter().map(|problem| format!("problem: {}\n", sanitize::cell(problem)));
    text.extend(problems);
    text
}

fn status(file: &FetchedFile) -> Cell {
    match (file.status, &file.reason) {
        (Status::Listed, _) => Cell::from(""),
        (Status::Saved, _) => Cell::styled("saved", Style::Good),
        (Status::Unchanged, _) => Cell::from("there already"),
        (Status::Refused, Some(reason)) => Cell::styled(format!("not saved: {reason}"), Style::Bad),
        (Status::Refused, None) => Cell::styled("not saved", Style::Bad),
    }
}

pub(crate) fn cleaned(workers: &[CleanedWorker]) -> String {
    if workers.is_empty() {
        return "no worker has registered yet\n".to_owned();
    }
    workers.iter().map(one).collect()
}

fn one(worker: &CleanedWorker) -> String {
    let Some(cleaned) = &worker.cleaned else {
        let reason = worker.refused.as_deref().unwrap_or_default();
        return format!("{}: not cleaned: {}\n", worker.ip, sanitize::cell(reason));
    };
    let count = match cleaned.removed.len() {
        1 => "1 workspace".to_owned(),
        n => format!("{n} workspaces"),
    };
    let kept = cleaned.kept.iter();
    let kept: String =
        kept.map(|kept| format!("  kept {}: {}\n", sanitize::cell(&kept.name), sanitize::cell(&kept.reason))).collect();
    format!("{}: removed {count}, freed {}\n{kept}", worker.ip, bytes(cleaned.freed_bytes))
}
