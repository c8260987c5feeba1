//! Putting service files in their places: those of the system for root, else those of one user.

use std::fmt::Write as _;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::advice::Advice;
use crate::config::config_home;

/// Where the units of this repository say that the programs are.
const UNIT_BIN: &str = "/usr/local/bin";
/// Where packages put theirs.
const PACKAGE_BIN: &str = "/usr/bin";
/// Where packages put units, users and folders of the system; administrators have theirs in `/etc`.
const PACKAGE_UNITS: &str = "usr/lib";
/// Settings of a unit that hide folders from its service, and which.
const HIDING: [(&str, &[&str]); 2] =
    [("ProtectHome=yes", &["/home", "/root", "/run/user"]), ("PrivateTmp=yes", &["/tmp", "/var/tmp"])];

/// The folder of c2d where it is a service of the system.
const SERVICE_DIR: &str = "/var/lib/c2d";

/// How the c2d that is a service of this machine is spoken to, which belongs to a user of its own; none where there
/// is no such service.
#[must_use]
pub fn service_here() -> Option<String> {
    Path::new(SERVICE_DIR).is_dir().then(|| format!("sudo -u c2 c2d --data-dir {SERVICE_DIR}"))
}

/// A path as a shell takes it.
#[must_use]
pub fn quoted(path: &Path) -> String {
    let path = path.to_string_lossy();
    shlex::try_quote(&path).map_or_else(|_| path.to_string(), std::borrow::Cow::into_owned)
}

/// A file to be put in its place.
#[derive(Clone, Copy, Debug)]
pub struct Unit {
    /// Its place: for the system below `/etc` or `/usr/lib`, for a user below the folder of configuration.
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
#[derive(Clone, Debug)]
#[cfg_attr(feature = "arguments", derive(clap::Args))]
pub struct Wish {
    /// Show the files and write nothing
    #[cfg_attr(feature = "arguments", arg(long))]
    pub dry_run: bool,
    /// Write below this folder instead of /, for packages and images
    #[cfg_attr(feature = "arguments", arg(long, value_name = "DIR"))]
    pub root: Option<PathBuf>,
    /// Where the programs will be [default: where this one is; /usr/bin with --root]
    #[cfg_attr(feature = "arguments", arg(long, value_name = "DIR"))]
    pub bin_dir: Option<PathBuf>,
}

/// Why a program cannot be installed as a service.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// systemd takes no such path in a unit, however it is written.
    #[error("systemd cannot start {0:?}: its path has a quote, a backslash or a control character")]
    Unwritable(PathBuf),
    /// A unit names programs by their whole path.
    #[error("{0:?} does not say where the programs will be")]
    Relative(PathBuf),
    /// The sandbox of the service hides the program.
    #[error("the service could not start {program:?}: it does not see {folder}")]
    Hidden {
        /// The program.
        program: PathBuf,
        /// The folder.
        folder: &'static str,
    },
    /// It is not where it is to be started.
    #[error("the service could not start {0:?}: there is no such program")]
    Missing(PathBuf),
    /// The user of the service may not go there.
    #[error("the service could not start {program:?}: {closed:?} is closed to other users")]
    Closed {
        /// The program.
        program: PathBuf,
        /// What is closed: the program or a folder above it.
        closed: PathBuf,
    },
    /// The unit says where its files are.
    #[error("the service keeps its files where its unit says, and not in {0:?}")]
    Elsewhere(PathBuf),
    /// A file or folder cannot be used.
    #[error("cannot write {path:?}")]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Advice for InstallError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Unwritable(program) | Self::Hidden { program, .. } | Self::Closed { program, .. } => {
                let name = program.file_name().unwrap_or_default().to_string_lossy();
                let path = quoted(program);
                format!("copy it first: sudo install -m 755 {path} {UNIT_BIN} && sudo {UNIT_BIN}/{name} install")
            }
            Self::Missing(_) => "put the programs there first, or leave out --bin-dir".to_owned(),
            Self::Elsewhere(_) => "leave out --data-dir; to change the unit: systemctl edit --full c2d".to_owned(),
            Self::Relative(_) => "write the folder from / on".to_owned(),
            Self::File { .. } => "check the permissions of its folder; root installs system services".to_owned(),
        })
    }
}

impl InstallError {
    fn file(path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| Self::File { path: path.to_owned(), source }
    }
}

