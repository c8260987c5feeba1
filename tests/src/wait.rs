//! Waits for conditions: the only place of the tests that lets time pass and reads a clock.

use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

/// Enough for anything that should happen at once, on a machine that is busy compiling.
pub const SOON: Duration = Duration::from_secs(30);

/// Pause between two looks at a condition.
const PAUSE: Duration = Duration::from_millis(25);

/// A point to measure a span from.
#[expect(clippy::disallowed_methods, reason = "the one place of the tests that reads a clock")]
#[must_use]
pub fn now() -> Instant {
    Instant::now()
}

/// Asks `probe` again and again until it gives a value, and fails after `limit`. An error of the
/// probe counts as "not yet"; the last one is part of the report.
///
/// # Errors
/// When the limit is over.
pub async fn eventually<T>(
    what: &str,
    limit: Duration,
    mut probe: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    let mut last = None;
    let search = async {
        loop {
            match probe().await {
                Ok(Some(value)) => return value,
                Ok(None) => last = None,
                Err(error) => last = Some(error),
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    match tokio::time::timeout(limit, search).await {
        Ok(value) => Ok(value),
        Err(_) => Err(match last {
            Some(error) => error.context(format!("{what}: not within {limit:?}")),
            None => anyhow!("{what}: not within {limit:?}"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waits_until_the_condition_holds_and_no_longer_than_the_limit() {
        let mut looks = 0;
        let third = eventually("third look", SOON, async || {
            looks += 1;
            Ok((looks == 3).then_some(looks))
        });
        assert_eq!(third.await.unwrap(), 3);

        let limit = PAUSE * 2;
        let never = eventually::<()>("never", limit, async || Err(anyhow!("still raining")));
        let report = format!("{:#}", never.await.unwrap_err());
        assert_eq!(report, "never: not within 50ms: still raining");
    }
}
