//! A new authority in the place of one that somebody else may have, as after a backup was stolen.
//!
//! A backup holds the authority and the tokens of the folder, so both are replaced in one step. The
//! tokens of other machines are not in it, only their hashes; they stay, so that each machine can show
//! that it is the same one when it joins again.

use std::path::Path;

use super::UpkeepError;
use crate::{access, authority, store};

/// Makes a new authority and new tokens; says what it did, and who has to do something.
pub(super) fn rotate(data_dir: &Path) -> Result<String, UpkeepError> {
    if !data_dir.join(super::DATABASE).is_file() {
        return Err(UpkeepError::NoFolder(data_dir.to_owned()));
    }
    // Held until the end, so that no c2d begins meanwhile.
    let _lock = store::lock(data_dir)?;
    let fingerprint = authority::renew(data_dir)?;
    let others = access::renew(data_dir, fingerprint)?;
    let mut said = format!("new authority {fingerprint}; operator.token and worker.token are new\n");
    if others.is_empty() {
        return Ok(said + "start c2d; no other machine has joined\n");
    }
    said += "start c2d, then give each of these a new line of `c2d invite`:\n";
    for other in others {
        said += &format!("  {other}\n");
    }
    Ok(said + "workers: c2-agent join LINE; consoles: c2-tui login LINE; programs on this machine need nothing\n")
}
