//! Where in shell text an inserted word stays one word: only where the shell reads plain words.
//!
//! An input is quoted before it is put into a command. Between quotes of the command its own quotes
//! would end these, and the shell would read the rest of it. This reader follows the quoting of a
//! command just so far; where shells differ it says that the place is unclear.

use std::collections::VecDeque;

/// Where a word cannot be inserted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    SingleQuotes,
    DoubleQuotes,
    Backticks,
    Arithmetic,
    HereDocument,
    Comment,
    Backslash,
    Dollar,
    Parameter,
    Unclear,
}

impl Place {
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::SingleQuotes => "in single quotes",
            Self::DoubleQuotes => "in double quotes",
            Self::Backticks => "in backticks",
            Self::Arithmetic => "in arithmetic",
            Self::HereDocument => "in a here-document",
            Self::Comment => "in a comment",
            Self::Backslash => "behind a backslash",
            Self::Dollar => "behind a $",
            Self::Parameter => "in ${..}",
            Self::Unclear => "behind quotes that not every shell reads alike",
        }
    }
}

/// Finds the first of the `marks` at which no word can be inserted: its byte, itself and why.
pub(crate) fn misplaced<'a>(command: &'a str, marks: &[&str]) -> Option<(usize, &'a str, Place)> {
    let mut reader = Reader::new(command, marks);
    while reader.at < command.len() {
        let at = reader.at;
        if let Err(place) = reader.step() {
            let found = |at: usize| Some((at, mark_at(&command[at..], marks)?));
            let (at, mark) = (at..command.len()).filter(|at| command.is_char_boundary(*at)).find_map(found)?;
            return Some((at, mark, place));
        }
    }
    None
}

fn mark_at<'a>(text: &'a str, marks: &[&str]) -> Option<&'a str> {
    marks.iter().find(|mark| text.starts_with(**mark)).map(|mark| &text[..mark.len()])
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Context {
    /// Commands: the whole text, or what stands in `(..)` or `$(..)`.
    Commands,
    Comment,
    SingleQuotes,
    DoubleQuotes,
    Backticks,
    /// With this many open parentheses.
    Arithmetic(usize),
}

pub(super) struct Reader<'a> {
    command: &'a str,
    pub(super) at: usize,
    pub(super) within: Vec<Context>,
    /// Whether a word begins here, so that `#` begins a comment.
    begins: bool,
    unclear: bool,
    /// Here-documents whose text begins behind this line.
    pub(super) heres: VecDeque<Here>,
    marks: &'a [&'a str],
    /// The last character is a backslash that joins what would follow.
    pub(super) joined: bool,
    /// The text ends within a here-document.
    pub(super) documented: bool,
}

pub(super) struct Here {
    end: String,
    tabs: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(command: &'a str, marks: &'a [&'a str]) -> Self {
        Self {
            command,
            at: 0,
            within: vec![Context::Commands],
            begins: true,
            unclear: false,
            heres: VecDeque::new(),
            marks,
            joined: false,
            documented: false,
        }
    }

    /// Whether no quote, no comment and the like is open.
    pub(super) fn is_plain(&self) -> bool {
        self.within.iter().all(|context| *context == Context::Commands)
    }

    fn rest(&self) -> &'a str {
        &self.command[self.at..]
    }

    fn take(&mut self, text: &str) -> bool {
        let is_next = self.rest().starts_with(text);
        if is_next {
            self.at += text.len();
        }
        is_next
    }

