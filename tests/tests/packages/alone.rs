//! One program installed by cargo, without the others.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};
use c2_tests::machine::has;

/// Stands for the compiler, which cargo may ask for its version, but which compiles nothing: what cargo has to say
/// of the package it says before.
const WRAPPER: &str = "#!/bin/sh
case \"$*\" in
    *--crate-name\\ ___*) exec \"$@\" ;;
    *--crate-name*) exit 1 ;;
    *) exec \"$@\" ;;
esac
";

pub(super) fn cargo_warns_of_nothing() -> Result<()> {
    let is_here = Command::new("cargo").arg("--version").output().is_ok();
    if !has("cargo", is_here, "https://rustup.rs") {
        return Ok(());
    }
    let folder = tempfile::Builder::new().prefix("c2-alone-").tempdir()?;
    let wrapper = folder.path().join("wrapper");
    fs::write(&wrapper, WRAPPER)?;
    fs::set_permissions(&wrapper, Permissions::from_mode(0o755))?;
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for package in ["c2d", "c2-agent", "c2-tui"] {
        let mut install = Command::new("cargo");
        install.args(["install", "--offline", "--path"]).arg(repository.join(package));
        install.arg("--root").arg(folder.path().join("root"));
        install.env("CARGO_TARGET_DIR", folder.path().join("target")).env("RUSTC_WRAPPER", &wrapper);
        let said = String::from_utf8_lossy(&install.output()?.stderr).into_owned();
        ensure!(said.contains("Compiling"), "{package} is not installed by cargo: {said}");
        ensure!(!said.contains("profile"), "{package} alone: {said}");
    }
    Ok(())
}
