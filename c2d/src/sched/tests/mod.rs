//! Scenarios on the pure scheduler, each with a cluster in three lines.
//!
//! After every event the invariants are checked, and a scheduler restored from what would have
//! been saved must equal the one that goes on.

mod again;
mod lab;

mod batches;
mod blame;
mod defects;
mod delivery;
mod explain;
mod fit;
mod foresee;
mod identity;
mod jobs;
mod kills;
mod leases;
mod many;
mod notices;
mod reserve;
mod rest;
mod schedules;
mod sleep;
mod staging;
mod starvation;
mod suspicion;
mod workers;
mod year;
