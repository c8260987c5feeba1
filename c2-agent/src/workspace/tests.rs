//! Workspaces on a real file system, those that jobs tampered with among them.

use std::os::unix::fs::{PermissionsExt as _, symlink};

use c2_shared::bytes64::Bytes64;

use super::*;

fn attempt(number: u32) -> AttemptId {
    AttemptId { job: JobId(7), number }
}

fn upload(path: &str, mode: Option<u32>) -> Upload {
    Upload { path: path.to_owned(), content: Some(Bytes64(b"content".to_vec())), mode, ..Upload::default() }
}

fn cache(dir: &tempfile::TempDir) -> Cache {
    Cache::open_dir(dir.path().join("blobs")).unwrap()
}

#[test]
fn uploads_by_hash_come_from_the_cache() {
    let dir = tempfile::tempdir().unwrap();
    let mut root = Root::open(&dir.path().join("C2")).unwrap();
    let made = root.make(attempt(1)).unwrap();
    let blob = c2_shared::blob::BlobId::of(b"scene");
    let upload = Upload { path: "in/scene".to_owned(), sha256: Some(blob), ..Upload::default() };
    let missing = root.place(attempt(1).job, std::slice::from_ref(&upload), &cache(&dir)).unwrap_err();
    assert!(missing.to_string().contains("in/scene"), "{missing}");
    std::fs::write(dir.path().join("blobs").join(blob.to_string()), "scene").unwrap();
    std::fs::remove_dir_all(root.path_of(attempt(1).job).join("in")).unwrap();
    root.place(attempt(1).job, &[upload], &cache(&dir)).unwrap();
    assert_eq!(std::fs::read(root.path_of(attempt(1).job).join("in/scene")).unwrap(), b"scene");
    assert!(root.lock(attempt(1).job).unwrap().is_none(), "its maker has the lock");
    drop(made);
    assert!(root.lock(attempt(1).job).unwrap().is_some());
}

#[test]
fn unsafe_roots_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    assert!(Root::open(&at("new/C2")).is_ok());
    assert!(Root::open(&at("new/C2")).is_ok(), "it is its own the second time, too");
    symlink(at("new"), at("link")).unwrap();
    assert!(matches!(Root::open(&at("link")), Err(RootError::NoFolder(_))));
    std::fs::write(at("file"), "").unwrap();
    assert!(matches!(Root::open(&at("file")), Err(RootError::NoFolder(_))));
    std::fs::create_dir(at("open")).unwrap();
    std::fs::set_permissions(at("open"), std::fs::Permissions::from_mode(0o750)).unwrap();
    assert!(matches!(Root::open(&at("open")), Err(RootError::Exposed { mode: 0o750, .. })));
    // Any user can make a folder of a known name first, and would own what is in it.
    if geteuid().is_root() {
        std::fs::create_dir(at("foreign")).unwrap();
        std::os::unix::fs::chown(at("foreign"), Some(12_345), Some(12_345)).unwrap();
        let refused = Root::open(&at("foreign")).unwrap_err();
        assert!(matches!(refused, RootError::Foreign { owner: 12_345, .. }), "{refused}");
        let hint = refused.hint().unwrap();
        assert!(hint.contains("that does not exist yet, like --workspace-root"), "{hint}");
        for (path, words) in
            [("/tmp/C2", "see who made it"), ("/tmp/C2-1000", "remove"), ("/etc", "like --workspace-root /C2")]
        {
            let hint = RootError::Foreign { path: path.into(), owner: 0 }.hint().unwrap();
            assert!(hint.contains(words) && hint.contains("--workspace-root"), "{hint}");
        }
    }
}

