//! Who the agent's user is, by the system's list of users: what a login would put into the environment.

use std::ffi::OsString;

use rustix::process::geteuid;

const USERS: &str = "/etc/passwd";

/// The variables of the agent's user; none where the list does not have it.
pub(crate) fn variables() -> Vec<(&'static str, OsString)> {
    let users = std::fs::read_to_string(USERS).unwrap_or_default();
    of(&users, geteuid().as_raw())
}

fn of(users: &str, uid: u32) -> Vec<(&'static str, OsString)> {
    let fields = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let Some(fields) = fields.into_iter().find(|fields| fields.get(2) == Some(&uid.to_string().as_str())) else {
        return Vec::new();
    };
    let variables = [("USER", 0), ("LOGNAME", 0), ("HOME", 5), ("SHELL", 6)];
    let value = |at: usize| fields.get(at).filter(|value| !value.is_empty()).map(OsString::from);
    variables.into_iter().filter_map(|(name, at)| Some((name, value(at)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_number() {
        let users =
            "root:x:0:0:root:/root:/bin/bash\nme:x:1000:1000:Me,,,:/users/me:/bin/zsh\nbare:x:7:7::/x:\n\nbroken\n";
        let seen = |uid| {
            let text = of(users, uid).into_iter().map(|(name, value)| format!("{name}={}", value.to_string_lossy()));
            text.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(seen(1000), "USER=me LOGNAME=me HOME=/users/me SHELL=/bin/zsh");
        assert_eq!(seen(7), "USER=bare LOGNAME=bare HOME=/x");
        assert_eq!(seen(8), "");
    }
}
