//! `copy`: files to machines and back, over ssh and beside the queue.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use c2_shared::validate;
use clap::Args;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use crate::command::outcome::{CopyPlan, Planned, Ran, Unshown};
use crate::command::pdsh::ReachFlags;
use crate::command::text::at_home;
use crate::command::{CommandError, Context, Data, Outcome, files, upload};
use crate::ssh::copy::{self, Back};
use crate::ssh::group;
use crate::ssh::pack::Packing;
use crate::ssh::plan::Host;
use crate::ssh::run::Errand;

pub(crate) const USAGE: &str = "copy [OPTIONS] <FILE>... <TARGET:DIR>, or copy [OPTIONS] <TARGET:FILE>... <DIR>";
pub(crate) const ABOUT: &str = "The folder is made if it is missing. What is called so on a machine is written over; on \
                                the way back each machine has a folder of its own in DIR, and what is there stays \
                                without --force. Folders are copied with all that is in them. A path on a machine \
                                begins in the home folder; patterns like *.log are read there. `./a:b` is a file of \
                                this machine, `[fd00::1]:/srv` an address of IPv6.";

/// Longest wait for those who write after their ssh was ended.
const GRACE: Duration = Duration::from_secs(5);

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct Copy {
    /// Files or folders, then where to: of this machine, or on machines of a target as for `pdsh` with a
    /// colon behind it
    #[arg(value_name = "PLACE", required = true, value_parser = Place::parse)]
    places: Vec<Place>,
    /// Replace what is here already, on the way back
    #[arg(long)]
    force: bool,
    /// Only say what would be copied
    #[arg(long)]
    dry_run: bool,
    /// Seconds for which it may take on a worker
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: Option<u64>,
    /// How the workers are reached.
    #[command(flatten)]
    reach: ReachFlags,
}

/// A file or a folder, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Here(String),
    There { target: String, path: String },
}

/// What is copied which way.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Way<'a> {
    Out { files: Vec<&'a str>, target: &'a str, dir: String },
    Back { target: &'a str, files: Vec<String>, dir: &'a str },
}

impl Place {
    /// A colon before the first slash stands behind a target, be this an address that has some itself.
    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.contains('\0') {
            return Err(format!("{text:?} names no file"));
        }
        let head = text.find('/').map_or(text, |slash| &text[..slash]);
        let colons = head.match_indices(':').map(|(at, _)| at);
        let Some(at) = colons.rev().find(|at| *at > 0 && is_target(&head[..*at])) else {
            return Ok(Self::Here(text.to_owned()));
        };
        let (target, path) = (text[..at].split(',').map(bare).collect::<Vec<_>>().join(","), &text[at + 1..]);
        match target.split_once('@') {
            Some((user, _)) if !user.is_empty() && !user.ends_with(['!', ',']) => {
                Err(format!("{text:?} names a user, who is written as --user={user}"))
            }
            _ => Ok(Self::There { target, path: path.to_owned() }),
        }
    }
}

/// Whether each part is an address, or has no colon.
fn is_target(text: &str) -> bool {
    text.split(',').map(bare).all(|part| {
        let part = part.trim_start_matches('!');
        !part.contains(':') || part.parse::<IpAddr>().is_ok()
    })
}

/// An address of IPv6 without brackets; a range stays in them.
fn bare(part: &str) -> &str {
    let inside = part.strip_prefix('[').and_then(|part| part.strip_suffix(']'));
    inside.filter(|inside| inside.contains(':')).unwrap_or(part)
}

/// A path on another machine, which begins at a folder: no program takes it for a flag.
fn there(path: &str) -> Result<String, CommandError> {
    match path.strip_prefix('~') {
        _ if path.is_empty() => Ok(".".to_owned()),
        Some("") => Ok(".".to_owned()),
        Some(rest) if rest.starts_with('/') => Ok(format!(".{rest}")),
        Some(_) => {
            let hint = format!("write the folder in full; for a file of this name ./{path}");
            Err(CommandError::usage(format!("{path:?} is the home folder of another user"), hint))
        }
        None if path.starts_with('/') || path.starts_with("./") => Ok(path.to_owned()),
        None => Ok(format!("./{path}")),
    }
}

