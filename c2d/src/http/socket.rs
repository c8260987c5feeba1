//! The socket in c2d's folder, by which programs of the same user on this machine reach it. The folder is closed to all
//! others, so nothing is encrypted or proved there: a command takes half the time.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use c2_shared::server_address::SOCKET_FILE;
use tokio::net::{UnixListener, UnixStream};

/// Listens until it is dropped.
#[derive(Debug)]
pub(crate) struct Socket {
    listener: UnixListener,
    path: PathBuf,
}

impl Socket {
    /// Listens in the folder of this c2d. Where that cannot be, as in a folder with a very long name, its port serves
    /// all the same.
    pub(crate) fn listen(folder: &Path) -> Option<Self> {
        let path = folder.join(SOCKET_FILE);
        // A c2d that was killed leaves it behind, and two never have one folder.
        let _none = fs::remove_file(&path);
        let listens = UnixListener::bind(&path).and_then(|listener| {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
            Ok(listener)
        });
        match listens {
            Ok(listener) => Some(Self { listener, path }),
            Err(error) => {
                tracing::debug!("cannot listen on {path:?}: {error}");
                None
            }
        }
    }

    pub(super) async fn accept(&self) -> io::Result<UnixStream> {
        Ok(self.listener.accept().await?.0)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::debug!("{:?} stays behind: {error}", self.path);
        }
    }
}
