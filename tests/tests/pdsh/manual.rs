//! The lines of the manual's chapter on pdsh, as they stand there.

use c2_tests::scenario;
use c2_tests::ssh::{Machines, available};

crate::tests![the_lines_of_the_manual_do_what_it_says];

fn the_lines_of_the_manual_do_what_it_says() {
    if !available() {
        return;
    }
    scenario(async |cluster| {
        let mut machines = Machines::new(cluster)?;
        machines.program("nvidia-smi", "echo one RTX 4090")?;
        machines.program("uptime", "echo up 3 days")?;
        machines.program("hostname", "echo this one")?;
        machines.program("sudo", "\"$@\" as root")?;
        machines.program("apt", "echo apt \"$@\"")?;
        for (ip, name) in [("127.50.0.15", "atlas"), ("127.50.0.16", "borealis")] {
            machines.up(ip, name).await?;
            machines.know(ip)?;
        }
        machines.configure()?;
        assert_eq!(cluster.exec(&["assign 127.50.0.15 gpu"]).await?.status, 0);
        let table: [(&str, &[&str]); 5] = [
            ("verify-ssh @all", &["127.50.0.15", "127.50.0.16", "reachable"]),
            ("pdsh @gpu nvidia-smi", &["127.50.0.15: one RTX 4090"]),
            ("pdsh @all uptime", &["127.50.0.15: up 3 days", "127.50.0.16: up 3 days"]),
            ("pdsh 127.50.0.15 hostname", &["127.50.0.15: this one"]),
            (
                "pdsh @all \"sudo apt update && sudo apt upgrade -y\"",
                &["127.50.0.15: apt update as root", "127.50.0.16: apt upgrade -y as root"],
            ),
        ];
        for (line, expected) in table {
            let output = cluster.exec(&[line]).await?;
            assert_eq!(output.status, 0, "{line}: {output:?}");
            for part in expected {
                assert!(output.stdout.contains(part), "{line}: {part:?} in {output:?}");
            }
        }
        let group_only = cluster.exec(&["pdsh @gpu nvidia-smi"]).await?;
        assert!(!group_only.stdout.contains("127.50.0.16"), "{group_only:?}");
        Ok(())
    });
}
