//! Wire types of invitations and tokens.

use serde::{Deserialize, Serialize};

use crate::id::WorkerId;
use crate::token::Role;

/// The header with the fingerprint of a new authority, in answers to those that know the one before.
pub const AUTHORITY_HEADER: &str = "c2-authority";

/// Asks for an invitation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct InviteRequest {
    /// The role of the client that joins: `worker`, `operator` or `viewer`.
    pub role: Role,
    /// How often it may be used.
    pub uses: u32,
    /// Seconds for which it is good.
    pub expires_s: u64,
    /// The worker whose identity it gives, for a reinstalled machine.
    #[serde(rename = "as", skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
    /// Whether c2d announces itself in its network for as long as the invitation is good, so that workers find it
    /// and join with six words.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub announce: bool,
}

impl Default for InviteRequest {
    fn default() -> Self {
        Self { role: Role::Worker, uses: 1, expires_s: 3_600, worker: None, announce: false }
    }
}

/// An invitation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InviteResponse {
    /// The line to give to `c2-agent join` or `c2-tui login`; it holds a secret.
    pub line: String,
    /// Of one that is announced: the same as six words for `c2-agent join --find`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// Proofs that this c2d knows the codes of its invitations that are announced.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct JoinProofs {
    /// Each the HMAC-SHA-256 of c2d's fingerprint on this connection, with a code as its key, in base64url.
    pub proofs: Vec<String>,
}

/// What a client that joins says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct JoinRequest {
    /// A name for the list of tokens: the machine's, or a person's at it.
    pub name: String,
    /// Of a worker: its own id, which the token is then bound to. A worker needs one.
    pub worker_id: Option<String>,
    /// The roles that the program which joins can use; an invitation for another one is refused and
    /// stays good. Without any, all will do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<Role>,
    /// Of a worker that joins again: the token that it has, which the new one replaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_token: Option<String>,
    /// Of a worker: jobs run under its id, so it cannot become another one now.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub keeps_id: bool,
}

/// A token in exchange for an invitation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct JoinResponse {
    /// The secret.
    pub token: String,
    /// Of an invitation to be a known worker: its id, which takes the place of the one that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker_id: Option<WorkerId>,
}

/// A token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TokenRow {
    /// Names it.
    pub id: String,
    /// What it allows.
    pub role: Role,
    /// Whose it is.
    pub name: String,
    /// When it was made; 0 where that was not kept.
    pub made_ms: u64,
    /// When it ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_ms: Option<u64>,
    /// Of an invitation: how often it may still be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses_left: Option<u32>,
    /// Of an invitation: the role that it gives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gives: Option<Role>,
    /// The worker that it is bound to, or whose identity the invitation gives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker_id: Option<WorkerId>,
    /// Whether it lies in c2d's folder and is good on its machine alone.
    pub this_machine_only: bool,
}

/// All tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TokenList {
    /// In the order in which they were made.
    pub tokens: Vec<TokenRow>,
}

/// A token was revoked, or replaced by a new one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TokenGone {
    /// Its id or its role, as it was asked for.
    pub gone: String,
}
