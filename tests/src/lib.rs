//! What the tests of C2 share.

pub mod sim;
