//! Every bound and interval of C2, each with the reason for its value.
//!
//! Durations are plain numbers with their unit in the name, because the pure cores that use them
//! know no clock. A bound that users may change has its default here.

/// Port of c2d (README).
pub const PORT: u16 = 30814;
/// The name in every c2d's certificate, wherever it is; its authority is what tells one from another.
pub const TLS_NAME: &str = "c2d.internal";
/// Jobs that have not ended yet, at most (README). Ended jobs do not count.
pub const QUEUE_LEN_MAX: usize = 50_000;
/// Jobs that one agent runs at once unless told otherwise (README).
pub const SLOTS: u32 = 4;
/// Lines of its log that a program keeps while nothing reads them; a few MB. More are dropped.
pub const LOG_LINES_WAITING: usize = 4_096;
/// Slots an agent may claim; more is a typing mistake rather than a machine.
pub const SLOTS_MAX: u32 = 1_024;
/// Processes and threads of a job at once, where it has a control group: more than any build has, and few enough
/// that a fork bomb leaves the machine usable.
pub const PIDS_MAX: u64 = 16_384;
/// How long an agent that yields its machine sees nothing of those it yields to before jobs go on: they may be back
/// in a moment.
pub const YIELD_REST_MS: u64 = 60_000;

/// Silence after which a worker is offline and gets nothing new (README: 15 s).
pub const WORKER_OFFLINE_MS: u64 = 15_000;
/// Silence after which running work may go to somebody else. Much longer than the 15 s, because a
/// laptop that slept for half a minute should keep its jobs.
pub const LEASE_MS: u64 = 60_000;
/// Silence after which a worker that was started again is believed to be the only one of its identity: two
/// polls that are missing.
pub const REBOOT_SILENCE_MS: u64 = 10_000;
/// How long a worker must have been at an address before that is written down, so that a line that flaps
/// between two writes nothing.
pub const ADDRESS_SETTLES_MS: u64 = 10_000;
/// Time between two polls of a worker which prove that whoever introduced itself beside it is a copy. One
/// poll may have been under way.
pub const CLONE_PROOF_MS: u64 = 4_000;
/// How long a copy is shown after it was last heard.
pub const CLONE_SHOWN_MS: u64 = 10 * 60_000;
/// How long an agent waits before it introduces itself again to a c2d that cannot tell yet who it is.
pub const INTRODUCE_MS: u64 = 4_000;
/// How long a new run of an agent waits for a process of the run before to say what it holds; one that is
/// silent for longer is stuck.
pub const GREETING_MS: u64 = 30_000;
/// Runs of an agent, and copies of it, that are told apart at once; beyond it the oldest is forgotten.
pub const NEWCOMERS_LEN: usize = 8;
/// After a start of c2d, the time in which agents claim what they still run. Longer than the
/// longest back-off plus a connect time-out, so that every living agent speaks within it.
pub const RECOVERY_WINDOW_MS: u64 = 30_000;
/// Pause of the engine after which it must assume that the machine slept and that silence of the
/// workers in that time means nothing.
pub const UNOBSERVED_MS: u64 = 5_000;
/// Workers that a job may lose before it is given up as poison.
pub const CRASH_LIMIT: u32 = 5;

/// Waiting times of an agent (README): parked polls while c2d answers, back-off while it does not.
pub const BACKOFF_S: [u64; 5] = [1, 2, 4, 8, 10];
/// Longest time for which an agent parks a poll, so that c2d hears from it at least every 5 s and
/// two lost contacts do not make it offline.
pub const PARK_MAX_S: u64 = 5;
/// Longest time that c2d holds any request open, whatever the caller asks.
pub const WAIT_MAX_S: u64 = 60;
/// Longest time for which c2d holds back its answer to output that it asked for, until the watcher
/// wants more, in seconds.
pub const NEXT_READ_S: u64 = 2;
/// Bytes of one piece of a stream on its way to a watcher.
pub const PIECE_BYTES_MAX: usize = 64 * 1024;

