//! Copies files to a worker and back: a stream of them through one ssh, with tar at its other end.
//!
//! What comes back is unpacked aside and gets its name when it is whole, so that a copy that breaks off
//! leaves nothing here, and nothing here is written over without being asked for.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use serde::Serialize;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use crate::ssh::group::{self, Group, RunFolder};
use crate::ssh::pack::{self, Packing};
use crate::ssh::plan;
use crate::ssh::run::{GRACE, Verdict, read};

/// Takes a stream; files get the owner who logs in. One line and no single quote: login shells differ.
const TAKE: &str = r#"mkdir -p "$1" && cd "$1" && exec tar -xof -"#;
/// Gives a stream for each name, which may be a pattern where no file is called so. A link that was named
/// itself means what it leads to.
const GIVE: &str = r#"IFS=; s=0; give() { for g do if [ -e "$g" ]; then g=${g%/}; b=${g##*/}; if [ -d "$g" ]; then tar -cf - -C "${g%/*}/" "./$b/." || s=$?; else tar -chf - -C "${g%/*}/" "./$b" || s=$?; fi; else echo "no such file: $g" >&2; s=1; fi; done; }; for f do if [ -e "$f" ]; then give "$f"; else give $f; fi; done; exit $s"#;

/// A copy, for one worker as for another.
#[derive(Debug)]
pub(crate) struct Copy {
    pub(crate) ssh: PathBuf,
    pub(crate) way: Way,
}

#[derive(Debug)]
pub(crate) enum Way {
    /// To workers, into a folder there.
    Out { packing: Arc<Packing>, dir: String },
    /// From workers, into a folder here for each of them.
    Back(Back),
}

#[derive(Debug)]
pub(crate) struct Back {
    pub(crate) files: Vec<String>,
    pub(crate) folders: BTreeMap<IpAddr, PathBuf>,
    /// Beside the folders: what is not yet whole, and what was replaced.
    pub(crate) aside: PathBuf,
    /// Held by those who write there.
    pub(crate) writes: mpsc::Sender<()>,
    /// Whether what is there is replaced.
    pub(crate) force: bool,
}

/// What was copied to a worker, or from it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Copied {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    /// Where it is, if it is here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) dir: Option<PathBuf>,
}

impl Copy {
    /// Copies to one worker, or from it. `say` takes what is said there.
    pub(super) async fn on<F: Future>(
        &self,
        folder: &RunFolder,
        ip: IpAddr,
        mut say: impl FnMut(String) -> F,
    ) -> io::Result<(Verdict, Copied)> {
        let remote = match &self.way {
            Way::Out { dir, .. } => remote(TAKE, std::slice::from_ref(dir)),
            Way::Back(back) => remote(GIVE, &back.files),
        };
        let mut program = group::command(&self.ssh);
        program.args(plan::ssh_arguments(ip, &remote)).current_dir(folder.path()).stderr(Stdio::piped());
        match &self.way {
            Way::Out { .. } => program.stdin(Stdio::piped()),
            Way::Back(_) => program.stdout(Stdio::piped()),
        };
        let mut ssh = Group::start(&mut program)?;
        let stderr = ssh.child.stderr.take();
        let (stdin, stdout) = (ssh.child.stdin.take(), ssh.child.stdout.take());
        let moving = match &self.way {
            Way::Out { packing, .. } => {
                let to = File::from(stdin.ok_or(io::ErrorKind::BrokenPipe)?.into_owned_fd()?);
                let packing = Arc::clone(packing);
                spawn_blocking(move || packing.write(BufWriter::with_capacity(PIECE, to)))
            }
            Way::Back(back) => {
                let from = File::from(stdout.ok_or(io::ErrorKind::BrokenPipe)?.into_owned_fd()?);
                let (aside, writes) = (back.fresh(ip), back.writes.clone());
                spawn_blocking(move || {
                    let moved = pack::unpack(BufReader::with_capacity(PIECE, from), &aside);
                    drop(writes);
                    moved
                })
            }
        };
        let (_, moved) = tokio::join!(read(stderr, &mut say, |_| None), moving);
        let moved = moved.map_err(io::Error::other)?;
        let verdict = Verdict::of(ssh.ended(GRACE).await, &folder.said_about(ip));
        let verdict = match (verdict, &moved) {
            // Where the other end gave up, the pipe that broke is no news.
            (Verdict::Exited { exit }, Err(error)) if exit == 0 || error.kind() != io::ErrorKind::BrokenPipe => {
                say(format!("cannot copy: {error}")).await;
                Verdict::Exited { exit: exit.max(1) }
            }
            (verdict, _) => verdict,
        };
        match &self.way {
            Way::Out { packing, .. } if verdict.is_success() => {
                Ok((verdict, Copied { files: packing.files, bytes: packing.bytes, dir: None }))
            }
            Way::Back(back) if moved.is_ok() && matches!(verdict, Verdict::Exited { .. }) => match back.place(ip) {
                Ok(copied) => Ok((verdict, copied)),
                Err(error) => {
                    say(error.to_string()).await;
                    Ok((Verdict::Exited { exit: 1 }, Copied::default()))
                }
            },
            _ => Ok((verdict, Copied::default())),
        }
    }
}

/// Bytes that go through a stream at once.
const PIECE: usize = 64 * 1024;

/// A script with its arguments for the login shell of a machine.
fn remote(script: &str, arguments: &[String]) -> String {
    let words = ["sh", "-c", script, "sh"].into_iter().chain(arguments.iter().map(String::as_str));
    shlex::try_join(words).unwrap_or_default()
}

impl Back {
    fn fresh(&self, ip: IpAddr) -> PathBuf {
        self.aside.join(format!("{ip}.new"))
    }

