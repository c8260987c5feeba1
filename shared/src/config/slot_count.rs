//! How many jobs an agent runs at once, as its configuration says it.

use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::limits::SLOTS_MAX;

/// Jobs that an agent runs at once: a number, or `"auto"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotCount {
    /// So many.
    Of(u32),
    /// One for each processor.
    Auto,
}

impl SlotCount {
    /// What is wrong with it.
    pub(super) fn fault(self) -> Option<String> {
        match self {
            Self::Of(slots) if !(1..=SLOTS_MAX).contains(&slots) => Some(format!("{slots} slots cannot be run")),
            Self::Of(_) | Self::Auto => None,
        }
    }
}

impl Serialize for SlotCount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Of(slots) => serializer.serialize_u32(*slots),
            Self::Auto => serializer.serialize_str("auto"),
        }
    }
}

impl<'de> Deserialize<'de> for SlotCount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Count;
        impl Visitor<'_> for Count {
            type Value = SlotCount;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number or \"auto\"")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<SlotCount, E> {
                // What is far too large is refused with the bound.
                Ok(SlotCount::Of(u32::try_from(number).unwrap_or(u32::MAX)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<SlotCount, E> {
                if text == "auto" {
                    Ok(SlotCount::Auto)
                } else {
                    Err(E::invalid_value(de::Unexpected::Str(text), &self))
                }
            }
        }
        deserializer.deserialize_any(Count)
    }
}