/// Time allowed to reach c2d; a machine at home answers within milliseconds or not at all.
pub const CONNECT_TIMEOUT_MS: u64 = 3_000;
/// Time allowed for an answer beyond the time for which the caller asked to wait.
pub const ANSWER_TIMEOUT_MS: u64 = 10_000;

/// Longest command, the limit of one argument string on Linux.
pub const COMMAND_BYTES_MAX: usize = 128 * 1024;
/// Longest job name, long enough for a sentence and short enough for a column.
pub const NAME_CHARS_MAX: usize = 128;
/// Bytes of the message or hint of a refusal, which may quote what was sent: a value of any length is told by its ends.
pub const REFUSAL_BYTES_MAX: usize = 2_048;
/// Longest tag or group name.
pub const WORD_CHARS_MAX: usize = 64;
/// Entries in each list of a job specification; enough for any job written by hand or by script.
pub const LIST_LEN_MAX: usize = 1_000;
/// Longest variable of the environment, with its name and what ends it: as long as Linux lets one be.
pub const ENV_ENTRY_BYTES_MAX: usize = 128 * 1024;
/// All of a job's environment together; the kernel allows a few MiB for arguments and environment.
pub const ENV_BYTES_MAX: usize = 256 * 1024;
/// Longest job run time that can be asked for: a year.
pub const TIMEOUT_S_MAX: u64 = 366 * 24 * 3_600;
/// The last instant at which a job may be asked to begin, in unix milliseconds: the year 2200. What is later is
/// a mistake, and would wait for ever.
pub const BEGIN_MS_MAX: u64 = 7_258_118_400_000;
/// Retries that can be asked for; beyond it a job never ends in practice.
pub const RETRIES_MAX: u32 = 1_000;
/// Base64 content in JSON, all files of one job together; larger files travel as blobs.
pub const INLINE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Contents of one job that stay in its specification, all together; c2d keeps larger ones as blobs,
/// so that a waiting job takes little memory whatever it brings.
pub const INLINE_KEPT_BYTES: usize = 4 * 1024;
/// Specifications in one answer to a poll, all together; more go with the next. The first goes in any
/// case.
pub const ASSIGNED_BYTES_MAX: usize = 192 * 1024;
/// A specification that is longer in JSON goes to a worker as a blob.
pub const INLINE_SPEC_BYTES_MAX: usize = 32 * 1024;
/// A file larger than this travels as a blob; a smaller one is not worth a request of its own.
pub const INLINE_FILE_BYTES_MAX: u64 = 1024 * 1024;
/// Largest blob, far beyond what a home network carries in an hour of patience.
pub const BLOB_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;
/// Files that a job may leave; more belong into an archive.
pub const FILES_LEN_MAX: usize = 1_000;
/// Problems with a job's files that are kept.
pub const PROBLEMS_LEN_MAX: usize = 100;
/// Silence of either side in the middle of a body after which it is given up; a blob is resumed.
pub const BODY_IDLE_MS: u64 = 30_000;
/// How long a blob stays that no job names: between its upload and the submit, and for as long as
/// a broken upload may be resumed.
pub const BLOB_UNUSED_MS: u64 = 24 * 3_600 * 1_000;
/// How young a blob that no job names must be to stay when all others are removed at once: its submit
/// may be on its way.
pub const BLOB_YOUNG_MS: u64 = 60 * 1_000;
/// Bytes of blobs that one token may have sent and no job names: two of the largest.
pub const BLOBS_UNUSED_BYTES_MAX: u64 = 2 * BLOB_BYTES_MAX;
/// Blobs that one token may have sent and no job names.
pub const BLOBS_UNUSED_LEN_MAX: usize = 10_000;
/// How long c2d waits for a worker's report of a cleaning.
pub const CLEANUP_WAIT_S: u64 = 30;

/// Seconds in which a new program of an agent must have reached c2d; otherwise the one before continues.
pub const UPGRADE_TRIAL_S: u64 = 30;

