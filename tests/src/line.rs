//! A line to a server that a test cuts: nothing is refused and nothing is closed, but no byte arrives any more.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Result;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Carries connections to a socket for as long as the value lives.
#[derive(Debug)]
pub struct Line {
    address: SocketAddr,
    is_cut: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Line {
    /// Listens on a free port of loopback.
    ///
    /// # Errors
    /// When there is none.
    pub async fn to(socket: &Path) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, (is_cut, cut), socket) = (listener.local_addr()?, watch::channel(false), socket.to_owned());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(carry(stream, socket.clone(), cut.clone()));
            }
        });
        Ok(Self { address, is_cut, task })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cuts it, or repairs it; what was under way then is lost.
    pub fn cut(&self, is_cut: bool) {
        self.is_cut.send_replace(is_cut);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn carry(mut stream: TcpStream, socket: PathBuf, mut cut: watch::Receiver<bool>) {
    let whole = async {
        if let Ok(mut server) = UnixStream::connect(socket).await {
            // How it ended is nothing to a line.
            let _ended = copy_bidirectional(&mut stream, &mut server).await;
        } else {
            drop(stream);
        }
    };
    let mut whole = std::pin::pin!(whole);
    let is_cut = tokio::select! {
        biased;
        is_cut = cut.wait_for(|is_cut| *is_cut) => is_cut.is_ok(),
        () = &mut whole => false,
    };
    if is_cut {
        // Both ends stay open until then.
        let _repaired = cut.wait_for(|is_cut| !*is_cut).await;
    }
}
