//! Whether a command of a shell is whole, for files in which a line is a command: by the one reader that follows the
//! quoting of shells.

use crate::command::quoting::{Context, Reader};

/// Why the shell would read on behind a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unfinished {
    /// A backslash joins the next line.
    Joined,
    /// A quote is open that began at this column.
    Quote(char, usize),
    HereDocument,
    Parenthesis,
    /// A word or operator behind which a command follows.
    Word(&'static str),
    /// A word that begins a command whose end is missing.
    Begun(&'static str),
    /// A word that belongs to a command that began before.
    Continued(&'static str),
}

impl Unfinished {
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Joined => "the line ends after a backslash".to_owned(),
            Self::Quote(quote, column) => format!("the quote {quote} at column {column} is not closed"),
            Self::HereDocument => "a here-document begins, and its text would be in the next lines".to_owned(),
            Self::Parenthesis => "a parenthesis is not closed".to_owned(),
            Self::Begun(word) => format!("{word:?} begins a command that continues in the next lines"),
            Self::Continued(word) => format!("{word:?} belongs to a command that began in a line before"),
            Self::Word(word) => format!("the line ends with {word:?}, so the command continues in the next"),
        }
    }
}

/// What is open at the end of a command; nothing if it is whole.
pub(crate) fn unfinished(command: &str) -> Option<Unfinished> {
    let mut reader = Reader::new(command, &[]);
    let mut plain_at = 0;
    while reader.at < command.len() {
        if reader.is_plain() {
            plain_at = reader.at;
        }
        reader.step().expect("nothing is misplaced where nothing is inserted");
    }
    let quote = reader.within.iter().find_map(|context| match context {
        Context::SingleQuotes => Some('\''),
        Context::DoubleQuotes => Some('"'),
        Context::Backticks => Some('`'),
        Context::Commands | Context::Comment | Context::Arithmetic(_) => None,
    });
    if reader.joined {
        return Some(Unfinished::Joined);
    }
    if let Some(quote) = quote {
        return Some(Unfinished::Quote(quote, command[..plain_at].chars().count() + 1));
    }
    if reader.documented || !reader.heres.is_empty() {
        return Some(Unfinished::HereDocument);
    }
    let is_comment = reader.within.last() == Some(&Context::Comment);
    if reader.within.len() > 1 + usize::from(is_comment) {
        return Some(Unfinished::Parenthesis);
    }
    if !is_comment && let Some(word) = goes_on_behind(command) {
        return Some(Unfinished::Word(word));
    }
    let first = command.split([' ', '\t', '\n', ';']).next().unwrap_or_default();
    let continued = WITHIN.iter().chain(&CLOSING).find(|word| **word == first);
    continued
        .map(|word| Unfinished::Continued(word))
        .or_else(|| open(command).last().map(|word| Unfinished::Begun(word)))
}

/// Words of a shell that begin a command of several lines, those within it, and those that end it.
pub(crate) const OPENING: [&str; 7] = ["for", "while", "until", "if", "case", "select", "{"];
const WITHIN: [&str; 4] = ["do", "then", "else", "elif"];
const CLOSING: [&str; 4] = ["done", "fi", "esac", "}"];
/// Behind these begins a command, as at the beginning of a line; behind these words only where one begins.
const SEPARATORS: [&str; 5] = [";", "&", "|", "(", ")"];
const BEFORE: [&str; 3] = ["{", "!", "time"];

/// The words that begin commands of several lines which are open at the end of a text.
pub(crate) fn open(text: &str) -> Vec<&'static str> {
    let mut open = Vec::new();
    for line in bare(text).lines() {
        let mut begins = true;
        let line = SEPARATORS.iter().fold(line.to_owned(), |line, c| line.replace(c, &format!(" {c} ")));
        for word in line.split_whitespace() {
            match OPENING.iter().find(|opening| **opening == word) {
                _ if !begins => {}
                Some(opening) => open.push(*opening),
                None if CLOSING.contains(&word) => drop(open.pop()),
                None => {}
            }
            begins = SEPARATORS.contains(&word) || begins && (WITHIN.contains(&word) || BEFORE.contains(&word));
        }
    }
    open
}