/// Seconds for which an upgrade of a worker is waited for: the program has to get there first.
pub const UPGRADE_WAIT_S: u64 = 120;

/// Bytes of the program of an agent.
pub const PROGRAM_BYTES_MAX: u64 = 512 << 20;
/// Seconds that the target of a notification has to take it.
pub const NOTIFY_TRY_S: u64 = 20;

/// Of each output stream, the bytes that are kept: a log of any length that somebody reads.
pub const OUTPUT_KEEP_BYTES: u64 = 64 * 1024 * 1024;
/// Of a longer stream, the bytes kept from its beginning: how the job began. The rest is from its end.
pub const OUTPUT_HEAD_BYTES: u64 = 1024 * 1024;
/// Of each output stream, the bytes that stand in a result; a longer one is a blob beside it.
pub const OUTPUT_INLINE_BYTES: usize = 32 * 1024;
/// Changes from one stream to the other that are kept exactly; the order of more is kept coarser.
pub const ORDER_RUNS_MAX: usize = 8 * 1024;
/// Of each result, the bytes of output, order and list that stand in c2d's database, all together;
/// what does not fit is a blob, so that the database stays small whatever jobs write.
pub const OUTPUT_STORED_BYTES: usize = 4 * 1024;
/// Of a stream that c2d has no room for, the bytes that it keeps from the beginning, and from the end.
pub const OUTPUT_SCRAP_BYTES: usize = 2 * 1024;
/// Of each output stream, the bytes that are shown with a job from the beginning.
pub const SHOWN_HEAD_BYTES: usize = 64 * 1024;
/// Of each output stream, the bytes that are shown with a job from the end.
pub const SHOWN_TAIL_BYTES: usize = 192 * 1024;
/// Output that is given as one JSON document; more goes as plain bytes.
pub const OUTPUT_JSON_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// A list of files that c2d reads; a thousand long paths fit.
pub const LISTING_BYTES_MAX: usize = 8 * 1024 * 1024;
/// The order of two streams that c2d reads, written down.
pub const ORDER_BYTES_MAX: usize = 128 * 1024;
/// Of each job, the latest attempts whose output is kept, besides the first: a job may have a
/// thousand retries, and what its attempts wrote must stay bounded.
pub const LAST_OUTPUTS_LEN: u32 = 4;

/// Bytes of a reason that a worker gives.
pub const REASON_BYTES_MAX: usize = 1024;
/// Characters of each text that a worker says about itself.
pub const TEXT_CHARS_MAX: usize = 200;
/// Disks of a worker that are remembered.
pub const DISKS_LEN_MAX: usize = 64;
/// More of a counted resource than any machine has.
pub const AMOUNT_MAX: u64 = 1_000_000_000;
/// How long jobs may be given past one of a higher rank that finds no room, before room is kept for it.
pub const KEEP_ROOM_MS: u64 = 60_000;
/// Graphics processors of a worker that are remembered.
pub const GPUS_LEN_MAX: usize = 64;
/// Days after the end of a job for which its folder stays on its worker, unless the agent is told otherwise.
pub const WORKSPACE_DAYS: u64 = 7;
/// Workspaces that a worker asks about at once.
pub const WORKSPACES_ASKED_MAX: usize = 1_000;
/// Shared folders of a worker.
pub const SHARES_LEN_MAX: usize = 64;
/// Processes on them that are remembered.
pub const GPU_PROCESSES_LEN_MAX: usize = 64;

/// Attempts that a poll may list in one place: those that run, those whose results are under way, and as many
/// that are given back.
pub const ATTEMPTS_LEN_MAX: usize = 4 * SLOTS_MAX as usize;
/// Names of workspaces in a report of a cleaning, of each kind.
pub const CLEANED_LEN_MAX: usize = 10_000;

