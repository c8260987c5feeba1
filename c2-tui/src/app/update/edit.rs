//! A job that is to be edited and submitted again: as a line, once it was fetched.

use c2_shared::api::jobs::JobInfo;
use c2_shared::id::JobId;

use super::prompt;
use crate::app::Effect;
use crate::app::model::Model;
use crate::app::report::Fault;
use crate::app::toast::Kind;
use crate::command::again;

/// Asks for the job.
pub(super) fn fetch(model: &mut Model, job: JobId, effects: &mut Vec<Effect>) {
    model.editing = Some(job);
    effects.push(Effect::Fetch(job));
}

/// Takes the job, if it is the one that is to be edited.
pub(super) fn on_fetched(model: &mut Model, job: JobId, info: &Result<Box<JobInfo>, Fault>) {
    if model.editing.take_if(|wanted| *wanted == job).is_none() {
        return;
    }
    match info {
        Err(fault) => model.toasts.say(Kind::Bad, fault.words(), model.now),
        Ok(info) if info.spec.command.contains('\n') => {
            let text = format!("{job} is a script of several lines, which no line holds; `job {job}` shows it");
            model.toasts.say(Kind::Bad, text, model.now);
        }
        Ok(info) => {
            let (line, left_out) = again::line_of(&info.spec, model.now.wall_ms);
            prompt::begin(model, &line);
            if !left_out.is_empty() {
                let text = format!("not in the line: {}", left_out.join(" and "));
                model.toasts.say(Kind::Bad, text, model.now);
            }
        }
    }
}
