//! What happens to the machines: each thing for a while, several at once, and none twice on one machine.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use c2_shared::exit;
use c2_tests::home::Machine;
use c2_tests::machine::SmallDisk;
use c2_tests::sim::Random;
use rustix::process::{Pid, Signal, kill_process};

use super::watch::Rough;
use super::{Place, WORKERS};

pub(super) const PORT: &str = "30814";
/// Between two faults, at most.
const PAUSE_MS: u64 = 2_500;
/// A program that ended is started again after this, as a service manager does.
const RESTART: Duration = Duration::from_secs(2);
/// Which of a machine's two disks.
const WORKSPACES: usize = 0;
/// The addresses that the machines have in turn: few, so that each has soon been another's.
const ADDRESSES: std::ops::RangeInclusive<u8> = 11..=17;

/// The parts of a machine of which each breaks in one way at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Line,
    Disk,
    Programs,
}

/// How something is put right again.
#[derive(Clone, Copy, Debug)]
enum Mend {
    PlugIn,
    SpeedUp,
    Write,
    Remove(usize),
    Wake,
    Start,
}

pub(super) struct Faults<'a> {
    place: &'a mut Place,
    random: Random,
    /// What is broken, and until when.
    broken: BTreeMap<(Machine, Part), (Instant, Mend)>,
    addresses: BTreeMap<Machine, u8>,
    next: Instant,
    restarts: BTreeMap<Machine, Instant>,
    rough: Rough,
    ids: BTreeMap<Machine, String>,
    pub(super) count: BTreeMap<&'static str, u32>,
}

impl<'a> Faults<'a> {
    pub(super) fn new(place: &'a mut Place, random: Random, rough: Rough) -> Result<Self> {
        let workers = || (1..=WORKERS).map(Machine::Worker);
        let ids = workers().map(|machine| {
            let file = place.home.folder(machine).join(".local/state/c2-agent/worker_id");
            anyhow::Ok((machine, std::fs::read_to_string(file)?.trim().to_owned()))
        });
        let ids = ids.collect::<Result<_>>()?;
        let addresses = workers().zip(ADDRESSES).collect();
        let (broken, restarts, count) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Ok(Self { place, random, broken, addresses, next: c2_tests::now(), restarts, rough, ids, count })
    }

    /// Mends what is due, starts what ended, and breaks something from time to time.
    pub(super) async fn go_on(&mut self) -> Result<()> {
        let now = c2_tests::now();
        self.mend(|until| until <= now).await?;
        self.tend()?;
        if now >= self.next {
            self.next = now + Duration::from_millis(300 + self.random.below(PAUSE_MS));
            let machine = Machine::Worker(u8::try_from(self.random.below(WORKERS.into()))? + 1);
            if let Some(what) = self.breaks(machine).await.context("a fault")? {
                *self.count.entry(what).or_default() += 1;
            }
        }
        Ok(())
    }

    pub(super) async fn mend_all(&mut self) -> Result<()> {
        self.mend(|_| true).await
    }

    /// Starts what ended by itself. An agent may end because its disk is broken, and for no other reason.
    pub(super) fn tend(&mut self) -> Result<()> {
        let now = c2_tests::now();
        for machine in (1..=WORKERS).map(Machine::Worker) {
            if self.broken.contains_key(&(machine, Part::Programs)) {
                continue;
            }
            match (self.place.home.ended(machine)?, self.restarts.get(&machine)) {
                (None, _) => {}
                (Some(status), _) if status.code() == Some(i32::from(exit::CONFIGURATION)) => {
                    ensure!(false, "the agent of {machine:?} gave up; see its log");
                }
                (Some(_), None) => drop(self.restarts.insert(machine, now + RESTART)),
                (Some(_), Some(at)) if *at <= now => {
                    self.restarts.remove(&machine);
                    self.place.home.kill(machine)?;
                    self.place.home.start_agent(machine)?;
                }
                (Some(_), Some(_)) => {}
            }
        }
        Ok(())
    }

    async fn mend(&mut self, is_due: impl Fn(Instant) -> bool) -> Result<()> {
        let due: Vec<_> = self.broken.extract_if(.., |_, (until, _)| is_due(*until)).collect();
        for ((machine, _), (_, mend)) in due {
            let home = &mut self.place.home;
            match mend {
                Mend::PlugIn => self.ip(machine, "ip link set cable up").await?,
                Mend::SpeedUp => home.speed_up(machine)?,
                Mend::Write => self.disk(machine, WORKSPACES)?.set_read_only(false)?,
                Mend::Remove(disk) => drop(std::fs::remove_dir_all(self.filling(machine, disk))),
                Mend::Wake => home.signal_machine(machine, Signal::CONT)?,
                Mend::Start if machine == Machine::Server => {
                    home.start_c2d(machine, "c2d", &["--host", "10.0.0.6", "--port", PORT]).await?;
                }
                Mend::Start => home.start_agent(machine)?,
            }
        }
        Ok(())
    }

