//! A missing pdsh: the command that would install it, and running that after a yes.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::command::{CommandError, Context};
use crate::ssh::group::{self, Group};

/// Longest time for an installation.
const WITHIN: Duration = Duration::from_secs(600);

/// Finds pdsh; where it is missing and `yes` was said, installs it first.
pub(crate) async fn pdsh(context: &Context, yes: bool) -> Result<std::path::PathBuf, CommandError> {
    if let Some(path) = group::find("pdsh") {
        return Ok(path);
    }
    let is_root = rustix::process::geteuid().is_root();
    let Some(install) = installer(is_root, |program| group::find(program).is_some()) else {
        return Err(CommandError::refused("pdsh is not installed", "install it with your system's package manager"));
    };
    let words = install.join(" ");
    if !yes {
        let hint = format!("`{words}` would install it; with --yes it is run");
        return Err(CommandError::refused("pdsh is not installed", hint));
    }
    context.progress(&format!("installing pdsh: {words}"));
    run(&install).await?;
    group::find("pdsh")
        .ok_or_else(|| CommandError::refused(format!("{words:?} did not install pdsh"), "see its output"))
}

/// The command that installs pdsh with the first package manager that there is. sudo must not ask
/// for a password where nobody sees it.
fn installer(is_root: bool, exists: impl Fn(&str) -> bool) -> Option<Vec<&'static str>> {
    let managers: [&[&str]; 4] = [
        &["apt-get", "install", "-y", "pdsh", "openssh-client"],
        &["dnf", "install", "-y", "pdsh", "pdsh-rcmd-ssh"],
        &["pacman", "-S", "--noconfirm", "pdsh"],
        &["brew", "install", "pdsh"],
    ];
    let manager = managers.into_iter().find(|manager| exists(manager[0]))?;
    let sudo: &[&str] = if is_root || manager[0] == "brew" { &[] } else { &["sudo", "-n"] };
    Some([sudo, manager].concat())
}

async fn run(install: &[&str]) -> Result<(), CommandError> {
    let words = install.join(" ");
    let by_hand = || format!("run it yourself: {}", words.replace("sudo -n ", "sudo "));
    let failed = |why: &str| CommandError::refused(format!("cannot install pdsh: {why}"), by_hand());
    let program = group::find(install[0]).ok_or_else(|| failed(&format!("there is no {}", install[0])))?;
    let mut command = group::command(Path::new(&program));
    command.args(&install[1..]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut group = Group::start(&mut command).map_err(|e| failed(&e.to_string()))?;
    // Its output is not shown; read all the same, as a full pipe would hold it up.
    let (stdout, stderr) = (group.child.stdout.take(), group.child.stderr.take());
    let reading = async {
        let (mut sink, mut said) = (tokio::io::sink(), Vec::new());
        let _ends = tokio::join!(
            async {
                if let Some(mut out) = stdout {
                    drop(tokio::io::copy(&mut out, &mut sink).await);
                }
            },
            async {
                if let Some(mut err) = stderr {
                    drop(tokio::io::copy(&mut err, &mut said).await);
                }
            },
        );
        String::from_utf8_lossy(&said).lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default().to_owned()
    };
    let said = tokio::time::timeout(WITHIN, reading).await.map_err(|_| failed("it takes too long"))?;
    match group.ended(WITHIN).await {
        Some(0) => Ok(()),
        Some(status) if said.is_empty() => Err(failed(&format!("exit status {status}"))),
        Some(_) => Err(failed(&said)),
        None => Err(failed("it takes too long")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_system_has_its_command() {
        let table = [
            ("apt-get", false, Some("sudo -n apt-get install -y pdsh openssh-client")),
            ("apt-get", true, Some("apt-get install -y pdsh openssh-client")),
            ("dnf", false, Some("sudo -n dnf install -y pdsh pdsh-rcmd-ssh")),
            ("pacman", true, Some("pacman -S --noconfirm pdsh")),
            ("brew", false, Some("brew install pdsh")),
            ("none", false, None),
        ];
        for (manager, is_root, expected) in table {
            let install = installer(is_root, |program| program == manager).map(|words| words.join(" "));
            assert_eq!(install.as_deref(), expected, "{manager}");
        }
    }

    #[tokio::test]
    async fn an_installer_that_fails_says_what_to_do() {
        let error = run(&["false"]).await.unwrap_err();
        assert_eq!(error.message, "cannot install pdsh: exit status 1");
        assert_eq!(error.hint.as_deref(), Some("run it yourself: false"));
        assert!(run(&["true"]).await.is_ok());
    }
}
