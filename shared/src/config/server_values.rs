//! What the values of c2d's configuration must be.
//!
//! Of its two files that others read none may be in the place of the other, or of one that c2d keeps for itself.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use super::{Checked, Mistake, ServerConfig};
use crate::home;
use crate::server_address::{ADDRESS_FILE, SOCKET_FILE, ServerAddress};

/// What c2d keeps in its folder for itself: files and folders of these names, also with something behind a dot or a
/// dash.
const OWN: [&str; 11] = [
    "c2.db",
    "lock",
    "ballast",
    "files",
    "audit",
    "refused",
    "access",
    "authority",
    ADDRESS_FILE,
    SOCKET_FILE,
    "config.json",
];

impl Checked for ServerConfig {
    fn expand(&mut self) {
        for file in [&mut self.workers_file, &mut self.jobs_log_file] {
            *file = home::expand(file);
        }
    }

    fn check(&self) -> Result<(), Mistake> {
        named(self, Path::new(""))?;
        if self.max_queue_size == 0 {
            let hint = "write how many jobs may be in the queue, like 50000";
            return Err(Mistake::new("max_queue_size", "0 would refuse each job", hint));
        }
        if !self.mail_server.is_empty() && !is_host_and_port(&self.mail_server) {
            let message = format!("{:?} is no host with a port", self.mail_server);
            return Err(Mistake::new("mail_server", message, "write HOST:PORT, like 127.0.0.1:25"));
        }
        let is_empty = |argv: &Vec<String>| argv.first().is_none_or(String::is_empty);
        match self.notify_commands.iter().find(|(_, argv)| is_empty(argv)) {
            Some((name, _)) => {
                let hint = "write the program and its arguments, like [\"/usr/bin/notify\", \"me\"]";
                Err(Mistake::new("notify_commands", format!("{name:?} names no program"), hint))
            }
            None => Ok(()),
        }
    }
}

/// Looks at the names, which are in the data folder unless they begin with `/`.
fn named(config: &ServerConfig, data_dir: &Path) -> Result<(), Mistake> {
    for (key, file) in config.files() {
        if let Some(why) = no_file(file) {
            return Err(Mistake::new(key, why, "give it the name of a file, like jobs.log"));
        }
        let place = plain(&data_dir.join(file));
        let first = place.strip_prefix(plain(data_dir)).ok().and_then(|inside| inside.components().next());
        if let Some(Component::Normal(first)) = first
            && is_own(&first.to_string_lossy())
        {
            let message = format!("c2d needs {:?} itself", first.to_string_lossy());
            return Err(Mistake::new(key, message, "give it a name of its own, like jobs.log"));
        }
    }
    let [(key, workers), (_, log)] = config.files().map(|(key, file)| (key, plain(&data_dir.join(file))));
    if workers == log {
        let message = "this is the same file as that of jobs_log_file";
        return Err(Mistake::new(key, message, "give each a name of its own"));
    }
    Ok(())
}

impl ServerConfig {
    /// The files that others read, by their keys.
    fn files(&self) -> [(&'static str, &PathBuf); 2] {
        [("workers_file", &self.workers_file), ("jobs_log_file", &self.jobs_log_file)]
    }

    /// Looks at the places of its files on this machine, once the data folder is known; c2d makes no other folder.
    ///
    /// # Errors
    /// With the key, if c2d could not have its file there.
    pub fn look_at_files(&self, data_dir: &Path) -> Result<(), Mistake> {
        let data_dir = std::path::absolute(data_dir).unwrap_or_else(|_| data_dir.to_owned());
        named(self, &data_dir)?;
        for (key, file) in self.files() {
            let place = data_dir.join(file);
            if place.is_dir() {
                let message = format!("{place:?} is a folder");
                return Err(Mistake::new(key, message, "give it the name of a file, like jobs.log"));
            }
            let folder = place.parent().filter(|folder| *folder != data_dir && !folder.is_dir());
            if let Some(folder) = folder {
                let message = format!("there is no folder {folder:?}");
                return Err(Mistake::new(key, message, "make that folder, or name a file in another one"));
            }
        }
        Ok(())
    }
}

/// Whether a text is the address of a server, with its port.
fn is_host_and_port(text: &str) -> bool {
    let address: Option<ServerAddress> = text.parse().ok();
    address.is_some_and(|address| address.others.is_empty() && text.ends_with(&format!(":{}", address.port)))
}

/// Why a path can be that of no file.
fn no_file(path: &Path) -> Option<String> {
    let bytes = path.as_os_str().as_bytes();
    let ends_as_folder = [&b"/"[..], b"/."].iter().any(|end| bytes.ends_with(end));
    match path.file_name() {
        _ if bytes.contains(&0) => Some(format!("{path:?} has a character that no name has")),
        Some(_) if !ends_as_folder => None,
        _ => Some(format!("{path:?} names no file")),
    }
}

/// Whether c2d keeps something of this name in its folder.
fn is_own(name: &str) -> bool {
    let is_of = |own: &str| name.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-']));
    name.ends_with(".token") || OWN.into_iter().any(is_of)
}

/// A path without detours.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(plain.components().next_back(), Some(Component::Normal(_))) => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(log: &str, data_dir: &str) -> Option<String> {
        let config = ServerConfig { jobs_log_file: log.into(), ..ServerConfig::default() };
        named(&config, Path::new(data_dir)).err().map(|mistake| format!("{}: {}", mistake.key, mistake.message))
    }

    #[test]
    fn no_file_is_in_the_place_of_another() {
        let own = |name: &str| Some(format!("jobs_log_file: c2d needs {name:?} itself"));
        for dir in ["", "/data"] {
            for name in ["c2.db", "c2.db-wal", "operator.token", "audit.log", "audit.log.1", "c2d.addr", "config.json"]
            {
                assert_eq!(said(name, dir), own(name), "{name}");
            }
            for (path, name) in [("files/x", "files"), ("./files/x", "files"), ("x/../lock", "lock")] {
                assert_eq!(said(path, dir), own(name), "{path}");
            }
            for path in ["filesystem.log", "lockers", "logs/config.json", "/srv/c2.db", "/srv/workers.json", "../lock"]
            {
                assert_eq!(said(path, dir), None, "{path}");
            }
            for path in ["", "..", "logs/", "logs/.", "/", "a\0b"] {
                let said = said(path, dir).unwrap();
                assert!(said.starts_with("jobs_log_file: ") && !said.contains("c2d needs"), "{said}");
            }
            let same = Some("workers_file: this is the same file as that of jobs_log_file".to_owned());
            assert_eq!(said("./workers.json", dir), same);
        }
        assert_eq!(said("/data/files/x", "/data"), own("files"));
        assert_eq!(said("/data/x", "/data"), None);
    }

    #[test]
    fn each_file_has_a_folder() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("logs")).unwrap();
        let look = |log: &str, data_dir: &Path| {
            let config = ServerConfig { jobs_log_file: log.into(), ..ServerConfig::default() };
            config.look_at_files(data_dir).map_err(|mistake| mistake.message)
        };
        assert_eq!(look("logs/x", dir.path()), Ok(()));
        assert_eq!(look("x", &dir.path().join("new")), Ok(()), "c2d makes its own folder");
        let nowhere = dir.path().join("none");
        assert_eq!(look("none/x", dir.path()), Err(format!("there is no folder {nowhere:?}")));
        let folder = dir.path().join("logs");
        assert_eq!(look("logs", dir.path()), Err(format!("{folder:?} is a folder")));
    }
}
