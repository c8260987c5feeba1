//! Machines that are no workers, and keys that nobody has seen: each hint is a line that can be typed.

use anyhow::Context as _;
use c2_tests::scenario;
use c2_tests::ssh::{Machines, available};
use serde_json::json;

crate::tests![
    a_machine_without_an_agent_is_reached,
    an_unknown_key_names_its_cure,
    a_machine_that_shows_no_known_key_has_another_one,
];

fn a_machine_without_an_agent_is_reached() {
    if !available() {
        return;
    }
    scenario(async |cluster| {
        let mut machines = Machines::new(cluster)?;
        machines.up("127.60.0.1", "atlas").await?;
        machines.stranger("127.60.0.2").await?;
        machines.know("127.60.0.1")?;
        machines.know("127.60.0.2")?;
        machines.configure()?;
        let output = cluster.exec(&["pdsh 127.60.0.2 echo up"]).await?;
        assert_eq!((output.status, output.stdout.as_str()), (0, "127.60.0.2: up\n"), "{output:?}");
        assert!(output.stderr.contains("127.60.0.2 is not a worker; it is reached all the same"), "{output:?}");
        let both = cluster.exec(&["pdsh 127.60.0.[1,2] df -h / --output=source"]).await?;
        assert_eq!(both.stdout.matches(": Filesystem").count(), 2, "flags behind the command are its own: {both:?}");
        let reads = cluster.exec(&["pdsh 127.60.0.2 cat", "verify-ssh 127.60.0.2"]).await?;
        assert!(reads.status == 0 && reads.stdout.contains("reachable"), "it has nothing to read: {reads:?}");
        let all = cluster.exec(&["pdsh @all,!atlas true"]).await?;
        assert!(all.status == 1 && all.stderr.contains("hint"), "a stranger is in no group: {all:?}");
        Ok(())
    });
}

fn between<'a>(text: &'a str, begin: &str, end: &str) -> Option<&'a str> {
    Some(text.split_once(begin)?.1.split_once(end)?.0)
}

fn an_unknown_key_names_its_cure() {
    if !available() {
        return;
    }
    scenario(async |cluster| {
        let mut machines = Machines::new(cluster)?;
        machines.up("127.61.0.1", "atlas").await?;
        machines.stranger("127.61.0.2").await?;
        machines.configure_with(json!({}))?;
        for ip in ["127.61.0.1", "127.61.0.2"] {
            let port = machines.port(ip)?;
            let user = std::env::var("USER").unwrap_or_else(|_| "root".to_owned());
            let flags = format!("--user {user} --port {port}");
            let refused = cluster.exec(&[&format!("pdsh {ip} {flags} echo up")]).await?;
            assert_eq!(refused.status, 255, "{refused:?}");
            // The hint is typed as it stands.
            let hint = between(&refused.stderr, "see its key: ", ";").with_context(|| format!("{refused:?}"))?;
            for wanted in [ip, &format!("--port {port}"), &format!("--user {user}"), "--learn"] {
                let spelt = wanted.replacen(' ', "=", 1);
                assert!(hint.contains(wanted) || hint.contains(&spelt), "{wanted}: {hint}");
            }
            let learned = cluster.exec(&[&format!("{hint} --yes")]).await?;
            assert!(learned.stdout.contains("accepted: "), "{hint}: {learned:?}");
            let output = cluster.exec(&[&format!("pdsh {ip} {flags} echo up")]).await?;
            assert_eq!(output.stdout, format!("{ip}: up\n"), "{output:?}");
        }
        // A key that changed: the advice removes the line of this port, from this file.
        let port = machines.port("127.61.0.1")?;
        std::fs::write(machines.path("known_hosts"), "")?;
        machines.know_as("127.61.0.1", "127.61.0.2")?;
        let file = machines.path("known_hosts").display().to_string();
        let looked = cluster.exec(&[&format!("verify-ssh 127.61.0.1 --port {port}")]).await?;
        let looked = format!("{}{}", looked.stdout, looked.stderr);
        let advice = between(&looked, "if you changed it: ", ";").with_context(|| looked.clone())?;
        let ran = cluster.exec(&[&format!("pdsh 127.61.0.1 --port {port} true")]).await?;
        assert_eq!(between(&ran.stderr, "if you changed it: ", ";"), Some(advice), "{ran:?}");
        assert!(advice.contains(&format!("[127.61.0.1]:{port}")) && advice.contains(&file), "{advice}");
        let ran = std::process::Command::new("sh").args(["-c", advice]).output()?;
        assert!(ran.status.success() && !std::fs::read_to_string(&file)?.contains("127.61.0.1"), "{advice}: {ran:?}");
        Ok(())
    });
}

/// Of a new kind of key ssh says only that it is unknown; but a machine whose known keys are gone is another one,
/// or was installed again, and its key is not learned in passing.
fn a_machine_that_shows_no_known_key_has_another_one() {
    if !available() {
        return;
    }
    scenario(async |cluster| {
        let mut machines = Machines::new(cluster)?;
        machines.up("127.66.0.1", "atlas").await?;
        machines.configure()?;
        let port = machines.port("127.66.0.1")?;
        let old = machines.path("old");
        let made =
            std::process::Command::new("ssh-keygen").args(["-q", "-t", "ecdsa", "-N", "", "-f"]).arg(&old).output()?;
        assert!(made.status.success(), "{made:?}");
        let key = std::fs::read_to_string(machines.path("old.pub"))?;
        let known = format!("[127.66.0.1]:{port} {key}");
        std::fs::write(machines.path("known_hosts"), &known)?;
        for line in
            ["verify-ssh atlas", "verify-ssh atlas --learn --yes", "pdsh atlas true", "copy known_hosts atlas:/tmp"]
        {
            std::fs::write(cluster.console_dir().join("known_hosts"), "")?;
            let ran = cluster.exec(&[line]).await?;
            let said = format!("{}{}", ran.stdout, ran.stderr);
            assert!(ran.status != 0 && said.contains("if you changed it: ssh-keygen -R"), "{line}: {said}");
            assert!(!said.contains("--learn"), "{line}: {said}");
        }
        assert_eq!(std::fs::read_to_string(machines.path("known_hosts"))?, known, "nothing was learned");
        Ok(())
    });
}