#[test]
fn uploads_stay_inside_and_never_overwrite() {
    let dir = tempfile::tempdir().unwrap();
    let mut root = Root::open(&dir.path().join("C2")).unwrap();
    assert_eq!(root.make(attempt(1)).unwrap().trash, None);
    let job = attempt(1).job;
    let cache = cache(&dir);
    root.place(job, &[upload("a/b/c.txt", None), upload("run.sh", Some(0o4755))], &cache).unwrap();
    let mode = |name: &str| root.path_of(job).join(name).metadata().unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode("a/b/c.txt"), mode("run.sh")), (0o600, 0o755), "no set-user-id either");

    symlink(dir.path(), root.path_of(job).join("out")).unwrap();
    symlink(dir.path().join("x"), root.path_of(job).join("y")).unwrap();
    for path in ["out/x", "y", "run.sh", "run.sh/x"] {
        assert!(root.place(job, &[upload(path, None)], &cache).is_err(), "{path}");
    }
    assert!(!dir.path().join("x").exists());
}

#[test]
fn workspaces_of_earlier_attempts_are_moved_aside() {
    let dir = tempfile::tempdir().unwrap();
    let mut root = Root::open(&dir.path().join("C2")).unwrap();
    root.make(attempt(1)).unwrap();
    root.place(attempt(1).job, &[upload("old", None)], &cache(&dir)).unwrap();
    root.clear(attempt(1).job, None);
    let trash = root.make(attempt(2)).unwrap().trash.unwrap();
    assert!(trash.join("old").exists());
    assert_eq!(root.path_of(attempt(2).job).read_dir().unwrap().count(), 0);
    crate::trash::empty(&dir.path().join("C2"));
    assert!(!trash.exists());
    root.clear(attempt(2).job, None);
    assert!(!root.path_of(attempt(2).job).exists());
}

#[test]
fn an_untouched_workspace_serves_the_next_job() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("C2");
    let mut root = Root::open(&path).unwrap();
    let names = || {
        let mut names: Vec<String> =
            path.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    let next = |number| AttemptId { job: JobId(number), number: 1 };
    let made = root.make(next(1)).unwrap();
    root.clear(JobId(1), Some(made.lock));
    assert_eq!(names(), [spare_name()]);
    let made = root.make(next(2)).unwrap();
    assert_eq!(names(), ["job-2"]);
    assert!(root.lock(JobId(2)).unwrap().is_none(), "it is locked all the time");

    // The name is taken: the spare waits for another.
    root.clear(JobId(2), Some(made.lock));
    std::fs::create_dir(path.join("job-3")).unwrap();
    let made = root.make(next(3)).unwrap();
    assert_eq!(made.trash, Some(path.join(".trash-job-3.1")));
    root.clear(JobId(3), Some(made.lock));
    assert_eq!(names(), [spare_name(), ".trash-job-3.1".to_owned()]);

    // Somebody removed it.
    std::fs::remove_dir(path.join(spare_name())).unwrap();
    let made = root.make(next(4)).unwrap();
    std::fs::write(path.join("job-4/left"), "").unwrap();
    root.clear(JobId(4), Some(made.lock));
    assert_eq!(names(), [".trash-job-3.1", "job-4"], "what a job leaves stays");

    let made = root.make(next(5)).unwrap();
    std::fs::set_permissions(path.join("job-5"), std::fs::Permissions::from_mode(0o755)).unwrap();
    root.clear(JobId(5), Some(made.lock));
    assert_eq!(names(), [".trash-job-3.1", "job-4"], "one that was changed is removed");

    // The job put another folder into the place of its own.
    let made = root.make(next(6)).unwrap();
    std::fs::rename(path.join("job-6"), path.join("elsewhere")).unwrap();
    std::fs::create_dir_all(path.join("job-6/left")).unwrap();
    root.clear(JobId(6), Some(made.lock));
    assert_eq!(names(), [".trash-job-3.1", "elsewhere", "job-4", "job-6"]);
    std::fs::remove_dir(path.join("elsewhere")).unwrap();
    std::fs::remove_dir_all(path.join("job-6")).unwrap();

    let made = root.make(next(7)).unwrap();
    root.clear(JobId(7), Some(made.lock));
    drop(root);
    assert_eq!(names(), [".trash-job-3.1", "job-4"], "no spare is left behind");
}

#[test]
fn a_removed_root_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("C2");
    let mut root = Root::open(&path).unwrap();
    std::fs::remove_dir(&path).unwrap();
    root.make(attempt(1)).unwrap();
    assert!(root.path_of(attempt(1).job).is_dir());
}