/// Body of an ordinary request of a worker: all that an agent says but outputs of old ones. One that is larger
/// waits for its turn.
pub const WORKER_BODY_BYTES_MAX: usize = 256 * 1024;
/// Body of an ordinary request.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Body of a submit, which may carry [`INLINE_BYTES_MAX`] in base64.
pub const SUBMIT_BODY_BYTES_MAX: usize = 12 * 1024 * 1024;
/// Body of a batch; 50,000 jobs of a kilobyte fit.
pub const BATCH_BODY_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Body of the poll of a worker with very many slots, whose agent puts outputs into its results.
pub const POLL_BODY_BYTES_MAX: usize = 24 * 1024 * 1024;
/// Large bodies of workers that are read at once.
pub const LARGE_BODIES_MAX: usize = 2;
/// Head of a request.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Time in which a client must have sent the head of its request, counted from the answer before.
pub const HEAD_TIMEOUT_MS: u64 = 10_000;
/// How long a client keeps a connection for its next request: so that c2d does not close it while that
/// is on its way.
pub const UNUSED_CONNECTION_MS: u64 = HEAD_TIMEOUT_MS / 2;
/// Silence of a client that is to read an answer, after which its connection is given up.
pub const WRITE_IDLE_MS: u64 = 30_000;
/// Connections that c2d serves at once for one token from other machines; an agent has a few.
pub const CONNECTIONS_OF_ONE_MAX: usize = 64;
/// Connections from one address that have shown no token.
pub const STRANGERS_OF_ONE_MAX: usize = 16;
/// How long a connection counts as new: time enough for a handshake and a first request.
pub const STRANGER_NEW_MS: u64 = 1_000;
/// New connections from one address: all machines behind one router may come at once, and somebody who
/// opens connections as fast as he can must not push out one that is about to show a token.
pub const NEW_STRANGERS_OF_ONE_MAX: usize = 1_024;
/// How long an invitation may be good.
pub const INVITATION_S_MAX: u64 = 30 * 24 * 3_600;
/// How often an invitation may be used.
pub const INVITATION_USES_MAX: u32 = 100;
/// Bytes of a name that somebody gives to a machine or a token.
pub const NAME_LEN_MAX: usize = 128;
/// Connections that c2d serves at once, where it may open so many files.
pub const CONNECTIONS_MAX: usize = 65_536;
/// Of these, those that are kept for holders of tokens.
pub const CONNECTIONS_KEPT: usize = 256;
/// Connections that have shown no token.
pub const STRANGERS_MAX: usize = 3_840;

