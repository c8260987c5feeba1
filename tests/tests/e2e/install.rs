//! Services: what `install` writes, and that it writes nowhere else.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;
use std::process::Command;

use anyhow::ensure;
use c2_shared::pass::Pass;
use c2_shared::token::{Role, Token};
use c2_tests::machine::{has, may};
use c2_tests::{Program, scenario};

crate::tests![
    services_are_written_where_packages_want_them,
    systemd_takes_all_units_and_gives_up_what_cannot_start,
    programs_may_be_in_any_folder_that_systemd_can_name,
    a_doctor_says_what_is_wanting,
    the_doctor_of_an_agent_looks_at_its_machine,
];

fn services_are_written_where_packages_want_them() {
    scenario(async |cluster| {
        let root = cluster.console_dir().join("root");
        let place = root.display().to_string();
        let dry = cluster.plain_c2d(&["install", "--root", &place, "--dry-run"]).await?;
        assert!(dry.status == 0 && dry.stdout.contains("would write") && !root.exists(), "{dry:?}");
        let c2d = cluster.plain_c2d(&["install", "--root", &place]).await?;
        assert!(c2d.status == 0 && c2d.stdout.contains("systemctl enable --now c2d"), "{c2d:?}");
        // Written so, it is the service's own whatever root's umask is.
        assert!(c2d.stdout.contains("install -o c2 -m 600 /dev/stdin /var/lib/c2d/config.json"), "{c2d:?}");
        let agent = cluster.run_agent(&["install", "--root", &place]).await?;
        assert!(agent.status == 0 && agent.stdout.contains("c2-agent join LINE"), "{agent:?}");

        let coordinator = fs::read_to_string(root.join("usr/lib/systemd/system/c2d.service"))?;
        for line in ["User=c2", "StateDirectoryMode=0700", "ProtectSystem=strict", "NoNewPrivileges=yes"] {
            assert!(coordinator.lines().any(|l| l == line), "{line}");
        }
        // Jobs outlive their agent, and may use sudo.
        let worker = fs::read_to_string(root.join("usr/lib/systemd/system/c2-agent@.service"))?;
        assert!(worker.lines().any(|l| l == "KillMode=process"), "{worker}");
        assert!(!worker.contains("NoNewPrivileges=yes"), "{worker}");
        let made_at_boot = fs::read_to_string(root.join("usr/lib/tmpfiles.d/c2.conf"))?;
        for line in ["d /tmp/C2 0700 c2-jobs c2-jobs -", "x /tmp/C2"] {
            assert!(made_at_boot.lines().any(|l| l == line), "{line}");
        }
        assert!(fs::read_to_string(root.join("usr/lib/sysusers.d/c2.conf"))?.contains("u c2 "));
        let again = cluster.plain_c2d(&["install", "--root", &place]).await?;
        assert!(again.stdout.matches("is there").count() == 2, "{again:?}");
        assert!(coordinator.lines().any(|l| l.starts_with("ExecStart=/usr/bin/c2d ")), "{coordinator}");
        let elsewhere = cluster.run_agent(&["install", "--root", &place, "--bin-dir", "/opt/c2/bin"]).await?;
        let worker = fs::read_to_string(root.join("usr/lib/systemd/system/c2-agent@.service"))?;
        assert!(worker.lines().any(|l| l == "ExecStart=/opt/c2/bin/c2-agent"), "{elsewhere:?}");
        let relative = cluster.plain_c2d(&["install", "--root", &place, "--bin-dir", "bin"]).await?;
        assert!(relative.status == 1 && relative.stderr.contains("from / on"), "{relative:?}");

        // Whoever keeps his own files to himself makes units for all the same.
        let strict = cluster.new_folder("strict")?;
        let install = format!("umask 077; exec {} install --root {}", Program::C2d.path()?.display(), strict.display());
        ensure!(Command::new("sh").args(["-c", &install]).output()?.status.success());
        for (path, mode) in [("usr/lib/systemd/system", 0o755), ("usr/lib/systemd/system/c2d.service", 0o644)] {
            assert_eq!(fs::metadata(strict.join(path))?.permissions().mode() & 0o777, mode, "{path}");
        }

        let nowhere = cluster.plain_c2d(&["install", "--root", "/proc/nowhere"]).await?;
        assert!(nowhere.status == 1 && nowhere.stderr.contains("cannot write"), "{nowhere:?}");
        Ok(())
    });
}

/// What systemd says against a unit.
fn verify(unit: &Path) -> anyhow::Result<String> {
    let output = Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(unit).output()?;
    let name = unit.file_name().unwrap_or_default().to_string_lossy().replace(".service", "");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    // Other units of this machine may have faults of their own.
    let of_unit = |line: &str| line.contains(&*name) || line.contains(&*unit.to_string_lossy());
    // What is newer than 252, and passed over by that.
    let about = |line: &&str| of_unit(line) && !line.contains("'DelegateSubgroup'");
    Ok(said.lines().filter(about).map(|line| format!("{line}\n")).collect())
}

