//! Lists that others make: as much of them is read as may count.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, IgnoredAny, SeqAccess, Visitor};

/// Reads a list of which the first `MAX` elements count. Others are passed over, so that a list takes memory
/// for these alone, however long it is.
///
/// # Errors
/// When it is no list, or an element that counts cannot be read.
pub fn at_most<'de, const MAX: usize, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    deserializer.deserialize_seq(First::<T, MAX>(PhantomData))
}

struct First<T, const MAX: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for First<T, MAX> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
        let mut first = Vec::new();
        while first.len() < MAX {
            match list.next_element()? {
                Some(element) => first.push(element),
                None => return Ok(first),
            }
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beyond_is_passed_over() {
        #[derive(Debug, serde::Deserialize)]
        struct Lists {
            #[serde(deserialize_with = "at_most::<2, _, _>")]
            short: Vec<u32>,
            after: bool,
        }
        for (list, expected) in [("[]", vec![]), ("[1]", vec![1]), ("[1,2]", vec![1, 2]), ("[1,2,3,{}]", vec![1, 2])] {
            let read: Lists = crate::json::read(format!(r#"{{"short":{list},"after":true}}"#).as_bytes()).unwrap();
            assert_eq!((read.short, read.after), (expected, true), "{list}");
        }
        let wrong = crate::json::read::<Lists>(br#"{"short":[1,"x"],"after":true}"#).unwrap_err();
        assert_eq!(wrong.field.as_deref(), Some("short[1]"));
    }
}
