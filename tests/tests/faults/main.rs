//! What machines and networks do to C2, and what jobs do to their machine; with the real programs
//! and the real lease of a minute. The tests wait side by side, so all take as long as one.

mod broken;
mod clients;
mod hostile;
mod jobs_log;
mod logs;
mod machine;
mod network;
mod pause;
mod ticks;

use std::thread;

/// Each of these waits for long and does little, so all wait at once, however few processors there
/// are; the thread's name says which one failed.
#[test]
fn broken_networks_and_stopped_machines() {
    let tests: [(&str, fn()); 12] = [
        ("five seconds without a network", network::five_seconds_without_a_network),
        ("twenty seconds without a network", network::twenty_seconds_without_a_network),
        ("twenty seconds without requests", network::twenty_seconds_without_requests),
        ("twenty seconds without answers", network::twenty_seconds_without_answers),
        ("more than a lease without a network", network::more_than_a_lease_without_a_network),
        ("more than a lease without answers", network::more_than_a_lease_without_answers),
        ("a cancel is lost", network::a_cancel_whose_answer_is_lost_is_said_again),
        ("a cancel past the lease", network::a_job_that_waits_for_its_worker_is_ended_when_that_is_back),
        ("an agent stands still", pause::an_agent_that_stands_still_loses_its_jobs_before_others_get_them),
        ("a machine sleeps", pause::a_machine_that_slept_ends_what_runs_elsewhere_by_now),
        ("clients misbehave", clients::misbehave_and_others_are_served),
        ("c2d stands still", pause::c2d_that_stood_still_blames_nobody),
    ];
    thread::scope(|scope| {
        for (name, test) in tests {
            let spawned = thread::Builder::new().name(name.to_owned()).spawn_scoped(scope, test);
            spawned.expect("a thread for each test");
        }
    });
}