fn can_verify() -> bool {
    let found = Command::new("systemd-analyze").arg("--version").output().is_ok();
    has("units", found, "it needs systemd-analyze: apt install systemd")
}

fn systemd_takes_all_units_and_gives_up_what_cannot_start() {
    scenario(async |cluster| {
        if !can_verify() {
            return Ok(());
        }
        let programs = cluster.new_folder("programs")?;
        for name in ["c2d", "c2-agent"] {
            fs::write(programs.join(name), "#!/bin/sh\n")?;
            fs::set_permissions(programs.join(name), fs::Permissions::from_mode(0o755))?;
        }
        let units = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/systemd");
        for (name, installed) in [
            ("c2d.service", "c2d.service"),
            ("c2-agent@.service", "c2-agent@.service"),
            ("user-c2d.service", "c2d.service"),
            ("user-c2-agent.service", "c2-agent.service"),
        ] {
            let text = fs::read_to_string(units.join(name))?;
            let unit = programs.join(installed);
            fs::write(&unit, text.replace("/usr/local/bin", &programs.to_string_lossy()))?;
            assert_eq!(verify(&unit)?, "", "{name}");
            let value = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default();
            assert_eq!(value("RestartPreventExitStatus="), "2 78", "{name}");
            assert_eq!(value("Type="), "notify", "{name}");
            let number = |key: &str| value(key).parse::<u64>();
            let (pause, starts, limit) =
                (number("RestartSec=")?, number("StartLimitBurst=")?, number("StartLimitIntervalSec=")?);
            assert!(pause * starts * 2 < limit, "{name}: its restarts stay below the limit");
        }
        Ok(())
    });
}

fn programs_may_be_in_any_folder_that_systemd_can_name() {
    scenario(async |cluster| {
        if !can_verify() || !may("services of another user")? {
            return Ok(());
        }
        let open = |path: &Path| fs::set_permissions(path, fs::Permissions::from_mode(0o755));
        let scratch = cluster.new_folder("programs")?;
        open(scratch.parent().expect("it has a parent"))?;
        open(&scratch)?;
        let home = cluster.new_folder("home")?;
        chown(&home, Some(65_534), Some(65_534))?;
        let copy = scratch.join("c2d");
        fs::copy(Program::C2d.path()?, &copy)?;
        for (folder, is_taken) in [
            ("plain", true),
            ("my progs", true),
            ("50% of $HOME", true),
            ("k\u{e4}se; #1", true),
            ("it's", false),
            ("a\"b", false),
            ("a\\b", false),
        ] {
            let program = scratch.join(folder).join("c2d");
            fs::create_dir(scratch.join(folder))?;
            open(&scratch.join(folder))?;
            fs::rename(&copy, &program)?;
            let install = |user: &str| {
                let way = ["--reuid", user, "--regid", user, "--clear-groups"];
                let mut install = Command::new("setpriv");
                install.args(way).arg(&program).arg("install").env_clear().env("HOME", &home);
                install.env("PATH", "/usr/bin:/bin").current_dir("/");
                install
            };
            let output = install("65534").output()?;
            let said = String::from_utf8_lossy(&output.stderr);
            let unit = home.join(".config/systemd/user/c2d.service");
            if is_taken {
                assert!(output.status.success(), "{folder}: {output:?}");
                assert_eq!(verify(&unit)?, "", "{folder}: {}", fs::read_to_string(&unit)?);
                fs::remove_file(&unit)?;
            } else {
                assert!(!output.status.success() && said.contains("install -m 755") && !unit.exists(), "{output:?}");
            }
            // The service of the system has a /tmp of its own.
            if scratch.starts_with("/tmp") {
                let system = install("0").arg("--dry-run").output()?;
                let said = String::from_utf8_lossy(&system.stderr);
                assert!(!system.status.success() && said.contains("it does not see /tmp"), "{system:?}");
            }
            fs::rename(&program, &copy)?;
        }
        Ok(())
    });
}

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
        let known = Pass::read(&token)?;
        Pass { token: Token::generate(Role::Worker)?, ..known.clone() }.write(&token)?;
        let stranger = examine(&server, "other").await?;
        known.write(&token)?;
        let told = stranger.stdout.lines().find(|line| line.starts_with("FAIL  c2d: ")).unwrap_or_default();
        assert!(stranger.status == 1 && told.contains("token") && !told.contains("status 401"), "{stranger:?}");
        let nobody = examine("127.0.0.1:1", "other").await?;
        assert!(nobody.status == 1 && nobody.stdout.contains("FAIL  c2d: "), "{nobody:?}");
        Ok(())
    });
}
