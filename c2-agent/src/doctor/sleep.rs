//! Whether an idle machine can sleep as its agent is configured to, and be woken afterwards.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use c2_shared::checkup::Check;
use c2_shared::limits::SUSPEND_COMMAND;
use rustix::fs::{Access, access};
use tokio::process::Command;

use crate::agent;
use crate::options::Options;

const WHAT: &str = "sleep";
/// Time for the system to answer.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How systemd is asked whether a user may have the machine sleep.
const MAY_SLEEP: [&str; 5] =
    ["call", "org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager", "CanSuspend"];

/// Nothing is said where the machine never sleeps.
pub(super) async fn examine(options: &Options) -> Vec<Check> {
    if options.idle_suspend_s == 0 {
        return Vec::new();
    }
    vec![of_command(&options.suspend_command).await, of_card(&agent::own_mac(&options.server).await)]
}

fn of_card(mac: &str) -> Check {
    if mac.is_empty() {
        let words = "c2d is reached by no network card, so the machine could not be woken and stays awake";
        return Check::fail(WHAT, words, "have the agent reach c2d by cable, not by a tunnel or on this machine");
    }
    Check::ok(WHAT, format!("the machine is woken at {mac}, if its card listens: `ethtool DEVICE` says Wake-on: g"))
}

async fn of_command(command: &[String]) -> Check {
    let words = command.join(" ");
    let Some(program) = command.first().filter(|program| is_found(program)) else {
        let hint = "set `suspend_command` in the configuration to a program that there is";
        return Check::fail(WHAT, format!("`{words}` cannot be run"), hint);
    };
    if command != SUSPEND_COMMAND {
        return Check::ok(WHAT, format!("{program} is there; whether it may, it alone knows"));
    }
    judge(&words, ask().await.as_deref())
}

/// What systemd says of this user.
fn judge(words: &str, said: Option<&str>) -> Check {
    match said {
        Some("yes") => Check::ok(WHAT, format!("this user may run `{words}`")),
        Some("na") => Check::fail(WHAT, "this machine cannot sleep", "leave out --idle-suspend"),
        Some(said) => {
            let hint =
                "allow org.freedesktop.login1.suspend to this user, with a rule of polkit; see the guide, \"Sleep\"";
            Check::fail(WHAT, format!("this user may not run `{words}`: systemd says {said:?}"), hint)
        }
        None => Check::warn(WHAT, format!("it is unknown whether this user may run `{words}`"), "try it by hand"),
    }
}

/// The word in an answer like `s "yes"`.
async fn ask() -> Option<String> {
    let mut bus = Command::new("busctl");
    bus.args(MAY_SLEEP).stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let said = tokio::time::timeout(TIMEOUT, bus.output()).await.ok()?.ok()?;
    let text = String::from_utf8(said.stdout).ok()?;
    Some(text.trim().strip_prefix("s \"")?.strip_suffix('"')?.to_owned())
}

fn is_found(program: &str) -> bool {
    let runs = |path: &Path| path.is_file() && access(path, Access::EXEC_OK).is_ok();
    if program.contains('/') {
        return runs(Path::new(program));
    }
    std::env::var_os("PATH").is_some_and(|all| std::env::split_paths(&all).any(|folder| runs(&folder.join(program))))
}

#[cfg(test)]
mod tests {
    use c2_shared::checkup::State;

    use super::*;

    #[test]
    fn what_systemd_says_is_judged() {
        let table = [
            (Some("yes"), State::Ok, "this user may run `systemctl suspend`"),
            (Some("no"), State::Fail, "this user may not run `systemctl suspend`: systemd says \"no\""),
            (Some("challenge"), State::Fail, "this user may not run `systemctl suspend`: systemd says \"challenge\""),
            (Some("na"), State::Fail, "this machine cannot sleep"),
            (None, State::Warn, "it is unknown whether this user may run `systemctl suspend`"),
        ];
        for (said, state, words) in table {
            let check = judge("systemctl suspend", said);
            assert_eq!((check.state, check.words.as_str()), (state, words), "{said:?}");
        }
    }

    #[tokio::test]
    async fn a_command_that_is_not_there_is_said() {
        let state = async |words: &[&str]| {
            of_command(&words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>()).await.state
        };
        assert_eq!(state(&["/nonexistent/sleep"]).await, State::Fail);
        assert_eq!(state(&["no-such-program-of-c2"]).await, State::Fail);
        assert_eq!(state(&["sh", "-c", "true"]).await, State::Ok);
        assert_eq!((of_card("").state, of_card("52:54:00:12:34:56").state), (State::Fail, State::Ok));
    }
}
