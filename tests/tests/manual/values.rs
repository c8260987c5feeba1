//! What the tables of the guide say beside names: meanings of configuration keys, exit statuses, limits.

use c2_shared::exit;
use c2_shared::limits::*;

/// Keys of c2d's `config.json`, in the order of the guide.
pub(super) const SERVER_KEYS: [(&str, &str); 13] = [
    ("host", "address to listen on; every address of the machine with `0.0.0.0`"),
    ("port", "port to listen on; 0 takes any free port"),
    ("max_queue_size", "jobs that have not ended, at most"),
    ("workers_file", "where the list of workers is exported, relative to the data folder"),
    ("jobs_log_file", "where ended jobs are logged, relative to the data folder"),
    ("keep_days", "days for which the database keeps ended jobs; only days on which c2d was running count"),
    ("keep_jobs", "ended jobs that the database keeps, at most"),
    ("keep_bytes", "size of the database beyond which the oldest ended jobs are removed"),
    ("output_keep_bytes", "bytes that are kept of each output stream of an attempt"),
    ("keep_blob_bytes", "size of all files and long outputs beyond which those of the oldest ended jobs are removed"),
    ("notify_commands", "commands that notifications may run: name to program and arguments"),
    ("mail_server", "mail server for notifications, as `host:port`"),
    (
        "store",
        "PostgreSQL database that keeps everything, as `postgres://USER@HOST/NAME`; without one SQLite in the data folder",
    ),
];

/// Keys of the agent's `config.json`.
pub(super) const AGENT_KEYS: [(&str, &str); 15] = [
    ("server_host", "host of c2d, a name or an address"),
    ("server_port", "port of c2d"),
    ("address", "address of this worker, where the machine has several"),
    ("slots", "jobs that run at once; `\"auto\"` is one for each processor"),
    (
        "resources",
        "what the machine has, where the agent does not find it: `cpus`, `memory`, `gpus`, `vram`, own names",
    ),
    ("workspace_root", "folder of the workspaces, from `/` or `~/` on"),
    ("workspace_days", "days after the end of a job until its folder is removed; 0 keeps it for ever"),
    ("shares", "shared folders that jobs ask for with `--share`: name to path"),
    ("via", "the scheduler of other machines that runs the jobs: `slurm`"),
    ("partition", "the partition of its cluster"),
    ("yield_to", "to whom or what the machine is yielded: `user`, `gpu`, `battery`"),
    ("idle_suspend_s", "seconds after which an idle machine sleeps; 0 for never"),
    ("suspend_command", "what has it sleep, with its arguments"),
    ("control_groups", "whether each job runs in a control group of its own, where the agent may make some"),
    ("pids_max", "processes and threads that a job may have at once there; 0 for as many as the machine takes"),
];

pub(super) const EXIT_STATUSES: [(u8, &str); 8] = [
    (exit::DONE, "done"),
    (exit::FAILED, "refused or failed; another try may succeed"),
    (exit::CONFIGURATION, "a mistake on the command line, in the line or in the configuration"),
    (exit::UNREACHABLE, "c2d cannot be reached"),
    (exit::UNAUTHORIZED, "not authorised: c2d does not accept the token, or there is none"),
    (exit::NOT_A_WORKER, "`c2-agent` has not joined, c2d refuses its token, or its state folder is a copy"),
    (exit::INTERRUPTED, "interrupted"),
    (exit::NO_READER, "the output pipe was closed"),
];

/// What is limited, the unit, and how much.
pub(super) fn limits() -> [(&'static str, &'static str, u64); 34] {
    [
        ("jobs in the queue, ended ones not counted (`max_queue_size`)", "", QUEUE_LEN_MAX as u64),
        ("jobs that an agent runs at once (`slots`)", "", u64::from(SLOTS)),
        ("slots of an agent, at most", "", u64::from(SLOTS_MAX)),
        ("silence after which a worker is offline", "ms", WORKER_OFFLINE_MS),
        ("silence after which the jobs of a worker are requeued", "ms", LEASE_MS),
        ("longest time between two polls of an agent", "s", PARK_MAX_S),
        ("longest time that c2d holds a request open", "s", WAIT_MAX_S),
        ("workers that a job may lose before it fails", "", u64::from(CRASH_LIMIT)),
        ("length of a command", "B", COMMAND_BYTES_MAX as u64),
        ("length of a job's name, in characters", "", NAME_CHARS_MAX as u64),
        ("length of a tag or group, in characters", "", WORD_CHARS_MAX as u64),
        ("entries in each list of a job", "", LIST_LEN_MAX as u64),
        ("environment of a job", "B", ENV_BYTES_MAX as u64),
        ("run time that `--timeout` takes", "s", TIMEOUT_S_MAX),
        ("retries of a job", "", u64::from(RETRIES_MAX)),
        ("files in a request, as base64", "B", INLINE_BYTES_MAX as u64),
        ("one file", "B", BLOB_BYTES_MAX),
        ("files that a job may leave", "", FILES_LEN_MAX as u64),
        ("output that is kept, of each stream (`output_keep_bytes`)", "B", OUTPUT_KEEP_BYTES),
        ("of a longer stream, what is kept from its beginning", "B", OUTPUT_HEAD_BYTES),
        ("latest attempts whose output is kept, beside the first", "", u64::from(LAST_OUTPUTS_LEN)),
        ("time between TERM and KILL for a cancelled job", "ms", CANCEL_GRACE_MS),
        ("time for which an idempotency key is remembered", "ms", IDEMPOTENCY_MS),
        ("rows of a list, at most", "", PAGE_LEN_MAX as u64),
        ("body of a submit", "B", SUBMIT_BODY_BYTES_MAX as u64),
        ("body of a batch", "B", BATCH_BODY_BYTES_MAX as u64),
        ("connections that c2d serves at once, if it may open so many files", "", CONNECTIONS_MAX as u64),
        ("connections that have shown no token", "", STRANGERS_MAX as u64),
        ("longest life of an invitation", "s", INVITATION_S_MAX),
        ("uses of an invitation, at most", "", u64::from(INVITATION_USES_MAX)),
        ("schedules", "", SCHEDULES_MAX as u64),
        ("notifications", "", NOTIFICATIONS_MAX as u64),
        ("free space of c2d below which it refuses new jobs", "B", FREE_BYTES_FLOOR),
        ("free space of a worker below which it takes no jobs", "B", WORKER_FREE_BYTES_FLOOR),
    ]
}
