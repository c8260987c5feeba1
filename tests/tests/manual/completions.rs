//! What shells complete, made by clap's generator from a copy of the program that it understands well.

use std::path::PathBuf;

use c2_shared::config::Via;
use c2_shared::worker::Neighbour;
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
        let mut text = String::from_utf8(text).expect("completions are text");
        match shell {
            Shell::Bash => text = called_alike(&text, name),
            Shell::Fish => text += &forgotten(&prepared, name, &[]),
            _ => {}
        }
        if name == "c2-tui" {
            text = with_names(&text, &prepared, shell);
        }
        files.insert(PathBuf::from(file), text.into_bytes());
    }
}

/// The generator for bash sets a command by one name and looks for it by another where the program's own name has
/// a dash.
fn called_alike(text: &str, name: &str) -> String {
    text.replace(&name.replace('-', "__subcmd__"), &name.replace('-', "__"))
}

/// Words of the usage that stand for names which only c2d knows.
const NAMES: [&str; 6] = ["JOB", "WORKER", "GROUP", "TAG", "NOTIFICATION", "BATCH"];

/// bash asks c2-tui first, which is silent where the words of the generator are all that fits.
const BASH: &str = r#"
_c2_tui_names() {
    local IFS=$'\n' found
    found=($("$1" complete --bash "$2" -- "${COMP_LINE:0:COMP_POINT}" 2>/dev/null))
    if [[ ${#found[@]} -gt 0 ]]; then
        COMPREPLY=("${found[@]}")
        compopt -o nospace 2>/dev/null
    else
        unset IFS
        _c2__tui "$@"
    fi
}
"#;

/// zsh asks where the generator has a word for a name, and for lines of the console.
const ZSH: &str = r#"(( $+functions[_c2_tui_names] )) ||
_c2_tui_names() {
    local -a found shown
    local before="${(j: :)words[1,CURRENT-1]}"
    found=("${(@f)$("${_comp_command1:-c2-tui}" complete -- "$before $QIPREFIX$IPREFIX$PREFIX" 2>/dev/null)}")
    found=(${found:#})
    if (( $#found )); then
        shown=("${(@)found//$'\t'/  }")
        found=("${(@)found%%$'\t'*}")
        compadd -l -S '' -d shown -a found
    elif [[ "$1" != names ]]; then
        compadd -- "$@"
    fi
}
"#;

const FISH: &str = r#"
function __c2_tui_names
    set -l program (commandline -opc)[1]
    $program complete -- (commandline -cp | string collect) 2>/dev/null
end
complete -c c2-tui -l exec -x -a "(__c2_tui_names)"
"#;

/// Completions of c2-tui that ask it for names.
fn with_names(text: &str, program: &Command, shell: Shell) -> String {
    let run = program.find_subcommand("run").expect("c2-tui runs commands");
    let is_name = |arg: &&Arg| arg.get_value_names().is_some_and(|of| of.iter().any(|name| NAMES.contains(&&**name)));
    match shell {
        Shell::Bash => {
            let (functions, end) = text.split_at(text.rfind("\nif [[").expect("it is loaded at its end"));
            functions.to_owned() + BASH + &end.replace("-F _c2__tui ", "-F _c2_tui_names ")
        }
        Shell::Zsh => {
            let asking = NAMES.iter().fold(text.to_owned(), |text, name| {
                text.replace(&format!("]:{name}:'"), &format!("]:{name}:_c2_tui_names names'"))
            });
            let verbs = asking.find("]:LINE:(").expect("--exec has verbs");
            let (before, after) = asking.split_at(verbs + "]:LINE:".len());
            let (verbs, after) = after[1..].split_once(')').expect("they are in brackets");
            let asking = format!("{before}_c2_tui_names {verbs}{after}");
            let at = asking.find("\nif [ \"$funcstack").expect("it is loaded at its end") + 1;
            format!("{}{ZSH}\n{}", &asking[..at], &asking[at..])
        }
        _ => {
            let flags = run.get_arguments().filter(is_name).filter_map(Arg::get_long);
            let flags = flags.map(|flag| {
                let when = "__fish_c2_tui_using_subcommand run";
                format!("complete -c c2-tui -n \"{when}\" -l {flag} -x -a \"(__c2_tui_names)\"\n")
            });
            text.to_owned() + FISH + &flags.collect::<String>()
        }
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
        "SCHEDULER" => arg.value_parser(PossibleValuesParser::new(Via::ALL.map(|via| via.to_string()))),
        "user,gpu,battery" => arg.value_parser(PossibleValuesParser::new(Neighbour::ALL.map(Neighbour::word))),
        "FILE" | "SCRIPT" => arg.value_hint(ValueHint::FilePath),
        "DIR" => arg.value_hint(ValueHint::DirPath),
        // A colon ends the word in zsh.
        _ if shell == Shell::Zsh => arg.value_hint(ValueHint::Other).value_name(value.replace(':', "\\:")),
        _ => arg.value_hint(ValueHint::Other),
    }
}
