//! Who goes first on the line to c2d: a large transfer waits while something that is due goes over it.

use tokio::sync::watch;

/// The line of a client and of its clones.
#[derive(Clone, Debug)]
pub(super) struct Line(watch::Sender<usize>);

/// Has transfers wait for as long as it lives.
#[derive(Debug)]
pub struct Priority(watch::Sender<usize>);

impl Default for Line {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Line {
    pub(super) fn take(&self) -> Priority {
        self.0.send_modify(|taken| *taken += 1);
        Priority(self.0.clone())
    }

    pub(super) fn is_taken(&self) -> bool {
        *self.0.borrow() > 0
    }

    /// Waits until nothing goes first.
    pub(super) async fn free(&self) {
        self.0.subscribe().wait_for(|taken| *taken == 0).await.expect("the sender is here");
    }
}

impl Drop for Priority {
    fn drop(&mut self) {
        self.0.send_modify(|taken| *taken -= 1);
    }
}
