//! What the agent and a slot's runner say to each other: JSON in frames over a unix socket.
//!
//! Both ends are usually the same binary, but after an upgrade a new agent meets old runners. Such
//! a runner is asked only to go on, so [`FromRunner`] and [`ToRunner::Kill`], `Forget`, `Renew` and
//! `Quit` must stay readable; `Start`, `Limit`, `Freeze`, `Read` and `Ping` are never sent to a runner of another version.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::outputs::Long;
use c2_shared::api::live::{OutputAnswer, OutputRead};
use c2_shared::api::work::AttemptResult;
use c2_shared::id::AttemptId;
use c2_shared::job::{JobSpec, Outcome};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The version that must be equal for a runner to be given new work. Runners of 0.1.0 said that.
pub(crate) const RUNNER_VERSION: &str = "runner 7";

/// Longest frame: a job with all its inline files, or an old runner's result with all its output, as
/// base64.
const FRAME_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Room for received bytes that is kept for the next frames.
const ROOM_KEPT_MAX: usize = 256 * 1024;

/// What the agent tells a runner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum ToRunner {
    /// Run this. Ignored when the runner holds the attempt already.
    Start(Box<Start>),
    /// End the attempt and report it with this verdict, unless it ended by itself first.
    Kill { attempt: AttemptId, verdict: Verdict },
    /// The result is recorded elsewhere; forget it.
    Forget { attempt: AttemptId },
    /// c2d was heard: the job may go on for so long without hearing from c2d again.
    Renew { lease_ms: u64 },
    /// The attempt may run for so long since its start; 0 for ever.
    Limit { attempt: AttemptId, timeout_s: u64 },
    /// Let the present job stand still, or go on.
    Freeze { freeze: bool },
    /// Somebody watches: say what an attempt wrote. One question may be open at a time for each id.
    Read(OutputRead),
    /// Say something.
    Ping,
    /// Exit as soon as nothing runs and every result is forgotten.
    Quit,
}

/// A job for a runner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Start {
    /// The attempt.
    pub(crate) attempt: AttemptId,
    /// The worker's address, for the job's environment.
    pub(crate) worker: IpAddr,
    /// The tags held for it.
    pub(crate) tags: Vec<String>,
    /// What to run.
    pub(crate) spec: JobSpec,
    /// Variables of its environment that the agent knows the values of.
    pub(crate) variables: BTreeMap<String, String>,
    /// How long it may run without [`ToRunner::Renew`]; none for a job that waits for c2d.
    pub(crate) lease_ms: Option<u64>,
    /// Of each of its output streams, the bytes to be kept.
    pub(crate) output_keep_bytes: u64,
    /// It runs elsewhere already, and is to be followed again.
    #[serde(default)]
    pub(crate) resumes: bool,
}

/// What an ended attempt leaves beside its result, to be sent before it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Leaves {
    /// Patterns of the files in its workspace that are for its submitter.
    #[serde(rename = "globs")]
    pub(crate) download: Vec<String>,
    /// Outputs that are too long for a result.
    #[serde(default)]
    pub(crate) long: Long,
}

/// Why the agent ends an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Verdict {
    /// c2d asked for it.
    Cancelled,
    /// c2d was silent for so long that it may have given the job to another worker.
    Lost,
}

/// What a runner tells the agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum FromRunner {
    /// First on each connection, but for [`FromRunner::Leaves`]: all that it holds.
    Hello { version: String, running: Option<AttemptId>, ended: Vec<AttemptResult> },
    /// What an attempt leaves; said before its end is, and again on a new connection.
    Leaves {
        attempt: AttemptId,
        #[serde(flatten)]
        leaves: Leaves,
    },
    /// The attempt is over and none of its processes is left.
    Ended(Box<AttemptResult>),
    /// The answer to [`ToRunner::Read`].
    Wrote(OutputAnswer),
    /// The answer to [`ToRunner::Ping`].
    Pong,
}

impl Leaves {
    pub(crate) const fn is_empty(&self) -> bool {
        self.download.is_empty() && self.long.is_empty()
    }
}

impl From<Verdict> for Outcome {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Cancelled => Self::Cancelled,
            Verdict::Lost => Self::Lost,
        }
    }
}

/// Why a peer cannot be understood; the connection is of no use any more.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FrameError {
    #[error("a frame of {0} bytes")]
    TooLong(usize),
    #[error("a frame that is no message")]
    Content(#[from] serde_json::Error),
}

/// Writes a message as a frame: four bytes of length, little end first, then JSON.
pub(crate) fn frame(message: &impl Serialize) -> Vec<u8> {
    let mut bytes = vec![0; 4];
    serde_json::to_writer(&mut bytes, message).expect("messages have string keys and no failing parts");
    let len = u32::try_from(bytes.len() - 4).expect("jobs and results are bounded far below 4 GiB");
    bytes[..4].copy_from_slice(&len.to_le_bytes());
    bytes
}

/// Bytes received and not yet understood.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    /// Where received bytes are appended.
    pub(crate) buffer: Vec<u8>,
}

impl Frames {
    /// Takes the next whole message, if one is there.
    pub(crate) fn take<T: DeserializeOwned>(&mut self) -> Result<Option<T>, FrameError> {
        let Some((head, rest)) = self.buffer.split_first_chunk::<4>() else { return Ok(None) };
        let len = u32::from_le_bytes(*head) as usize;
        if len > FRAME_BYTES_MAX {
            return Err(FrameError::TooLong(len));
        }
        let Some(content) = rest.get(..len) else { return Ok(None) };
        let message = serde_json::from_slice(content)?;
        self.buffer.drain(..4 + len);
        // A job with large files shall not keep its room for ever.
        if self.buffer.is_empty() && self.buffer.capacity() > ROOM_KEPT_MAX {
            self.buffer = Vec::new();
        }
        Ok(Some(message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_survive_any_cut() {
        let sent = [ToRunner::Quit, ToRunner::Renew { lease_ms: 7 }, ToRunner::Quit];
        let bytes: Vec<u8> = sent.iter().flat_map(frame).collect();
        for chunk in 1..bytes.len() {
            let (mut frames, mut got) = (Frames::default(), Vec::new());
            for part in bytes.chunks(chunk) {
                frames.buffer.extend_from_slice(part);
                while let Some(message) = frames.take::<ToRunner>().unwrap() {
                    got.push(message);
                }
            }
            assert_eq!(got, sent, "chunks of {chunk}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        let mut frames = Frames { buffer: vec![255; 8] };
        assert!(matches!(frames.take::<ToRunner>(), Err(FrameError::TooLong(_))));
        let mut frames = Frames { buffer: vec![2, 0, 0, 0, b'{', b'}'] };
        assert!(matches!(frames.take::<ToRunner>(), Err(FrameError::Content(_))));
    }
}
