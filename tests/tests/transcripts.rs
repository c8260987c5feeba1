//! Plays the transcripts of the console: each file of `transcripts/` is a test's whole text.

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use c2_shared::pass::Pass;
use c2_shared::token::{Role, Token};
use c2_tests::transcript::{Scene, Transcript, matches, parse, written};
use c2_tests::{Cluster, scenario};

macro_rules! transcripts {
    ($($name:ident)*) => {
        crate::tests![$($name,)* every_file_is_played];

        $(
            fn $name() {
                let file = concat!(stringify!($name), ".txt");
                scenario(async |cluster| play(cluster, file, include_str!(concat!("../transcripts/", stringify!($name), ".txt"))).await);
            }
        )*

        fn every_file_is_played() {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("transcripts");
            let mut found: Vec<String> = std::fs::read_dir(folder)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            found.sort();
            assert_eq!(found, [$(concat!(stringify!($name), ".txt")),*]);
        }
    };
}

transcripts! {
    attempts
    batches
    changes
    dependencies
    figures
    files
    first_steps
    help
    jobs_and_their_ends
    many_jobs
    many_workers
    no_daemon
    notifications
    original_readme
    places
    readme_commands
    readme_examples
    refusals
    resources
    schedules
    steering
    strange_token
    worker_token
    workers
    wrong_words
}

async fn play(cluster: &mut Cluster, file: &str, text: &str) -> Result<()> {
    let transcript = parse(text).with_context(|| file.to_owned())?;
    let token = set(cluster, &transcript).await?;
    for step in &transcript.steps {
        let output = cluster.console_with_token(&token, &["--exec", &step.command]).await?;
        let actual = written(&output);
        assert!(
            matches(&step.expected, &actual),
            "{file}, line {}:\n$ {}\n{}\n--- was expected, and this came:\n{}",
            step.line,
            step.command,
            step.expected.join("\n"),
            actual.join("\n"),
        );
    }
    Ok(())
}

/// Sets the scene and gives the token file for the console.
async fn set(cluster: &mut Cluster, transcript: &Transcript) -> Result<std::path::PathBuf> {
    let mut token = cluster.data_dir().join(Role::Operator.file_name());
    for scene in &transcript.scene {
        match scene {
            Scene::Agent(ip) => cluster.agent(&ip.to_string()).await?,
            Scene::Program { name, script } => cluster.program(name, script)?,
            Scene::NoDaemon => cluster.kill_c2d()?,
            Scene::WorkerToken => token = cluster.data_dir().join(Role::Worker.file_name()),
            Scene::StrangeToken => {
                let operator = std::mem::replace(&mut token, cluster.new_folder("strange")?.join("token"));
                Pass { token: Token::generate(Role::Operator)?, ..Pass::read(&operator)? }.write(&token)?;
            }
            Scene::File { name, line } => {
                let path = cluster.console_dir().join(name);
                let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path)?;
                writeln!(file, "{line}")?;
            }
        }
    }
    Ok(token)
}
