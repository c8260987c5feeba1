//! New machines. What a release has, made of the programs under test: complete, as Debian wants it, and alive on a machine of
//! its own from installation to purge.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use c2_tests::machine::{has, may};
use c2_tests::{Program, booted, ssh};

mod alone;
mod guide;

crate::tests![
    a_release_is_complete_and_its_packages_live_from_installation_to_purge,
    machines_become_workers_over_ssh_or_stay_as_they_were,
    three_machines_work_by_the_guide_alone,
    one_program_alone_is_installed_without_a_warning,
];

const MACHINE: &str = include_str!("machine.sh");
const LIFE: &str = include_str!("life.sh");
const ADD: &str = include_str!("add.sh");

fn a_release_is_complete_and_its_packages_live_from_installation_to_purge() -> Result<()> {
    let tools = ["/usr/bin/dpkg-shlibdeps", "/usr/bin/lintian", "/usr/bin/strip"];
    let is_here = tools.iter().all(|tool| Path::new(tool).exists());
    if !may("packages")? || !has("packages", is_here, "apt install dpkg-dev lintian binutils") {
        return Ok(());
    }
    let folder = tempfile::Builder::new().prefix("c2-packages-").tempdir()?;
    let programs = programs(folder.path())?;
    let packages = folder.path().join("packages");
    made("release", &[&packages.join("1"), &programs])?;
    made("packages", &[&programs, &packages.join("2"), Path::new("2")])?;
    a_tarball_has_all_that_a_machine_needs(&packages.join("1"))?;
    packages_hold_what_the_programs_install(folder.path(), &packages.join("1"))?;
    packages_are_as_debian_wants_them(&packages.join("1"))?;
    packages_live(folder.path(), &packages)
}

fn one_program_alone_is_installed_without_a_warning() -> Result<()> {
    alone::cargo_warns_of_nothing()
}

/// The programs without what only a debugger reads: less to be packed.
fn programs(folder: &Path) -> Result<PathBuf> {
    let programs = folder.join("programs");
    fs::create_dir(&programs)?;
    for program in [Program::C2d, Program::Agent, Program::Tui] {
        let path = program.path()?;
        let copy = programs.join(path.file_name().context("a program has a name")?);
        run(Command::new("strip").arg("-o").arg(&copy).arg(&path))?;
    }
    Ok(programs)
}

/// Has a script of the repository make something, packed as fast as can be.
fn made(script: &str, arguments: &[&Path]) -> Result<()> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    run(Command::new(repository.join(".ci").join(script)).args(arguments).env("C2_COMPRESSION", "0")).map(drop)
}

fn run(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot run {command:?}"))?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    ensure!(output.status.success(), "{command:?}: {}\n{said}", output.status);
    Ok(said)
}

fn files(folder: &Path, ending: &str) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    let mut found: Vec<_> =
        entries.into_iter().filter(|path| path.extension().is_some_and(|have| have == ending)).collect();
    found.sort();
    Ok(found)
}

fn a_tarball_has_all_that_a_machine_needs(release: &Path) -> Result<()> {
    run(Command::new("sha256sum").args(["--check", "--strict", "SHA256SUMS"]).current_dir(release))?;
    assert_eq!(fs::read_to_string(release.join("SHA256SUMS"))?.lines().count(), 4, "a tarball and three packages");
    let tarball = files(release, "xz")?.pop().context("there is a tarball")?;
    let listed = run(Command::new("tar").arg("-tf").arg(&tarball))?;
    let names: Vec<_> = listed.lines().filter_map(|line| line.split_once('/')).map(|(_, name)| name).collect();
    for name in [
        "c2d",
        "c2-agent",
        "c2-tui",
        "man/c2d.1",
        "man/c2-commands.7",
        "ARCHITECTURE.md",
        "assets/guide/src/install.md",
        "completions/_c2-tui",
        "completions/c2d.bash",
        "LICENSE-MIT",
        "LICENSE-APACHE",
        "CHANGELOG.md",
    ] {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    let crates = run(Command::new("tar").args(["-xOf"]).arg(&tarball).args(["--wildcards", "*/licences/c2d.txt"]))?;
    assert!(crates.lines().any(|line| line.starts_with("tokio v") && line.ends_with(": MIT")), "{crates}");
    assert!(!crates.contains("c2-shared"), "{crates}");
    Ok(())
}

fn packages_hold_what_the_programs_install(folder: &Path, release: &Path) -> Result<()> {
    let (packed, installed) = (folder.join("packed"), folder.join("installed"));
    for package in files(release, "deb")? {
        run(Command::new("dpkg-deb").arg("-x").arg(package).arg(&packed))?;
    }
    for program in [Program::C2d, Program::Agent] {
        run(Command::new(program.path()?).args(["install", "--root"]).arg(&installed))?;
    }
    run(Command::new("diff").arg("-r").args([packed.join("usr/lib"), installed.join("usr/lib")])).map(drop)
}

fn packages_are_as_debian_wants_them(release: &Path) -> Result<()> {
    let packages = files(release, "deb")?;
    assert_eq!(packages.len(), 3);
    run(Command::new("lintian").args(["--allow-root", "--fail-on", "error,warning"]).args(packages)).map(drop)
}

fn packages_live(folder: &Path, packages: &Path) -> Result<()> {
    let stages = ["installed", "working", "upgraded", "removed", "installed again", "purged", "done"];
    on_a_machine(folder, packages, LIFE, &stages)
}

/// Runs a script on a machine of its own, which has what is in a folder; it says how far it has come.
fn on_a_machine(folder: &Path, given: &Path, script: &str, stages: &[&str]) -> Result<()> {
    let root = folder.join("machine");
    fs::create_dir(&root)?;
    let mut machine = Command::new("timeout");
    machine.args(["--signal=KILL", "300", "unshare", "--mount", "--net", "--pid", "--fork", "--kill-child"]);
    machine.args(["--mount-proc", "sh", "-c", MACHINE, "machine"]).arg(root).arg(given).arg(script);
    let said = run(&mut machine)?;
    assert_eq!(said.lines().collect::<Vec<_>>(), stages);
    Ok(())
}

fn machines_become_workers_over_ssh_or_stay_as_they_were() -> Result<()> {
    if !may("machines that become workers")? || !ssh::available() {
        return Ok(());
    }
    let folder = tempfile::Builder::new().prefix("c2-add-").tempdir()?;
    let programs = programs(folder.path())?;
    let stages = [
        "unknown host key",
        "no systemd",
        "several, each for its reason",
        "a service that does not start",
        "added",
        "a second time",
        "done",
    ];
    on_a_machine(folder.path(), &programs, ADD, &stages)
}

fn three_machines_work_by_the_guide_alone() -> Result<()> {
    let is_here = Path::new("/usr/bin/dpkg-shlibdeps").exists();
    if !booted::may()? || !has("packages", is_here, "apt install dpkg-dev") {
        return Ok(());
    }
    let folder = tempfile::Builder::new().prefix("c2-guide-").tempdir()?;
    let (programs, given) = (programs(folder.path())?, folder.path().join("given"));
    made("packages", &[&programs, &given.join("dist")])?;
    made("packages", &[&programs, &given.join("next/dist"), Path::new("2")])?;
    guide::typed(&given)
}
