//! The flags of batch systems, by the verbs that take a command, as data.

/// What becomes of a flag and its value.
#[derive(Clone, Copy, Debug)]
pub(super) enum To {
    /// The flag of this name, with the value as it is.
    Flag(&'static str),
    /// A flag without a value, as there.
    Switch(&'static str),
    /// A time limit in minutes, or as `[D-][H:]M:S`.
    Limit,
    /// A time limit as `[H:]M`.
    HoursMinutes,
    /// A size; a bare number counts MiB.
    Memory,
    /// A number of GPUs, as in `gpu:a100:2`.
    Gpus,
    /// Jobs and conditions, as in `afterok:1:2`.
    After,
    /// A span from now.
    Delay,
    /// Numbers of an array, perhaps with how many run at once: `1-10%2`.
    Array,
    /// A time, also as `now+1hour`.
    Begin,
    /// Variables, as in `ALL,A=1`.
    Variables,
    /// Licences, as in `matlab:2`.
    Licences,
    /// A list of resources, as in `walltime=1:00:00,mem=4gb`.
    Resources,
    /// Jobs and conditions, as in `done(1) && ended(2)`.
    Ended,
    /// A flag of this name, if the value is a whole number.
    Number(&'static str),
    /// Machines, perhaps with how many run there at once: `4/nas`.
    Hosts,
    /// An environment and a number of processors in two words.
    Slots,
    /// The command itself.
    Wrap,
    /// Whether what follows is a command and no script.
    IsCommand,
    /// Nothing, with its value.
    Nothing,
}

pub(super) type Flags = &'static [(&'static [&'static str], To)];

/// The flags of each family of tools, by the verbs that take a command.
pub(super) const FAMILIES: [(&[&str], Flags); 7] = [
    (
        &["sbatch", "srun", "salloc"],
        &[
            (&["-J", "--job-name"], To::Flag("name")),
            (&["-p", "--partition"], To::Flag("group")),
            (&["-t", "--time"], To::Limit),
            (&["-c", "--cpus-per-task", "-n", "--ntasks"], To::Flag("cpus")),
            (&["--mem"], To::Memory),
            (&["-G", "--gpus", "--gres", "--gpus-per-node"], To::Gpus),
            (&["-w", "--nodelist"], To::Flag("worker")),
            (&["-x", "--exclude"], To::Flag("exclude")),
            (&["-D", "--chdir"], To::Flag("cwd")),
            (&["-d", "--dependency"], To::After),
            (&["-a", "--array"], To::Array),
            (&["-b", "--begin"], To::Begin),
            (&["--export"], To::Variables),
            (&["-L", "--licenses"], To::Licences),
            (&["-i", "--input"], To::Flag("stdin-file")),
            (&["--wrap"], To::Wrap),
            (&["--requeue"], To::Switch("retries=1")),
            (&["-W", "--wait"], To::Switch("wait")),
            (&["--test-only"], To::Switch("dry-run")),
            (&["-H", "--hold"], To::Switch("hold")),
            (&["-N", "--nodes", "-o", "--output", "-e", "--error", "-A", "--account", "-q", "--qos"], To::Nothing),
            (&["--mail-user", "--mail-type", "--nice", "--ntasks-per-node", "-C", "--constraint"], To::Nothing),
        ],
    ),
    (
        &["qsub", "condor_submit", "qalter"],
        &[
            (&["-N"], To::Flag("name")),
            (&["-q"], To::Flag("group")),
            (&["-t", "-J"], To::Array),
            (&["-v"], To::Variables),
            (&["-h"], To::Switch("hold")),
            (&["-p"], To::Flag("priority")),
            (&["-d", "-wd"], To::Flag("cwd")),
            (&["-W", "-hold_jid"], To::After),
            (&["-l"], To::Resources),
            (&["-i"], To::Flag("stdin-file")),
            (&["-a"], To::Nothing),
            (&["-pe"], To::Slots),
            (&["-b"], To::IsCommand),
            (&["-o", "-e", "-A", "-M", "-m", "-P", "-S", "-sync", "-r", "-j", "-now", "-ac", "-C"], To::Nothing),
        ],
    ),
    (
        &["bsub", "bmod"],
        &[
            (&["-J"], To::Flag("name")),
            (&["-q"], To::Flag("group")),
            (&["-n"], To::Flag("cpus")),
            (&["-W"], To::HoursMinutes),
            (&["-m"], To::Flag("worker")),
            (&["-H"], To::Switch("hold")),
            (&["-K", "-I"], To::Switch("wait")),
            (&["-w"], To::Ended),
            (&["-i"], To::Flag("stdin-file")),
            (&["-cwd"], To::Flag("cwd")),
            (&["-o", "-e", "-oo", "-eo", "-P", "-R", "-M", "-u", "-g", "-L", "-c"], To::Nothing),
        ],
    ),
    (
        &["tsp", "ts"],
        &[
            (&["-L"], To::Flag("name")),
            (&["-D"], To::Flag("depends")),
            (&["-N"], To::Flag("cpus")),
            (&["-G"], To::Flag("gpus")),
            (&["-f"], To::Switch("wait")),
            (&["-d"], To::Switch("depends=last")),
        ],
    ),
    (
        &["add"],
        &[
            (&["-l", "--label"], To::Flag("name")),
            (&["-g", "--group"], To::Flag("group")),
            (&["-a", "--after"], To::Flag("depends")),
            (&["-o", "--priority"], To::Flag("priority")),
            (&["-w", "--working-directory"], To::Flag("cwd")),
            (&["-d", "--delay"], To::Delay),
            (&["-s", "--stashed"], To::Switch("hold")),
            (&["-f", "--follow"], To::Switch("wait")),
        ],
    ),
    (
        &["parallel", "xargs"],
        &[
            (&["-a", "--arg-file"], To::Flag("file")),
            (&["-S", "--sshlogin"], To::Hosts),
            (&["--timeout"], To::Number("timeout")),
            (&["--retries"], To::Number("retries")),
            (&["--memfree"], To::Flag("memory")),
            (&["--workdir", "--wd"], To::Flag("cwd")),
            (&["-0", "--null"], To::Switch("null")),
            (&["--dry-run", "--dryrun"], To::Switch("dry-run")),
            (
                &["-j", "--jobs", "-P", "-n", "-N", "-L", "-I", "--max-procs", "-d", "-E", "-s", "-C", "--colsep"],
                To::Nothing,
            ),
            (&["--joblog", "--results", "--delay", "--halt", "--env", "--nice", "--load", "--tmpdir"], To::Nothing),
            (&["--sshloginfile", "--slf", "--delimiter", "--max-args", "--max-lines", "--tagstring"], To::Nothing),
        ],
    ),
    (
        &["submit"],
        &[
            (&["--time-limit"], To::Flag("timeout")),
            (&["--crash-limit"], To::Number("retries")),
            (&["--stdin"], To::Flag("stdin-file")),
            (&["--progress"], To::Switch("wait")),
            (&["--stdout", "--stderr", "--log", "--pin", "--resource", "--max-fails", "--time-request"], To::Nothing),
        ],
    ),
];
