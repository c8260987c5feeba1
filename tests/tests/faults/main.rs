//! What machines and networks do to C2, and what jobs do to their machine; with the real programs
//! and the real lease of a minute. The tests wait side by side, so all take as long as one.

mod hostile;
mod network;
mod pause;
mod ticks;
