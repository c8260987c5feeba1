//! Word to the service manager that started a program: it does what it is for. Without such a manager nothing is said.

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Where systemd listens.
pub const SOCKET_VARIABLE: &str = "NOTIFY_SOCKET";

/// Says that the program is ready; `systemctl start` waits for it.
pub fn ready() {
    let Some(socket) = std::env::var_os(SOCKET_VARIABLE) else { return };
    if let Err(error) = say(&socket, b"READY=1") {
        tracing::warn!("the service manager cannot learn at {} that this is ready: {error}", socket.display());
    }
}

/// `@` begins the name of a socket that is no file.
fn say(socket: &OsStr, word: &[u8]) -> io::Result<()> {
    let address = match socket.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(socket),
    };
    UnixDatagram::unbound()?.send_to_addr(word, &address?).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_gets_to_files_and_to_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let name = format!("c2-test-{}", std::process::id());
        let of_name = SocketAddr::from_abstract_name(&name).unwrap();
        let listening = [
            (path.clone().into_os_string(), UnixDatagram::bind(&path).unwrap()),
            (format!("@{name}").into(), UnixDatagram::bind_addr(&of_name).unwrap()),
        ];
        for (socket, listener) in listening {
            say(&socket, b"READY=1").unwrap();
            let mut word = [0; 16];
            let length = listener.recv(&mut word).unwrap();
            assert_eq!(&word[..length], b"READY=1", "{socket:?}");
        }
        assert!(say(OsStr::new("/nowhere/notify"), b"READY=1").is_err());
    }
}