/// Installs the system's services for root or below another root, else those of this user; the
/// units name the folder of the running program.
///
/// # Errors
/// When a file cannot be written, or when the service could never start.
pub fn place(system: &Plan, user: &Plan, wish: &Wish, is_root: bool) -> Result<String, InstallError> {
    let program = std::env::current_exe().map_err(InstallError::file(Path::new("/proc/self/exe")))?;
    let (beside, name) = (program.parent().unwrap_or(Path::new(UNIT_BIN)), program.file_name().unwrap_or_default());
    let default = if wish.root.is_some() { Path::new(PACKAGE_BIN) } else { beside };
    let programs = wish.bin_dir.as_deref().unwrap_or(default);
    if !programs.is_absolute() {
        return Err(InstallError::Relative(programs.to_owned()));
    }
    match &wish.root {
        // The programs get there later.
        Some(root) => seen(system, &programs.join(name))
            .and_then(|()| install(system, &root.join(PACKAGE_UNITS), programs, !wish.dry_run)),
        None if is_root => {
            reach(system, &programs.join(name))?;
            install(system, Path::new("/etc"), programs, !wish.dry_run)
        }
        None => {
            let no_home = || InstallError::file(Path::new("~"))(io::Error::other("HOME is not set"));
            install(user, &config_home().ok_or_else(no_home)?, programs, !wish.dry_run)
        }
    }
}

/// Refuses a program that the sandbox of a plan's services would hide.
fn seen(plan: &Plan, program: &Path) -> Result<(), InstallError> {
    let hiding = HIDING
        .iter()
        .filter(|(setting, _)| plan.units.iter().any(|unit| unit.text.lines().any(|line| line == *setting)));
    for folder in hiding.flat_map(|(_, folders)| folders.iter().copied()) {
        if program.starts_with(folder) {
            return Err(InstallError::Hidden { program: program.to_owned(), folder });
        }
    }
    Ok(())
}

/// Refuses a program that the services of a plan could not start.
fn reach(plan: &Plan, program: &Path) -> Result<(), InstallError> {
    seen(plan, program)?;
    if !program.is_file() {
        return Err(InstallError::Missing(program.to_owned()));
    }
    // Its user is not known here, or does not exist yet: what all may pass, it may.
    for part in program.ancestors() {
        let mode = std::fs::metadata(part).map_err(InstallError::file(part))?.permissions().mode();
        if mode & 0o001 == 0 {
            return Err(InstallError::Closed { program: program.to_owned(), closed: part.to_owned() });
        }
    }
    Ok(())
}

/// A unit for programs in another folder.
fn fill(text: &str, programs: &Path) -> Result<String, InstallError> {
    let mut filled = String::new();
    for line in text.split_inclusive('\n') {
        let Some((key, rest)) = line.split_once(UNIT_BIN) else {
            filled.push_str(line);
            continue;
        };
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let program = programs.join(rest[..end].trim_start_matches('/'));
        let _ = write!(filled, "{key}{}{}", quote(&program)?, &rest[end..]);
    }
    Ok(filled)
}

/// A program as `ExecStart` wants it. There `%` begins a specifier; `$` is nothing special in the path
/// of a program, and systemd refuses quotes and backslashes in it even where they are escaped.
fn quote(program: &Path) -> Result<String, InstallError> {
    let refused = |c: char| c.is_control() || ['\'', '"', '\\'].contains(&c);
    let path = program.to_str().filter(|path| !path.contains(refused));
    let path = path.ok_or_else(|| InstallError::Unwritable(program.to_owned()))?.replace('%', "%%");
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._+-@%".contains(c);
    Ok(if path.chars().all(plain) { path } else { format!("\"{path}\"") })
}

