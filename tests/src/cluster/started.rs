//! How c2d is started, and where its files are.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use c2_shared::client::Client;
use c2_shared::pass::Pass;
use c2_shared::token::Role;

use crate::process::{Background, command_by};
use crate::programs::Program;

/// The folder of c2d.
pub(super) const C2D: &str = "c2d";

pub(super) fn data_dir(scratch: &Path, name: &str) -> PathBuf {
    scratch.join(name)
}

pub(super) fn c2d_log(scratch: &Path, name: &str) -> PathBuf {
    scratch.join(format!("{name}.log"))
}

/// Starts c2d and waits for the line that says where it listens.
pub(super) async fn start_c2d(way: &[String], scratch: &Path, port: u16) -> Result<(Background, SocketAddr)> {
    let mut process = spawn_c2d(way, scratch, C2D, port)?;
    let ready = process.line_with(" listening on ").await?;
    let addr = ready.split(" listening on ").nth(1).and_then(|rest| rest.split(',').next());
    let addr = addr.and_then(|text| text.trim().parse().ok()).with_context(|| format!("no address in {ready:?}"))?;
    Ok((process, addr))
}

pub(super) fn spawn_c2d(way: &[String], scratch: &Path, name: &str, port: u16) -> Result<Background> {
    let mut c2d = command_by(way, &Program::C2d.path()?, scratch);
    c2d.args(["--host", "127.0.0.1", "--port", &port.to_string(), "--data-dir"]).arg(data_dir(scratch, name));
    Background::start(&mut c2d, &c2d_log(scratch, name))
}

/// A client with the operator's token.
pub(super) fn operator(addr: SocketAddr, scratch: &Path) -> Result<Client> {
    let pass = Pass::read(&data_dir(scratch, C2D).join(Role::Operator.file_name()))?;
    Ok(Client::new(&addr.into(), Some(pass), None)?)
}
