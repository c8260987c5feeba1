//! What to do about the errors that end `c2d`, and its exit status after them.

use c2_shared::config::ConfigError;
use c2_shared::exit;
use c2_shared::install::InstallError;

use crate::access::AccessError;
use crate::authority::AuthorityError;
use crate::cli::tokens::TokensError;
use crate::store::StoreError;
use crate::upkeep::UpkeepError;

/// What to do about an error that ended the program, as far as it is one of ours.
#[must_use]
pub fn hint(error: &anyhow::Error) -> Option<String> {
    let of_config = |e: &ConfigError| match e {
        ConfigError::Invalid { hint, .. } => Some(hint.clone()),
        ConfigError::Read { .. } => None,
    };
    let in_use = |e: &std::io::Error| e.kind() == std::io::ErrorKind::AddrInUse;
    error.chain().find_map(|cause| {
        let install = cause.downcast_ref::<InstallError>().map(InstallError::hint);
        let upkeep = cause.downcast_ref::<UpkeepError>().map(UpkeepError::hint);
        let store = cause.downcast_ref::<StoreError>().map(|e| e.hint().to_owned());
        let config = cause.downcast_ref::<ConfigError>().and_then(of_config);
        let tokens = cause.downcast_ref::<TokensError>().map(TokensError::hint);
        let access = cause.downcast_ref::<AccessError>().map(AccessError::hint);
        let authority = cause.downcast_ref::<AuthorityError>().map(AuthorityError::hint);
        let busy = cause.downcast_ref::<std::io::Error>().filter(|e| in_use(e));
        let busy =
            busy.map(|_| "another program uses this port, perhaps another c2d; choose one with --port".to_owned());
        let nowhere =
            cause.downcast_ref::<std::io::Error>().filter(|e| e.kind() == std::io::ErrorKind::AddrNotAvailable);
        let nowhere = nowhere.map(|_| "this machine does not have that address; give its own with --host".to_owned());
        install.or(upkeep).or(store).or(tokens).or(config).or(access).or(authority).or(busy).or(nowhere)
    })
}

/// The exit status after an error that ended the program.
#[must_use]
pub fn status(error: &anyhow::Error) -> u8 {
    let configuration = error.chain().any(|cause| {
        cause.is::<ConfigError>()
            || matches!(cause.downcast_ref(), Some(UpkeepError::Config(_)))
            || matches!(cause.downcast_ref(), Some(StoreError::NotALog { .. }))
    });
    if configuration { exit::CONFIGURATION } else { exit::FAILED }
}
