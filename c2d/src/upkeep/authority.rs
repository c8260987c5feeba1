//! A new authority in the place of the old one, which is honoured until all machines know the new one; or no
//! longer, if somebody else may have it, as after a backup was stolen.
//!
//! A backup holds the authority and the tokens of the folder, so then both are replaced in one step. The
//! tokens of other machines are not in it, only their hashes; they stay, so that each machine can show
//! that it is the same one when it joins again.

use std::path::Path;

use super::UpkeepError;
use crate::authority::Authority;
use crate::{access, authority, store};

/// Makes a new authority and new tokens; says what it did, and who has to do something.
pub(super) fn rotate(data_dir: &Path, now: bool) -> Result<String, UpkeepError> {
    if !data_dir.join(super::DATABASE).is_file() {
        return Err(UpkeepError::NoFolder(data_dir.to_owned()));
    }
    // Held until the end, so that no c2d begins meanwhile.
    let _lock = store::lock(data_dir)?;
    renew(data_dir, now, |note| Ok(store::leave_note(&data_dir.join(super::DATABASE), note)?))
}

/// The same in a folder that nobody else uses, with a note for the audit log.
pub(super) fn renew(
    data_dir: &Path,
    now: bool,
    note: impl FnOnce(&str) -> Result<(), UpkeepError>,
) -> Result<String, UpkeepError> {
    if !now && Authority::before(data_dir)?.is_some() {
        return Err(UpkeepError::StillMoving(access::not_moved(data_dir)?));
    }
    let fingerprint = authority::renew(data_dir, !now)?;
    let how = if now { "with its tokens, and the old one ended" } else { "and the old one is honoured for a while" };
    let noted = format!("c2d authority rotate: the authority {fingerprint} was made {how}");
    if !now {
        let others = access::all_must_move(data_dir)?;
        note(&noted)?;
        let said =
            format!("new authority {fingerprint}; the old one is honoured until all machines know the new one\n");
        return Ok(said + "start c2d; these learn it when they next speak to it:\n" + &list(&others));
    }
    let others = access::renew(data_dir, fingerprint)?;
    note(&noted)?;
    let mut said = format!("new authority {fingerprint}; operator.token and worker.token are new\n");
    if others.is_empty() {
        return Ok(said + "start c2d; no other machine has joined\n");
    }
    said += "start c2d, then give each of these a new line of `c2d invite`:\n";
    said += &list(&others);
    Ok(said + "workers: c2-agent join LINE; consoles: c2-tui login LINE; programs on this machine need nothing\n")
}

fn list(tokens: &[String]) -> String {
    tokens.iter().map(|token| format!("  {token}\n")).collect()
}