/// Such a path as people write it.
fn shown(path: &str) -> String {
    match path.strip_prefix('.') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("~{rest}"),
        _ => path.to_owned(),
    }
}

/// The last part of a path, if that is a name.
fn base_name(path: &str) -> Option<&str> {
    let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    Some(name).filter(|name| !matches!(*name, "" | "." | ".."))
}

fn wrong(message: impl Into<String>) -> CommandError {
    CommandError::usage(message, format!("usage: {USAGE}"))
}

impl Copy {
    /// Refuses places that no copy can have.
    pub(crate) fn check(&self) -> Result<(), CommandError> {
        self.way().map(drop)
    }

    /// The machines that are written to.
    pub(crate) fn writes_to(&self) -> Option<&str> {
        match self.places.last() {
            Some(Place::There { target, .. }) if !self.dry_run => Some(target),
            _ => None,
        }
    }

    pub(crate) const fn is_dry(&self) -> bool {
        self.dry_run
    }

    fn way(&self) -> Result<Way<'_>, CommandError> {
        let (last, sources) = self.places.split_last().ok_or_else(|| wrong("copy needs <FILE>"))?;
        if sources.is_empty() {
            return Err(wrong("copy needs a place to copy to"));
        }
        let way = match last {
            Place::There { target, path } => {
                let mut files = Vec::new();
                for source in sources {
                    let Place::Here(file) = source else {
                        let hint = "copy them back first: copy TARGET:FILE DIR";
                        return Err(CommandError::usage("copy goes from this machine or to it", hint));
                    };
                    files.push(file.as_str());
                }
                Way::Out { files, target, dir: there(path)? }
            }
            Place::Here(dir) => {
                let (mut from, mut files) = (None, Vec::new());
                for source in sources {
                    let Place::There { target, path } = source else {
                        let hint = format!("machines are named before a colon: {USAGE}");
                        return Err(CommandError::usage(
                            "copy needs a machine in each source, or one to copy to",
                            hint,
                        ));
                    };
                    if from.is_some_and(|from| from != target) {
                        return Err(CommandError::usage("the sources have two targets", "write a copy for each"));
                    }
                    from = Some(target);
                    if base_name(path).is_none() {
                        return Err(CommandError::usage(
                            format!("{path:?} has no name that it could have here"),
                            "name the file or the folder itself",
                        ));
                    }
                    files.push(there(path)?);
                }
                let target = from.ok_or_else(|| wrong("copy needs <TARGET:FILE>"))?;
                Way::Back { target, files, dir }
            }
        };
        let names = match &way {
            Way::Out { files, .. } => files.iter().filter_map(|file| base_name(file)).collect::<Vec<_>>(),
            Way::Back { files, .. } => files.iter().filter_map(|file| base_name(file)).collect(),
        };
        match names.iter().enumerate().find(|(at, name)| names[..*at].contains(name)) {
            Some((_, name)) => {
                let hint = "copy them into two folders";
                Err(CommandError::usage(format!("two files are called {name:?} and would be one"), hint))
            }
            None => Ok(way),
        }
    }

    pub(crate) async fn run(self, context: &Context) -> Result<Outcome, CommandError> {
        match self.way()? {
            Way::Out { files, target, dir } => self.out(context, &files, target, dir).await,
            Way::Back { target, files, dir } => self.back(context, target, files, Path::new(&*at_home(dir)?)).await,
        }
    }

    async fn out(&self, context: &Context, files: &[&str], target: &str, dir: String) -> Result<Outcome, CommandError> {
        let sources = sources(files, &dir)?;
        let looking = spawn_blocking(move || Packing::look(sources)).await;
        let packing = Arc::new(looking.expect("looking at files does not panic")?);
        let config = self.reach.config()?;
        let hosts = self.reach.hosts(context, &config, target).await?;
        if self.dry_run {
            let plan = CopyPlan {
                copy: files.iter().map(ToString::to_string).collect(),
                files: Some(packing.files),
                bytes: Some(packing.bytes),
                workers: hosts.iter().map(|host| Planned::new(host, shown(&dir))).collect(),
            };
            return Ok(Data::CopyPlanned(plan).into());
        }
        let errand = Errand::Copy(copy::Copy { ssh: ssh()?, way: copy::Way::Out { packing, dir } });
        self.carry_out(context, errand, &hosts, &config).await
    }

    async fn back(
        &self,
        context: &Context,
        target: &str,
        files: Vec<String>,
        dir: &Path,
    ) -> Result<Outcome, CommandError> {
        let config = self.reach.config()?;
        let hosts = self.reach.hosts(context, &config, target).await?;
        let folders: BTreeMap<IpAddr, PathBuf> =
            hosts.iter().map(|host| (host.ip, dir.join(folder_name(host, &hosts)))).collect();
        if !self.force {
            let places = folders.values().flat_map(|dir| files.iter().filter_map(|f| Some(dir.join(base_name(f)?))));
            if let Some(path) = places.into_iter().find(|path| copy::is_there(path)) {
                return Err(CommandError::refused(copy::already_there(&path), "nothing was copied"));
            }
        }
        if self.dry_run {
            let into = |host: &Host| Planned::new(host, folders[&host.ip].display().to_string());
            let workers = hosts.iter().map(into).collect();
            return Ok(Data::CopyPlanned(CopyPlan { copy: files, files: None, bytes: None, workers }).into());
        }
        let cannot = |e: &std::io::Error| {
            CommandError::refused(format!("cannot write in {}: {e}", dir.display()), "name another folder")
        };
        std::fs::create_dir_all(dir).map_err(|e| cannot(&e))?;
        let aside = tempfile::Builder::new().prefix(".c2-copy-").tempdir_in(dir).map_err(|e| cannot(&e))?;
        let (writes, mut written) = mpsc::channel(1);
        let back = Back { files, folders, aside: aside.path().to_owned(), writes, force: self.force };
        let errand = Errand::Copy(copy::Copy { ssh: ssh()?, way: copy::Way::Back(back) });
        let done = self.carry_out(context, errand, &hosts, &config).await;
        // What was interrupted may still write for a moment where the folder is to be removed.
        let _in_time = tokio::time::timeout(GRACE, written.recv()).await;
        done
    }

    async fn carry_out(
        &self,
        context: &Context,
        errand: Errand,
        hosts: &[Host],
        config: &crate::ssh::settings::SshConfig,
    ) -> Result<Outcome, CommandError> {
        let order = self.reach.order(config, errand, self.timeout);
        let (runs, exit) = self.reach.carry_out(context, order, hosts, config, true).await?;
        Ok(Outcome { exit, data: Data::Ran(Ran { runs, unshown: Unshown::Nothing }) })
    }
}

