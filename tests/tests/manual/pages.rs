//! Pages for man: one for each program and each of its commands, and one for the lines of the console.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Arg, Command};
use clap_mangen::Man;

use super::Files;

/// What each program reads and writes beside what its flags name.
const FILES: [(&str, &[(&str, &str)]); 3] = [
    (
        "c2d",
        &[
            ("~/.local/state/c2d", "Everything that c2d keeps, if no other folder is named."),
            ("config.json", "In that folder: its configuration."),
            ("operator.token, worker.token", "In that folder: secrets for consoles and agents of the same machine."),
            ("jobs.log", "In that folder: a line for each job that ended."),
            ("audit.log", "In that folder: who changed what."),
        ],
    ),
    (
        "c2-agent",
        &[
            ("~/.config/c2-agent/config.json", "Its configuration."),
            ("~/.local/state/c2-agent", "Its own files: identity, token, results that are not delivered yet."),
            ("/tmp/C2/JOB", "The folder in which a job runs."),
        ],
    ),
    (
        "c2-tui",
        &[
            ("~/.config/c2-tui/config.json", "Its configuration: how workers are reached by ssh."),
            ("~/.local/state/c2-tui/login.token", "What `c2-tui login` stored."),
            ("~/.local/state/c2d/operator.token", "The token for the c2d of the same user."),
        ],
    ),
];

/// Variables that are no flags.
const VARIABLES: [(&str, &str, &[&str]); 5] = [
    ("C2_LOG", "What is logged: error, warn, info, debug, trace.", &["c2d", "c2-agent"]),
    ("NO_COLOR", "If it is set, nothing is coloured.", &["c2-tui"]),
    ("TZ", "The time zone of what is shown and typed.", &["c2-tui"]),
    ("XDG_CONFIG_HOME", "In the place of ~/.config.", &["c2-agent", "c2-tui"]),
    ("XDG_STATE_HOME", "In the place of ~/.local/state.", &["c2d", "c2-agent", "c2-tui"]),
];

const LANGUAGE: &str = "c2-commands";
/// The day of the newest change of a page.
const DATE: &str = "2026-11-29";

pub(super) fn add(files: &mut Files, program: Command) {
    let name = program.get_name().to_owned();
    let mut program = program.disable_help_subcommand(true);
    program.build();
    page(files, &program, &name, &name);
}

/// The page of a command, and those of its own commands.
fn page(files: &mut Files, command: &Command, name: &str, program: &str) {
    let mut others = vec![];
    for inner in command.get_subcommands() {
        let inner_name = format!("{name}-{}", inner.get_name());
        page(files, inner, &inner_name, program);
        others.push(format!("{inner_name}(1)"));
    }
    let is_program = name == program;
    let mut text = head(name, 1, &summary(command));
    let usage = command.clone().bin_name(name.replace('-', " ").replace("c2 ", "c2-")).render_usage().to_string();
    let _ = write!(text, ".SH SYNOPSIS\n{}\n", plain(usage.trim_start_matches("Usage: ")));
    let man = Man::new(command.clone());
    let mut sections = Vec::new();
    man.render_description_section(&mut sections).expect("memory takes all of it");
    if command.get_arguments().next().is_some() {
        man.render_options_section(&mut sections).expect("memory takes all of it");
    }
    // Breaks beside the space around a list of values do nothing, and are complained of.
    let sections = String::from_utf8(sections).expect("text");
    text += &sections.replace("\n.br\n\n.br\n", "\n.sp\n");
    if command.has_subcommands() {
        text += ".SH COMMANDS\n";
        for inner in command.get_subcommands() {
            entry(&mut text, &format!("{name}-{}(1)", inner.get_name()), &summary(inner));
        }
    }
    if name == "c2-tui" {
        text += ".SH LINES\nAt the prompt and with \\fB\\-\\-exec\\fR; ";
        let _ = writeln!(text, "\\fB{}\\fR(7) says more of each.", plain(LANGUAGE));
        for command in c2_tui::for_tests::commands().iter().filter(|command| !command.full_screen) {
            entry(&mut text, &command.usage, &command.summary);
        }
    }
    let variables = command.get_arguments().filter_map(|arg| Some((arg.get_env()?, arg.get_long()?)));
    let mut variables: Vec<(String, String)> =
        variables.map(|(name, long)| (name.to_string_lossy().into_owned(), format!("As --{long}."))).collect();
    if is_program {
        let own = VARIABLES.iter().filter(|(_, _, programs)| programs.contains(&program));
        variables.extend(own.map(|(name, what, _)| ((*name).to_owned(), (*what).to_owned())));
    }
    if !variables.is_empty() {
        text += ".SH ENVIRONMENT\nA variable that is set and empty is as good as unset.\n";
        variables.iter().for_each(|(name, what)| entry(&mut text, name, what));
    }
    if let Some((_, own)) = FILES.iter().find(|(program, _)| *program == name) {
        text += ".SH FILES\n";
        own.iter().for_each(|(name, what)| entry(&mut text, name, what));
    }
    if let Some(after) = command.get_after_long_help() {
        for part in after.to_string().split("\n\n") {
            let statuses = part.strip_prefix("Exit status: ");
            text += if statuses.is_some() { ".SH EXIT STATUS\n" } else { ".SH NOTES\n" };
            let _ = writeln!(text, "{}", plain(statuses.unwrap_or(part)));
        }
    }
    let programs = ["c2-agent(1)", "c2-tui(1)", "c2d(1)", "c2-commands(7)"].map(str::to_owned);
    others.extend(programs);
    others.retain(|other| *other != format!("{name}(1)"));
    let _ = write!(text, ".SH SEE ALSO\n{}\n", plain(&others.join(", ")));
    files.insert(PathBuf::from(format!("man/{name}.1")), text.into_bytes());
}