    /// Breaks a part of a machine, unless it is broken already; answers what happened.
    async fn breaks(&mut self, machine: Machine) -> Result<Option<&'static str>> {
        let (kind, which) = (self.random.below(100), usize::from(self.random.chance(50)));
        let ms = 1_000 + self.random.below(20_000);
        // Some last for longer than a lease.
        let long = if self.random.chance(12) { 50_000 + self.random.below(40_000) } else { ms };
        let part = match kind {
            0..42 => Part::Line,
            42..62 => Part::Disk,
            _ => Part::Programs,
        };
        let machine = if (62..72).contains(&kind) { Machine::Server } else { machine };
        if self.broken.contains_key(&(machine, part)) {
            return Ok(None);
        }
        let home = &mut self.place.home;
        let (what, mend, ms) = match kind {
            0..10 => return self.moves(machine).await,
            10..16 => return self.swaps(machine).await,
            16..30 => {
                self.ip(machine, "ip link set cable down").await?;
                ("a machine left", Mend::PlugIn, long)
            }
            30..42 => {
                let rate = |random: &mut Random| 64 + u32::try_from(random.below(400)).unwrap_or_default();
                home.slow_down(machine, rate(&mut self.random), rate(&mut self.random))?;
                ("a line crawled", Mend::SpeedUp, 2 * ms)
            }
            42..50 => {
                // That of the state folder is always being written to, so it cannot be made so from outside.
                if self.disk(machine, WORKSPACES)?.set_read_only(true).is_err() {
                    return Ok(None);
                }
                ("a disk turned read-only", Mend::Write, 2 * ms)
            }
            50..56 => {
                self.fills(machine, which, Filling::Bytes)?;
                ("a disk was full", Mend::Remove(which), 2 * ms)
            }
            56..62 => {
                self.fills(machine, which, Filling::Files)?;
                ("a disk had no inodes", Mend::Remove(which), 2 * ms)
            }
            62..72 => {
                home.kill(machine)?;
                ("c2d killed", Mend::Start, ms / 4)
            }
            72..84 => {
                home.kill(machine)?;
                ("an agent killed", Mend::Start, long / 2)
            }
            84..90 => {
                home.cut_power(machine)?;
                self.note(machine);
                ("power cut", Mend::Start, ms)
            }
            90..95 => {
                home.signal_machine(machine, Signal::STOP)?;
                ("a machine stood still", Mend::Wake, ms)
            }
            _ => return self.kills_a_runner(machine).await,
        };
        self.broken.insert((machine, part), (c2_tests::now() + Duration::from_millis(ms), mend));
        Ok(Some(what))
    }

    async fn moves(&mut self, machine: Machine) -> Result<Option<&'static str>> {
        let taken: Vec<u8> = self.addresses.values().copied().collect();
        let free: Vec<u8> = ADDRESSES.filter(|address| !taken.contains(address)).collect();
        let address = self.random.pick(&free);
        self.readdress(machine, address).await?;
        Ok(Some("an address changed"))
    }

    async fn swaps(&mut self, machine: Machine) -> Result<Option<&'static str>> {
        let others: Vec<Machine> = self.addresses.keys().copied().filter(|other| *other != machine).collect();
        let other = self.random.pick(&others);
        if self.broken.contains_key(&(other, Part::Line)) {
            return Ok(None);
        }
        let (own, its) = (self.addresses[&machine], self.addresses[&other]);
        self.ip(machine, "ip addr flush dev cable").await?;
        self.readdress(other, own).await?;
        self.readdress(machine, its).await?;
        Ok(Some("two addresses swapped"))
    }

    async fn readdress(&mut self, machine: Machine, address: u8) -> Result<()> {
        let line = format!("ip addr flush dev cable; ip addr add 10.0.0.{address}/24 dev cable");
        self.ip(machine, &line).await?;
        self.addresses.insert(machine, address);
        self.ip(Machine::Server, "ip neigh flush all").await
    }

    async fn kills_a_runner(&self, machine: Machine) -> Result<Option<&'static str>> {
        let state = self.place.home.folder(machine).join(".local/state");
        let text = format!("pgrep -f 'run-slot --state-dir {}' || true", state.display());
        let found = self.place.home.bash(machine, &text).await?.stdout;
        let runner = found.lines().find_map(|line| Pid::from_raw(line.trim().parse().ok()?));
        let Some(runner) = runner.filter(|pid| is_runner(*pid)) else { return Ok(None) };
        // It may have ended meanwhile.
        let _gone = kill_process(runner, Signal::KILL);
        self.note(machine);
        Ok(Some("a runner killed"))
    }

    fn fills(&self, machine: Machine, disk: usize, with: Filling) -> Result<()> {
        let folder = self.filling(machine, disk);
        std::fs::create_dir_all(&folder)?;
        let full = match with {
            Filling::Bytes => fill_bytes(&folder.join("bytes")),
            Filling::Files => (0..5_000).try_for_each(|n| std::fs::write(folder.join(n.to_string()), "")),
        };
        ensure!(full.is_err(), "the disk of {machine:?} takes everything");
        Ok(())
    }

    /// Below what is the agent's, so that it is on the same disk.
    fn filling(&self, machine: Machine, disk: usize) -> PathBuf {
        let name = ["workspaces/.filling", ".local/state/c2-agent/filling"][disk];
        self.place.home.folder(machine).join(name)
    }

    fn disk(&self, machine: Machine, disk: usize) -> Result<&SmallDisk> {
        let Machine::Worker(number) = machine else { anyhow::bail!("the server has no small disk") };
        Ok(&self.place.disks[usize::from(number) - 1][disk])
    }

    /// From here on the worker may have lost what it ran.
    fn note(&self, machine: Machine) {
        super::watch::note(&self.rough, &self.ids[&machine]);
    }

    async fn ip(&self, machine: Machine, line: &str) -> Result<()> {
        let done = self.place.home.bash(machine, line).await?;
        ensure!(done.status == 0, "{line}: {done:?}");
        Ok(())
    }
}

#[derive(Clone, Copy)]
enum Filling {
    Bytes,
    Files,
}

fn fill_bytes(path: &std::path::Path) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut file = std::fs::File::create(path)?;
    let block = vec![0; 1024 * 1024];
    (0..1_000).try_for_each(|_| file.write_all(&block))
}

/// A shell that looks for runners names them, too.
fn is_runner(pid: Pid) -> bool {
    let line = std::fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).unwrap_or_default();
    line.starts_with(b"c2-agent\0run-slot\0")
}
