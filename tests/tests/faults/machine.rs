//! Machines at their limits: a full disk, too many processes, a power cut.

use std::fs;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use c2_shared::api::why::Obstacle;
use c2_shared::job::{JobSpec, JobState, OnLost, Outcome};
use c2_shared::limits::{LEASE_MS, WORKER_FREE_BYTES_FLOOR};
use c2_tests::machine::{FewProcesses, SmallDisk, booted_as, may};
use c2_tests::wait::SOON;
use c2_tests::{eventually, is_alive, scenario};
use rustix::process::{Pid, Signal, kill_process};

use crate::faults::ticks::Ticking;

crate::tests![
    a_full_disk_ends_nothing_but_what_filled_it,
    folders_of_ended_jobs_make_room_on_a_full_disk,
    a_power_cut_frees_what_ran_at_once,
    a_fork_storm_is_ended_and_its_machine_goes_on,
    a_fork_storm_whose_runner_is_killed_is_ended_too,
    the_first_process_of_a_container_leaves_no_zombies,
    what_hides_from_everything_is_ended_with_its_control_group,
];

const IP: &str = "127.0.0.2";
/// Held by a storm: two at once leave no time to anybody.
static STORM: Mutex<()> = Mutex::new(());
/// Processes of one machine; a storm reaches it at once, and the agent and its jobs need few.
const PROCESSES: u32 = 300;
/// A storm that takes no signal but the last. At its limit each of its processes fails to fork five times a second:
/// a fork that fails costs the kernel as much as one that succeeds, and tests beside this one need their share.
const DEAF: &str =
    "exec nice -n 19 perl -e '$SIG{TERM} = \"IGNORE\"; while (1) { fork; select(undef, undef, undef, 0.2) }'";