/// Writes the files of a plan below a folder, naming the folder of the programs; answers with what
/// was done and what to do next. Without `write` it only says so.
///
/// # Errors
/// When a file cannot be written; with its path.
fn install(plan: &Plan, below: &Path, programs: &Path, write: bool) -> Result<String, InstallError> {
    let units = plan.units.iter().map(|unit| Ok((below.join(unit.path), fill(unit.text, programs)?)));
    let units: Vec<(PathBuf, String)> = units.collect::<Result<_, _>>()?;
    let mut said = String::new();
    for (path, text) in units {
        let is_there = std::fs::read_to_string(&path).is_ok_and(|there| there == text);
        if write && !is_there {
            let failed = InstallError::file(&path);
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder).map_err(&failed)?;
            }
            // Beside it first: systemd may look at any time.
            let new = path.with_extension("new");
            std::fs::write(&new, text).map_err(&failed)?;
            std::fs::rename(&new, &path).map_err(&failed)?;
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
        units: &[Unit { path: "systemd/x.service", text: "ExecStart=/usr/local/bin/x --flag a\nUser=c2\n" }],
        next: "  start it\n",
    };

    const SANDBOX: Plan =
        Plan { units: &[Unit { path: "x.service", text: "ProtectHome=yes\nPrivateTmp=yes\n" }], next: "" };

    #[test]
    fn files_name_the_program_and_are_written_once() {
        let folder = tempfile::tempdir().unwrap();
        let go = |write| install(&PLAN, folder.path(), Path::new("/opt/c2"), write).unwrap();
        let path = folder.path().join("systemd/x.service");
        assert!(go(false).starts_with("would write") && !path.exists());
        assert!(go(true).starts_with("wrote"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "ExecStart=/opt/c2/x --flag a\nUser=c2\n");
        assert!(go(true).starts_with("is there"));
        std::fs::write(&path, "changed").unwrap();
        assert!(go(true).contains("wrote") && go(true).ends_with("next:\n  start it\n"));
    }

    #[test]
    fn paths_are_quoted_or_refused() {
        for (folder, written) in [
            ("/opt/c2", Some("/opt/c2/x")),
            ("/opt/my progs", Some("\"/opt/my progs/x\"")),
            ("/opt/50%", Some("/opt/50%%/x")),
            ("/opt/a $HOME", Some("\"/opt/a $HOME/x\"")),
            ("/opt/käse;#", Some("\"/opt/käse;#/x\"")),
            ("/opt/it's", None),
            ("/opt/a\"b", None),
            ("/opt/a\\b", None),
            ("/opt/a\nUser=root", None),
        ] {
            let filled = fill(PLAN.units[0].text, Path::new(folder));
            match written {
                Some(path) => assert_eq!(filled.unwrap(), format!("ExecStart={path} --flag a\nUser=c2\n")),
                None => assert!(matches!(filled, Err(InstallError::Unwritable(_))), "{folder}: {filled:?}"),
            }
        }
    }

    #[test]
    fn programs_that_a_service_cannot_reach_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("a b/x");
        std::fs::create_dir(folder.path().join("a b")).unwrap();
        std::fs::write(&program, "").unwrap();
        let modes = |of: &[(&Path, u32)]| {
            for (path, mode) in of {
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(*mode)).unwrap();
            }
        };
        modes(&[(folder.path(), 0o755), (&program, 0o755)]);
        reach(&PLAN, &program).unwrap();
        modes(&[(&program, 0o700)]);
        let error = reach(&PLAN, &program).unwrap_err();
        assert!(error.to_string().contains("is closed to other users"), "{error}");
        modes(&[(folder.path(), 0o700), (&program, 0o755)]);
        let error = reach(&PLAN, &program).unwrap_err();
        assert!(error.to_string().ends_with(&format!("{:?} is closed to other users", folder.path())), "{error}");
        let hint = error.hint().unwrap();
        assert!(hint.contains("/a b/x' /usr/local/bin && sudo /usr/local/bin/x install"), "{hint}");

        // The same for a folder that is named; the name is that of the running program.
        let name = std::env::current_exe().unwrap().file_name().unwrap().to_owned();
        let named = |bin_dir: &Path| {
            let wish = Wish { dry_run: true, root: None, bin_dir: Some(bin_dir.to_owned()) };
            place(&PLAN, &PLAN, &wish, true)
        };
        assert!(matches!(named(Path::new("/nonexistent")), Err(InstallError::Missing(_))));
        std::fs::copy(&program, folder.path().join(&name)).unwrap();
        let error = named(folder.path()).unwrap_err();
        assert!(error.to_string().ends_with("is closed to other users"), "{error}");
        let hint = error.hint().unwrap();
        assert!(hint.ends_with(&format!("sudo /usr/local/bin/{} install", name.display())), "{hint}");

        for folder in ["/home", "/root", "/run/user", "/tmp", "/var/tmp"] {
            let program = Path::new(folder).join("me/x");
            assert!(matches!(reach(&SANDBOX, &program), Err(InstallError::Hidden { .. })), "{program:?}");
            let wish = |root| Wish { dry_run: true, root, bin_dir: Some(folder.into()) };
            for wish in [wish(None), wish(Some("/nowhere".into()))] {
                let placed = place(&SANDBOX, &PLAN, &wish, true);
                assert!(matches!(placed, Err(InstallError::Hidden { .. })), "{folder}: {placed:?}");
                let hint = placed.unwrap_err().hint().unwrap();
                assert!(hint.ends_with(&format!("/{} install", name.display())), "{hint}");
            }
        }
    }
}