/// How long a worker in quarantine gets nothing before it is tried again with one job, and how often its agent
/// tests the machine meanwhile.
pub const QUARANTINE_MS: u64 = 60_000;
/// Different jobs in a row that a worker could not start, after which it is in quarantine: one job may be at
/// fault itself.
pub const FAULTS_IN_A_ROW: usize = 3;
/// How long a worker must list a job as running before that shows that it can start jobs.
pub const PROOF_MS: u64 = 5_000;
/// A command that fails sooner after its start than this failed at once: it has found nothing to work with.
pub const AT_ONCE_MS: u64 = 1_000;
/// Different commands that fail at once on a worker, one after the other, before it is suspect.
pub const SUSPECT_FAILURES: usize = 5;
/// So many of them must have succeeded elsewhere, or they are at fault themselves.
pub const SUSPECT_ELSEWHERE: usize = 3;
/// So many of them are remembered.
pub const SUSPECT_ROW_LEN: usize = 64;
/// Commands that are known to have succeeded: more than a home runs in a day.
pub const SUCCESSES_LEN: usize = 4_096;
/// How long that says something of a machine on which they fail.
pub const SUCCESS_REMEMBERED_MS: u64 = 24 * 3_600 * 1_000;
/// How long a job rests before it is tried again, unless it says otherwise; twice as long each time.
pub const RETRY_DELAY_S: u64 = 1;
/// The longest such rest, unless the job's own first one is longer.
pub const RETRY_DELAY_MAX_S: u64 = 60;
/// How long a job goes elsewhere first after a worker could not start it; twice as long each time.
pub const AVOID_MS: u64 = 60_000;
/// The longest such time: a lone worker gets each job again this often.
pub const AVOID_MAX_MS: u64 = 15 * 60_000;
/// Results in a row that must have taken little before a worker is given jobs ahead of free slots.
pub const AHEAD_RESULTS: u32 = 16;
/// What is little: as long as a round trip matters beside it.
pub const AHEAD_TOOK_MS: u64 = 250;
/// So many jobs may wait at a worker for each slot, in place of one, where all of its last results took so little that
/// they are through in that time as well. They last while results gather and travel, and so share commits.
pub const AHEAD_PER_SLOT: usize = 4;
/// How little that is.
pub const AHEAD_BRIEF_MS: u64 = AHEAD_TOOK_MS / AHEAD_PER_SLOT as u64;
/// How long a job waits at a worker for a slot; and only for slots whose attempts are younger than this, so that
/// long ones attract none.
pub const AHEAD_WAITS_MS: u64 = 1_000;
/// How often a job may be called back from a worker before it is given ahead no more.
pub const RECALLS_MAX: u32 = 3;
/// For how long after the newest poll that was answered an agent starts what waits there for a slot: as long as
/// c2d believes it to be online.
pub const AHEAD_FRESH_MS: u64 = 10_000;
/// How long whoever holds or changes a job waits for it to come back from a worker where it waits.
pub const WISH_WAIT_MS: u64 = 2_000;
/// After this time c2d repeats what a worker must end and still lists: the answer may have
/// been lost, and ending takes a moment.
pub const KILL_REPEAT_MS: u64 = 2_000;
/// Between TERM and KILL when a job is cancelled or timed out.
pub const CANCEL_GRACE_MS: u64 = 10_000;
/// Between TERM and KILL for processes that a finished job left behind: they were not asked for,
/// so the job's result waits only briefly for them.
pub const LEFTOVER_GRACE_MS: u64 = 1_000;

/// Rows of a list when the caller does not say.
pub const PAGE_LEN: usize = 500;
/// Rows of a list at most.
pub const PAGE_LEN_MAX: usize = 10_000;
/// Results shown by `log` without a number.
pub const LOG_LEN: usize = 20;
/// How long an idempotency key is remembered: a day covers every retry of a script.
pub const IDEMPOTENCY_MS: u64 = 24 * 3_600 * 1_000;

/// Days for which ended jobs are kept: long enough to look back at a month.
pub const KEEP_DAYS: u64 = 30;
/// Ended jobs that are kept; a start reads their verdicts within a second or two.
pub const KEEP_JOBS: u64 = 1_000_000;
/// Size of the database beyond which the oldest ended jobs go early; small disks are common.
pub const KEEP_BYTES: u64 = 8 * 1024 * 1024 * 1024;

/// All blobs together beyond which those of the oldest ended jobs go; half of a small disk.
pub const KEEP_BLOB_BYTES: u64 = 32 * 1024 * 1024 * 1024;
/// When blobs are too many, how long one stays that no job names: from its upload until its job or
/// result names it takes less.
pub const BLOB_UNUSED_SHORT_MS: u64 = 10 * 60 * 1_000;

/// Free space on c2d's disk below which it takes no files from workers, so that jobs still fit.
pub const WORKER_BLOB_FREE_BYTES_FLOOR: u64 = 512 * 1024 * 1024;
/// Free space on c2d's disk below which new jobs are refused, so that results still fit.
pub const FREE_BYTES_FLOOR: u64 = 256 * 1024 * 1024;
/// Free space on c2d's disk below which the outputs in results are not kept, so that their outcomes
/// still fit.
pub const RESULT_FREE_BYTES_FLOOR: u64 = 64 * 1024 * 1024;
/// Free space where a worker's jobs run below which it takes nothing new: a job that fills a disk
/// shall not take the next ones with it, and small cards have little to begin with.
pub const WORKER_FREE_BYTES_FLOOR: u64 = 128 * 1024 * 1024;
/// Free space in an agent's own folder below which it takes nothing new: results and scripts go there.
pub const STATE_FREE_BYTES_FLOOR: u64 = 512 * 1024;
/// Free space from which on c2d records again, after its disk was full to the last byte.
pub const EXHAUSTED_BYTES: u64 = 8 * 1024 * 1024;
/// Size of the ballast file that is given up when the disk is full all the same.
pub const BALLAST_BYTES: u64 = 32 * 1024 * 1024;

