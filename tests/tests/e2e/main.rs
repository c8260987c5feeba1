//! The promises of C2, kept by the real programs: each file is one promise.

mod accepted;
mod access;
mod cancel;
mod cleanup;
mod exit;
mod files;
mod hardware;
mod install;
mod live;
mod plain_client;
mod restart;
mod slots;
mod upkeep;
mod workspace;

mod marks;
mod names;
