//! Lists of values: those that `split --sweep` puts in the place of names, each combination once, and the numbers
//! of `submit --array`.

use c2_shared::limits::QUEUE_LEN_MAX;

use crate::command::CommandError;
use crate::command::job_flags::items;

/// What `{index}` is to the flags of an array.
pub(crate) const INDEX: &str = "index";

/// A name with the values that stand for it in turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Axis {
    pub(crate) name: String,
    values: Vec<Item>,
}

/// One entry of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Item {
    One(String),
    /// `001-100:5`: these numbers, filled up with zeros to this width.
    Range {
        first: u64,
        last: u64,
        step: u64,
        width: usize,
    },
}

impl Item {
    fn read(text: &str) -> Result<Self, String> {
        let number = |text: &str| {
            let is_plain = (1..=15).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
            is_plain.then(|| text.parse::<u64>().ok()).flatten()
        };
        let (range, step) = text.split_once(':').map_or((text, Some(1)), |(range, step)| (range, number(step)));
        let Some((begin, end)) = range.split_once('-') else { return Ok(Self::One(text.to_owned())) };
        let (Some(first), Some(last), Some(step)) = (number(begin), number(end), step) else {
            return Ok(Self::One(text.to_owned()));
        };
        if step == 0 {
            return Err(format!("{text:?} steps by 0 and never ends"));
        }
        if last < first {
            return Err(format!("{text:?} ends before it begins"));
        }
        let width = if begin.starts_with('0') { begin.len() } else { 0 };
        Ok(Self::Range { first, last, step, width })
    }

    const fn len(&self) -> u64 {
        match self {
            Self::One(_) => 1,
            Self::Range { first, last, step, .. } => (*last - *first) / *step + 1,
        }
    }

    fn get(&self, place: u64) -> String {
        match self {
            Self::One(value) => value.clone(),
            Self::Range { first, step, width, .. } => format!("{:0width$}", first + place * step),
        }
    }
}

fn list(text: &str) -> Result<Vec<Item>, String> {
    let items = items(text);
    if items.iter().any(String::is_empty) {
        return Err(if items.len() == 1 {
            "there is no value".to_owned()
        } else {
            format!("{text:?} has an empty value")
        });
    }
    items.iter().map(|item| Item::read(item)).collect()
}

impl Axis {
    fn read(text: &str) -> Result<Self, String> {
        let Some((name, values)) = text.split_once('=') else {
            return Err(format!("{text:?} is not a name with values"));
        };
        let is_name = name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !is_name {
            return Err(format!("{name:?} cannot be a name, which has letters, digits and _"));
        }
        if name == INDEX {
            return Err(format!("the name {name:?} means the number of a job in an array already"));
        }
        Ok(Self { name: name.to_owned(), values: list(values).map_err(|why| format!("{name}: {why}"))? })
    }

    fn len(&self) -> u64 {
        self.values.iter().map(Item::len).fold(0, u64::saturating_add)
    }

    fn get(&self, mut place: u64) -> String {
        for item in &self.values {
            if place < item.len() {
                return item.get(place);
            }
            place -= item.len();
        }
        unreachable!("a place is one of the list")
    }
}

/// The names of a sweep with their values.
pub(crate) fn axes(texts: &[String]) -> Result<Vec<Axis>, CommandError> {
    let hint = "write it like --sweep=lr=0.1,0.01 or --sweep=seed=1-10";
    let mut axes: Vec<Axis> = Vec::new();
    for text in texts {
        let axis = Axis::read(text).map_err(|why| CommandError::usage(format!("--sweep: {why}"), hint))?;
        if axes.iter().any(|other| other.name == axis.name) {
            let message = format!("--sweep: {} is swept twice", axis.name);
            return Err(CommandError::usage(message, "put all of its values into one list"));
        }
        axes.push(axis);
    }
    Ok(axes)
}

/// Refuses more combinations than the queue holds.
pub(crate) fn check_count(lines: Option<usize>, axes: &[Axis]) -> Result<(), CommandError> {
    let lines = lines.map(|lines| lines as u64);
    let factors: Vec<u64> = lines.into_iter().chain(axes.iter().map(Axis::len)).collect();
    let jobs = factors.iter().copied().fold(1, u64::saturating_mul);
    if jobs <= QUEUE_LEN_MAX as u64 {
        return Ok(());
    }
    let factors: Vec<String> = factors.iter().map(ToString::to_string).collect();
    let count = if factors.len() > 1 { format!("{} = {jobs}", factors.join(" x ")) } else { jobs.to_string() };
    let message = format!("these are {count} jobs, and {QUEUE_LEN_MAX} fit into the queue");
    Err(CommandError::refused(message, "sweep fewer values at once"))
}

