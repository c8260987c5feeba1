//! Names, commands and surroundings that would have pdsh or ssh do something else.

use std::os::unix::fs::PermissionsExt as _;

use c2_tests::scenario;
use c2_tests::ssh::{Machines, available};

crate::tests![
    a_command_arrives_as_it_was_written,
    a_command_that_reads_finds_the_end,
    a_name_is_never_an_instruction,
    the_surroundings_change_nothing,
];

fn a_command_arrives_as_it_was_written() {
    if !available() {
        return;
    }
    scenario(async |cluster| {
        let mut machines = Machines::new(cluster)?;
        machines.up("127.44.0.1", "atlas").await?;
        machines.know("127.44.0.1")?;
        machines.configure()?;
        // As it stands in the line, and what is echoed.
        let table = [
            ("'echo %h %u %n %%'", "%h %u %n %%"),
            (r#"'echo "a '"'"'b'"'"'  c"'"#, "a 'b'  c"),
            ("'x=1; echo $((x + 1)) && echo -w'", "2\n-w"),
            ("'echo -e'", "-e"),
            ("\"printf 'a%%b'\"", "a%b"),
            ("echo apt-get install --yes curl", "apt-get install --yes curl"),
            ("echo --fold --timeout 5 --help", "--fold --timeout 5 --help"),
            ("-- echo -l -- --user=me", "-l -- --user=me"),
        ];
        for (quoted, expected) in table {
            let output = cluster.exec(&[&format!("pdsh @all {quoted}")]).await?;
            let expected: String = expected.lines().map(|line| format!("127.44.0.1: {line}\n")).collect();
            // Echoing -e is a matter of the login shell; that it is no option of pdsh counts.
            let same = output.stdout == expected || quoted.contains("echo -e");
            assert!(output.status == 0 && same, "{quoted}: {output:?}");
        }
        let empty = cluster.exec(&["pdsh @all ' '"]).await?;
        assert_eq!(empty.status, 2, "{empty:?}");
        Ok(())
    });
}

fn a_command_that_reads_finds_the_end() {
    if !available() {
        return;
    }
    scenario(async |cluster| {
        let mut machines = Machines::new(cluster)?;
        for (ip, name) in [("127.60.0.1", "atlas"), ("127.60.0.2", "borealis")] {
            machines.up(ip, name).await?;
            machines.know(ip)?;
        }
        machines.configure()?;
        let output = cluster.exec(&["pdsh 127.60.0.1 --timeout 20 cat"]).await?;
        assert_eq!((output.status, output.stdout.as_str()), (0, ""), "{output:?}");
        let output = cluster.exec(&["pdsh @all --timeout 20 --fold 'cat -; echo end'"]).await?;
        assert_eq!(output.stdout, "--- 2 workers: 127.60.0.1,127.60.0.2\nend\n", "{output:?}");
        Ok(())
    });
}

fn a_name_is_never_an_instruction() {
    if !available() {
        return;
    }
    scenario(async |cluster| {
        let mut machines = Machines::new(cluster)?;
        let mark = machines.path("mark");
        let name = "exec:touch";
        // c2d may refuse such a name; if it takes it, it must stay a name.
        let taken = machines.down("127.45.0.1", name).await.is_ok();
        machines.up("127.45.0.2", "atlas").await?;
        machines.know("127.45.0.2")?;
        machines.configure()?;
        let run = format!("touch {}", mark.display());
        for target in [name, "ssh:-oProxyCommand=true", "^/etc/hosts", "-oProxyCommand=true", "u@127.45.0.2"] {
            let output = cluster.exec(&[&format!("pdsh -- '{target}' '{run}'")]).await?;
            assert!(output.status != 0 && !mark.exists(), "{target}: {output:?}");
        }
        let output = cluster.exec(&["pdsh @all \"echo up\""]).await?;
        assert_eq!(output.stdout, "127.45.0.2: up\n", "{output:?}");
        assert_eq!(output.status, if taken { 255 } else { 0 }, "{output:?}");
        Ok(())
    });
}

fn the_surroundings_change_nothing() {
    if !available() {
        return;
    }
    scenario(async |cluster| {
        let mut machines = Machines::new(cluster)?;
        machines.up("127.46.0.1", "atlas").await?;
        machines.know("127.46.0.1")?;
        machines.configure()?;
        let mark = machines.path("mark");
        let evil = machines.path("bin");
        std::fs::create_dir(&evil)?;
        for program in ["ssh", "pdsh"] {
            let file = evil.join(program);
            std::fs::write(&file, format!("#!/bin/sh\ntouch {}\n", mark.display()))?;
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755))?;
        }
        let path = format!("{}:/usr/bin:/bin", evil.display());
        let evil = evil.display().to_string();
        let proxy = format!("-oProxyCommand=touch\t{}", mark.display());
        let environment = [
            ("PATH", path.as_str()),
            ("PDSH_RCMD_TYPE", "exec"),
            ("PDSH_SSH_ARGS", &proxy),
            ("PDSH_SSH_ARGS_APPEND", &proxy),
            ("PDSH_MODULE_DIR", &evil),
            ("PDSH_REMOTE_PDSH_PATH", &evil),
            ("WCOLL", "/etc/hosts"),
            ("FANOUT", "0"),
            ("DSHPATH", &evil),
            ("SSH_ASKPASS", &evil),
        ];
        let output = machines.exec_in(&environment, "pdsh @all \"echo up\"").await?;
        assert_eq!((output.status, output.stdout.as_str()), (0, "127.46.0.1: up\n"), "{output:?}");
        assert!(!mark.exists());
        Ok(())
    });
}
