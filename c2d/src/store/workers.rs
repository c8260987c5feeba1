//! What became part of the table of workers after its first form.

/// What workers have besides slots and tags, and what of it is held.
pub(super) const RESOURCES: &str = "
ALTER TABLE hold ADD COLUMN takes TEXT;
ALTER TABLE hold ADD COLUMN card INTEGER;
ALTER TABLE worker ADD COLUMN has TEXT;
ALTER TABLE worker ADD COLUMN resources TEXT;
";

/// How machines are woken, and which of them sleep.
pub(super) const SLEEP: &str = "
ALTER TABLE worker ADD COLUMN mac TEXT;
ALTER TABLE worker ADD COLUMN asleep INTEGER NOT NULL DEFAULT 0;
";
