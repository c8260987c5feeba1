//! Completions for shells and pages for man in `assets/` are those of the present programs. With
//! `C2_MANUAL=update` they are made anew.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory as _};
use clap_complete::Shell;
use clap_mangen::Man;

crate::tests![completions_and_pages_are_those_of_the_present_programs, bash_understands_its_completions];

const ASSETS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../assets");

fn programs() -> [Command; 3] {
    [c2d::cli::options::Cli::command(), c2_agent::Cli::command(), c2_tui::for_tests::Arguments::command()]
}

/// Everything that should be there, by its path below the folder.
fn wanted() -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for program in programs() {
        let name = program.get_name().to_owned();
        for (shell, file) in [
            (Shell::Bash, format!("completions/{name}.bash")),
            (Shell::Zsh, format!("completions/_{name}")),
            (Shell::Fish, format!("completions/{name}.fish")),
        ] {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut program.clone(), &name, &mut text);
            files.insert(PathBuf::from(file), text);
        }
        pages(&mut files, program, &name);
    }
    files
}

/// The page of a program, and one for each of its commands.
fn pages(files: &mut BTreeMap<PathBuf, Vec<u8>>, program: Command, name: &str) {
    let mut program = program.name(name.to_owned()).disable_help_subcommand(true);
    program.build();
    for command in program.get_subcommands().filter(|command| !command.is_hide_set()) {
        pages(files, command.clone(), &format!("{name}-{}", command.get_name()));
    }
    let mut text = Vec::new();
    Man::new(program).render(&mut text).expect("memory takes all of it");
    if name == "c2-tui" {
        text.extend(console_commands().into_bytes());
    }
    files.insert(PathBuf::from(format!("man/{name}.1")), text);
}

/// What is said at the console's own prompt.
fn console_commands() -> String {
    let plain = |text: &str| text.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq");
    let mut text = String::new();
    let headings = [("COMMANDS", "At the prompt, and with \\-\\-exec:"), ("FULL SCREEN", "At the prompt also:")];
    for ((heading, place), full_screen) in headings.into_iter().zip([false, true]) {
        text += &format!(".SH {heading}\n{place}\n");
        for command in c2_tui::for_tests::commands().iter().filter(|command| command.full_screen == full_screen) {
            text += &format!(".TP\n\\fB{}\\fR\n{}\n", plain(&command.usage), plain(&command.summary));
        }
    }
    text
}

fn there(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(Path::new(ASSETS).join(folder)).into_iter().flatten().flatten();
    entries.map(|entry| folder.join(entry.file_name())).collect()
}

fn completions_and_pages_are_those_of_the_present_programs() {
    let wanted = wanted();
    assert!(wanted.contains_key(Path::new("man/c2d-backup.1")) && wanted.contains_key(Path::new("man/c2-tui.1")));
    if std::env::var("C2_MANUAL").is_ok_and(|word| word == "update") {
        for (path, text) in &wanted {
            let file = Path::new(ASSETS).join(path);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
    }
    for (path, text) in &wanted {
        let kept = std::fs::read(Path::new(ASSETS).join(path)).unwrap_or_default();
        assert!(kept == *text, "{path:?} is not of the present program; make it anew with C2_MANUAL=update");
    }
    for path in ["completions", "man"].into_iter().flat_map(|folder| there(Path::new(folder))) {
        assert!(wanted.contains_key(&path), "{path:?} is of nothing that exists");
    }
}

fn bash_understands_its_completions() {
    for program in programs() {
        let file = Path::new(ASSETS).join(format!("completions/{}.bash", program.get_name()));
        let bash = std::process::Command::new("bash").arg("-n").arg(&file).output().unwrap();
        assert!(bash.status.success(), "{}", String::from_utf8_lossy(&bash.stderr));
        // And completes a command of its own.
        let script = format!(
            "source {}; COMP_WORDS=({name} ''); COMP_CWORD=1; _{} {name} '' {name}; echo \"${{COMPREPLY[*]}}\"",
            file.display(),
            program.get_name().replace('-', "__"),
            name = program.get_name(),
        );
        let bash = std::process::Command::new("bash").args(["-c", &script]).output().unwrap();
        let words = String::from_utf8_lossy(&bash.stdout);
        assert!(words.contains("--help"), "{}: {bash:?}", program.get_name());
    }
}
