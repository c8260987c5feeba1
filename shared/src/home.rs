//! Users of this machine and their home folders, by the system's list of users, and paths that begin
//! with one: where no shell has replaced `~`, it means the same.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

const USERS: &str = "/etc/passwd";

/// What a login would put into a user's environment; nothing where the list does not have that user.
#[must_use]
pub fn variables(uid: u32) -> Vec<(&'static str, OsString)> {
    variables_of(&users(), uid)
}

/// The path that a person means by one that may begin with `~` or `~name`. One of a user who is not
/// known stays as it is.
#[must_use]
pub fn expand(path: &Path) -> PathBuf {
    known(path).unwrap_or_else(|_| path.to_owned())
}

/// Says whose home folder is meant and not known: nothing is the user's own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoHome {
    /// `~`, where HOME says nothing.
    #[error("`~` is the home folder, and HOME is not set")]
    Own,
    /// `~name`.
    #[error("there is no user {0:?} on this machine")]
    Of(String),
}

/// The same, where a home folder has to be known.
///
/// # Errors
/// When the path begins with one that is not.
pub fn known(path: &Path) -> Result<PathBuf, NoHome> {
    let own = std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
    let Some(Component::Normal(first)) = path.components().next() else { return Ok(path.to_owned()) };
    let home = match first.to_str().and_then(|first| first.strip_prefix('~')) {
        None => return Ok(path.to_owned()),
        Some("") => own.ok_or(NoHome::Own)?,
        Some(name) => home_of(&users(), name).ok_or_else(|| NoHome::Of(name.to_owned()))?,
    };
    let inside = path.strip_prefix(first).unwrap_or(path);
    // Joined with nothing, it would get a slash at its end.
    Ok(if inside.as_os_str().is_empty() { home } else { home.join(inside) })
}

fn users() -> String {
    std::fs::read(USERS).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// The fields of the first user of whom one is as asked.
fn find<'a>(users: &'a str, at: usize, value: &str) -> Option<Vec<&'a str>> {
    users.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|fields| fields.get(at) == Some(&value))
}

fn home_of(users: &str, name: &str) -> Option<PathBuf> {
    let fields = find(users, 0, name)?;
    fields.get(5).map(PathBuf::from).filter(|home| home.is_absolute())
}

fn variables_of(users: &str, uid: u32) -> Vec<(&'static str, OsString)> {
    let Some(fields) = find(users, 2, &uid.to_string()) else { return Vec::new() };
    let variables = [("USER", 0), ("LOGNAME", 0), ("HOME", 5), ("SHELL", 6)];
    let value = |at: usize| fields.get(at).filter(|value| !value.is_empty()).map(OsString::from);
    variables.into_iter().filter_map(|(name, at)| Some((name, value(at)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str =
        "root:x:0:0:root:/root:/bin/bash\nme:x:1000:1000:Me,,,:/users/me:/bin/zsh\nbare:x:7:7::/x:\n\nbroken\n";

    #[test]
    fn a_user_is_found_by_number() {
        let seen = |uid| {
            let all = variables_of(LIST, uid).into_iter();
            all.map(|(name, value)| format!("{name}={}", value.display())).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(seen(1000), "USER=me LOGNAME=me HOME=/users/me SHELL=/bin/zsh");
        assert_eq!(seen(7), "USER=bare LOGNAME=bare HOME=/x");
        assert_eq!(seen(8), "");
    }

    #[test]
    fn a_home_folder_is_found_by_name() {
        assert_eq!(home_of(LIST, "me"), Some(PathBuf::from("/users/me")));
        for name in ["nobody-here", "broken", ""] {
            assert_eq!(home_of(LIST, name), None, "{name}");
        }
    }

    #[test]
    fn only_a_home_folder_is_replaced() {
        for path in ["a~", "./~", "/~/x", "-", "", "~no-such-user/x", "a/~/b"] {
            assert_eq!(expand(Path::new(path)), Path::new(path));
        }
        assert_eq!(known(Path::new("~no-such-user/x")), Err(NoHome::Of("no-such-user".to_owned())));
        assert_eq!(known(Path::new("a~")), Ok(PathBuf::from("a~")));
        let root = home_of(&users(), "root").expect("each system has a root");
        assert_eq!(expand(Path::new("~root/x y")), root.join("x y"));
        assert_eq!(expand(Path::new("~root")), root);
        if let Some(home) = std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute()) {
            assert_eq!(expand(Path::new("~/x y")), home.join("x y"));
            assert_eq!(expand(Path::new("~")), home);
        }
    }
}
