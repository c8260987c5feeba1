//! A whole home: c2d at 10.0.0.6 and three workers, each with a network of its own, from the first
//! line of the manual to a token that is revoked.

mod addresses;
mod found;
mod lines;
mod moving;
mod sleep;

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use c2_shared::pass::Pass;
use c2_shared::token::{Role, Token};
use c2_tests::home::{Home, MACHINES, Machine};
use c2_tests::wait::SOON;
use c2_tests::{Output, eventually, machine};

crate::waiting_tests![
    three_machines_join_and_strangers_stay_out,
    slow_lines_carry_everything_once,
    c2d_moves_to_another_machine,
    machines_sleep_and_are_woken,
    machines_sleep_and_are_woken_over_ipv6_alone,
    machines_find_c2d_and_join_by_six_words,
    machines_find_c2d_over_ipv6_alone,
    machines_that_move_leave_and_break_lose_nothing,
];

const SERVER: Machine = Machine::Server;
const LAPTOP: Machine = Machine::Worker(3);
const PORT: &str = "30814";
/// The default data folder in a home folder.
const DATA: &str = ".local/state/c2d";

fn three_machines_join_and_strangers_stay_out() {
    tell(story);
}

fn slow_lines_carry_everything_once() {
    tell(lines::story);
}

fn machines_sleep_and_are_woken() {
    tell_of(2, sleep::story);
}

fn machines_sleep_and_are_woken_over_ipv6_alone() {
    tell_of(2, sleep::story_of_ipv6);
}

fn machines_find_c2d_and_join_by_six_words() {
    tell_of(2, found::story);
}

fn machines_find_c2d_over_ipv6_alone() {
    tell_of(2, found::story_of_ipv6);
}

fn c2d_moves_to_another_machine() {
    tell_of(4, moving::story);
}

