//! Putting service files in their places: those of the system for root, else those of one user.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use crate::config::config_home;

/// Where the units of this repository say that the programs are.
const UNIT_BIN: &str = "/usr/local/bin";

/// A file to be put in its place.
#[derive(Clone, Copy, Debug)]
pub struct Unit {
    /// Its place: for the system below `/etc`, for a user below the folder of configuration.
    pub path: &'static str,
    /// What is in it.
    pub text: &'static str,
}

/// What a program installs, and how it goes on from there.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The files.
    pub units: &'static [Unit],
    /// The next commands, a line each.
    pub next: &'static str,
}

/// What `install` is told.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// Another folder in the place of `/`, for packages and images; system services then.
    pub root: Option<&'a Path>,
    /// Only say what would be written.
    pub dry_run: bool,
}

/// Installs the system's services for root or below another root, else those of this user; the
/// units name the folder of the running program.
///
/// # Errors
/// When a file cannot be written; with its path.
pub fn place(system: &Plan, user: &Plan, wish: Wish<'_>, is_root: bool) -> Result<String, (PathBuf, io::Error)> {
    let program = std::env::current_exe().map_err(|error| (PathBuf::from("/proc/self/exe"), error))?;
    let programs = program.parent().unwrap_or(Path::new(UNIT_BIN));
    match wish.root {
        // A package's programs are where the units say.
        Some(root) => install(system, &root.join("etc"), Path::new(UNIT_BIN), !wish.dry_run),
        None if is_root => install(system, Path::new("/etc"), programs, !wish.dry_run),
        None => {
            let home = config_home().ok_or_else(|| (PathBuf::from("~"), io::Error::other("HOME is not set")))?;
            install(user, &home, programs, !wish.dry_run)
        }
    }
}

/// Writes the files of a plan below a folder, naming the folder of the programs; answers with what
/// was done and what to do next. Without `write` it only says so.
///
/// # Errors
/// When a file cannot be written; with its path.
fn install(plan: &Plan, below: &Path, programs: &Path, write: bool) -> Result<String, (PathBuf, io::Error)> {
    let mut said = String::new();
    for unit in plan.units {
        let path = below.join(unit.path);
        let text = unit.text.replace(UNIT_BIN, &programs.display().to_string());
        let is_there = std::fs::read_to_string(&path).is_ok_and(|there| there == text);
        let failed = |error| (path.clone(), error);
        if write && !is_there {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder).map_err(failed)?;
            }
            // Beside it first: systemd may look at any time.
            let new = path.with_extension("new");
            std::fs::write(&new, text).map_err(failed)?;
            std::fs::rename(&new, &path).map_err(failed)?;
        }
        let word = match (write, is_there) {
            (_, true) => "is there   ",
            (true, false) => "wrote      ",
            (false, false) => "would write",
        };
        let _ = writeln!(said, "{word} {}", path.display());
    }
    let _ = write!(said, "next:\n{}", plan.next);
    Ok(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: Plan = Plan {
        units: &[Unit { path: "systemd/x.service", text: "ExecStart=/usr/local/bin/x\n" }],
        next: "  start it\n",
    };

    #[test]
    fn files_name_the_program_and_are_written_once() {
        let folder = tempfile::tempdir().unwrap();
        let go = |write| install(&PLAN, folder.path(), Path::new("/opt/c2"), write).unwrap();
        let path = folder.path().join("systemd/x.service");
        assert!(go(false).starts_with("would write") && !path.exists());
        assert!(go(true).starts_with("wrote"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "ExecStart=/opt/c2/x\n");
        assert!(go(true).starts_with("is there"));
        std::fs::write(&path, "changed").unwrap();
        assert!(go(true).contains("wrote") && go(true).ends_with("next:\n  start it\n"));
    }
}