    fn mark(&self) -> Option<&'a str> {
        mark_at(self.rest(), self.marks)
    }

    /// Reads a character, or some that mean something together; fails at a mark that is misplaced.
    pub(super) fn step(&mut self) -> Result<(), Place> {
        if let Some(mark) = self.mark() {
            self.check(mark)?;
            self.at += mark.len();
            self.begins = false;
            return Ok(());
        }
        let begins = std::mem::replace(&mut self.begins, false);
        match self.within.last().copied().unwrap_or(Context::Commands) {
            Context::Commands => self.in_commands(begins),
            Context::Comment => {
                if self.rest().starts_with('\n') {
                    self.within.pop();
                } else {
                    self.skip();
                }
                Ok(())
            }
            Context::SingleQuotes => {
                if self.skip() == Some('\'') {
                    self.within.pop();
                }
                Ok(())
            }
            Context::DoubleQuotes if self.take("\"") => {
                self.within.pop();
                Ok(())
            }
            Context::DoubleQuotes => self.in_any_words(),
            Context::Backticks => {
                match self.skip() {
                    Some('`') => drop(self.within.pop()),
                    Some('\\') => drop(self.skip()),
                    _ => {}
                }
                Ok(())
            }
            Context::Arithmetic(open) => {
                self.in_arithmetic(open);
                Ok(())
            }
        }
    }

    /// Where quotes have their usual meaning.
    fn in_commands(&mut self, begins: bool) -> Result<(), Place> {
        let rest = self.rest();
        // Its patterns end with a parenthesis that closes nothing.
        let is_case = begins && rest.strip_prefix("case").is_some_and(|rest| rest.starts_with([' ', '\t']));
        if is_case && self.within.contains(&Context::DoubleQuotes) {
            self.unclear = true;
        }
        if begins && rest.starts_with('#') {
            self.within.push(Context::Comment);
        } else if self.take("'") {
            self.within.push(Context::SingleQuotes);
        } else if self.take("\"") {
            self.within.push(Context::DoubleQuotes);
        } else if self.take("$'") {
            // Some shells know escapes there.
            let text = self.rest();
            self.unclear |= text.find('\'').is_some_and(|end| text[..end].ends_with('\\'));
            self.within.push(Context::SingleQuotes);
        } else if self.take("((") {
            self.within.push(Context::Arithmetic(2));
        } else if self.take("(") {
            self.within.push(Context::Commands);
            self.begins = true;
        } else if self.take(")") {
            if self.within.len() > 1 {
                self.within.pop();
            }
            self.begins = true;
        } else if self.take("<<<") {
            self.begins = true;
        } else if self.take("<<") {
            self.here()?;
        } else if self.take("\n") {
            self.begins = true;
            self.documents()?;
        } else if rest.starts_with([' ', '\t', ';', '&', '|', '<', '>']) {
            self.skip();
            self.begins = true;
        } else {
            self.in_any_words()?;
        }
        Ok(())
    }

    /// What is special in double quotes and outside of them.
    fn in_any_words(&mut self) -> Result<(), Place> {
        if self.take("\\") {
            if self.mark().is_some() {
                return Err(Place::Backslash);
            }
            self.joined = self.skip().is_none();
        } else if self.take("`") {
            self.within.push(Context::Backticks);
        } else if self.take("$((") {
            self.within.push(Context::Arithmetic(2));
        } else if self.take("$(") {
            self.within.push(Context::Commands);
            self.begins = true;
        } else if self.take("$") {
            if self.mark().is_some() {
                return Err(Place::Dollar);
            }
            if self.take("{") {
                // A parameter, perhaps with words that may be quoted by rules of their own.
                let end = self.rest().find('}').unwrap_or(self.rest().len());
                let is_within = |mark: &&str| self.rest().find(*mark).is_some_and(|found| found < end);
                if self.marks.iter().any(is_within) {
                    return Err(Place::Parameter);
                }
                self.unclear |= self.rest()[..end].contains(['\'', '"', '\\', '`', '$', '{']);
                self.at += end;
            }
        } else {
            self.skip();
        }
        Ok(())
    }

    fn in_arithmetic(&mut self, open: usize) {
        let open = match self.skip() {
            Some('(') => open + 1,
            Some(')') => open - 1,
            Some('\'' | '"' | '\\' | '`') => {
                self.unclear = true;
                open
            }
            _ => open,
        };
        self.within.pop();
        if open > 0 {
            self.within.push(Context::Arithmetic(open));
        }
    }

    /// Reads the word that ends a here-document.
    fn here(&mut self) -> Result<(), Place> {
        let tabs = self.take("-");
        while self.take(" ") || self.take("\t") {}
        let len = self.rest().find([' ', '\t', '\n', ';', '&', '|', '<', '>', '(', ')']);
        let word = &self.rest()[..len.unwrap_or(self.rest().len())];
        if self.marks.iter().any(|mark| word.contains(mark)) {
            return Err(Place::HereDocument);
        }
        let is_open = |quote: char| word.matches(quote).count() % 2 == 1;
        self.unclear |= word.contains(['$', '`']) || is_open('\'') || is_open('"');
        self.at += word.len();
        self.heres.push_back(Here { end: word.replace(['\'', '"', '\\'], ""), tabs });
        Ok(())
    }

    /// Passes over the here-documents that begin here.
    fn documents(&mut self) -> Result<(), Place> {
        while let Some(here) = self.heres.pop_front() {
            let mut joined = false;
            loop {
                let rest = self.rest();
                let line = rest.split_inclusive('\n').next().unwrap_or_default();
                let text = line.strip_suffix('\n').unwrap_or(line);
                let bare = if here.tabs { text.trim_start_matches('\t') } else { text };
                // A backslash joins two lines, and then the second ends nothing.
                self.documented = rest.is_empty();
                if self.documented || (bare == here.end && !joined) {
                    self.at += line.len();
                    break;
                }
                if self.marks.iter().any(|mark| line.contains(mark)) {
                    return Err(Place::HereDocument);
                }
                joined = text.ends_with('\\');
                self.at += line.len();
            }
        }
        Ok(())
    }

    /// Passes over a character.
    fn skip(&mut self) -> Option<char> {
        let next = self.rest().chars().next()?;
        self.at += next.len_utf8();
        Some(next)
    }

    /// Whether a word can be inserted here; a number needs no quotes and may stand in arithmetic.
    fn check(&self, mark: &str) -> Result<(), Place> {
        // In backticks a backslash means something else, however deep it stands. Otherwise quoting begins anew in `$(..)`.
        let backticks = self.within.contains(&Context::Backticks).then_some(Place::Backticks);
        let quotes = backticks.or(match self.within.last() {
            None | Some(Context::Commands) => None,
            // Which a name with a line end would leave.
            Some(Context::Comment) => Some(Place::Comment),
            Some(Context::SingleQuotes) => Some(Place::SingleQuotes),
            Some(Context::DoubleQuotes) => Some(Place::DoubleQuotes),
            Some(Context::Backticks) => Some(Place::Backticks),
            Some(Context::Arithmetic(_)) if mark == "{#}" => None,
            Some(Context::Arithmetic(_)) => Some(Place::Arithmetic),
        });
        match quotes {
            _ if self.unclear => Err(Place::Unclear),
            Some(place) => Err(place),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARKS: [&str; 6] = ["{//}", "{/.}", "{/}", "{.}", "{#}", "{}"];

    #[test]
    fn words_are_inserted_only_where_the_shell_reads_words() {
        use Place::{
            Arithmetic, Backslash, Backticks, Comment, Dollar, DoubleQuotes, HereDocument, Parameter, SingleQuotes,
            Unclear,
        };
        let table = [
            ("echo {}", None),
            ("cp {} out/{.}.txt && echo x{/}y{//}{/.}", None),
            ("echo 'a' \"b\" {} 'c'", None),
            ("echo it\\'s {}", None),
            ("echo \\\\{}", None),
            ("x={}; echo \"$x\" \"${x}\" \"${x%.*}\" ${#x} {}", None),
            ("echo $(basename {}) $(echo \"$(date)\") {}", None),
            ("(cd {} && ls) | grep -c '' >{}.n", None),
            ("echo \"$(date '+%H \"x')\" {}", None),
            ("echo \"`date \\\"+%H\\\"`\" {}", None),
            ("echo $((1 << 2)) {} $(( {#} + 1 ))", None),
            ("echo a # don't\necho {}", None),
            ("echo a#'b' {} # \"", None),
            ("echo a#'b' {} # \"{}", Some((17, "{}", Comment))),
            ("echo $(echo {} # {.}\n)", Some((17, "{.}", Comment))),
            ("case {} in a) echo {};; *) echo \"b\";; esac", None),
            ("f() { echo \"$#\" $# $$; }; f {}", None),
            ("cat <<EOF >{}\nit's \"\nEOF\necho {}", None),
            ("cat <<-'EF' <<\"B\"\n\tx\n\tEF\n'\nB\necho {}", None),
            ("cat <<\\E; echo {}\n`\nE\necho {}", None),
            ("cat <<<{}", None),
            ("echo '{}'", Some((6, "{}", SingleQuotes))),
            ("echo \"{}\"", Some((6, "{}", DoubleQuotes))),
            ("echo {} \"out/{.}.txt\"", Some((13, "{.}", DoubleQuotes))),
            ("echo \"{/}\"", Some((6, "{/}", DoubleQuotes))),
            ("echo '{//}'", Some((6, "{//}", SingleQuotes))),
            ("echo 'x{/.}'", Some((7, "{/.}", SingleQuotes))),
            ("echo \"{#}\"", Some((6, "{#}", DoubleQuotes))),
            ("echo \"a\\\"{}\"", Some((9, "{}", DoubleQuotes))),
            ("echo `cat {}`", Some((10, "{}", Backticks))),
            ("echo \"$(cat {})\"", None),
            ("echo \"$(echo 'a' {})\" '{}'", Some((23, "{}", SingleQuotes))),
            ("echo \"`echo $(cat {})`\"", Some((18, "{}", Backticks))),
            ("echo $(( $(cat {}) + {} ))", Some((15, "{}", Arithmetic))),
            ("echo \"$(echo \"{}\")\"", Some((14, "{}", DoubleQuotes))),
            ("echo $(echo '{}')", Some((13, "{}", SingleQuotes))),
            ("echo \\{}", Some((6, "{}", Backslash))),
            ("echo \\\\\\{}", Some((8, "{}", Backslash))),
            ("echo ${}", Some((6, "{}", Dollar))),
            ("f() { echo ${#}; }; f {}", Some((12, "{#}", Dollar))),
            ("echo ${x:-{}}", Some((10, "{}", Parameter))),
            ("echo \"${x:-a{.}b}\" {}", Some((12, "{.}", Parameter))),
            ("echo $$'{}'", Some((8, "{}", SingleQuotes))),
            ("echo $'a\\'b' {}", Some((13, "{}", Unclear))),
            ("echo ${x:-'}'} {}", Some((15, "{}", Unclear))),
            ("echo $(( {} + 1 ))", Some((9, "{}", Arithmetic))),
            ("(( {} )) && echo", Some((3, "{}", Arithmetic))),
            ("echo # don't\necho '{}'", Some((19, "{}", SingleQuotes))),
            ("echo \"$(case x in a) echo '\"';; esac) {} \"", Some((38, "{}", Unclear))),
            ("cat <<EOF\n{}\nEOF", Some((10, "{}", HereDocument))),
            ("cat <<'EOF'\nx {}\nEOF", Some((14, "{}", HereDocument))),
            ("cat <<EOF\nx\\\nEOF\n{}\nEOF", Some((17, "{}", HereDocument))),
            ("cat <<A <<B\nA\n{}\nB", Some((14, "{}", HereDocument))),
            ("cat <<'E F'\n{}", Some((12, "{}", Unclear))),
            ("cat <<{}\nx", Some((6, "{}", HereDocument))),
            ("é 'ü{}'", Some((6, "{}", SingleQuotes))),
        ];
        for (command, expected) in table {
            assert_eq!(misplaced(command, &MARKS), expected, "{command}");
        }
    }
}
