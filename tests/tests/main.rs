//! The tests of C2 as a whole, in one program and side by side: most of their time they wait for
//! processes, leases and networks. `cargo test --test all e2e::cancel` runs those whose names
//! contain that.
//!
//! A module lists its tests with `tests!`; the compiler warns of one that is not listed.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

use std::panic::resume_unwind;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;

use libtest_mimic::{Arguments, Trial};

/// A test, and whether it does nothing but wait for most of its time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Test {
    name: &'static str,
    run: fn(),
    waits: bool,
}

/// What a test gives back.
pub(crate) trait Ended {
    /// Fails the test unless all is well.
    fn end(self);
}

impl Ended for () {
    fn end(self) {}
}

impl Ended for anyhow::Result<()> {
    fn end(self) {
        self.unwrap_or_else(|error| panic!("{error:?}"));
    }
}

/// The tests of a module.
macro_rules! tests {
    ($($name:ident),* $(,)?) => { $crate::listed!(false, $($name),*); };
}

/// The tests of a module that wait and do little else: they run beside all others.
macro_rules! waiting_tests {
    ($($name:ident),* $(,)?) => { $crate::listed!(true, $($name),*); };
}

macro_rules! listed {
    ($waits:expr, $($name:ident),*) => {
        pub(crate) const TESTS: &[$crate::Test] =
            &[$($crate::Test { name: concat!(module_path!(), "::", stringify!($name)), run: || $crate::Ended::end($name()), waits: $waits }),*];
    };
}

pub(crate) use {listed, tests, waiting_tests};

mod chaos;
mod compat;
mod console;
mod e2e;
mod endpoints;
mod faults;
mod fuzz;
mod guesses;
mod guide;
mod home;
mod language;
mod local;
mod looks;
mod manual;
mod packages;
mod pdsh;
mod published;
mod python;
mod simulation;
mod tidy;
mod transcripts;
mod typed;
mod typed_files;

/// In the order in which they begin: those that take longest come first.
const ALL: &[&[Test]] = &[
    faults::network::TESTS,
    faults::slurm::TESTS,
    faults::pause::TESTS,
    faults::reinstalled::TESTS,
    faults::clients::TESTS,
    faults::clocks::TESTS,
    faults::disks::TESTS,
    home::TESTS,
    python::TESTS,
    packages::TESTS,
    chaos::TESTS,
    faults::broken::TESTS,
    faults::doors::TESTS,
    faults::full_disk::TESTS,
    faults::greatest::TESTS,
    faults::hostile::TESTS,
    faults::jobs_log::TESTS,
    faults::leaders::TESTS,
    faults::migrate::TESTS,
    faults::logs::TESTS,
    faults::machine::TESTS,
    faults::memory::TESTS,
    faults::refusals::TESTS,
    simulation::TESTS,
    fuzz::TESTS,
    e2e::accepted::TESTS,
    e2e::access::TESTS,
    e2e::ahead::TESTS,
    e2e::attempts::TESTS,
    e2e::authority::TESTS,
    e2e::cancel::TESTS,
    e2e::cleanup::TESTS,
    e2e::exit::TESTS,
    e2e::files::TESTS,
    e2e::hardware::TESTS,
    e2e::identity::TESTS,
    e2e::install::TESTS,
    e2e::limits::TESTS,
    e2e::live::TESTS,
    e2e::metrics::TESTS,
    e2e::names::TESTS,
    e2e::one_job::TESTS,
    e2e::neighbours::TESTS,
    e2e::outputs::TESTS,
    e2e::places::TESTS,
    e2e::plain_client::TESTS,
    e2e::put_back::TESTS,
    e2e::resources::TESTS,
    e2e::restart::TESTS,
    e2e::settings::TESTS,
    e2e::slots::TESTS,
    e2e::socket::TESTS,
    e2e::upgrade::TESTS,
    e2e::upkeep::TESTS,
    e2e::waiting::TESTS,
    e2e::workspace::TESTS,
    pdsh::copy::TESTS,
    pdsh::hostile::TESTS,
    pdsh::manual::TESTS,
    pdsh::reach::TESTS,
    pdsh::screen::TESTS,
    pdsh::stop::TESTS,
    pdsh::strangers::TESTS,
    pdsh::verdicts::TESTS,
    pdsh::verify::TESTS,
    console::finding::TESTS,
    console::harm::TESTS,
    console::life::TESTS,
    console::line::TESTS,
    console::typed::TESTS,
    console::pager::TESTS,
    console::tables::TESTS,
    console::thrift::TESTS,
    guesses::TESTS,
    language::TESTS,
    compat::TESTS,
    endpoints::TESTS,
    local::TESTS,
    looks::TESTS,
    guide::blocks::TESTS,
    guide::links::TESTS,
    guide::runs::TESTS,
    manual::TESTS,
    manual::shells::TESTS,
    published::TESTS,
    tidy::imports::TESTS,
    tidy::source::TESTS,
    tidy::TESTS,
    transcripts::TESTS,
    typed::TESTS,
    typed_files::TESTS,
];

/// Tests at once that do not only wait, for each processor.
const BUSY_EACH: usize = 3;
/// Tests that are begun at once; of them, those that are busy take turns.
const BEGUN_MAX: usize = 32;

/// How many busy tests may begin yet.
struct Turns {
    free: Mutex<usize>,
    changed: Condvar,
}

static TURNS: Turns = Turns { free: Mutex::new(0), changed: Condvar::new() };

impl Turns {
    fn give(&self, turns: usize) {
        *self.free.lock().unwrap_or_else(PoisonError::into_inner) += turns;
        self.changed.notify_all();
    }

    fn take(&self) {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self.changed.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
    }
}

fn main() {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(BEGUN_MAX);
    TURNS.give(BUSY_EACH * thread::available_parallelism().map_or(1, usize::from));
    let trials = ALL.iter().copied().flatten().map(|test| {
        let name = test.name.split_once("::").map_or(test.name, |(_, name)| name);
        Trial::test(name, move || {
            run(name, *test);
            Ok(())
        })
    });
    libtest_mimic::run(&arguments, trials.collect()).exit();
}

/// Runs a test on a thread of its own, which has its name.
fn run(name: &str, test: Test) {
    if !test.waits {
        TURNS.take();
    }
    let thread = thread::Builder::new().name(name.to_owned()).spawn(test.run);
    let end = thread.expect("a thread for each test").join();
    if !test.waits {
        TURNS.give(1);
    }
    if let Err(panic) = end {
        resume_unwind(panic);
    }
}
