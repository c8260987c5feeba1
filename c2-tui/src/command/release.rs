//! `release`: held jobs may start.

use crate::command::many::{Deed, Many};
use crate::command::operands::SomeJobs;
use crate::command::{CommandError, Context, Data, Outcome};

pub(crate) async fn run(context: &Context, args: SomeJobs) -> Result<Outcome, CommandError> {
    let many = Many::each(context, &args.jobs, &Deed::Release).await?;
    Ok(many.outcome(|changed, refused| Data::Changed { changed, refused }))
}
