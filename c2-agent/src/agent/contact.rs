//! What is logged of the contact with c2d: each different reason why there is none, once.

use std::collections::BTreeSet;

use c2_shared::advice::Advice;
use c2_shared::client::ClientError;

/// Different reasons that are logged before c2d answers again. Some name a figure, and differ each time.
const REASONS_MAX: usize = 16;

/// How it stands with c2d.
#[derive(Debug, Default)]
pub(super) struct Contact {
    /// c2d did not answer the last request.
    silent: bool,
    /// What was logged since it last answered.
    said: BTreeSet<String>,
}

impl Contact {
    pub(super) const fn is_silent(&self) -> bool {
        self.silent
    }

    /// c2d answers.
    pub(super) fn heard(&mut self, server: &str) {
        if std::mem::take(&mut self.silent) {
            tracing::info!("c2d at {server} answers again");
        }
        self.said.clear();
    }

    /// It did not, or refused.
    pub(super) fn not_heard(&mut self, error: &ClientError) {
        if let Some(reason) = self.news(error) {
            tracing::warn!("{reason}");
        }
    }

    /// What is not logged yet of a failure.
    fn news(&mut self, error: &ClientError) -> Option<String> {
        self.silent |= error.code().is_none();
        let refuses = if error.code().is_some() { "c2d refuses: " } else { "" };
        let hint = error.hint().unwrap_or_default();
        let reason = format!("{refuses}{error}; running jobs continue, and the agent retries ({hint})");
        (self.said.len() < REASONS_MAX && self.said.insert(reason.clone())).then_some(reason)
    }
}

#[cfg(test)]
mod tests {
    use c2_shared::api::error::{ErrorBody, ErrorCode};

    use super::*;

    #[test]
    fn each_different_reason_is_said_once_until_c2d_answers() {
        let untrusted = |server: &str| ClientError::Untrusted { server: server.to_owned() };
        let refused = |message: &str| ClientError::Refused {
            status: 409,
            body: Box::new(ErrorBody::new(ErrorCode::Conflict, message.to_owned(), "look")),
        };
        let mut contact = Contact::default();
        for (error, is_news) in [
            (untrusted("nas"), true),
            (untrusted("nas"), false),
            (refused("no"), true),
            (untrusted("attic"), true),
            (untrusted("nas"), false),
            (refused("no"), false),
        ] {
            assert_eq!(contact.news(&error).is_some(), is_news, "{error}");
        }
        assert!(contact.is_silent());
        contact.heard("nas");
        assert!(!contact.is_silent() && contact.news(&untrusted("nas")).is_some());
        let logged = (0..100).filter(|n| contact.news(&refused(&n.to_string())).is_some()).count();
        assert_eq!(logged, REASONS_MAX - 1);
    }
}