pub(crate) fn ssh() -> Result<PathBuf, CommandError> {
    group::find("ssh").ok_or_else(|| CommandError::refused("there is no ssh here", "install OpenSSH's client"))
}

/// The files of this machine that are meant, each with the name that it will have.
fn sources(words: &[&str], dir: &str) -> Result<Vec<(PathBuf, OsString)>, CommandError> {
    let mut sources: Vec<(PathBuf, OsString)> = Vec::new();
    for word in words {
        let path = at_home(word)?;
        let found = match upload::matching(&path) {
            Some(found) if found.is_empty() => {
                let hint = "name a file, or a pattern that matches some";
                return Err(CommandError::refused(format!("nothing matches {path:?}"), hint));
            }
            Some(found) => found,
            None => vec![path.into_owned()],
        };
        for path in found {
            // ssh runs in another folder than the console.
            let whole = std::path::absolute(&path).map_err(|e| files::unreadable(&path, &e))?;
            let real = if base_name(&path).is_some() { Ok(whole) } else { whole.canonicalize() };
            let real = real.map_err(|e| files::unreadable(&path, &e))?;
            let name = real.file_name().ok_or_else(|| wrong(format!("{path:?} has no name")))?.to_owned();
            if sources.iter().any(|(_, other)| *other == name) {
                let message = format!("two files are called {:?} and would be one", name.display().to_string());
                return Err(CommandError::usage(message, "copy them into two folders"));
            }
            sources.push((real, name));
        }
    }
    // Whoever writes `copy a.txt atlas:/tmp/a.txt` means the file.
    if let [(path, name)] = sources.as_slice()
        && base_name(dir).is_some_and(|last| name == last)
        && path.is_file()
    {
        let folder = dir.trim_end_matches('/').rsplit_once('/').map_or(".", |(folder, _)| folder);
        let folder = if folder.is_empty() { "/" } else { folder };
        let message = format!("{dir:?} would be a folder with the file in it");
        return Err(CommandError::usage(message, format!("name the folder alone, behind the colon: {folder}")));
    }
    Ok(sources)
}

