//! What shells complete, made by clap's generator from a copy of the program that it understands well.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Arg, Command, ValueHint};
use clap_complete::{Shell, generate};

use super::Files;

pub(super) fn add(files: &mut Files, program: &Command) {
    let name = program.get_name();
    for (shell, file) in [
        (Shell::Bash, format!("completions/{name}.bash")),
        (Shell::Zsh, format!("completions/_{name}")),
        (Shell::Fish, format!("completions/{name}.fish")),
    ] {
        let mut text = Vec::new();
        let mut prepared = prepared(program.clone(), shell);
        generate(shell, &mut prepared, name, &mut text);
        if shell == Shell::Fish {
            text.extend(forgotten(&prepared, name, &[]).into_bytes());
        }
        files.insert(PathBuf::from(file), text);
    }
}

/// What the generator leaves out for fish: the values of the program's own flags, as it asks whether a command
/// is there before the flag has its value, and those of words without a flag.
fn forgotten(command: &Command, program: &str, path: &[&str]) -> String {
    let mut text = String::new();
    for arg in command.get_arguments() {
        let values: Vec<String> = arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
        if values.is_empty() || !arg.get_action().takes_values() {
            continue;
        }
        let values = values.join(" ");
        match arg.get_long() {
            Some(long) if path.is_empty() => text += &format!("complete -c {program} -l {long} -x -a \"{values}\"\n"),
            Some(_) => {}
            None => {
                let seen = path.iter().map(|word| format!("__fish_seen_subcommand_from {word}"));
                let seen = seen.collect::<Vec<_>>().join("; and ");
                text += &format!("complete -c {program} -n \"{seen}\" -f -a \"{values}\"\n");
            }
        }
    }
    for inner in command.get_subcommands() {
        text += &forgotten(inner, program, &[path, &[inner.get_name()]].concat());
    }
    text
}

/// Says what the value of each argument is, by the word for it in the usage.
fn prepared(command: Command, shell: Shell) -> Command {
    let command = command.mut_args(|arg| argument(arg, shell));
    command.mut_subcommands(|command| prepared(command, shell))
}

fn argument(arg: Arg, shell: Shell) -> Arg {
    if !arg.get_action().takes_values() || !arg.get_possible_values().is_empty() {
        return arg;
    }
    let Some(value) = arg.get_value_names().and_then(|names| names.first()).map(ToString::to_string) else {
        return arg;
    };
    match value.as_str() {
        // A line begins with a command; the rest of it is the console's business.
        "LINE" if arg.get_id() == "exec" => {
            let commands = c2_tui::for_tests::commands().iter().filter(|command| !command.full_screen);
            arg.value_parser(PossibleValuesParser::new(commands.map(|command| command.name.clone())))
        }
        "FILE" | "SCRIPT" => arg.value_hint(ValueHint::FilePath),
        "DIR" => arg.value_hint(ValueHint::DirPath),
        // A colon ends the word in zsh.
        _ if shell == Shell::Zsh => arg.value_hint(ValueHint::Other).value_name(value.replace(':', "\\:")),
        _ => arg.value_hint(ValueHint::Other),
    }
}
