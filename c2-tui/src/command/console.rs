//! What the full screen does itself, in the same grammar as the commands. A script has no use for it.

use clap::{Args, Subcommand, ValueEnum};

/// What an operator can ask of the full screen.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum Console {
    /// Show what was run, as lines for a script
    Calls,
    /// Close the result
    Clear,
    /// Show everything that was said
    Messages,
    /// Try to reach c2d now
    Reconnect,
    /// Come back to commands that run beside the line
    Runs(Runs),
    /// Change the colours
    Theme(ThemeOf),
    /// Leave the console
    #[command(visible_alias = "exit", alias = "q")]
    Quit,
    /// So that a test can see what a mistake leaves of the terminal
    #[cfg(debug_assertions)]
    #[command(hide = true)]
    PanicOnPurpose,
}

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct Runs {
    /// Which of them; without it the only one, or a list
    #[arg(value_name = "N")]
    pub(crate) run: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct ThemeOf {
    /// Which colours
    #[arg(value_name = "THEME")]
    pub(crate) theme: Theme,
}

/// A set of colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Theme {
    /// The terminal's own sixteen.
    #[value(alias = "default")]
    #[default]
    Terminal,
    /// For a dark ground.
    Dark,
    /// For a light ground.
    Light,
    /// With the greatest contrast.
    #[value(alias = "high-contrast")]
    Contrast,
}

impl Theme {
    pub(crate) fn of(word: &str) -> Option<Self> {
        Self::value_variants().iter().copied().find(|theme| theme.word() == word)
    }

    /// Its word, on the line and in the file of preferences.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Terminal => "terminal",
            Self::Dark => "dark",
            Self::Light => "light",
            Self::Contrast => "contrast",
        }
    }
}
