//! Programs that run commands on other machines or copy files there, as `pdsh` and `copy`.

use crate::command::Word;
use crate::command::foreign;

/// What a flag of them is.
#[derive(Clone, Copy, Debug)]
enum To {
    /// Its value names machines.
    Machines,
    /// Its value names groups.
    Groups,
    /// All machines.
    All,
    /// Its value names machines to leave out.
    Without,
    /// Its value names groups to leave out.
    WithoutGroups,
    /// A flag of this name, with its value.
    Flag(&'static str),
    /// The same, if its value is a number.
    Number(&'static str),
    /// Nothing, with its value.
    Nothing,
}

type Flags = &'static [(&'static [&'static str], To)];

/// The flags of each, as far as they have a value or say which machines are meant.
const TOOLS: [(&[&str], Flags); 6] = [
    (&["exec"], &[(&["-n", "--namespace", "-c", "--container"], To::Nothing), (&["-l"], To::Flag("user"))]),
    (
        &["pdsh", "clush"],
        &[
            (&["-w", "--nodes"], To::Machines),
            (&["-g", "--group"], To::Groups),
            (&["-a", "--all", "-A"], To::All),
            (&["-x", "--exclude"], To::Without),
            (&["-X"], To::WithoutGroups),
            (&["-l", "--user"], To::Flag("user")),
            (&["-f", "--fanout"], To::Number("fanout")),
            (&["-t", "--connect_timeout"], To::Number("connect-timeout")),
            (&["-u", "--command_timeout"], To::Number("timeout")),
            (&["-R", "-M", "-o", "-O", "-P", "--worker", "-s"], To::Nothing),
        ],
    ),
    (
        &["pssh", "parallel-ssh"],
        &[
            (&["-H", "--host"], To::Machines),
            (&["-l", "--user"], To::Flag("user")),
            (&["-p", "--par"], To::Number("fanout")),
            (&["-t", "--timeout"], To::Number("timeout")),
            (&["-h", "--hosts", "-o", "-e", "-x", "-X", "-O", "--outdir", "--errdir"], To::Nothing),
        ],
    ),
    (
        &["scp", "sftp"],
        &[(&["-P"], To::Number("port")), (&["-c", "-D", "-F", "-i", "-J", "-l", "-o", "-S", "-X"], To::Nothing)],
    ),
    (
        &["rsync"],
        &[
            (&["--timeout", "--contimeout"], To::Nothing),
            (&["-e", "--rsh", "--exclude", "--include", "--filter", "--bwlimit", "--port", "-f", "-T"], To::Nothing),
        ],
    ),
    (
        &["ssh", "slogin", "ansible"],
        &[
            (&["-l", "--user"], To::Flag("user")),
            (&["-p"], To::Number("port")),
            (
                &["-b", "-c", "-D", "-E", "-e", "-F", "-I", "-i", "-J", "-L", "-O", "-o", "-Q", "-R", "-S", "-W"],
                To::Nothing,
            ),
        ],
    ),
];

/// The flags of a line, read.
#[derive(Debug, Default)]
struct Read {
    machines: Vec<String>,
    without: Vec<String>,
    /// Flags as they are here, each with a blank behind it.
    flags: String,
    /// The words that are no flags and no values, by their places.
    operands: Vec<usize>,
}

impl Read {
    /// Reads flags up to the first operand, or all of them.
    fn new(tool: &str, line: &str, words: &[Word], all: bool) -> Self {
        let known = TOOLS.iter().find(|(tools, _)| tools.contains(&tool)).map_or(&[][..], |(_, flags)| flags);
        let (mut read, mut at) = (Self::default(), 0);
        while let Some(word) = words.get(at) {
            at += 1;
            let text = word.text.as_str();
            if !text.starts_with('-') || text.len() == 1 || word.is_quoted() && !text.contains('=') {
                read.operands.push(at - 1);
                if all {
                    continue;
                }
                break;
            }
            let find = |name: &str| known.iter().find(|(names, _)| names.contains(&name)).map(|(_, to)| *to);
            let glued = text.split_once('=').filter(|_| text.starts_with("--"));
            let glued = glued.or_else(|| text.split_at_checked(2).filter(|(_, value)| !value.is_empty()));
            let (to, inline) = match (find(text), glued) {
                (None, Some((name, value))) => (find(name), Some(value)),
                (to, _) => (to, None),
            };
            let Some(to) = to else { continue };
            let value = match (to, inline) {
                (To::All, _) => "",
                (_, Some(value)) => value,
                (_, None) => {
                    at += 1;
                    words.get(at - 1).map_or("", |value| &line[value.span.clone()])
                }
            };
            read.take(to, value.trim_matches(['"', '\'']));
        }
        read
    }

    fn take(&mut self, to: To, value: &str) {
        let each = || value.split([',', ' ']).filter(|name| !name.is_empty());
        match to {
            To::Machines => {
                for name in each() {
                    let name = self.without_user(name);
                    self.machines.push(name);
                }
            }
            To::Groups => self.machines.extend(each().map(|name| format!("@{name}"))),
            To::All => self.machines.push("@all".to_owned()),
            To::Without => self.without.extend(each().map(|name| format!("!{name}"))),
            To::WithoutGroups => self.without.extend(each().map(|name| format!("!@{name}"))),
            To::Flag(name) => self.flags.extend([format!("--{name}={value} ")]),
            To::Number(name) if value.parse::<u16>().is_ok_and(|number| number > 0) => {
                self.flags.extend([format!("--{name}={value} ")]);
            }
            To::Number(_) | To::Nothing => {}
        }
    }

    /// A machine; a user before it becomes a flag.
    fn without_user(&mut self, text: &str) -> String {
        let head = text.split('/').next().unwrap_or_default();
        let Some((user, _)) = head.split_once('@').filter(|(user, _)| is_user(user)) else { return text.to_owned() };
        if !self.flags.contains("--user=") {
            self.flags.extend([format!("--user={user} ")]);
        }
        text[user.len() + 1..].to_owned()
    }

    /// All machines that flags name, as one target.
    fn target(&self) -> Option<String> {
        let is_named = !self.machines.is_empty();
        let target = self.machines.iter().chain(&self.without).cloned().collect::<Vec<_>>().join(",");
        is_named.then_some(target)
    }
}

fn is_user(text: &str) -> bool {
    !text.is_empty() && !text.starts_with('!') && !text.contains([',', ':', '['])
}

/// A line that runs a command on machines which its flags name, as those of pdsh do.
pub(crate) fn on_named(line: &str, words: &[Word]) -> Option<String> {
    let (verb, rest) = words.split_first()?;
    let read = Read::new(&verb.text, line, rest, false);
    let target = read.target()?;
    let command = read.operands.first().and_then(|at| foreign::raw(line, &rest[*at..]));
    let command = command.unwrap_or_else(|| "COMMAND".to_owned());
    Some(format!("pdsh {}{target} {command}", read.flags))
}

/// A line that runs a command on the machine that stands first, as with ssh.
pub(crate) fn on_first(line: &str, words: &[Word]) -> Option<String> {
    let (verb, rest) = words.split_first()?;
    if let Some(ours) = on_named(line, words) {
        return Some(ours);
    }
    let mut read = Read::new(&verb.text, line, rest, false);
    let is_of_many = ["clush", "pssh"].contains(&verb.text.as_str());
    if let Some(command) = read.operands.first().and_then(|at| foreign::raw(line, &rest[*at..])).filter(|_| is_of_many)
    {
        return Some(format!("pdsh {}TARGET {command}", read.flags));
    }
    let Some(at) = read.operands.first().copied() else { return Some("pdsh TARGET COMMAND".to_owned()) };
    let machine = read.without_user(&line[rest[at].span.clone()]);
    let behind = &rest[at + 1..];
    let command = behind.iter().position(|word| !word.text.starts_with('-'));
    let command = command.and_then(|at| foreign::raw(line, &behind[at..])).unwrap_or_else(|| "COMMAND".to_owned());
    Some(format!("pdsh {}{machine} {command}", read.flags))
}

/// A line that copies files.
pub(crate) fn copy(line: &str, words: &[Word]) -> Option<String> {
    let (verb, rest) = words.split_first()?;
    let mut read = Read::new(&verb.text, line, rest, true);
    // rsync has the port in the line of its shell.
    let shell = rest.iter().find(|word| word.is_quoted() && word.text.contains("ssh -p"));
    if let Some((_, port)) = shell.and_then(|word| word.text.split_once("-p")) {
        read.take(To::Number("port"), port.split_whitespace().next().unwrap_or_default());
    }
    let operands = read.operands.clone();
    let mut places: Vec<String> = operands.iter().map(|at| read.without_user(&line[rest[*at].span.clone()])).collect();
    let is_there = |place: &String| place.split('/').next().is_some_and(|head| head.contains(':'));
    let last = places.last().is_some_and(is_there);
    match places.as_mut_slice() {
        [] => return Some("copy FILE TARGET:DIR".to_owned()),
        [one] if is_there(one) => places.push(".".to_owned()),
        [_] => places.push("TARGET:DIR".to_owned()),
        [first, ..] if is_there(first) && last => return Some("help copy".to_owned()),
        [first, .., to] if !is_there(first) && !last => *to = format!("TARGET:{to}"),
        _ => {}
    }
    Some(format!("copy {}{}", read.flags, places.join(" ")))
}