/// Each combination of values once; the last name changes fastest.
pub(crate) fn combinations(axes: &[Axis]) -> impl Iterator<Item = Vec<String>> {
    let all = axes.iter().map(Axis::len).fold(1, u64::saturating_mul);
    (0..all).map(move |mut number| {
        let mut values: Vec<String> = Vec::new();
        for axis in axes.iter().rev() {
            values.push(axis.get(number % axis.len()));
            number /= axis.len();
        }
        values.reverse();
        values
    })
}

/// The numbers of an array.
pub(crate) fn indexes(text: &str) -> Result<Vec<u64>, CommandError> {
    let wrong = |why: String| CommandError::usage(format!("--array: {why}"), "write it like 1-100, 0-100:5 or 1,3,7");
    if let Some((numbers, at_once)) = text.split_once('%') {
        let hint = format!("write --array={numbers} --batch=NAME --max-running={at_once}");
        return Err(CommandError::usage(format!("--array: {text:?} has a limit"), hint));
    }
    let axis = Axis { name: INDEX.to_owned(), values: list(text).map_err(wrong)? };
    check_count(None, std::slice::from_ref(&axis))?;
    let number = |value: String| value.parse().map_err(|_| wrong(format!("{value:?} is not a whole number")));
    (0..axis.len()).map(|place| number(axis.get(place))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(texts: &[&str]) -> Result<Vec<Axis>, CommandError> {
        axes(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn combinations_come_in_the_order_of_the_lists() {
        let axes = of(&["lr=0.1,0.01", "seed=8-10", "n=007-011:2"]).unwrap();
        let all: Vec<String> = combinations(&axes).map(|values| values.join(" ")).collect();
        assert_eq!((all.len(), all[0].as_str(), all[1].as_str()), (18, "0.1 8 007", "0.1 8 009"));
        assert_eq!((all[3].as_str(), all[17].as_str()), ("0.1 9 007", "0.01 10 011"));
        let axes = of(&["x=a b,-1,1-2-3,a-b,2-3,c\\,d"]).unwrap();
        let all: Vec<String> = combinations(&axes).flatten().collect();
        assert_eq!(all, ["a b", "-1", "1-2-3", "a-b", "2", "3", "c,d"]);
        assert_eq!(combinations(&[]).collect::<Vec<_>>(), [Vec::<String>::new()]);
    }

    #[test]
    fn what_is_wrong_with_a_list_is_said() {
        let table: [(&[&str], &str); 10] = [
            (&["lr"], "--sweep: \"lr\" is not a name with values"),
            (&["=1"], "--sweep: \"\" cannot be a name, which has letters, digits and _"),
            (&["1x=1"], "--sweep: \"1x\" cannot be a name, which has letters, digits and _"),
            (&["index=1"], "--sweep: the name \"index\" means the number of a job in an array already"),
            (&["lr="], "--sweep: lr: there is no value"),
            (&["lr=a,,b"], "--sweep: lr: \"a,,b\" has an empty value"),
            (&["lr=9-1"], "--sweep: lr: \"9-1\" ends before it begins"),
            (&["lr=1-9:0"], "--sweep: lr: \"1-9:0\" steps by 0 and never ends"),
            (&["a=1", "a=2"], "--sweep: a is swept twice"),
            (&["a=1", ""], "--sweep: \"\" is not a name with values"),
        ];
        for (texts, message) in table {
            assert_eq!(of(texts).unwrap_err().message, message, "{texts:?}");
        }
        let axes = of(&["a=1-100", "b=0-999999999999999"]).unwrap();
        let message = check_count(Some(3), &axes).unwrap_err().message;
        let wanted = "these are 3 x 100 x 1000000000000000 = 300000000000000000 jobs, and 50000 fit into the queue";
        assert_eq!(message, wanted);
        assert!(check_count(Some(500), &axes[..1]).is_ok() && check_count(Some(501), &axes[..1]).is_err());
    }

    #[test]
    fn arrays_are_numbers() {
        assert_eq!(indexes("1-3,7,10-20:5"), Ok(vec![1, 2, 3, 7, 10, 15, 20]));
        let table = [
            ("", "--array: there is no value"),
            ("a", "--array: \"a\" is not a whole number"),
            ("-3", "--array: \"-3\" is not a whole number"),
            ("1-100%4", "--array: \"1-100%4\" has a limit"),
            ("1-50001", "these are 50001 jobs, and 50000 fit into the queue"),
        ];
        for (text, message) in table {
            assert_eq!(indexes(text).unwrap_err().message, message, "{text}");
        }
        let hint = indexes("1-100%4").unwrap_err().hint.unwrap();
        assert_eq!(hint, "write --array=1-100 --batch=NAME --max-running=4");
    }
}