/// Schedules at most: more than a home has, and a start reads all of them.
pub const SCHEDULES_MAX: usize = 5_000;
/// Runs of a schedule that are remembered, besides those that have not ended.
pub const SCHEDULE_RUNS_KEPT: usize = 20;
/// Runs of a schedule that are remembered besides, as the last ones before instants that were missed: what ran
/// before them does not run again if the clock is set back.
pub const SCHEDULE_GAPS_KEPT: usize = 20;
/// How late a run may begin without having been missed: a restart of c2d takes less.
pub const SCHEDULE_LATE_MS: u64 = 60_000;
/// Missed instants that are counted; what is beyond them says nothing more to anybody.
pub const SCHEDULE_MISSED_MAX: usize = 20_000;
/// Missed runs that `--missed=all` makes up for, the latest ones.
pub const SCHEDULE_MADE_UP_MAX: usize = 1_000;
/// A clock that was set back by less than this comes to the next run by itself.
pub const SCHEDULE_SET_BACK_MS: u64 = 24 * 3_600 * 1_000;
/// How long due runs wait when the queue or the disk is full.
pub const SCHEDULE_REST_MS: u64 = 10_000;

/// Notifications at most: each may have a connection of its own.
pub const NOTIFICATIONS_MAX: usize = 100;
/// What waits to be told, besides ends of jobs; beyond it the oldest are forgotten.
pub const NOTICES_MAX: usize = 1_000;

/// Wrong codes, or other invitations that nobody knows, after which c2d announces itself no longer: somebody guesses.
pub const WRONG_CODES_MAX: u64 = 20;
/// How long an invitation is announced at most.
pub const ANNOUNCED_S_MAX: u64 = 3_600;
/// Invitations that are announced at once; of more the oldest are found no longer.
pub const ANNOUNCED_MAX: usize = 8;
/// How long a machine listens for c2ds that announce themselves: they answer within one second.
pub const FIND_MS: u64 = 3_000;
/// c2ds that are listened to; a home has one or two.
pub const FOUND_MAX: usize = 16;

/// Where a sleeping network card listens for the packet that wakes it: any port would do, this one has no service.
pub const WAKE_PORT: u16 = 9;
/// How long a machine has to be heard once it was woken: the slowest start from a disk within that.
pub const WAKE_WITHIN_MS: u64 = 60_000;
/// Tries in a row, as a packet may be lost; after them operators learn of it and it rests.
pub const WAKE_TRIES: u32 = 3;
/// How long it rests then before each further try, doubling.
pub const WAKE_REST_MS: u64 = 10 * 60_000;
/// The longest such rest.
pub const WAKE_REST_MAX_MS: u64 = 24 * 3_600_000;
/// Workers that send the packet beside c2d, which may be in another network.
pub const WAKE_HELPERS: usize = 3;
/// A worker does not go to sleep when a job that it could run begins within this.
pub const SLEEP_AHEAD_MS: u64 = 15 * 60_000;
/// How often c2d is asked whether an idle machine may sleep, when it did not agree.
pub const SLEEP_ASK_MS: u64 = 60_000;
/// How long a machine may take to sleep once its command has ended.
pub const SETTLE_MS: u64 = 20_000;
/// Has a machine with systemd sleep.
pub const SUSPEND_COMMAND: [&str; 2] = ["systemctl", "suspend"];
