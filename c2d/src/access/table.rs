//! The table of tokens, as it is looked at by requests and kept in a file.

use std::fmt;
use std::sync::Arc;

use c2_shared::api::tokens::TokenRow;
use c2_shared::id::WorkerId;
use c2_shared::token::Role;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::sched::Now;

/// Bytes of a hash that name a token for people.
const ID_BYTES: usize = 4;

/// The SHA-256 of a token's text. The secret has 256 random bits, so nothing slower is needed.
pub(super) type Hash = [u8; 32];

/// The holder of a token that was shown.
#[derive(Clone, Debug)]
pub(crate) struct Holder {
    /// Names the token.
    pub(crate) id: Arc<str>,
    /// What it allows.
    pub(crate) role: Role,
    /// The one worker that it belongs to, if it belongs to one.
    pub(crate) worker_id: Option<WorkerId>,
    /// Whether it lies in c2d's own folder.
    pub(crate) near_only: bool,
    /// Whether it must still learn the present authority.
    pub(crate) must_move: bool,
}

/// A token that c2d knows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Known {
    #[serde(with = "hex")]
    pub(super) hash: Hash,
    pub(super) role: Role,
    /// Whose it is, for people.
    pub(super) name: String,
    pub(super) made_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expires_ms: Option<u64>,
    /// The same in time that c2d has seen, which no clock that jumps brings nearer. What 0.1.0 made has
    /// only the date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expires_seen_ms: Option<u64>,
    /// Of an invitation: how often it may still be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) uses_left: Option<u32>,
    /// Of an invitation: the role that it gives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) gives: Option<Role>,
    /// Of a worker's token: the worker that it was given to. Of an invitation: whose identity it gives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) worker_id: Option<WorkerId>,
    /// Whether its holder must still learn the present authority.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) must_move: bool,
    /// Whether it is good on this machine alone; so are those in c2d's folder, which are not kept
    /// in the table's file.
    #[serde(skip)]
    pub(super) near_only: bool,
}

/// All tokens.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    pub(super) tokens: Vec<Known>,
}

impl Table {
    /// Takes the same time for every text: all tokens are compared, each in constant time.
    pub(super) fn find(&self, shown: &Hash) -> Option<&Known> {
        let matching = self.tokens.iter().map(|known| (known, bool::from(known.hash.ct_eq(shown))));
        matching.fold(None, |found, (known, matches)| if matches { Some(known) } else { found })
    }

    pub(super) fn has(&self, id: &str) -> bool {
        self.tokens.iter().any(|known| known.id() == id)
    }

    /// Whether some worker's token is for this worker alone.
    pub(super) fn is_bound(&self, id: &WorkerId) -> bool {
        self.tokens.iter().any(|known| known.is_of(id))
    }

    /// The worker whose identity an invitation gives.
    pub(super) fn gives(&self, by: &str) -> Option<WorkerId> {
        let invitation = self.tokens.iter().find(|known| known.role == Role::Join && known.id() == by);
        invitation.and_then(|invitation| invitation.worker_id.clone())
    }

    /// Whose holders must still learn the present authority.
    pub(super) fn not_moved(&self) -> Vec<String> {
        self.tokens.iter().filter(|known| known.must_move).map(Known::described).collect()
    }

    pub(super) fn rows(&self) -> Vec<TokenRow> {
        self.tokens.iter().map(Known::row).collect()
    }

    /// What its file holds.
    pub(super) fn kept(&self) -> Self {
        Self { tokens: self.tokens.iter().filter(|known| !known.near_only).cloned().collect() }
    }
}

impl Known {
    pub(super) fn id(&self) -> String {
        self.hash[..ID_BYTES].iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whose it is, in words.
    pub(super) fn described(&self) -> String {
        format!("{} {} ({})", self.role, self.id(), self.name)
    }

    /// Whether it is the token of this worker.
    pub(super) fn is_of(&self, id: &WorkerId) -> bool {
        self.role == Role::Worker && self.worker_id.as_ref() == Some(id)
    }

    pub(super) fn is_valid(&self, now: Now) -> bool {
        let in_time = match self.expires_seen_ms {
            Some(end) => now.seen_ms < end,
            None => self.expires_ms.is_none_or(|end| now.wall_ms < end),
        };
        in_time && self.uses_left != Some(0)
    }

    pub(super) fn holder(&self) -> Holder {
        Holder {
            id: self.id().into(),
            role: self.role,
            worker_id: self.worker_id.clone(),
            near_only: self.near_only,
            must_move: self.must_move,
        }
    }

    fn row(&self) -> TokenRow {
        TokenRow {
            id: self.id(),
            role: self.role,
            name: self.name.clone(),
            made_ms: self.made_ms,
            expires_ms: self.expires_ms,
            uses_left: self.uses_left,
            gives: self.gives,
            worker_id: self.worker_id.clone(),
            this_machine_only: self.near_only,
        }
    }
}

pub(super) fn hash(text: &str) -> Hash {
    Sha256::digest(text.as_bytes()).into()
}

/// Hashes as 64 hexadecimal digits, which is what a blob's name is, too.
mod hex {
    use c2_shared::blob::BlobId;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    use super::Hash;

    pub(super) fn serialize<S: Serializer>(hash: &Hash, serializer: S) -> Result<S::Ok, S::Error> {
        BlobId(*hash).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Hash, D::Error> {
        BlobId::deserialize(deserializer).map(|id| id.0)
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.role, self.id)
    }
}
