//! A brief look for inputs that break what must always hold; `c2-fuzz` looks for longer.

use std::panic::catch_unwind;

use c2_tests::fuzz::{Mutator, PROPERTIES};

crate::tests![no_input_breaks_what_must_hold];

/// Inputs for each property.
const INPUTS: usize = 5_000;

fn no_input_breaks_what_must_hold() {
    for property in PROPERTIES {
        property.seeds.iter().for_each(|seed| (property.check)(seed.as_bytes()));
        let mut mutator = Mutator::new(0x00c2);
        for n in 0..INPUTS {
            let input = mutator.input(property.seeds);
            let held = catch_unwind(|| (property.check)(&input));
            assert!(held.is_ok(), "{} breaks with input {n}: {:?}", property.name, String::from_utf8_lossy(&input));
        }
    }
}
