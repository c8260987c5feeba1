//! A console that runs finds c2d and its token again: both are read at each try.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use c2_shared::api::tokens::InviteRequest;
use c2_shared::token::Role;
use c2_tests::cluster::Cluster;
use c2_tests::scenario;
use c2_tests::terminal::Terminal;

crate::tests![
    a_console_that_was_there_before_c2d_gets_in_by_itself,
    a_c2d_that_moved_is_found_again,
    a_token_that_is_revoked_while_the_console_runs_is_named_and_a_new_login_is_found,
    f5_has_everything_told_anew,
    a_token_file_that_is_not_there_is_said_at_once,
];

fn a_console_that_was_there_before_c2d_gets_in_by_itself() {
    scenario(async |cluster| {
        let (addr, token) = (cluster.client().server().to_owned(), Role::Operator.file_name());
        cluster.kill_c2d()?;
        let folder = cluster.console_dir().join("later");
        fs::create_dir(&folder)?;
        let named = folder.to_str().context("a path of text")?;
        let mut terminal = Terminal::start(&cluster.bare_console(&["--server", &addr, "--data-dir", named])?, 120, 40)?;
        terminal.sees("retry in")?;
        cluster.restart_c2d().await?;
        terminal.sees("this console has no token")?;
        fs::copy(cluster.data_dir().join(&token), folder.join(&token))?;
        terminal.sees("● connected")
    });
}

fn a_c2d_that_moved_is_found_again() {
    scenario(async |cluster| {
        let (addr, token) = (cluster.client().server().to_owned(), Role::Operator.file_name());
        let folder = cluster.console_dir().join("moved");
        fs::create_dir(&folder)?;
        fs::copy(cluster.data_dir().join(&token), folder.join(&token))?;
        fs::write(folder.join("c2d.addr"), "127.0.0.1:1\n")?;
        let named = folder.to_str().context("a path of text")?;
        let mut terminal = Terminal::start(&cluster.bare_console(&["--data-dir", named])?, 120, 40)?;
        terminal.sees("127.0.0.1:1 ")?;
        terminal.sees("retry in")?;
        fs::write(folder.join("c2d.addr"), format!("{addr}\n"))?;
        terminal.sees("● connected")?;
        terminal.sees(&addr)?;
        terminal.press("list\r")?;
        terminal.sees("no worker has registered")
    });
}

fn a_token_that_is_revoked_while_the_console_runs_is_named_and_a_new_login_is_found() {
    scenario(async |cluster| {
        log_in(cluster).await?;
        let mut terminal = Terminal::start(&cluster.bare_console(&[])?, 120, 40)?;
        terminal.sees("● connected")?;
        let tokens = cluster.client().tokens().await?.tokens;
        let id = tokens.iter().find(|row| row.name == "me").map(|row| row.id.clone()).context("a token")?;
        cluster.client().revoke(&id).await?;
        terminal.sees("it was revoked or replaced")?;
        terminal.sees("c2-tui login LINE")?;
        terminal.press("messages\r")?;
        terminal.sees("› messages")?;
        terminal.wait("the message", |t| t.text().matches("it was revoked or replaced").count() >= 2)?;
        terminal.press("q")?;
        log_in(cluster).await?;
        terminal.sees("● connected")?;
        terminal.press("list\r")?;
        terminal.sees("no worker has registered")
    });
}

/// Logs this user in, as in another terminal.
async fn log_in(cluster: &Cluster) -> Result<()> {
    let request = InviteRequest { role: Role::Operator, ..InviteRequest::default() };
    let line = cluster.client().invite(&request).await?.line;
    let line = line.split_whitespace().last().unwrap_or_default();
    let status = cluster.bare_console(&["login", line, "--name=me"])?.status()?;
    ensure!(status.success(), "{status}");
    let kept: &Path = &cluster.console_dir().join(".local/state/c2-tui/login.token");
    ensure!(kept.is_file(), "no login in {}", kept.display());
    Ok(())
}

fn f5_has_everything_told_anew() {
    scenario(async |cluster| {
        let mut terminal = cluster.terminal(&[])?;
        terminal.sees("● connected")?;
        terminal.press("\x1b[15~")?;
        terminal.sees("connected again")?;
        terminal.press("list\r")?;
        terminal.sees("no worker has registered")?;
        Ok(())
    });
}

fn a_token_file_that_is_not_there_is_said_at_once() {
    scenario(async |cluster| {
        let mut terminal =
            Terminal::start(&cluster.bare_console(&["--token-file", "/nowhere/operator.token"])?, 120, 40)?;
        terminal.sees("/nowhere/operator.token")?;
        Ok(())
    });
}
