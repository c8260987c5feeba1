//! Looks for inputs that break what must always hold: `c2-fuzz NAME [SECONDS] [SEED]`, for as long
//! as it is told. The first that is found is printed, with the panic that it caused.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use c2_tests::fuzz::{Mutator, PROPERTIES};
use c2_tests::now;

fn main() -> Result<ExitCode> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let names: Vec<&str> = PROPERTIES.iter().map(|property| property.name).collect();
    let known = words.first().and_then(|name| PROPERTIES.iter().find(|property| property.name == name));
    let property = known.with_context(|| format!("usage: c2-fuzz {} [SECONDS] [SEED]", names.join("|")))?;
    let number = |at: usize, default: u64| words.get(at).map_or(Ok(default), |word| word.parse());
    let (seconds, seed) = (number(1, 600)?, number(2, 1)?);
    let mut mutator = Mutator::new(seed);
    let (start, mut inputs) = (now(), 0_u64);
    let mut out = std::io::stdout().lock();
    while start.elapsed() < Duration::from_secs(seconds) {
        let input = mutator.input(property.seeds);
        if std::panic::catch_unwind(|| (property.check)(&input)).is_err() {
            writeln!(out, "{} breaks after {inputs} inputs: {:?}", property.name, input.escape_ascii().to_string())?;
            return Ok(ExitCode::FAILURE);
        }
        inputs += 1;
    }
    writeln!(out, "{}: {inputs} inputs in {seconds} s, none broke it", property.name)?;
    Ok(ExitCode::SUCCESS)
}