/// The page of the lines that the console understands.
pub(super) fn add_language(files: &mut Files) {
    let mut text = head(LANGUAGE, 7, "what is typed at the prompt of c2-tui and after its --exec");
    text += ".SH DESCRIPTION\n";
    text += "A line is a command with its flags. Words are separated by blanks; quotes and backslashes protect\n\
             them as in a shell, and `#` behind a blank begins a comment. The command of a job is one word, so it\n\
             stands in quotes.\n";
    let mut grammar = c2_tui::for_tests::grammar();
    grammar.build();
    for (heading, full_screen) in [("COMMANDS", false), ("COMMANDS OF THE FULL SCREEN", true)] {
        let _ = writeln!(text, ".SH {heading}");
        for info in c2_tui::for_tests::commands().iter().filter(|command| command.full_screen == full_screen) {
            let _ = write!(
                text,
                ".SS {}\n\\fB{}\\fR\n.PP\n{}.\n",
                plain(&info.name),
                plain(&info.usage),
                plain(&info.summary)
            );
            let command = grammar.find_subcommand(&info.name).expect("it is in the grammar");
            command.get_arguments().filter(|arg| !arg.is_hide_set()).for_each(|arg| flag(&mut text, arg));
            if !info.examples.is_empty() {
                text += ".PP\nExamples:\n.PP\n.nf\n";
                for line in &info.examples {
                    let _ = writeln!(text, "    {}", plain(line));
                }
                text += ".fi\n";
            }
        }
    }
    text += ".SH SEE ALSO\nc2\\-tui(1)\n";
    files.insert(PathBuf::from(format!("man/{LANGUAGE}.7")), text.into_bytes());
}

fn flag(text: &mut String, arg: &Arg) {
    let values = arg.get_value_names().filter(|_| arg.get_action().takes_values()).unwrap_or_default();
    let values = values.iter().map(|value| format!(" <{value}>")).collect::<String>();
    match arg.get_long() {
        Some("help") => {}
        Some(long) => entry(text, &format!("--{long}{values}"), &help(arg)),
        None => entry(text, values.trim_start(), &help(arg)),
    }
}

pub(super) fn help(arg: &Arg) -> String {
    let known: Vec<_> = arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    if known.is_empty() || !arg.get_action().takes_values() { help } else { format!("{help}: {}", known.join(", ")) }
}

fn head(name: &str, section: u8, summary: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let (name, summary) = (plain(name), plain(summary));
    format!(
        ".TH {} {section} \"{DATE}\" \"C2 {version}\" \"C2\"\n.SH NAME\n{name} \\- {summary}\n",
        name.to_uppercase()
    )
}

fn summary(command: &Command) -> String {
    command.get_about().map(ToString::to_string).unwrap_or_default()
}

fn entry(text: &mut String, name: &str, what: &str) {
    let _ = write!(text, ".TP\n\\fB{}\\fR\n{}\n", plain(name), plain(what));
}

/// Text in which nothing means anything to man.
fn plain(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq").replace('`', "\\(ga");
    let guarded = text.lines().map(|line| if line.starts_with('.') { format!("\\&{line}") } else { line.to_owned() });
    guarded.collect::<Vec<_>>().join("\n")
}