    /// Gives everything that came from a worker its name here, or nothing if something is there already.
    fn place(&self, ip: IpAddr) -> io::Result<Copied> {
        let (fresh, old) = (self.fresh(ip), self.aside.join(format!("{ip}.old")));
        let dir = self.folders.get(&ip).ok_or(io::ErrorKind::NotFound)?;
        let names = fs::read_dir(&fresh)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>()?;
        if names.is_empty() {
            return Ok(Copied::default());
        }
        let there = names.iter().map(|name| dir.join(name)).find(|path| is_there(path));
        if let Some(path) = there.filter(|_| !self.force) {
            return Err(io::Error::other(already_there(&path)));
        }
        let (files, bytes) = pack::count(&fresh)?;
        fs::create_dir_all(dir)?;
        fs::create_dir_all(&old)?;
        for name in names {
            let place = dir.join(&name);
            if is_there(&place) {
                fs::rename(&place, old.join(&name))?;
            }
            fs::rename(fresh.join(&name), place)?;
        }
        Ok(Copied { files, bytes, dir: Some(dir.clone()) })
    }
}

/// Whether there is anything, be it a link that leads nowhere.
pub(crate) fn is_there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

pub(crate) fn already_there(path: &Path) -> String {
    format!("{} is there already; --force replaces it", path.display())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// What the login shell of a machine would do in a folder.
    fn there(folder: &Path, command: &str, input: &[u8]) -> (bool, Vec<u8>) {
        let aside = folder.with_extension("input");
        fs::write(&aside, input).unwrap();
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", command]).current_dir(folder).stdin(File::open(aside).unwrap()).stderr(Stdio::null());
        let output = shell.output().unwrap();
        (output.status.success(), output.stdout)
    }

    #[test]
    fn the_scripts_take_and_give_any_names() {
        let place = tempfile::tempdir().unwrap();
        let home = place.path().join("home");
        fs::create_dir_all(home.join("it's $HOME/sub")).unwrap();
        let names = ["plain", "a b", "-x", "a:b", "it's", "\"q\"", "[z]", "*", "back\\slash", "$x", "~y", "new\nline"];
        for name in names {
            fs::write(home.join(name), name).unwrap();
        }
        fs::write(home.join("it's $HOME/sub/f"), "deep").unwrap();
        std::os::unix::fs::symlink("plain", home.join("link")).unwrap();
        let give = |files: &[&str]| {
            let files: Vec<String> = files.iter().map(|file| (*file).to_owned()).collect();
            let (ok, stream) = there(&home, &remote(GIVE, &files), b"");
            let to = tempfile::tempdir().unwrap();
            pack::unpack(stream.as_slice(), to.path()).unwrap();
            let mut found: Vec<String> =
                fs::read_dir(to.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
            found.sort();
            (ok, found, to)
        };
        for name in names {
            let (ok, found, to) = give(&[&format!("./{name}")]);
            assert_eq!((ok, found), (true, vec![name.to_owned()]), "{name:?}");
            assert_eq!(fs::read_to_string(to.path().join(name)).unwrap(), name);
        }
        let (ok, found, to) = give(&["./it's $HOME/", "./link", &format!("{}/[p-q]*", home.display())]);
        assert_eq!((ok, found), (true, vec!["it's $HOME".to_owned(), "link".to_owned(), "plain".to_owned()]));
        assert_eq!(fs::read_to_string(to.path().join("it's $HOME/sub/f")).unwrap(), "deep");
        assert_eq!(fs::read_to_string(to.path().join("link")).unwrap(), "plain", "what the link leads to");
        let (ok, found, _) = give(&["./gone", "./plain", "./q*ne"]);
        assert_eq!((ok, found), (false, vec!["plain".to_owned()]), "one that is missing holds up no other");

        let packing = Packing::look(vec![(home.join("it's $HOME"), "it's $HOME".into())]).unwrap();
        let mut stream = Vec::new();
        packing.write(&mut stream).unwrap();
        for dir in ["./new dir/-deep", "./it's \\here", "."] {
            let (ok, _) = there(&home, &remote(TAKE, &[dir.to_owned()]), &stream);
            assert!(ok && home.join(dir).join("it's $HOME/sub/f").exists(), "{dir}");
        }
        let (ok, _) = there(&home, &remote(TAKE, &["./half".to_owned()]), &stream[..stream.len() / 2]);
        assert!(!ok, "a stream that breaks off is told");
    }

    #[test]
    fn what_is_here_stays_unless_it_is_to_be_replaced() {
        let place = tempfile::tempdir().unwrap();
        let ip = IpAddr::from([10, 0, 0, 1]);
        let dir = place.path().join("atlas");
        let back = |force| Back {
            files: Vec::new(),
            folders: BTreeMap::from([(ip, dir.clone())]),
            aside: place.path().join("aside"),
            writes: mpsc::channel(1).0,
            force,
        };
        let come = |text: &str| {
            let fresh = back(false).fresh(ip);
            fs::create_dir_all(fresh.join("d")).unwrap();
            fs::write(fresh.join("d/a"), text).unwrap();
            fs::write(fresh.join("b"), text).unwrap();
        };
        let texts = || ["d/a", "b"].map(|name| fs::read_to_string(dir.join(name)).unwrap());
        come("one");
        assert_eq!(back(false).place(ip).unwrap(), Copied { files: 2, bytes: 6, dir: Some(dir.clone()) });
        come("other");
        let error = back(false).place(ip).unwrap_err().to_string();
        assert!(error.ends_with("is there already; --force replaces it"), "{error}");
        assert_eq!(texts(), ["one", "one"], "all or nothing");
        assert_eq!(back(true).place(ip).unwrap().bytes, 10);
        assert_eq!(texts(), ["other", "other"]);
    }
}
