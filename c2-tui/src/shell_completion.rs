//! `c2-tui complete`, which shells ask when Tab is pressed: what fits at the end of a command line, with the names that
//! only c2d knows.
//!
//! A person waits at a prompt. So c2d has little time to answer, and errors are silent.

use std::time::Duration;

use c2_shared::client::{Client, ClientError};
use c2_shared::home;

use crate::app::cache::Cache;
use crate::app::figures::Asked;
use crate::app::line::{Source, complete, operand_at_end};
use crate::app::text::sanitize;
use crate::arguments::PlaceFlags;
use crate::command::{LexError, Operand, scan};
use crate::connect;

/// How long c2d may take to answer.
const ANSWER: Duration = Duration::from_millis(400);

/// A line of the console that stands in a command line of a shell, and is completed at its end.
#[derive(Debug, PartialEq, Eq)]
struct Inner {
    line: String,
    /// Where in it the word of the shell begins.
    from: usize,
    /// Whether a quote of the shell is open there.
    is_quoted: bool,
    is_run: bool,
}

/// What fits at the end of a command line, one a line: what its last word becomes, a tab, and what that is. For bash,
/// which says what it will replace, it is only that, as bash puts it there.
pub(crate) async fn offers(command_line: &str, of_bash: Option<&str>, place: &PlaceFlags) -> String {
    let Some((inner, place)) = inner(command_line, place) else { return String::new() };
    let operand = operand_at_end(&inner.line);
    let is_first = !inner.line.contains(char::is_whitespace);
    if is_first || (inner.is_run && !operand.is_some_and(is_known_to_c2d)) {
        return String::new();
    }
    let known = match operand.filter(|operand| is_known_to_c2d(*operand)) {
        None => Some((Cache::default(), None)),
        Some(operand) => match connect::client(&place.place()) {
            Ok(client) => tokio::time::timeout(ANSWER, known(&client, operand)).await.ok().and_then(Result::ok),
            Err(_) => None,
        },
    };
    let Some((cache, told)) = known else { return String::new() };
    let source = Source { cache: &cache, folder: None, told };
    let (completion, _) = complete(&inner.line, inner.line.len(), source);
    let before = &inner.line[inner.from..completion.start.max(inner.from)];
    let mut text = String::new();
    for choice in completion.choices {
        // A name of several words would have to be quoted in a quoted line; its job has an id, too.
        if choice.text.contains(|c: char| c.is_whitespace() || c.is_control() || "'\"\\".contains(c)) {
            continue;
        }
        let whole = format!("{before}{}", choice.text);
        text += &match of_bash {
            Some(replaced) => format!("{}\n", for_bash(&whole, &inner, replaced)),
            None => format!("{whole}\t{}\n", sanitize(&choice.words)),
        };
    }
    text
}

/// The line of the console at the end of a command line, and where it is to be run.
fn inner(command_line: &str, place: &PlaceFlags) -> Option<(Inner, PlaceFlags)> {
    let (mut words, open) = scan(command_line);
    let is_in_word = words.last().is_some_and(|word| open.is_some() || word.span.end == command_line.len());
    let is_quoted = matches!(open, Some(LexError::OpenQuote { .. }));
    let last = words.pop_if(|_| is_in_word).map_or_else(String::new, |word| word.text);
    // zsh leaves out the program before a subcommand.
    let is_bare = words.first().is_some_and(|word| word.text == "run");
    let words: Vec<&str> = words.iter().skip(usize::from(!is_bare)).map(|word| word.text.as_str()).collect();
    let place = place_of(&words, place);
    let of_flag = |word: &str| word.starts_with("--") && word.len() > 2 && !word.contains('=');
    let before = words.last().filter(|word| of_flag(word));
    if words.first() == Some(&"run") {
        let flag = match (before, last.split_once('=')) {
            (Some(flag), _) => *flag,
            (None, Some((flag, _))) if flag.starts_with("--") => flag,
            _ => return None,
        };
        if words.contains(&"--") {
            return None;
        }
        let value = if before.is_some() { last.as_str() } else { &last[flag.len() + 1..] };
        let from = format!("submit {flag}=").len();
        let line = format!("submit {flag}={value}");
        return Some((Inner { line, from, is_quoted, is_run: true }, place));
    }
    let line = match (before, last.strip_prefix("--exec=")) {
        (Some(&"--exec"), _) => last.as_str(),
        (_, Some(value)) => value,
        _ => return None,
    };
    Some((Inner { line: line.to_owned(), from: 0, is_quoted, is_run: false }, place))
}

/// Where c2d is, as the command line says.
fn place_of(words: &[&str], from_environment: &PlaceFlags) -> PlaceFlags {
    let said = |name: &str| {
        let places = words.iter().enumerate().rev();
        places
            .filter_map(|(at, word)| match word.strip_prefix(name)? {
                "" => words.get(at + 1).map(|value| (*value).to_owned()),
                rest => rest.strip_prefix('=').map(str::to_owned),
            })
            .next()
    };
    let path = |name: &str| said(name).map(|path| home::expand(path.as_ref()));
    PlaceFlags {
        server: said("--server").or_else(|| from_environment.server.clone()),
        token_file: path("--token-file").or_else(|| from_environment.token_file.clone()),
        data_dir: path("--data-dir").or_else(|| from_environment.data_dir.clone()),
    }
}

