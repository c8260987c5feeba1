//! What a history consisted of, to see that it was worth something.

/// Counts of a history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Events that the scheduler handled.
    pub events: u64,
    /// Jobs that ended.
    pub jobs: usize,
    /// Process trees that ran.
    pub runs: usize,
    /// Runs of schedules that became jobs, and instants that were missed.
    pub scheduled: u64,
    pub missed: u64,
    /// How often an earlier run had not ended: it was left out, it waited, the earlier one was cancelled.
    pub overlaps: [u64; 3],
    /// Words for notifications that were others by then.
    pub late_words: u64,
    /// Jobs that expired.
    pub expired: u64,
    /// Crashes of c2d.
    pub crashes: u64,
    /// Copies of state folders that were found out.
    pub copies: u64,
    /// Jobs that were given to workers ahead of slots, those for whose slot others waited, and those that came back.
    pub ahead: u64,
    pub several_ahead: u64,
    pub recalls: u64,
    /// Packets that were sent to wake machines.
    pub wakes: u64,
    /// Everything that was decided, as a number: equal seeds give equal numbers.
    pub fingerprint: u64,
}