/// The folder of a machine: its host name, if that is a name and no other machine has it.
fn folder_name(host: &Host, hosts: &[Host]) -> String {
    let same = |other: &&Host| other.hostname.eq_ignore_ascii_case(&host.hostname);
    let is_name = validate::word("worker", &host.hostname).is_ok() && !host.hostname.starts_with('.');
    match is_name && hosts.iter().filter(same).count() == 1 {
        true => host.hostname.clone(),
        false => host.ip.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{Command, Verb, parse};
    use crate::ssh::settings::Login;

    fn copy(line: &str) -> Copy {
        match parse(line) {
            Ok(Verb::Command(Command::Copy(copy))) => *copy.0,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn a_colon_before_the_first_slash_stands_behind_a_target() {
        let here = |text: &str| (None, text.to_owned());
        let there = |target: &str, path: &str| (Some(target.to_owned()), path.to_owned());
        let table = [
            ("a.txt", here("a.txt")),
            ("./a:b", here("./a:b")),
            ("dir/a:b", here("dir/a:b")),
            ("/srv/a:b", here("/srv/a:b")),
            ("~/a:b", here("~/a:b")),
            (":x", here(":x")),
            ("atlas:/srv", there("atlas", "/srv")),
            ("atlas:", there("atlas", "")),
            ("atlas:a:b", there("atlas", "a:b")),
            ("@all:~/x", there("@all", "~/x")),
            ("@all,!@gpu:x", there("@all,!@gpu", "x")),
            ("@failed:x", there("@failed", "x")),
            ("10.0.0.[11-13],node[1,3-5]:/tmp", there("10.0.0.[11-13],node[1,3-5]", "/tmp")),
            ("fd00::1:/srv", there("fd00::1", "/srv")),
            ("[fd00::1]:/srv", there("fd00::1", "/srv")),
            ("[fd00::1],pi:a", there("fd00::1,pi", "a")),
            ("::1:a b", there("::1", "a b")),
        ];
        for (text, expected) in table {
            let place = match Place::parse(text).unwrap() {
                Place::Here(path) => (None, path),
                Place::There { target, path } => (Some(target), path),
            };
            assert_eq!(place, expected, "{text}");
        }
        let error = Place::parse("me@nas:x").unwrap_err();
        assert!(error.contains("--user=me"), "{error}");
    }

    #[test]
    fn both_ways_are_understood() {
        let to = copy("copy 'a b' -- -x atlas:'/srv/my dir'");
        assert_eq!(
            to.way().unwrap(),
            Way::Out { files: vec!["a b", "-x"], target: "atlas", dir: "/srv/my dir".to_owned() }
        );
        assert_eq!(to.writes_to(), Some("atlas"));
        let back = copy("copy @all:-x @all:~/y @all:/var/log/*.log logs --force");
        let files = ["./-x", "./y", "/var/log/*.log"].map(str::to_owned).to_vec();
        assert_eq!(back.way().unwrap(), Way::Back { target: "@all", files, dir: "logs" });
        assert_eq!((back.writes_to(), back.force), (None, true));
        assert_eq!(copy("copy a atlas:x --dry-run").writes_to(), None);
        for (path, expected) in [("", "."), ("~", "."), ("~/a", "./a"), ("a", "./a"), ("./~a", "./~a"), ("/", "/")] {
            assert_eq!(there(path).unwrap(), expected, "{path:?}");
        }
        for (path, expected) in [(".", "~"), ("./a", "~/a"), ("/srv", "/srv"), ("./.x", "~/.x")] {
            assert_eq!(shown(path), expected);
        }
    }

    #[test]
    fn what_can_be_no_copy_is_refused_at_once() {
        let table = [
            ("copy a", "copy needs a place to copy to"),
            ("copy a b", "copy needs a machine in each source, or one to copy to"),
            ("copy atlas:a pi:b", "copy goes from this machine or to it"),
            ("copy atlas:a pi:b dir", "the sources have two targets"),
            ("copy atlas:a b dir", "copy needs a machine in each source, or one to copy to"),
            ("copy atlas: dir", "\"\" has no name that it could have here"),
            ("copy atlas:/srv/.. dir", "\"/srv/..\" has no name that it could have here"),
            ("copy a x/a atlas:", "two files are called \"a\" and would be one"),
            ("copy atlas:/a/x atlas:/b/x dir", "two files are called \"x\" and would be one"),
            ("copy a atlas:~root/x", "\"~root/x\" is the home folder of another user"),
        ];
        for (line, message) in table {
            let error = parse(line).map(|verb| format!("{verb:?}")).unwrap_err();
            assert_eq!((error.message.as_str(), error.hint.is_some()), (message, true), "{line}");
        }
    }

    #[test]
    fn lines_of_other_tools_lead_to_one_that_is_understood() {
        let table = [
            ("scp -r data notes atlas:/srv", "copy data notes atlas:/srv"),
            ("rsync -av --delete data/ @gpu:x", "copy data/ @gpu:x"),
            ("pdcp -w node[1-3] a /tmp", "copy a node[1-3]:/tmp"),
            ("rcp", "copy FILE TARGET:DIR"),
        ];
        for (line, ours) in table {
            let error = parse(line).map(|verb| format!("{verb:?}")).unwrap_err();
            assert_eq!(error.hint, Some(format!("write it as: {ours}")), "{line}");
            assert!(parse(ours).is_ok(), "{ours}");
        }
    }

    #[test]
    fn files_keep_their_names() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().canonicalize().unwrap();
        for name in ["a.txt", "b.txt", "c.log"] {
            std::fs::write(root.join(name), "").unwrap();
        }
        let at = |name: &str| format!("{}/{name}", root.display());
        let names = |words: &[&str], dir: &str| {
            let found = sources(words, dir)?;
            Ok::<_, CommandError>(found.into_iter().map(|(_, name)| name.into_string().unwrap()).collect::<Vec<_>>())
        };
        assert_eq!(names(&[&at("*.txt"), &at("c.log")], ".").unwrap(), ["a.txt", "b.txt", "c.log"]);
        let folder = root.file_name().unwrap().to_str().unwrap().to_owned();
        assert_eq!(names(&[&at(".")], "/srv").unwrap(), [folder]);
        assert!(names(&[&at("*.txt"), &at("./a.txt")], ".").is_err(), "twice the same");
        assert!(names(&[&at("*.none")], ".").unwrap_err().message.contains("nothing matches"));
        let error = names(&[&at("a.txt")], "/srv/a.txt").unwrap_err();
        assert_eq!(error.hint.as_deref(), Some("name the folder alone, behind the colon: /srv"));
    }

    #[test]
    fn each_machine_has_its_own_folder() {
        let host = |last: u8, hostname: &str| Host {
            ip: IpAddr::from([10, 0, 0, last]),
            hostname: hostname.to_owned(),
            login: Login::default(),
        };
        let hosts = [host(1, "atlas"), host(2, "vm"), host(3, "VM"), host(4, ".."), host(5, "a/b"), host(6, "")];
        let names: Vec<String> = hosts.iter().map(|host| folder_name(host, &hosts)).collect();
        assert_eq!(names, ["atlas", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"]);
    }
}