const fn is_known_to_c2d(operand: Operand) -> bool {
    match operand {
        Operand::Job
        | Operand::Worker
        | Operand::Target
        | Operand::Group
        | Operand::Tag
        | Operand::Schedule
        | Operand::Notification
        | Operand::Batch => true,
        Operand::Action | Operand::Path | Operand::Place | Operand::Verb | Operand::Shell | Operand::Text => false,
    }
}

/// What c2d knows of such names.
async fn known(client: &Client, operand: Operand) -> Result<(Cache, Option<Asked>), ClientError> {
    let mut cache = Cache::default();
    let told = match operand {
        Operand::Schedule => {
            cache.take_schedules(client.schedules().await?);
            Some(Asked::Schedules)
        }
        Operand::Notification => {
            let list = client.notifications().await?.notifications.into_iter();
            cache.notifications = list.map(|row| (row.name, row.to)).collect();
            Some(Asked::Notifications)
        }
        _ => {
            if let Some(event) = client.events().await?.next().await? {
                cache.apply(event, 0);
            }
            None
        }
    };
    Ok((cache, told))
}

/// The part of a word that bash replaces, quoted as that is.
fn for_bash(whole: &str, inner: &Inner, replaced: &str) -> String {
    // The quote is closed, as bash does where one word is left: it replaces all of the word then.
    if let Some(quote) = replaced.chars().next().filter(|first| !inner.is_quoted && ['"', '\''].contains(first)) {
        return format!("{quote}{whole}{quote}");
    }
    let typed = &inner.line[inner.from..];
    let replaced = match inner.is_quoted {
        true => replaced.trim_start_matches(['"', '\'']).to_owned(),
        false => scan(replaced).0.pop().map_or_else(String::new, |word| word.text),
    };
    let kept = typed.strip_suffix(&replaced).map_or(0, str::len);
    let rest = whole.get(kept..).unwrap_or(whole);
    if inner.is_quoted {
        return rest.to_owned();
    }
    let mut escaped = String::new();
    for c in rest.chars() {
        if !c.is_alphanumeric() && !"_-./:,@%+=".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(command_line: &str) -> Option<(String, usize)> {
        inner(command_line, &PlaceFlags::default()).map(|(inner, _)| (inner.line, inner.from))
    }

    #[test]
    fn the_line_of_the_console_is_found() {
        let line = |line: &str, from: usize| Some((line.to_owned(), from));
        let table = [
            ("c2-tui --exec 'cancel tr", line("cancel tr", 0)),
            ("c2-tui --exec 'cancel ", line("cancel ", 0)),
            ("c2-tui --exec \"cancel tr", line("cancel tr", 0)),
            ("c2-tui --exec cancel\\ tr", line("cancel tr", 0)),
            ("c2-tui --exec='cancel tr", line("cancel tr", 0)),
            ("c2-tui --json --exec list --exec 'why ", line("why ", 0)),
            ("c2-tui run --group ", line("submit --group=", 15)),
            ("c2-tui run --group=g", line("submit --group=g", 15)),
            ("run --name x --group g", line("submit --group=g", 15)),
            ("c2-tui run --group=g ", None),
            ("c2-tui run --group=g -- cat --exec=", None),
            ("c2-tui --server ", None),
            ("c2-tui ", None),
            ("", None),
        ];
        for (command_line, expected) in table {
            assert_eq!(of(command_line), expected, "{command_line:?}");
        }
    }

    #[test]
    fn c2d_is_where_the_command_line_says() {
        let environment = PlaceFlags { server: Some("env".to_owned()), ..PlaceFlags::default() };
        let server = |line: &str| inner(line, &environment).and_then(|(_, place)| place.server);
        assert_eq!(server("c2-tui --exec 'why ").as_deref(), Some("env"));
        assert_eq!(server("c2-tui --server nas --exec 'why ").as_deref(), Some("nas"));
        assert_eq!(server("c2-tui run --server=nas:1 --group ").as_deref(), Some("nas:1"));
    }

    #[test]
    fn bash_gets_what_it_replaces() {
        let table = [
            ("c2-tui --exec 'cancel @batch:n", "cancel @batch:n", "cancel @batch:night", "cancel @batch:night"),
            ("c2-tui --exec 'why tr", "'why tr", "why train", "why train"),
            ("c2-tui --exec 'why train'", "'why train'", "why train", "'why train'"),
            ("c2-tui --exec \"why tr\"", "\"why tr\"", "why train", "\"why train\""),
            ("c2-tui --exec cancel\\ tr", "cancel\\ tr", "cancel train", "cancel\\ train"),
            ("c2-tui run --depends @batch:n", "n", "@batch:night", "night"),
            ("c2-tui run --depends=", "", "job-1", "job-1"),
        ];
        for (line, replaced, whole, expected) in table {
            let (inner, _) = inner(line, &PlaceFlags::default()).unwrap();
            assert_eq!(for_bash(whole, &inner, replaced), expected, "{line}");
        }
    }

    #[tokio::test]
    async fn without_c2d_it_is_silent() {
        let nowhere = PlaceFlags { server: Some("127.0.0.1:9".to_owned()), ..PlaceFlags::default() };
        assert_eq!(offers("c2-tui --exec 'cancel ", None, &nowhere).await, "");
        assert_eq!(offers("c2-tui --exec 'can", None, &nowhere).await, "", "shells know the verbs");
        let flags = offers("c2-tui --exec 'cancel --", None, &nowhere).await;
        assert!(flags.starts_with("cancel --"), "{flags:?}");
        let values = offers("c2-tui --exec 'submit x --on-lost=re", Some("'submit x --on-lost=re"), &nowhere).await;
        assert_eq!(values, "submit x --on-lost=requeue\n");
    }
}