/// A command in which what is quoted or stands for something else is a `_`, without its comments and here-documents:
/// for those who look for words of the shell in it.
pub(crate) fn bare(command: &str) -> String {
    let mut reader = Reader::new(command, &[]);
    let mut bare = String::new();
    while reader.at < command.len() {
        let (at, was_plain) = (reader.at, reader.is_plain());
        reader.step().expect("nothing is misplaced where nothing is inserted");
        let taken = &command[at..reader.at];
        match taken.chars().next() {
            _ if !was_plain => {}
            _ if !reader.is_plain() => bare.extend((reader.within.last() != Some(&Context::Comment)).then_some('_')),
            Some('\\' | '$') => bare.push('_'),
            Some('\n') => bare.push('\n'),
            _ => bare.push_str(taken),
        }
    }
    bare
}

/// The operator or the word of the shell with which a command ends, if another has to follow.
fn goes_on_behind(command: &str) -> Option<&'static str> {
    let text = command.trim_end();
    if let Some(operator) = ["&&", "||", "|"].into_iter().find(|operator| text.ends_with(operator)) {
        return (!text.ends_with("\\|")).then_some(operator);
    }
    ["do", "then", "else", "{"].into_iter().find(|word| {
        let Some(before) = text.strip_suffix(word) else { return false };
        let separated = before.is_empty() || before.ends_with([' ', '\t', ';', '\n', ')']);
        // As an argument the same word means nothing: `echo do`.
        separated && (before.trim_end().is_empty() || before.trim_end().ends_with([';', '&', '|', ')', '\n']))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_open_is_known() {
        use Unfinished::{Begun, Continued, HereDocument, Joined, Parenthesis, Quote, Word};
        let table = [
            ("make", None),
            ("echo \"a b\" 'c' # don't", None),
            ("cat <<EOF\nx\nEOF", None),
            ("cat <<<x", None),
            ("echo do", None),
            ("echo a \\|", None),
            ("for i in 1 2; do echo $i; done", None),
            ("f() { echo; }; f", None),
            ("case $x in a) echo b;; esac", None),
            ("(cd x && make)", None),
            ("make # a \\", None),
            ("echo 'a \\", Some(Quote('\'', 6))),
            ("a \\", Some(Joined)),
            ("a \"b \\", Some(Joined)),
            ("a \\\\", None),
            ("echo é \"a", Some(Quote('"', 8))),
            ("echo \"$(date '+%H\"", Some(Quote('"', 6))),
            ("echo `date", Some(Quote('`', 6))),
            ("cat <<EOF", Some(HereDocument)),
            ("cat <<EOF | wc", Some(HereDocument)),
            ("cat <<EOF\nx\nEO", Some(HereDocument)),
            ("cat <<A <<B\nA\nx", Some(HereDocument)),
            ("echo $((1 << 2))", None),
            ("(cd x", Some(Parenthesis)),
            ("x=$(date", Some(Parenthesis)),
            ("make &&", Some(Word("&&"))),
            ("make ||", Some(Word("||"))),
            ("make |", Some(Word("|"))),
            ("while true; do", Some(Word("do"))),
            ("if x; then", Some(Word("then"))),
            ("f() {", Some(Word("{"))),
            ("{", Some(Word("{"))),
            ("if true", Some(Begun("if"))),
            ("for i in 1 2", Some(Begun("for"))),
            ("case $x in", Some(Begun("case"))),
            ("while read a; do case $a in x) y;; esac", Some(Begun("while"))),
            ("then echo x", Some(Continued("then"))),
            ("done", Some(Continued("done"))),
            ("} | wc", Some(Continued("}"))),
            ("do-it && fi.sh", None),
            ("(x; if y; then z; fi)", None),
            ("f() { if x; then y; fi; }; f", None),
            ("! if x; then y; fi", None),
            ("time for i in 1; do x; done", None),
            ("{ date; echo x; } > log", None),
            ("case $1 in a) if x; then y; fi;; esac", None),
            ("for f in *; do echo $f & done; wait", None),
            ("[ -f x ] && { make; } || exit", None),
            ("find . -name if -o -name case", None),
            ("x=$(if a; then b; fi); echo $x", None),
            ("while read l; do for i in $l; do [ $i ] && break; done; done <f", None),
            ("make if=/dev/zero for x", None),
        ];
        for (command, expected) in table {
            assert_eq!(unfinished(command), expected, "{command}");
        }
    }

    #[test]
    fn what_is_quoted_is_no_word_of_the_shell() {
        let table = [
            ("echo 'a b' \"c\" `d` e", "echo _ _ _ e"),
            ("for i in ${x%.*} $y; do # done", "for i in _} _y; do "),
            ("cat <<E\ndone\nE\necho \\done", "cat <<E\necho _one"),
            ("(a \"$(b)\") $((1+2))", "(a _) _"),
        ];
        for (command, expected) in table {
            assert_eq!(bare(command), expected, "{command}");
        }
    }
}
