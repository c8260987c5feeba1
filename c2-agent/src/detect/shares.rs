//! Folders that this machine shares with jobs, by name: where they are, and whether they are there now.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use c2_shared::home;
use tokio::task::JoinHandle;

/// How long all of them may take to be looked at. One on another machine may take for ever.
const PATIENCE: Duration = Duration::from_secs(1);

/// The shared folders of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shares(BTreeMap<String, PathBuf>);

/// Looks for shared folders again and again.
pub(crate) struct Watch {
    shares: Shares,
    /// Looks that have not ended.
    looks: BTreeMap<String, JoinHandle<bool>>,
}

impl Shares {
    pub(crate) fn new(folders: BTreeMap<String, PathBuf>) -> Self {
        Self(folders.into_iter().map(|(name, path)| (name, home::expand(&path))).collect())
    }

    /// What a job that asked for these finds in its environment.
    pub(crate) fn variables(&self, names: &[String]) -> BTreeMap<String, String> {
        let variable = |name: &String| Some((variable(name), self.0.get(name)?.to_string_lossy().into_owned()));
        names.iter().filter_map(variable).collect()
    }

    pub(crate) fn watch(self) -> Watch {
        Watch { shares: self, looks: BTreeMap::new() }
    }
}

impl Watch {
    /// The names of those that are there now. One that does not answer is not.
    pub(crate) async fn present(&mut self) -> Vec<String> {
        for (name, path) in &self.shares.0 {
            if !self.looks.contains_key(name) {
                let path = path.clone();
                self.looks.insert(name.clone(), tokio::task::spawn_blocking(move || is_there(&path)));
            }
        }
        let (mut present, mut patience) = (Vec::new(), std::pin::pin!(tokio::time::sleep(PATIENCE)));
        for (name, mut look) in std::mem::take(&mut self.looks) {
            tokio::select! {
                biased;
                found = &mut look => present.extend(found.unwrap_or(false).then_some(name)),
                // It is not asked a second time meanwhile.
                () = &mut patience => drop(self.looks.insert(name, look)),
            }
        }
        present
    }
}

/// Whether a folder can be entered and listed.
fn is_there(path: &Path) -> bool {
    std::fs::read_dir(path).is_ok()
}

/// The variable that says where a shared folder is: `C2_SHARE_DATA` for `data`.
fn variable(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    format!("C2_SHARE_{}", name.chars().map(plain).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(folders: &[(&str, &Path)]) -> Shares {
        Shares::new(folders.iter().map(|(name, path)| ((*name).to_owned(), path.to_path_buf())).collect())
    }

    #[tokio::test]
    async fn a_folder_is_offered_while_it_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let (data, file) = (dir.path().join("data"), dir.path().join("file"));
        std::fs::write(&file, "").unwrap();
        let mut watch = shares(&[("data", &data), ("file", &file), ("tmp", dir.path())]).watch();
        assert_eq!(watch.present().await, ["tmp"]);
        std::fs::create_dir(&data).unwrap();
        assert_eq!(watch.present().await, ["data", "tmp"]);
        std::fs::remove_dir(&data).unwrap();
        assert_eq!(watch.present().await, ["tmp"]);
    }

    #[tokio::test]
    async fn one_that_does_not_answer_is_not_there_and_holds_up_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let mut watch = shares(&[("hung", dir.path()), ("tmp", dir.path())]).watch();
        let (answer, asked) = std::sync::mpsc::channel::<()>();
        watch.looks.insert("hung".to_owned(), tokio::task::spawn_blocking(move || asked.recv().is_err()));
        assert!(!watch.present().await.contains(&"hung".to_owned()));
        drop(answer);
        while !watch.present().await.contains(&"hung".to_owned()) {}
    }

    #[test]
    fn a_job_finds_its_folders_by_variable() {
        let known = shares(&[("data", Path::new("/mnt/data")), ("my-nas", Path::new("/mnt/nas"))]);
        let variables = known.variables(&["my-nas".to_owned(), "gone".to_owned()]);
        assert_eq!(variables, BTreeMap::from([("C2_SHARE_MY_NAS".to_owned(), "/mnt/nas".to_owned())]));
    }
}
