//! Ended jobs that are submitted again.

use c2_shared::id::JobId;
use c2_shared::job::JobState;

use super::lab::{Lab, after, plain};
use crate::sched::event::{self, Again, NewJob};
use crate::sched::{Decision, Reject};

fn retry(lab: &mut Lab, jobs: &[(u64, NewJob)]) -> Result<Vec<Decision>, Reject> {
    let jobs = jobs.iter().map(|(of, job)| Again { of: JobId(*of), job: job.clone() }).collect();
    let known = lab.decided.len();
    lab.apply(event::JobsRetried { jobs }).map(|_| lab.decided[known..].to_vec())
}

#[test]
fn dependencies_among_the_retried_mean_the_new_jobs() {
    let mut lab = Lab::new(&[2]);
    lab.submit(vec![plain()]).unwrap();
    lab.submit(vec![after(&["job-1"]), after(&["any:job-1"])]).unwrap();
    assert_eq!(
        retry(&mut lab, &[(1, plain())]),
        Err(Reject::NotEnded { job: JobId(1), state: JobState::Queued }),
        "nothing is accepted while one of them lives"
    );
    lab.run(2, 1, 1);
    lab.run(2, 3, 0);
    let decisions = retry(&mut lab, &[(2, after(&["job-1"])), (1, plain()), (3, after(&["any:job-1"]))]).unwrap();
    let edges: Vec<Vec<u64>> = decisions
        .iter()
        .filter_map(|decision| match decision {
            Decision::AddJob(record) => Some(record.depends.iter().map(|edge| edge.on.0).collect()),
            _ => None,
        })
        .collect();
    assert_eq!(edges, [vec![5], vec![], vec![5]]);
    assert_eq!([4, 5, 6].map(|j| lab.state(j)), [JobState::Blocked, JobState::Queued, JobState::Blocked]);
    assert_eq!([1, 2, 3].map(|j| lab.state(j)), [JobState::Failed, JobState::Failed, JobState::Succeeded]);
    // Without the other one, the dependency on it is kept and judged at once.
    retry(&mut lab, &[(2, after(&["job-1"])), (3, after(&["any:job-1"]))]).unwrap();
    assert_eq!([7, 8].map(|j| lab.state(j)), [JobState::Failed, JobState::Queued]);
    let twice = retry(&mut lab, &[(1, plain()), (1, plain())]);
    assert_eq!(twice, Err(Reject::NamedTwice { job: JobId(1) }));
    assert_eq!(retry(&mut lab, &[(1, plain()), (99, plain())]), Err(Reject::UnknownJob { job: JobId(99) }));
    lab.expect(
        "add 1 queued; add 2 blocked; add 3 blocked; assign 1.1 to 2; answer 2 +1.1; end 1: exit 1; \
         fulfil 3 on 1; set 3 queued; end 2: dependency 1; free 1.1 on 2; assign 3.1 to 2; \
         answer 2 +3.1 ack:1.1; answer 2; end 3: exit 0; free 3.1 on 2; answer 2 ack:3.1; add 4 blocked; \
         add 5 queued; add 6 blocked; add 7 queued; add 8 queued; end 7: dependency 1",
    );
}
