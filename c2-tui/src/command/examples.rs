//! Two lines for each verb, as people type them: shown by its help, and run in a test.

/// The verbs with their examples.
const EXAMPLES: &[(&str, [&str; 2])] = &[
    ("list", ["list", "list  # addresses, states, tags and load"]),
    ("doctor", ["doctor", "doctor  # before a long night of jobs"]),
    ("groups", ["groups", "groups  # then: submit \"make\" --group=NAME"]),
    ("assign", ["assign 10.0.0.11 gpu", "assign @all workers"]),
    ("unassign", ["unassign 10.0.0.11 gpu", "unassign atlas workers"]),
    ("info", ["info 10.0.0.11", "info atlas"]),
    ("set-tags", ["set-tags 10.0.0.11 gpu:0,gpu:1,disk", "set-tags 10.0.0.11,10.0.0.12 disk"]),
    ("set-resources", ["set-resources 10.0.0.11 cpus=8,memory=30G", "set-resources @all license=1"]),
    ("get-tags", ["get-tags 10.0.0.11", "get-tags @all"]),
    ("detect-tags", ["detect-tags 10.0.0.11", "detect-tags atlas --apply"]),
    ("drain", ["drain 10.0.0.11", "drain 10.0.0.[11-13] atlas"]),
    ("resume", ["resume 10.0.0.11", "resume @all"]),
    ("wake", ["wake 10.0.0.13", "wake @gpu"]),
    ("remove-worker", ["remove-worker 10.0.0.13", "remove-worker old-laptop"]),
    ("jobs", ["jobs", "jobs --state=failed --newest"]),
    ("job", ["job last", "job 3"]),
    ("submit", ["submit \"echo hello\" --wait", "submit --script=train.py --group=gpu --tags=gpu --download=*.png"]),
    ("batch", ["batch jobs.txt --dry-run", "batch jobs.txt --group=workers --wait"]),
    ("batches", ["batches", "batches night"]),
    (
        "split",
        [
            "split \"./train {lr} {seed}\" --sweep=lr=0.1,0.01 --sweep=seed=1-10 --dry-run",
            "split \"wc {/}\" inputs.txt --upload={} --name={/.} --wait",
        ],
    ),
    ("schedule", ["schedule backup \"0 3 * * *\" \"restic backup /srv\" --group=nas", "schedule list"]),
    ("notify", ["notify add phone --on=failed,worker-offline --to=ntfy:TOPIC", "notify test phone"]),
    ("cancel", ["cancel last", "cancel 3-9 @queued"]),
    ("hold", ["hold last", "hold @queued"]),
    ("release", ["release last", "release @held"]),
    ("change", ["change last --priority=10", "change @queued --timeout=+30m --group=workers"]),
    ("top", ["top last", "top 3-9"]),
    ("bottom", ["bottom last", "bottom @queued"]),
    ("retry", ["retry last", "retry @failed"]),
    ("why", ["why last", "why job-3"]),
    ("pause", ["pause", "pause  # running jobs continue"]),
    ("unpause", ["unpause", "unpause  # jobs start again"]),
    ("queue-status", ["queue-status", "queue-status  # how full, how many run"]),
    ("stats", ["stats", "stats train"]),
    ("timeline", ["timeline", "timeline --since=2h"]),
    ("log", ["log 50", "log --state=failed"]),
    ("output", ["output last", "output 3 --stderr"]),
    ("get-files", ["get-files last", "get-files @succeeded results"]),
    ("cleanup-workspaces", ["cleanup-workspaces 10.0.0.11", "cleanup-workspaces @all"]),
    ("pdsh", ["pdsh @all uptime", "pdsh 10.0.0.[11,13] --fold df -h /"]),
    ("copy", ["copy notes.txt data @gpu:/srv", "copy @all:/var/log/syslog logs"]),
    ("verify-ssh", ["verify-ssh @all", "verify-ssh node[1,3-5] --learn"]),
    ("add-worker", ["add-worker root@10.0.0.12", "add-worker me@10.0.0.[13-15] --group=gpu"]),
    ("upgrade-workers", ["upgrade-workers @all", "upgrade-workers 10.0.0.[11,13]"]),
    ("follow", ["follow last", "follow 3-9"]),
    ("wait", ["wait last", "wait 3-9 --timeout=5m"]),
    ("help", ["help", "help submit"]),
];

/// The examples of a verb.
pub(crate) fn of(verb: &str) -> Vec<String> {
    let found = EXAMPLES.iter().find(|(name, _)| *name == verb);
    found.map(|(_, lines)| lines.iter().map(|line| (*line).to_owned()).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{commands, parse, scan};

    #[test]
    fn every_command_has_two_lines_that_are_understood() {
        for command in commands().iter().filter(|command| !command.full_screen) {
            assert_eq!(of(&command.name).len(), 2, "{}", command.name);
        }
        for (verb, lines) in EXAMPLES {
            for line in lines {
                assert!(parse(line).is_ok(), "{line}: {:?}", parse(line).err());
                assert_eq!(scan(line).0[0].text, **verb);
            }
        }
    }
}
