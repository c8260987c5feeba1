//! Where the members of a document's objects stand, for messages and lists that name the line.

use std::collections::BTreeMap;

/// An object or a list that is open.
struct Open {
    /// The member that is being read; none in a list.
    member: Option<String>,
    /// Whether the next text names a member.
    awaits_name: bool,
}

/// The line of each member, counted from 1, by its path like `ssh.user`. The text is a document: of anything
/// else the answer is of no use.
#[must_use]
pub fn lines(text: &str) -> BTreeMap<String, usize> {
    let (mut lines, mut open, mut line) = (BTreeMap::new(), Vec::<Open>::new(), 1);
    let (bytes, mut at) = (text.as_bytes(), 0);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\n' => line += 1,
            b'{' | b'[' => open.push(Open { member: None, awaits_name: *byte == b'{' }),
            b'}' | b']' => drop(open.pop()),
            b',' => {
                if let Some(last) = open.last_mut() {
                    last.awaits_name = last.member.is_some();
                }
            }
            b'"' => {
                let end = end_of_text(bytes, at);
                if let Some(last) = open.last_mut().filter(|last| last.awaits_name) {
                    last.member = serde_json::from_slice(&bytes[at..end]).ok();
                    last.awaits_name = false;
                    let path: Vec<&str> = open.iter().filter_map(|open| open.member.as_deref()).collect();
                    lines.insert(path.join("."), line);
                }
                at = end - 1;
            }
            _ => {}
        }
        at += 1;
    }
    lines
}

/// Where a text in quotes ends that begins here; the second quote belongs to it.
fn end_of_text(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_by_their_paths() {
        let text = "{\n \"a\": \"x,\\\"{\\n\",\n \"ssh\": {\"user\": 1,\n\n\"gr\\u006fups\": {\"gpu\": {\"port\": 2}}},\n\"l\": [1, {\"in\": 2},\n\"text\"],\n\"z\": null}";
        let found = lines(text);
        let found: Vec<(&str, usize)> = found.iter().map(|(path, line)| (path.as_str(), *line)).collect();
        let expected = [
            ("a", 2),
            ("l", 6),
            ("l.in", 6),
            ("ssh", 3),
            ("ssh.groups", 5),
            ("ssh.groups.gpu", 5),
            ("ssh.groups.gpu.port", 5),
            ("ssh.user", 3),
            ("z", 8),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_no_document_ends_too() {
        for text in ["", "{\"a", "{\"a\\", "\"\\\"", "}]", "{,", "{\"a\" \"b\"", "[[[{"] {
            assert!(lines(text).len() <= 1, "{text}");
        }
    }
}
