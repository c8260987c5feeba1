//! The socket in c2d's folder, by which programs of its user reach it.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};

use anyhow::Result;
use c2_shared::server_address::{ADDRESS_FILE, SOCKET_FILE};
use c2_tests::wait::SOON;
use c2_tests::{Cluster, Output, eventually, scenario};

crate::tests![whoever_has_the_folder_comes_by_its_socket];

/// A command of a console that is told nothing but the folder.
fn exec(cluster: &Cluster, line: &str) -> Result<Output> {
    let mut console = cluster.bare_console(&["--exec", line])?;
    console.arg("--data-dir").arg(cluster.data_dir());
    let output = console.output()?;
    let text = |bytes| String::from_utf8(bytes);
    Ok(Output {
        status: output.status.code().unwrap_or(-1),
        stdout: text(output.stdout)?,
        stderr: text(output.stderr)?,
    })
}

fn whoever_has_the_folder_comes_by_its_socket() {
    scenario(async |cluster| {
        let data = cluster.data_dir();
        let (socket, address) = (data.join(SOCKET_FILE), data.join(ADDRESS_FILE));
        let found = fs::symlink_metadata(&socket)?;
        assert!(found.file_type().is_socket() && found.mode() & 0o777 == 0o600, "{found:?}");
        // Nobody listens on the port that the folder names now.
        fs::write(&address, "127.0.0.1:1\n")?;
        let said = exec(cluster, "submit true --hold")?;
        assert_eq!((said.status, &*said.stdout), (0, "Submitted job job-1\n"), "{said:?}");
        eventually("a line about what came by it", SOON, async || {
            Ok(fs::read_to_string(data.join("audit.log"))?.contains("job-1").then_some(()))
        })
        .await?;

        // A c2d that was killed leaves it behind.
        cluster.kill_c2d()?;
        let said = exec(cluster, "list")?;
        assert!(said.status == 3 && said.stderr.contains("cannot reach c2d at 127.0.0.1:1"), "{said:?}");
        cluster.restart_c2d().await?;
        assert_eq!(exec(cluster, "cancel 1")?.status, 0);
        assert_eq!(cluster.c2d(&["check"]).await?.status, 0);

        // Where it cannot be, the port serves.
        fs::remove_file(&socket)?;
        assert_eq!(exec(cluster, "jobs --all")?.status, 0);
        fs::write(&address, "127.0.0.1:1\n")?;
        assert_eq!(exec(cluster, "list")?.status, 3);
        Ok(())
    });
}