fn a_full_disk_ends_nothing_but_what_filled_it() {
    scenario(async |cluster| {
        if !may("full disks")? {
            return Ok(());
        }
        let home = cluster.agent_home(IP)?;
        let _disk = SmallDisk::mount(&home, WORKER_FREE_BYTES_FLOOR + 32 * 1024 * 1024)?;
        // What jobs left stays.
        let config = cluster.new_folder("config")?;
        fs::create_dir(config.join("c2-agent"))?;
        fs::write(config.join("c2-agent/config.json"), r#"{"workspace_days": 0}"#)?;
        cluster.agent_by(IP, vec!["env".to_owned(), format!("XDG_CONFIG_HOME={}", config.display())]).await?;

        let filling = cluster.submit("cat /dev/zero >fill; echo status $?").await?;
        let end = cluster.ended(filling).await?.job;
        assert_eq!((end.stdout.as_str(), end.row.state), ("status 1\n", JobState::Succeeded), "{end:?}");
        assert!(end.stderr.contains("No space left"), "{end:?}");

        eventually("a worker that says so", SOON, async || {
            Ok(cluster.client().worker(IP).await?.row.load.disk_full.then_some(()))
        })
        .await?;
        let waiting = cluster.submit("echo room").await?;
        let obstacles = cluster.client().why(waiting).await?.workers.remove(0).obstacles;
        assert!(obstacles.contains(&Obstacle::DiskFull { free_bytes: 0 }), "{obstacles:?}");
        let said = cluster.exec(&[&format!("why {waiting}"), &format!("info {IP}")]).await?;
        assert!(said.stdout.contains("its disk is full") && said.stdout.contains("cleanup-workspaces"), "{said:?}");
        assert!(said.stdout.contains("0 B free: too little for new jobs"), "{said:?}");

        cluster.kill_agent(IP)?;
        cluster.restart_agent(IP).await?;
        let cleaned = cluster.exec(&[&format!("cleanup-workspaces {IP}")]).await?;
        assert!(cleaned.stdout.contains("removed 1 workspace"), "{cleaned:?}");
        assert_eq!(cluster.ended(waiting).await?.job.stdout, "room\n");
        Ok(())
    });
}

fn folders_of_ended_jobs_make_room_on_a_full_disk() {
    scenario(async |cluster| {
        if !may("full disks")? {
            return Ok(());
        }
        let home = cluster.agent_home(IP)?;
        let _disk = SmallDisk::mount(&home, WORKER_FREE_BYTES_FLOOR + 32 * 1024 * 1024)?;
        cluster.agent(IP).await?;
        let root = cluster.workspace_root(IP)?;
        let steps =
            ["submit 'echo 1 >data' --name=first --wait", "submit 'cat $C2_DEP_1_DIR/data' --depends=first --hold"];
        let follows = cluster.exec(&steps).await?;
        assert_eq!(follows.status, 0, "{follows:?}");
        let filling = cluster.submit("cat /dev/zero >fill; echo status $?").await?;
        assert_eq!(cluster.ended(filling).await?.job.stdout, "status 1\n");
        // It waits while the disk is full, and starts by itself.
        let room = cluster.submit("echo room").await?;
        assert_eq!(cluster.ended(room).await?.job.stdout, "room\n");
        let filled = root.join(filling.to_string());
        eventually("a folder that nobody needs to go", SOON, async || Ok((!filled.exists()).then_some(()))).await?;
        let awaited = cluster.exec(&["release 2", "wait 2", "output 2", &format!("info {IP}")]).await?;
        assert!(awaited.stdout.contains("1\n"), "{awaited:?}");
        assert!(
            awaited.stdout.contains("folders of ended jobs stay 7 days, or until the disk is short"),
            "{awaited:?}"
        );
        Ok(())
    });
}

fn a_power_cut_frees_what_ran_at_once() {
    scenario(async |cluster| {
        if !may("boot ids")? {
            return Ok(());
        }
        let boot = cluster.new_folder("boot")?.join("id");
        fs::write(&boot, "11111111-1111-4111-8111-111111111111\n")?;
        cluster.agent_by(IP, booted_as(&boot)).await?;
        let again = Ticking::submit(cluster, "requeue", OnLost::Requeue).await?;
        let fails = Ticking::submit(cluster, "fail", OnLost::Fail).await?;
        again.runs(1, SOON).await?;
        fails.runs(1, SOON).await?;

        cluster.cut_power(IP)?;
        fs::write(&boot, "22222222-2222-4222-8222-222222222222\n")?;
        // Its notes of what ran are gone as well, as on a machine that keeps them in memory.
        fs::remove_dir_all(cluster.agent_home(IP)?.join("state/slots"))?;
        cluster.restart_agent(IP).await?;
        eventually("the new boot", SOON, async || {
            Ok(cluster.client().worker(IP).await?.boot_id.starts_with("2222").then_some(()))
        })
        .await?;
        let short = Duration::from_millis(LEASE_MS / 2);
        again.runs(2, short).await?;
        assert_eq!(cluster.ended(fails.job).await?.job.row.outcome, Some(Outcome::Lost));
        again.finish()?;
        let end = cluster.ended(again.job).await?.job;
        assert_eq!((end.row.state, end.row.attempt), (JobState::Succeeded, 2), "{end:?}");
        again.ran_in_turn(2)?;
        fails.ran_in_turn(1)
    });
}

fn a_fork_storm_is_ended_and_its_machine_goes_on() {
    if !may("fork storms").expect("root under CI") {
        return;
    }
    let _alone = STORM.lock().unwrap_or_else(PoisonError::into_inner);
    let group = FewProcesses::new(PROCESSES).expect("a control group");
    scenario(async |cluster| {
        cluster.agent_by(IP, group.way()).await?;
        // It needs no other process, as it could not start one in the storm.
        let gate = cluster.new_folder("gate")?.join("open");
        let waits =
            format!("exec nice -n 19 perl -e 'select(undef, undef, undef, 0.1) until -e \"{}\"'", gate.display());
        let neighbour = cluster.submit(&waits).await?;
        cluster.running(neighbour).await?;
        let few = group.count()?;
        for command in [DEAF, "bomb() { bomb | bomb & wait; }; bomb"] {
            let spec = JobSpec { command: command.to_owned(), timeout_s: Some(3), ..JobSpec::default() };
            let job = cluster.submit_spec(spec).await?;
            eventually(&format!("many processes of {command}"), SOON, async || {
                Ok((group.count()? > PROCESSES / 2).then_some(()))
            })
            .await?;
            let end = cluster.ended(job).await?.job;
            assert!(end.row.state.is_terminal(), "{end:?}");
            let idle = async || Ok((group.count()? <= few + 4).then_some(()));
            eventually("the end of the storm", SOON, idle).await?;
            let next = cluster.submit("echo fine").await?;
            assert_eq!(cluster.ended(next).await?.job.stdout, "fine\n");
        }
        fs::write(gate, "")?;
        let end = cluster.ended(neighbour).await?.job;
        assert_eq!((end.row.state, end.row.attempt), (JobState::Succeeded, 1), "{end:?}");
        Ok(())
    });
}

fn a_fork_storm_whose_runner_is_killed_is_ended_too() {
    if !may("fork storms").expect("root under CI") {
        return;
    }
    let _alone = STORM.lock().unwrap_or_else(PoisonError::into_inner);
    let group = FewProcesses::new(PROCESSES).expect("a control group");
    scenario(async |cluster| {
        cluster.agent_by(IP, group.way()).await?;
        // The agent has all that it needs to look behind a slot.
        cluster.ended(cluster.submit("true").await?).await?;
        let few = group.count()?;
        let spec = JobSpec { command: DEAF.to_owned(), on_lost: OnLost::Fail, ..JobSpec::default() };
        let job = cluster.submit_spec(spec).await?;
        eventually("a storm", SOON, async || Ok((group.count()? > PROCESSES / 2).then_some(()))).await?;
        for runner in group.running(b"c2-agent\0run-slot\0") {
            kill_process(runner, Signal::KILL)?;
        }
        assert_eq!(cluster.ended(job).await?.job.row.outcome, Some(Outcome::Lost));
        assert!(group.count()? <= few + 4, "what it left is gone before it is called lost");
        let next = cluster.submit("echo fine").await?;
        assert_eq!(cluster.ended(next).await?.job.stdout, "fine\n");
        Ok(())
    });
}

fn the_first_process_of_a_container_leaves_no_zombies() {
    scenario(async |cluster| {
        if !may("containers")? {
            return Ok(());
        }
        let way = ["unshare", "-pf", "--kill-child", "--mount-proc", "--"].map(str::to_owned);
        cluster.agent_by(IP, way.into()).await?;
        for _ in 0..6 {
            let command = "sleep 1000 & env -i setsid sleep 1000 & kill -9 $PPID; sleep 1000".to_owned();
            let spec = JobSpec { command, on_lost: OnLost::Fail, ..JobSpec::default() };
            let job = cluster.submit_spec(spec).await?;
            assert_eq!(cluster.ended(job).await?.job.row.outcome, Some(Outcome::Lost));
        }
        // Its own shell and those that look are no zombies; whoever ends just now is collected soon.
        let look = "sleep 1; cat /proc/[0-9]*/stat 2>/dev/null | grep -c ') Z '; pgrep -c sleep; cat /proc/1/comm";
        let job = cluster.submit(look).await?;
        assert_eq!(cluster.ended(job).await?.job.stdout, "0\n0\nc2-agent\n");
        Ok(())
    });
}

fn what_hides_from_everything_is_ended_with_its_control_group() {
    if !may("control groups").expect("root under CI") {
        return;
    }
    let group = FewProcesses::new(PROCESSES).expect("a control group");
    group.delegate().expect("a group that is the agent's own");
    scenario(async |cluster| {
        cluster.agent_by(IP, group.way()).await?;
        let place = cluster.new_folder("hidden")?.join("pid");
        // Without its environment, in a session of its own and away from its folder nothing marks it.
        let hides =
            format!("cd /; env -i setsid sh -c 'echo $$ >{0}.new; mv {0}.new {0}; exec sleep 600' &", place.display());
        let spec = JobSpec { command: format!("({hides}); sleep 600"), on_lost: OnLost::Fail, ..JobSpec::default() };
        let job = cluster.submit_spec(spec).await?;
        let hidden = eventually("what hides", SOON, async || {
            let text = fs::read_to_string(&place).unwrap_or_default();
            Ok(text.trim().parse().ok().and_then(Pid::from_raw))
        })
        .await?;
        // Whoever could have inherited it dies as well.
        cluster.cut_power(IP)?;
        assert!(is_alive(hidden), "it is not found by what marks the others");
        cluster.restart_agent(IP).await?;
        eventually("the end of what hides", SOON, async || Ok((!is_alive(hidden)).then_some(()))).await?;
        assert_eq!(cluster.ended(job).await?.job.row.outcome, Some(Outcome::Lost));
        Ok(())
    });
}
