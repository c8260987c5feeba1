//! Blanks beside the commas of lists: `cancel 1, 2` and `--tags="a, b"` mean what they mean without them.

use std::borrow::Cow;

use crate::command::table;
use crate::command::{CommandInfo, Operand, Word};

/// The words of a line as the grammar takes them.
pub(crate) fn closed(words: &[Word]) -> Vec<Cow<'_, str>> {
    let plain = || words.iter().map(|word| Cow::Borrowed(word.text.as_str())).collect();
    let has_blank = |word: &Word| word.text.ends_with(',') || word.text.starts_with(',') || word.text.contains(", ");
    let Some((verb, rest)) = words.split_first().filter(|_| words.iter().any(has_blank)) else { return plain() };
    let Ok(command) = table::known(&verb.text) else { return plain() };
    let mut texts = vec![Cow::Borrowed(verb.text.as_str())];
    let (mut operands, mut at) = (0, 0);
    while let Some(word) = rest.get(at) {
        at += 1;
        if word.text.starts_with("--") {
            texts.push(flag(command, &word.text));
            let takes_next =
                !word.text.contains('=') && command.flag(&word.text).is_some_and(|flag| flag.value.is_some());
            if let Some(value) = rest.get(at).filter(|_| takes_next) {
                texts.push(Cow::Borrowed(&value.text));
                at += 1;
            }
            continue;
        }
        let mut text = Cow::Borrowed(word.text.as_str());
        if is_list(command, operands) && !word.is_quoted() {
            while let Some(next) = rest.get(at).filter(|next| goes_on(&text, next)) {
                text.to_mut().push_str(&next.text);
                at += 1;
            }
        }
        operands += 1;
        texts.push(text);
    }
    texts
}

/// Whether a word continues the list that ends with a comma, or begins with the comma itself.
fn goes_on(text: &str, next: &Word) -> bool {
    let is_word = !next.is_quoted() && !next.text.starts_with('-');
    is_word && (text.ends_with(',') || next.text.starts_with(','))
}

/// Whether an operand may be a list.
fn is_list(command: &CommandInfo, at: usize) -> bool {
    let operand = command.arguments.get(at).or_else(|| command.arguments.last().filter(|last| last.many));
    operand.is_some_and(|operand| matches!(operand.operand, Operand::Job | Operand::Worker | Operand::Target))
}

fn flag<'a>(command: &CommandInfo, text: &'a str) -> Cow<'a, str> {
    let Some((name, value)) = text.split_once('=').filter(|(_, value)| value.contains(", ")) else {
        return Cow::Borrowed(text);
    };
    if !command.flag(name).is_some_and(|flag| flag.is_list) {
        return Cow::Borrowed(text);
    }
    let items: Vec<&str> = value.split(',').map(str::trim).collect();
    Cow::Owned(format!("{name}={}", items.join(",")))
}

#[cfg(test)]
mod tests {
    use crate::command::lex::scan;

    #[test]
    fn blanks_beside_commas_mean_nothing_where_there_is_a_list() {
        let table = [
            ("cancel 1, 2", "cancel|1,2"),
            ("cancel 1 , 2 3", "cancel|1,2|3"),
            ("cancel 1 ,2, 3-5 @held", "cancel|1,2,3-5|@held"),
            ("drain a, b", "drain|a,b"),
            ("assign a, b gpu", "assign|a,b|gpu"),
            ("pdsh a, b echo 1, 2", "pdsh|a,b|echo|1,|2"),
            ("wait --timeout 5 1, 2", "wait|--timeout|5|1,2"),
            ("cancel 1, --json", "cancel|1,|--json"),
            ("cancel 'a,' b", "cancel|a,|b"),
            ("submit true '--tags=a, b' '--depends=1 , 2'", "submit|true|--tags=a,b|--depends=1,2"),
            ("submit true '--env=A=1, 2' '--name=a, b'", "submit|true|--env=A=1, 2|--name=a, b"),
            ("submit 'echo a, b'", "submit|echo a, b"),
            ("nosuch 1, 2", "nosuch|1,|2"),
        ];
        for (line, closed) in table {
            assert_eq!(super::closed(&scan(line).0).join("|"), closed, "{line}");
        }
    }
}
