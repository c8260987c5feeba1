//! `verify-ssh` says what a login meets, and learns new host keys after a yes.

use c2_tests::scenario;
use c2_tests::ssh::{Machines, available};

crate::tests![each_kind_of_trouble_has_its_word];

fn each_kind_of_trouble_has_its_word() {
    if !available() {
        return;
    }
    scenario(async |cluster| {
        let mut machines = Machines::new(cluster)?;
        machines.up("127.49.0.1", "fine").await?;
        machines.know("127.49.0.1")?;
        machines.locked("127.49.0.2", "locked").await?;
        machines.know("127.49.0.2")?;
        machines.up("127.49.0.3", "new").await?;
        machines.up("127.49.0.4", "changed").await?;
        machines.know_as("127.49.0.4", "127.49.0.1")?;
        machines.down("127.49.0.5", "off").await?;
        machines.configure()?;
        let output = cluster.console(&["--json", "--exec", "verify-ssh @all"]).await?;
        assert_eq!(output.status, 1, "{output:?}");
        let document: serde_json::Value = serde_json::from_str(&output.stdout)?;
        let seen: Vec<_> = (0..5).map(|at| document["workers"][at]["reach"].as_str().unwrap_or_default()).collect();
        let expected = ["reachable", "authentication_refused", "host_key_unknown", "host_key_changed", "unreachable"];
        assert_eq!(seen, expected, "{output:?}");

        let shown = cluster.exec(&["verify-ssh new --learn"]).await?;
        assert!(shown.status == 1 && shown.stdout.contains("not accepted: 256 SHA256:"), "{shown:?}");
        let learned = cluster.exec(&["verify-ssh @all,!off --learn --yes"]).await?;
        assert!(
            learned.stdout.contains("\naccepted: 256 SHA256:") || learned.stdout.starts_with("accepted: 256"),
            "{learned:?}"
        );
        let now = cluster.exec(&["verify-ssh fine,new", "verify-ssh changed"]).await?;
        assert_eq!(now.status, 1, "a changed key is never learned: {now:?}");
        assert!(now.stdout.matches("reachable\n").count() == 2 && now.stdout.contains("host key changed"), "{now:?}");
        Ok(())
    });
}
