//! Crashes, second starts, wrong folders.

use std::os::unix::fs::PermissionsExt as _;

use super::{Lab, StoreError, add, commit, config, end, open};

#[test]
fn a_log_of_sqlite_that_is_cut_anywhere_loses_whole_batches_from_its_end_and_nothing_else() {
    let lab = Lab::new();
    let mut opened = lab.open();
    for n in 0..20 {
        commit(&mut opened, &[add(3 * n + 1), add(3 * n + 2), add(3 * n + 3)]).unwrap();
    }
    // The files as a power cut would leave them: copied while the store is open.
    let wal = std::fs::read(lab.path().join("c2.db-wal")).unwrap();
    let db = std::fs::read(lab.path().join("c2.db")).unwrap();
    let mut counts = Vec::new();
    for cut in (0..wal.len()).step_by(wal.len() / 60).chain([wal.len()]) {
        let copy = tempfile::TempDir::new().unwrap();
        let dir = copy.path().join("c2d");
        std::fs::create_dir(&dir).unwrap();
        std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o700)).unwrap();
        std::fs::write(dir.join("c2.db"), &db).unwrap();
        std::fs::write(dir.join("c2.db-wal"), &wal[..cut]).unwrap();
        let reopened = open(config(&dir)).unwrap();
        reopened.writer.close();
        let jobs = reopened.saved.jobs.len();
        assert_eq!(jobs % 3, 0, "a batch is whole or absent, cut at {cut}");
        assert_eq!(jobs as u64, reopened.saved.last_job);
        counts.push(jobs);
    }
    assert!(counts.is_sorted(), "{counts:?}");
    assert_eq!(counts.last(), Some(&60), "nothing that was acknowledged is missing");
    opened.writer.close();
}

#[test]
fn a_second_c2d_on_the_same_folder_is_refused() {
    let lab = Lab::new();
    let first = lab.open();
    let ours = Some(std::process::id());
    assert!(matches!(open(lab.config()), Err(StoreError::Locked { holder, .. }) if holder == ours));
    first.writer.close();
    lab.open().writer.close();
}

#[test]
fn a_folder_that_others_can_read_is_closed_or_refused() {
    let lab = Lab::new();
    let mode = |mode| std::fs::set_permissions(lab.path(), std::fs::Permissions::from_mode(mode)).unwrap();
    std::fs::create_dir(lab.path()).unwrap();
    mode(0o755);
    lab.open().writer.close();
    assert_eq!(std::fs::metadata(lab.path()).unwrap().permissions().mode() & 0o777, 0o700, "nothing was in it yet");
    std::fs::write(lab.path().join("operator.token"), "").unwrap();
    mode(0o755);
    let other = tempfile::tempdir().unwrap();
    let mode_of = || std::fs::metadata(other.path()).unwrap().permissions().mode() & 0o7777;
    std::fs::set_permissions(other.path(), std::fs::Permissions::from_mode(0o1777)).unwrap();
    std::fs::write(other.path().join("letter.txt"), "").unwrap();
    let mut config = lab.config();
    config.dir = other.path().to_owned();
    assert!(matches!(open(config), Err(StoreError::InUse { .. })));
    assert_eq!(mode_of(), 0o1777, "a folder of somebody is left as it is");
    assert!(matches!(open(lab.config()), Err(StoreError::Exposed { mode: 0o755, .. })));
}

#[test]
fn newer_and_foreign_databases_are_refused_and_left_untouched() {
    let lab = Lab::new();
    lab.commit(&[vec![add(1), end(1, 0, 1)]]);
    let path = lab.path().join("c2.db");
    let newer = rusqlite::Connection::open(&path).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    newer.close().unwrap();
    let before = std::fs::read(&path).unwrap();
    assert!(matches!(open(lab.config()), Err(StoreError::Newer { found: 99, .. })));
    assert_eq!(std::fs::read(&path).unwrap(), before);

    std::fs::write(&path, b"this is a shopping list and no database at all").unwrap();
    assert!(matches!(open(lab.config()), Err(StoreError::Foreign { .. })));
    assert_eq!(std::fs::read(&path).unwrap(), b"this is a shopping list and no database at all");
}

#[test]
fn files_are_private() {
    let lab = Lab::new();
    let mut opened = lab.open();
    commit(&mut opened, &[add(1)]).unwrap();
    for name in ["c2.db", "c2.db-wal", "jobs.log", "lock"] {
        let mode = std::fs::metadata(lab.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    opened.writer.close();
}
