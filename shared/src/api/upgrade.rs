//! How agents get a newer program from c2d: what it offers, and what became of it.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::blob::BlobId;
use crate::bytes64::Bytes64;
use crate::id::WorkerId;

/// The program of agents that c2d has for one kind of processors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProgramOffer {
    /// The processors, as in `x86_64`.
    pub architecture: String,
    /// The version of the agent.
    pub version: String,
    /// Its length.
    pub size: u64,
    /// Its SHA-256.
    pub sha256: BlobId,
    /// By whom all of this is signed: c2d's authority, and the one before it while that is honoured.
    pub signatures: Vec<ProgramSignature>,
}

impl ProgramOffer {
    /// What is signed.
    #[must_use]
    pub fn statement(&self) -> Vec<u8> {
        let Self { architecture, version, size, sha256, .. } = self;
        format!("c2-agent program\n{architecture}\n{version}\n{size}\n{sha256}\n").into_bytes()
    }
}

/// One signature under an offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProgramSignature {
    /// The certificate of the authority, in DER; the agent knows its fingerprint.
    pub certificate: Bytes64,
    /// ECDSA over P-256 with SHA-256, in ASN.1.
    pub signature: Bytes64,
}

/// An agent's answer to [`super::work::Directive::Upgrade`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UpgradeReport {
    /// Which request.
    pub id: u64,
    /// What became of it.
    pub verdict: UpgradeVerdict,
}

/// What became of an upgrade.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum UpgradeVerdict {
    /// The new program reached c2d and runs now.
    Upgraded {
        /// The version before.
        from: String,
        /// The version now.
        to: String,
    },
    /// It was that version already.
    Current {
        /// Which.
        version: String,
    },
    /// The old program runs on.
    Kept {
        /// Its version.
        version: String,
        /// Why.
        reason: String,
        /// What to do about it.
        hint: String,
    },
}

/// The answer of [`super::endpoint::UPGRADE`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UpgradeResponse {
    /// The address of the worker.
    pub ip: IpAddr,
    /// Its id.
    pub worker_id: WorkerId,
    /// The version of its agent before.
    pub from: String,
    /// The version now: the same where it was that of c2d already.
    pub to: String,
}
