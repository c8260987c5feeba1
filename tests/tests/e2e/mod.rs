//! The promises of C2, kept by the real programs: each file is one promise.

pub(crate) mod accepted;
pub(crate) mod access;
pub(crate) mod ahead;
pub(crate) mod attempts;
pub(crate) mod authority;
pub(crate) mod cancel;
pub(crate) mod cleanup;
pub(crate) mod exit;
pub(crate) mod files;
pub(crate) mod hardware;
pub(crate) mod identity;
pub(crate) mod install;
pub(crate) mod limits;
pub(crate) mod live;
pub(crate) mod metrics;
pub(crate) mod neighbours;
pub(crate) mod one_job;
pub(crate) mod outputs;
pub(crate) mod places;
pub(crate) mod plain_client;
pub(crate) mod put_back;
pub(crate) mod resources;
pub(crate) mod restart;
pub(crate) mod settings;
pub(crate) mod slots;
pub(crate) mod socket;
pub(crate) mod upgrade;
pub(crate) mod upkeep;
pub(crate) mod waiting;
pub(crate) mod workspace;

mod marks;
pub(crate) mod names;
