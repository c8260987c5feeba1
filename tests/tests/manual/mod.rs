//! Completions for shells, pages for man and the tables of the guide in `assets/` are those of the present
//! programs. `C2_MANUAL=update` redraws them.

mod completions;
mod guide;
mod pages;
pub(crate) mod shells;
mod values;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command as Process;

use c2_tests::machine::has;
use clap::{Command, CommandFactory as _};

crate::tests![completions_and_pages_are_those_of_the_present_programs, pages_are_well_formed];

const ASSETS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../assets");

/// What is made, by its path below the folder.
type Files = BTreeMap<PathBuf, Vec<u8>>;

/// The programs without what their help hides.
fn programs() -> [Command; 3] {
    let programs =
        [c2d::cli::options::Cli::command(), c2_agent::Cli::command(), c2_tui::for_tests::Arguments::command()];
    programs.map(|program| visible(&program))
}

fn visible(command: &Command) -> Command {
    let mut shown = Command::new(command.get_name().to_owned());
    if let Some(version) = command.get_version() {
        shown = shown.version(version.to_owned());
    }
    if let Some(about) = command.get_about() {
        shown = shown.about(about.clone());
    }
    if let Some(after) = command.get_after_long_help() {
        shown = shown.after_long_help(after.clone());
    }
    let arguments = command.get_arguments().filter(|arg| !arg.is_hide_set());
    let subcommands = command.get_subcommands().filter(|command| !command.is_hide_set());
    shown.args(arguments.cloned()).subcommands(subcommands.map(visible))
}

fn wanted() -> Files {
    let mut files = Files::new();
    for program in programs() {
        completions::add(&mut files, &program);
        pages::add(&mut files, program);
    }
    pages::add_language(&mut files);
    guide::add(&mut files);
    files
}

fn there(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(Path::new(ASSETS).join(folder)).into_iter().flatten().flatten();
    entries.map(|entry| folder.join(entry.file_name())).collect()
}

fn completions_and_pages_are_those_of_the_present_programs() {
    let wanted = wanted();
    for name in ["man/c2d-backup.1", "man/c2-tui.1", "man/c2-commands.7", "guide/src/commands.md"] {
        assert!(wanted.contains_key(Path::new(name)), "{name}");
    }
    if std::env::var("C2_MANUAL").is_ok_and(|word| word == "update") {
        for (path, text) in &wanted {
            let file = Path::new(ASSETS).join(path);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
    }
    for (path, text) in &wanted {
        let kept = std::fs::read(Path::new(ASSETS).join(path)).unwrap_or_default();
        assert!(kept == *text, "{path:?} is not of the present program; redraw it with C2_MANUAL=update");
    }
    for path in ["completions", "man"].into_iter().flat_map(|folder| there(Path::new(folder))) {
        assert!(wanted.contains_key(&path), "{path:?} is of nothing that exists");
    }
}

fn pages_are_well_formed() {
    let found = Process::new("mandoc").arg("-h").output().is_ok();
    if !has("manual pages", found, "it needs mandoc: apt install mandoc") {
        return;
    }
    let mut lint = Process::new("mandoc");
    lint.args(["-Tlint", "-Wwarning"]).args(there(Path::new("man")).iter().map(|page| Path::new(ASSETS).join(page)));
    let said = lint.output().unwrap();
    assert!(said.status.success(), "{said:?}");
    for program in programs() {
        let page = Path::new(ASSETS).join(format!("man/{}.1", program.get_name()));
        let shown = Process::new("mandoc").args(["-Tutf8", "-Owidth=100"]).arg(page).output().unwrap();
        // Bold is written by overtyping.
        let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
        let mut plain = String::new();
        for c in shown.chars() {
            match c {
                '\u{8}' => plain.truncate(plain.char_indices().next_back().map_or(0, |(at, _)| at)),
                _ => plain.push(c),
            }
        }
        for heading in ["SYNOPSIS", "OPTIONS", "ENVIRONMENT", "FILES", "EXIT STATUS", "SEE ALSO"] {
            assert!(plain.lines().any(|line| line == heading), "{heading}:\n{plain}");
        }
    }
}
