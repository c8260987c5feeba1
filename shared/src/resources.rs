//! What a worker has that jobs take: detected, told by its agent's configuration, set by operators.
//!
//! On lines, in configuration files and in requests resources go by the same words; `memory` and `vram` are
//! sizes like `8G`.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::json;
use crate::limits::{AMOUNT_MAX, GPUS_LEN_MAX, LIST_LEN_MAX, SLOTS_MAX};
use crate::validate::{Invalid, word};
use crate::worker::Hardware;

/// The words that mean something to C2 itself; any other is the operator's own.
pub const OWN_WORDS: [&str; 5] = ["slots", "cpus", "memory", "gpus", "vram"];
/// More memory than any machine has.
pub const BYTES_MAX: u64 = 1 << 60;

const UNITS: [(char, u32); 4] = [('K', 10), ('M', 20), ('G', 30), ('T', 40)];

/// Amounts by the words of resources.
pub type Amounts = BTreeMap<String, Amount>;

/// How much of a resource: a number, or a size like `8G`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Amount(pub u64);

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Amount;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, or a size like \"8G\"")
            }

            fn visit_u64<E: de::Error>(self, amount: u64) -> Result<Amount, E> {
                Ok(Amount(amount))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Amount, E> {
                parse_size(text).map(Amount).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

/// A text that is no size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a size like 8G, 500M or 1073741824")]
pub struct NotASize(String);

/// Reads a size in bytes: a number, with K, M, G or T for powers of 1024.
///
/// # Errors
/// When the text is none, or larger than any memory.
pub fn parse_size(text: &str) -> Result<u64, NotASize> {
    let wrong = || NotASize(text.to_owned());
    let upper = text.trim().to_ascii_uppercase();
    let number = upper.strip_suffix('B').unwrap_or(&upper);
    // KiB and Ki are K.
    let unit = UNITS
        .iter()
        .find_map(|(letter, shift)| Some((number.strip_suffix('I').unwrap_or(number).strip_suffix(*letter)?, *shift)));
    let (digits, shift) = unit.unwrap_or((number, 0));
    let (whole, part) = digits.split_once('.').map_or((digits, "0"), |(whole, part)| (whole, part));
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    // Parts of a unit, as in 1.5G; of a byte there are none.
    if !is_number(whole) || !is_number(part) || part.len() > 3 || (shift == 0 && digits.contains('.')) {
        return Err(wrong());
    }
    let thousandths = format!("{part:0<3}").parse::<u64>().map_err(|_| wrong())?;
    let whole = whole.parse::<u64>().ok().and_then(|n| n.checked_mul(1 << shift)).ok_or_else(wrong)?;
    let bytes = whole.saturating_add((thousandths << shift) / 1_000);
    if bytes > BYTES_MAX { Err(wrong()) } else { Ok(bytes) }
}

/// A size as [`parse_size`] reads it: in the largest unit that divides it.
#[must_use]
pub fn size(bytes: u64) -> String {
    let unit = UNITS.iter().rev().find(|(_, shift)| bytes > 0 && bytes.trailing_zeros() >= *shift);
    unit.map_or_else(|| bytes.to_string(), |(letter, shift)| format!("{}{letter}", bytes >> shift))
}

/// Whether the amounts of a resource are bytes.
#[must_use]
pub fn is_bytes(name: &str) -> bool {
    matches!(name, "memory" | "vram")
}

/// An amount of a resource as people write it.
#[must_use]
pub fn written(name: &str, amount: u64) -> String {
    if is_bytes(name) { size(amount) } else { amount.to_string() }
}

/// Reads an amount as people write it.
///
/// # Errors
/// With what is wrong, which quotes the text.
pub fn parse(name: &str, text: &str) -> Result<Amount, String> {
    let amount = if is_bytes(name) {
        parse_size(text).map_err(|error| error.to_string())?
    } else {
        text.parse().map_err(|_| format!("{text:?} is not a whole number"))?
    };
    Ok(Amount(amount))
}

/// Checks what is said that a worker has.
///
/// # Errors
/// The first amount that cannot be meant.
pub fn check<'a>(said: impl ExactSizeIterator<Item = (&'a String, Amount)>) -> Result<(), Invalid> {
    let wrong = |message, hint: &str| Err(Invalid { field: "resources", message, hint: hint.to_owned() });
    if said.len() > LIST_LEN_MAX {
        return wrong(format!("resources has {} entries", said.len()), "name fewer");
    }
    for (name, Amount(amount)) in said {
        word("resources", name)?;
        let most = match name.as_str() {
            "slots" => u64::from(SLOTS_MAX),
            "gpus" => GPUS_LEN_MAX as u64,
            "memory" | "vram" => BYTES_MAX,
            _ => AMOUNT_MAX,
        };
        if amount > most || (name == "slots" && amount == 0) {
            let least = u64::from(name == "slots");
            return wrong(format!("{name}={amount} is not possible"), &format!("use {least} to {most}"));
        }
    }
    Ok(())
}

