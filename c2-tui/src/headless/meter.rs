//! The progress of a file on a terminal, on standard error; where there is no terminal, nothing.

use std::io::{self, IsTerminal as _};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::render;

/// Shows one file at a time.
#[derive(Clone, Debug)]
pub(super) struct Meter(ProgressBar);

impl Meter {
    pub(super) fn new(json: bool) -> Self {
        let shown = !json && io::stderr().is_terminal();
        let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let style = ProgressStyle::with_template("{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec}")
            .expect("the template is a constant");
        Self(ProgressBar::with_draw_target(Some(0), target).with_style(style))
    }

    /// So much of a file is where it shall be.
    pub(super) fn show(&self, label: &str, done: u64, total: u64) {
        let label = render::cell(label);
        if self.0.message() != label {
            self.0.reset();
            self.0.set_length(total);
            self.0.set_message(label);
            self.0.set_position(done);
            // What was there from before says nothing about the speed.
            self.0.reset_eta();
        }
        self.0.set_position(done);
    }

    /// Takes the bar away, for what is printed next.
    pub(super) fn clear(&self) {
        // Where nothing was shown, nothing is to be taken away.
        if !self.0.message().is_empty() {
            self.0.set_message("");
            self.0.finish_and_clear();
        }
    }
}
