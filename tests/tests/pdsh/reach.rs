//! How workers are reached: flags, configuration, and a pdsh that has to be installed first.

use std::net::TcpListener;

use c2_tests::machine::may;
use c2_tests::scenario;
use c2_tests::ssh::{Machines, available};
use serde_json::json;

crate::tests![
    flags_go_over_a_workers_own_login_and_that_over_its_groups,
    no_more_workers_at_once_than_asked_for,
    who_accepts_and_never_speaks_is_given_up_in_time,
    a_missing_pdsh_is_installed_after_a_yes_and_not_before,
];

fn flags_go_over_a_workers_own_login_and_that_over_its_groups() {
    if !available() {
        return;
    }
    scenario(async |cluster| {
        let mut machines = Machines::new(cluster)?;
        machines.up("127.56.0.1", "atlas").await?;
        machines.know("127.56.0.1")?;
        let set = cluster.exec(&["assign 127.56.0.1 gpu"]).await?;
        assert_eq!(set.status, 0, "{set:?}");
        let port = machines.port("127.56.0.1")?;
        let wrong = TcpListener::bind("127.56.0.1:0")?.local_addr()?.port();
        let table = [
            (json!({"groups": {"gpu": {"port": port}}}), String::new(), 0),
            (json!({"groups": {"gpu": {"port": port}}, "workers": {"atlas": {"port": wrong}}}), String::new(), 255),
            (json!({"port": wrong}), format!("--port {port}"), 0),
            (json!({"port": port}), "--user nobody-of-this-name".to_owned(), 255),
            (json!({"port": port, "groups": {"gpu": {"user": "nobody-of-this-name"}}}), String::new(), 255),
        ];
        for (config, flags, status) in table {
            machines.configure_with(config.clone())?;
            let output = cluster.exec(&[&format!("pdsh atlas {flags} \"echo up\"")]).await?;
            assert_eq!(output.status, status, "{config} {flags}: {output:?}");
        }
        Ok(())
    });
}

fn no_more_workers_at_once_than_asked_for() {
    if !available() {
        return;
    }
    scenario(async |cluster| {
        let mut machines = Machines::new(cluster)?;
        for ip in ["127.57.0.1", "127.57.0.2"] {
            machines.up(ip, "atlas").await?;
            machines.know(ip)?;
        }
        machines.configure()?;
        let here = cluster.console_dir();
        // Each says whether it meets the other, for which it waits a while.
        let meet = format!(
            "cd {}; touch in-$$; n=0; until test $(ls in-* | wc -l) = 2; do sleep 0.1; n=$((n+1)); \
             test $n = 30 && break; done; test $n = 30 && echo alone || echo met; sleep 0.5; rm -f in-$$",
            here.display()
        );
        for (fanout, word) in [(2, "met"), (1, "alone")] {
            let line = format!("pdsh @all --fanout {fanout} --fold '{meet}'");
            let output = cluster.exec(&[&line]).await?;
            assert!(output.stdout.contains("--- 2 workers") && output.stdout.contains(word), "{fanout}: {output:?}");
        }
        Ok(())
    });
}

fn who_accepts_and_never_speaks_is_given_up_in_time() {
    if !available() {
        return;
    }
    scenario(async |cluster| {
        let mut machines = Machines::new(cluster)?;
        machines.up("127.58.0.1", "atlas").await?;
        machines.know("127.58.0.1")?;
        machines.configure()?;
        let deaf = TcpListener::bind("127.58.0.1:0")?;
        let port = deaf.local_addr()?.port();
        let output = cluster.exec(&[&format!("pdsh atlas --port {port} --connect-timeout 1 \"echo up\"")]).await?;
        assert!(output.status == 255 && output.stderr.contains("timed out"), "{output:?}");
        let output = cluster.exec(&[&format!("verify-ssh atlas --port {port} --connect-timeout 1")]).await?;
        assert!(output.status == 1 && output.stdout.contains("timeout"), "{output:?}");
        Ok(())
    });
}

/// Words that begin a program where there is no pdsh, and apt-get is this script.
fn without_pdsh(apt_get: &str) -> Vec<String> {
    let hide = "for f in /usr/bin/pdsh /bin/pdsh; do test -e $f && mount --bind /dev/null $f; done; \
                mount -t tmpfs none /usr/local/bin && printf '%s' \"$0\" >/usr/local/bin/apt-get && \
                chmod 755 /usr/local/bin/apt-get && exec \"$@\"";
    let words = ["unshare", "--mount", "--propagation", "private", "sh", "-c", hide, apt_get];
    words.map(str::to_owned).to_vec()
}

fn a_missing_pdsh_is_installed_after_a_yes_and_not_before() {
    if !available() {
        return;
    }
    scenario(async |cluster| {
        if !may("tests that hide a program")? {
            return Ok(());
        }
        let mut machines = Machines::new(cluster)?;
        machines.up("127.59.0.1", "atlas").await?;
        machines.know("127.59.0.1")?;
        machines.configure()?;
        let here = cluster.console_dir();
        std::fs::copy("/usr/bin/pdsh", here.join("pdsh"))?;
        let installs = format!(
            "#!/bin/sh\necho \"$@\" >{here}/asked\ncp {here}/pdsh /usr/local/bin/pdsh\n",
            here = here.display()
        );
        let way = without_pdsh(&installs);
        let refused = machines.exec_by(&way, "pdsh atlas \"echo up\"").await?;
        assert_eq!(refused.status, 1, "{refused:?}");
        let words = "`apt-get install -y pdsh openssh-client` would install it; with --yes it is run";
        assert!(refused.stderr.contains("pdsh is not installed") && refused.stderr.contains(words), "{refused:?}");
        assert!(!here.join("asked").exists(), "nothing was run without a yes");

        let done = machines.exec_by(&way, "pdsh atlas --yes \"echo up\"").await?;
        assert_eq!((done.status, done.stdout.as_str()), (0, "127.59.0.1: up\n"), "{done:?}");
        assert_eq!(std::fs::read_to_string(here.join("asked"))?, "install -y pdsh openssh-client\n");

        let cannot = without_pdsh("#!/bin/sh\necho 'E: Unable to locate package pdsh' >&2\nexit 100\n");
        let failed = machines.exec_by(&cannot, "pdsh atlas --yes \"echo up\"").await?;
        assert_eq!(failed.status, 1, "{failed:?}");
        for words in ["cannot install pdsh: E: Unable to locate package pdsh", "run it yourself: apt-get install"] {
            assert!(failed.stderr.contains(words), "{words}: {failed:?}");
        }
        Ok(())
    });
}