/// What a worker has beside its slots.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Capacity {
    /// Processors.
    pub cpus: u32,
    /// Main memory in bytes.
    pub memory_bytes: u64,
    /// Graphics processors in the order of their indices.
    #[serde(deserialize_with = "json::at_most::<GPUS_LEN_MAX, _, _>")]
    pub gpus: Vec<Card>,
    /// What operators count, by its name.
    pub needs: BTreeMap<String, u64>,
}

/// A graphics processor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Card {
    /// The driver's index, the N of `gpu:N`.
    pub index: u32,
    /// Its memory in bytes.
    pub vram_bytes: u64,
}

impl Capacity {
    /// What a machine has by itself.
    #[must_use]
    pub fn detected(hardware: &Hardware) -> Self {
        // A card is one, however often it is named.
        let cards: BTreeMap<u32, u64> = hardware.gpus.iter().map(|gpu| (gpu.index, gpu.memory_bytes)).collect();
        Self {
            cpus: hardware.cpu_cores,
            memory_bytes: hardware.memory_bytes,
            gpus: cards.into_iter().map(|(index, vram_bytes)| Card { index, vram_bytes }).collect(),
            needs: BTreeMap::new(),
        }
    }

    /// The same where somebody says otherwise. Of tags `gpu:N` there are these, if an operator has set any.
    #[must_use]
    pub fn with(&self, said: &Amounts, tagged: &[u32]) -> Self {
        let of = |name: &str| said.get(name).map(|amount| amount.0);
        let small = |amount: u64| u32::try_from(amount).unwrap_or(u32::MAX);
        let known = |index: u32| self.gpus.iter().find(|card| card.index == index).map_or(0, |card| card.vram_bytes);
        let indices: Vec<u32> = match of("gpus") {
            Some(count) => (0..small(count)).collect(),
            None if !tagged.is_empty() => tagged.to_vec(),
            None => self.gpus.iter().map(|card| card.index).collect(),
        };
        let card = |index| Card { index, vram_bytes: of("vram").unwrap_or_else(|| known(index)) };
        let mut needs = self.needs.clone();
        let own = said.iter().filter(|(name, _)| !OWN_WORDS.contains(&name.as_str()));
        needs.extend(own.map(|(name, amount)| (name.clone(), amount.0)));
        Self {
            cpus: of("cpus").map_or(self.cpus, small),
            memory_bytes: of("memory").unwrap_or(self.memory_bytes),
            gpus: indices.into_iter().map(card).collect(),
            needs,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let table = [
            ("8G", 8 << 30),
            ("8g", 8 << 30),
            ("8GB", 8 << 30),
            ("8GiB", 8 << 30),
            ("8Gi", 8 << 30),
            ("512mi", 512 << 20),
            ("500M", 500 << 20),
            ("1.5G", 3 << 29),
            ("64k", 64 << 10),
            ("2T", 2 << 40),
            ("1048576", 1 << 20),
            ("0", 0),
        ];
        for (text, bytes) in table {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        for bad in
            ["", "G", "8X", "-1", "1.5", "1.G", ".5G", "8GG", "1.2345G", "99999999999T", "8 G x", "8G8", "8I", "8iB"]
        {
            assert!(parse_size(bad).is_err(), "{bad:?}");
        }
        for bytes in [0, 1, 1_023, 1 << 10, 3 << 29, 8 << 30, 5 << 40] {
            assert_eq!(parse_size(&size(bytes)), Ok(bytes));
        }
        assert_eq!((size(8 << 30).as_str(), size(3 << 29).as_str()), ("8G", "1536M"));
    }

    #[test]
    fn what_is_said_counts_before_what_was_found() {
        let card = |index, vram_bytes| Card { index, vram_bytes };
        let found =
            Capacity { cpus: 8, memory_bytes: 100, gpus: vec![card(0, 24), card(1, 48)], needs: BTreeMap::new() };
        let said: Amounts = serde_json::from_str(r#"{"cpus": 4, "memory": "1K", "license": 3}"#).unwrap();
        let has = found.with(&said, &[]);
        assert_eq!((has.cpus, has.memory_bytes, &has.gpus), (4, 1_024, &found.gpus));
        assert_eq!(has.needs, [("license".to_owned(), 3)].into());
        assert_eq!(found.with(&Amounts::new(), &[1, 5]).gpus, [card(1, 48), card(5, 0)]);
        let said: Amounts = serde_json::from_str(r#"{"gpus": 1, "vram": "2K"}"#).unwrap();
        assert_eq!(found.with(&said, &[1]).gpus, [card(0, 2_048)]);
    }

    #[test]
    fn amounts_that_cannot_be_meant_are_refused() {
        let refused = |name: &str, amount| {
            let said: Amounts = [(name.to_owned(), Amount(amount))].into();
            check(said.iter().map(|(name, amount)| (name, *amount))).is_err()
        };
        for (name, fine, wrong) in [("slots", 1, 0), ("gpus", 64, 65), ("memory", 1 << 40, u64::MAX), ("x", 0, 1 << 60)]
        {
            assert!(!refused(name, fine) && refused(name, wrong), "{name}");
        }
        assert!(refused("a b", 1));
        assert!(serde_json::from_str::<Amount>("\"much\"").is_err() && serde_json::from_str::<Amount>("-1").is_err());
    }
}
