//! Services: what `install` writes, and that it writes nowhere else.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use c2_tests::scenario;

#[test]
fn services_are_written_where_packages_want_them() {
    scenario(async |cluster| {
        let root = cluster.console_dir().join("root");
        let place = root.display().to_string();
        let dry = cluster.c2d(&["install", "--root", &place, "--dry-run"]).await?;
        assert!(dry.status == 0 && dry.stdout.contains("would write") && !root.exists(), "{dry:?}");
        let c2d = cluster.c2d(&["install", "--root", &place]).await?;
        assert!(c2d.status == 0 && c2d.stdout.contains("systemctl enable --now c2d"), "{c2d:?}");
        let agent = cluster.run_agent(&["install", "--root", &place]).await?;
        assert!(agent.status == 0 && agent.stdout.contains("c2-agent join LINE"), "{agent:?}");

        let coordinator = fs::read_to_string(root.join("etc/systemd/system/c2d.service"))?;
        for line in ["User=c2", "StateDirectoryMode=0700", "ProtectSystem=strict", "NoNewPrivileges=yes"] {
            assert!(coordinator.lines().any(|l| l == line), "{line}");
        }
        // Jobs outlive their agent, and may use sudo.
        let worker = fs::read_to_string(root.join("etc/systemd/system/c2-agent@.service"))?;
        assert!(worker.lines().any(|l| l == "KillMode=process"), "{worker}");
        assert!(!worker.contains("NoNewPrivileges=yes"), "{worker}");
        assert!(fs::read_to_string(root.join("etc/tmpfiles.d/c2.conf"))?.contains("x /tmp/C2"));
        assert!(fs::read_to_string(root.join("etc/sysusers.d/c2.conf"))?.contains("u c2 "));
        let again = cluster.c2d(&["install", "--root", &place]).await?;
        assert!(again.stdout.matches("is there").count() == 2, "{again:?}");

        let nowhere = cluster.c2d(&["install", "--root", "/proc/nowhere"]).await?;
        assert!(nowhere.status == 1 && nowhere.stderr.contains("cannot write"), "{nowhere:?}");
        Ok(())
    });
}

#[test]
fn a_doctor_says_what_is_wanting() {
    scenario(async |cluster| {
        let empty = cluster.exec(&["doctor"]).await?;
        assert!(empty.status == 0 && empty.stdout.contains("none has registered"), "{empty:?}");
        cluster.agent("127.0.0.2").await?;
        let well = cluster.console(&["--json", "--exec", "doctor"]).await?;
        let checks: serde_json::Value = serde_json::from_str(&well.stdout)?;
        let states: Vec<_> = checks["checks"].as_array().into_iter().flatten().map(|check| &check["state"]).collect();
        assert!(well.status == 0 && states.len() == 5 && states[..3].iter().all(|state| **state == "ok"), "{well:?}");
        Ok(())
    });
}

#[test]
fn the_doctor_of_an_agent_looks_at_its_machine() {
    scenario(async |cluster| {
        let root = cluster.new_folder("machine")?;
        let (server, state) = (cluster.addr().to_string(), root.join("state"));
        let token = cluster.data_dir().join("worker.token");
        let examine = async |server: &str, workspaces: &str| {
            let [state, token] = [&state, &token].map(|path| path.to_string_lossy());
            let workspaces = root.join(workspaces).to_string_lossy().into_owned();
            let args = ["doctor", "--server", server, "--state-dir", &state, "--token-file", &token];
            let args = [&args[..], &["--workspace-root", &workspaces]].concat();
            cluster.run_agent(&args).await
        };
        let well = examine(&server, "work").await?;
        for words in ["knows our token", "clock: as c2d's", "GB are free", "one made and removed in", "graphics: "] {
            assert!(well.status == 0 && well.stdout.contains(words), "{words}: {well:?}");
        }
        fs::set_permissions(root.join("work"), fs::Permissions::from_mode(0o755))?;
        let open = examine(&server, "work").await?;
        assert!(open.status == 1 && open.stdout.contains("FAIL  workspaces: ") && open.stdout.contains("chmod 700"));
        let nobody = examine("127.0.0.1:1", "other").await?;
        assert!(nobody.status == 1 && nobody.stdout.contains("FAIL  c2d: "), "{nobody:?}");
        Ok(())
    });
}