/// A short run of what `c2-chaos home` does for as long as it is told.
fn machines_that_move_leave_and_break_lose_nothing() {
    if machine::may("a home that breaks").expect("root under CI") {
        let words = ["home", "40", "--seed", "3"];
        let output = Command::new(env!("CARGO_BIN_EXE_c2-chaos")).args(words).output();
        let output = output.expect("c2-chaos is built with this test");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Makes a home and lets a story happen there.
fn tell(story: impl AsyncFnOnce(&mut Home) -> Result<()>) {
    tell_of(3, story);
}

/// The same with so many workers.
fn tell_of(workers: u8, story: impl AsyncFnOnce(&mut Home) -> Result<()>) {
    let Some(mut home) = Home::of(workers).unwrap_or_else(|error| panic!("{error:?}")) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let told = runtime.block_on(story(&mut home));
    let log = |machine| std::fs::read_to_string(home.folder(machine).join("log")).unwrap_or_default();
    told.unwrap_or_else(|error| {
        let logs: Vec<String> = home.machines().map(|m| format!("--- {}\n{}", m.address(), log(m))).collect();
        panic!("{error:?}\n{}", logs.join("\n"))
    });
}

async fn story(home: &mut Home) -> Result<()> {
    let dir = home.folder(SERVER).join(".local/state");
    std::fs::create_dir_all(&dir)?;
    home.start_c2d(SERVER, DATA, &["--host", "10.0.0.6"]).await?;
    let (line, login) = (invited(home, &["--uses", "4"]).await?, invited(home, &["--role", "operator"]).await?);
    wrong_programs(home, &line, &login).await?;
    done(home.agent(LAPTOP, &["join", &line]).await?)?;
    for machine in &MACHINES[1..] {
        let joined = done(home.agent(*machine, &["join", &line]).await?)?;
        ensure!(joined.contains("a worker of 10.0.0.6:30814"), "{joined}");
        home.start_agent(*machine)?;
    }
    let spent = home.agent(LAPTOP, &["join", &line]).await?;
    ensure!(spent.status != 0, "the line was good a fifth time");

    done(home.tui(LAPTOP, &["login", &login]).await?)?;
    eventually("three workers", SOON, async || {
        let list = done(home.tui(LAPTOP, &["--exec", "list"]).await?)?;
        Ok((list.matches("online").count() == 3).then_some(()))
    })
    .await?;
    quick_start(home).await?;
    strangers(home).await?;
    crowd(home).await?;
    viewer(home).await?;
    addresses::moves(home).await?;
    addresses::takes_an_address(home).await?;
    revoked(home).await?;
    no_secret_shows(home, &[&line, &login])?;
    guesses(home).await?;
    another_c2d(home).await
}

/// A line that was given to the wrong program is as good as before, and nothing is left of the try.
async fn wrong_programs(home: &Home, line: &str, login: &str) -> Result<()> {
    let known = done(home.c2d(SERVER, &["token", "list"]).await?)?;
    let refused = home.agent(LAPTOP, &["join", login]).await?;
    let said = &refused.stderr;
    ensure!(refused.status != 0 && said.contains("is for operators") && said.contains("c2-tui login"), "{refused:?}");
    let refused = home.tui(LAPTOP, &["login", line]).await?;
    let said = &refused.stderr;
    ensure!(refused.status == 4 && said.contains("is for workers") && said.contains("c2-agent join"), "{refused:?}");
    ensure!(done(home.c2d(SERVER, &["token", "list"]).await?)? == known, "a refused try left something");
    Ok(())
}

/// What the manual does with three workers.
async fn quick_start(home: &Home) -> Result<()> {
    let commands = [
        "assign 10.0.0.11 gpu",
        "set-tags 10.0.0.11 gpu:0",
        "submit \"echo hello world\" --wait",
        "submit \"echo $C2_WORKER\" --group=gpu --tags=gpu:0 --wait",
    ];
    let args: Vec<&str> = commands.iter().flat_map(|line| ["--exec", *line]).collect();
    let said = done(home.tui(LAPTOP, &args).await?)?;
    ensure!(said.contains("hello world\n") && said.contains("10.0.0.11\n"), "{said}");
    // The console of c2d's own user on its own machine needs no login.
    let here = done(home.tui(SERVER, &["--exec", "queue-status"]).await?)?;
    ensure!(here.contains("3 online"), "{here}");
    Ok(())
}

/// Plain HTTP, a token of somebody's making, and that of c2d's own folder, all from another machine.
async fn strangers(home: &Home) -> Result<()> {
    let plain =
        "exec 3<>/dev/tcp/10.0.0.6/30814; printf 'GET /healthz HTTP/1.1\\r\\nHost: 10.0.0.6\\r\\n\\r\\n' >&3; cat <&3";
    let plain = home.bash(LAPTOP, plain).await?;
    ensure!(plain.stdout.starts_with("HTTP/1.1 400") && plain.stdout.contains("speaks TLS only"), "{plain:?}");
    let many = "for n in {1..200}; do exec 3<>/dev/tcp/10.0.0.6/30814; printf 'GET / HTTP/1.1\\r\\n\\r\\n' >&3; \
        cat <&3 >/dev/null; done";
    done(home.bash(LAPTOP, many).await?)?;
    let log = std::fs::read_to_string(home.folder(SERVER).join("log"))?;
    ensure!(log.matches("does not speak TLS").count() == 1, "a stranger fills the log: {log}");
    let own = Pass::read(&home.folder(SERVER).join(DATA).join("operator.token"))?;
    let made = Pass { token: Token::generate(Role::Operator)?, ..own.clone() };
    let table = [("copied.token", own, "good on c2d's own machine alone"), ("made.token", made, "not known here")];
    for (name, pass, words) in table {
        let file = home.folder(LAPTOP).join(name);
        pass.write(&file)?;
        let args = ["--server", "10.0.0.6", "--token-file", &file.to_string_lossy(), "--exec", "list"];
        let refused = home.tui(LAPTOP, &args).await?;
        ensure!(refused.status == 4 && refused.stderr.contains(words), "{name}: {refused:?}");
    }
    // Without anything by which to know it, nothing is said to it.
    let unknown = home.tui(Machine::Worker(1), &["--server", "10.0.0.6", "--exec", "list"]).await?;
    ensure!(unknown.status == 4 && unknown.stderr.contains("no secret is sent"), "{unknown:?}");
    ensure!(unknown.stderr.contains("c2d invite"), "{unknown:?}");
    Ok(())
}

/// One machine that holds more connections than it may: the oldest are closed for the newer ones, and the
/// others are served.
async fn crowd(home: &Home) -> Result<()> {
    let hold = "for n in {1..70}; do exec {last}<>/dev/tcp/10.0.0.6/30814; : ${first:=$last}; done
        read -t 5 -u $last; echo last $?; read -t 0.1 -u $first; echo first $?; sleep 3";
    let others = async {
        for _ in 0..5 {
            done(home.tui(SERVER, &["--exec", "list"]).await?)?;
        }
        anyhow::Ok(())
    };
    let (held, others) = tokio::join!(home.bash(LAPTOP, hold), others);
    let held = held?;
    // 1 is the end, or a reset; more than 128 that nothing came in time.
    ensure!(held.stdout.starts_with("last 142\nfirst 1\n"), "{held:?}");
    others.context("while one machine held its connections")?;
    done(home.tui(LAPTOP, &["--exec", "list"]).await?).map(drop)
}

async fn viewer(home: &Home) -> Result<()> {
    let line = invited(home, &["--role", "viewer"]).await?;
    let viewer = Machine::Worker(2);
    done(home.tui(viewer, &["login", &line]).await?)?;
    done(home.tui(viewer, &["--exec", "jobs --all"]).await?)?;
    let refused = home.tui(viewer, &["--exec", "submit true"]).await?;
    ensure!(refused.status == 4 && refused.stderr.contains("only operators may do this"), "{refused:?}");
    Ok(())
}

/// A machine from which one wrong token after another comes: those are not answered any more, its
/// own good tokens are, and its agent works on.
async fn guesses(home: &Home) -> Result<()> {
    let guesser = Machine::Worker(2);
    let file = home.folder(LAPTOP).join("made.token").to_string_lossy().into_owned();
    let args = ["--server", "10.0.0.6", "--token-file", &file, "--exec", "list"];
    let guess = async || home.tui(guesser, &args).await;
    for _ in 0..10 {
        ensure!(guess().await?.stderr.contains("not known here"));
    }
    let refused = guess().await?;
    ensure!(refused.status != 0 && refused.stderr.contains("or without one, came from 10.0.0.12"), "{refused:?}");
    let flood = async {
        loop {
            guess().await?;
        }
    };
    let others = async {
        done(home.tui(LAPTOP, &["--exec", "assign 10.0.0.12 guesser"]).await?)?;
        for _ in 0..5 {
            let line = "submit \"echo $C2_WORKER\" --group=guesser --wait";
            let said = done(home.tui(guesser, &["--exec", "list"]).await?)?;
            ensure!(said.contains("10.0.0.12"), "{said}");
            let said = done(home.tui(LAPTOP, &["--exec", line]).await?)?;
            ensure!(said.contains("10.0.0.12\n"), "{said}");
        }
        let login = invited(home, &["--role", "viewer"]).await?;
        done(home.tui(guesser, &["login", &login]).await?).map(drop)
    };
    tokio::select! {
        failed = flood => failed,
        done = others => done,
    }
}

/// A token that is revoked is worthless at once, also for a poll that waits.
async fn revoked(home: &Home) -> Result<()> {
    let list = done(home.c2d(SERVER, &["token", "list"]).await?)?;
    // Whoever joined first: all have the name of the machine that these tests run on.
    let worker = list.lines().find(|line| line.contains(" worker ") && !line.contains("this machine alone"));
    let id = worker.and_then(|line| line.split_whitespace().next()).context("a worker's token")?;
    done(home.c2d(SERVER, &["token", "revoke", id]).await?)?;
    eventually("a worker offline", 2 * SOON, async || {
        let list = done(home.tui(LAPTOP, &["--exec", "list"]).await?)?;
        Ok(list.contains("offline").then_some(()))
    })
    .await?;
    let data = home.folder(SERVER).join(DATA);
    let audit = std::fs::read_to_string(data.join("audit.log"))? + &std::fs::read_to_string(data.join("refused.log"))?;
    for words in ["\"path\":\"/api/join\"", "\"from\":\"10.0.0.13\"", "\"status\":401", &format!("/api/tokens/{id}")] {
        ensure!(audit.contains(words), "{words} is not in the audit logs:\n{audit}");
    }
    Ok(())
}

/// No secret stands in a log, in arguments or environments of what runs, or where others can read it.
fn no_secret_shows(home: &Home, lines: &[&str]) -> Result<()> {
    let mut secrets: Vec<String> = lines.iter().map(|line| line[5..48].to_owned()).collect();
    let mut texts = Vec::new();
    visit(home.scratch(), &mut |path, open_to_others| {
        let bytes = std::fs::read(path).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if path.extension().is_some_and(|extension| extension == "token") {
            ensure!(!open_to_others, "{path:?} is open to others");
            secrets.push(text[5..48].to_owned());
        } else {
            texts.push((path.display().to_string(), text));
        }
        Ok(())
    })?;
    ensure!(secrets.len() >= 7, "{} secrets were found", secrets.len());
    for entry in std::fs::read_dir("/proc")?.flatten() {
        for file in ["cmdline", "environ"] {
            let path = entry.path().join(file);
            let bytes = std::fs::read(&path).unwrap_or_default();
            texts.push((path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    for secret in &secrets {
        let found: Vec<&String> =
            texts.iter().filter(|(_, text)| text.contains(secret)).map(|(name, _)| name).collect();
        ensure!(found.is_empty(), "a secret stands in {found:?}");
    }
    Ok(())
}

/// Whoever takes c2d's address is not told any token.
async fn another_c2d(home: &mut Home) -> Result<()> {
    home.kill(SERVER)?;
    home.start_c2d(SERVER, "stranger", &["--host", "10.0.0.6", "--port", PORT]).await?;
    let refused = home.tui(LAPTOP, &["--exec", "list"]).await?;
    ensure!(refused.status == 4, "{refused:?}");
    ensure!(refused.stderr.contains("not the c2d that this token belongs to"), "{refused:?}");
    let stranger = home.folder(SERVER).join("stranger");
    let audit =
        ["audit.log", "refused.log"].map(|name| std::fs::read_to_string(stranger.join(name)).unwrap_or_default());
    ensure!(audit.concat().is_empty(), "the stranger was asked something: {audit:?}");
    Ok(())
}

/// A line of `c2d invite`.
async fn invited(home: &Home, args: &[&str]) -> Result<String> {
    let said = done(home.c2d(SERVER, &[&["invite"], args].concat()).await?)?;
    Ok(said.trim().to_owned())
}

/// What a command said that succeeded.
fn done(output: Output) -> Result<String> {
    ensure!(output.status == 0, "{output:?}");
    Ok(output.stdout)
}

fn visit(folder: &std::path::Path, look: &mut impl FnMut(&std::path::Path, bool) -> Result<()>) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        // Files of jobs and of SQLite come and go.
        let Ok(metadata) = std::fs::symlink_metadata(entry.path()) else { continue };
        if metadata.is_dir() {
            visit(&entry.path(), look)?;
        } else if metadata.is_file() {
            look(&entry.path(), metadata.permissions().mode() & 0o077 != 0)?;
        }
    }
    Ok(())
}
