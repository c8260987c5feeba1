//! What a job takes of its worker beside its slot.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{JobSpec, is_default};
use crate::limits::{AMOUNT_MAX, GPUS_LEN_MAX, LIST_LEN_MAX};
use crate::resources::{self, OWN_WORDS};
use crate::validate::{Invalid, word};

/// Counted things, and memory. By default a job takes a slot and nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Needs {
    /// Processors.
    #[serde(skip_serializing_if = "is_default")]
    pub cpus: u32,
    /// Main memory in bytes.
    #[serde(skip_serializing_if = "is_default")]
    pub memory_bytes: u64,
    /// Graphics processors of its own.
    #[serde(skip_serializing_if = "is_default")]
    pub gpus: u32,
    /// Memory in bytes on each of these; without any, on one that it shares.
    #[serde(skip_serializing_if = "is_default")]
    pub vram_bytes: u64,
    /// What operators count, by its name.
    #[serde(skip_serializing_if = "is_default")]
    pub needs: BTreeMap<String, u64>,
}

impl Needs {
    /// Whether it takes a slot and nothing else.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Each amount with its word, as the console's flags write it.
    #[must_use]
    pub fn written(&self) -> Vec<String> {
        let own = [
            ("cpus", u64::from(self.cpus)),
            ("memory", self.memory_bytes),
            ("gpus", u64::from(self.gpus)),
            ("vram", self.vram_bytes),
        ];
        let own = own.into_iter().filter(|(_, amount)| *amount > 0);
        let named = self.needs.iter().map(|(name, amount)| (name.as_str(), *amount));
        own.chain(named).map(|(name, amount)| format!("{name}={}", resources::written(name, amount))).collect()
    }
}

impl JobSpec {
    /// What it takes of its worker beside its slot.
    #[must_use]
    pub fn takes(&self) -> Needs {
        Needs {
            cpus: self.cpus,
            memory_bytes: self.memory_bytes,
            gpus: self.gpus,
            vram_bytes: self.vram_bytes,
            needs: self.needs.clone(),
        }
    }
}

/// Checks what a job takes.
pub(crate) fn check(spec: &JobSpec) -> Result<(), Invalid> {
    let wrong = |field, message, hint: &str| Err(Invalid { field, message, hint: hint.to_owned() });
    if u64::from(spec.cpus) > AMOUNT_MAX {
        return wrong("cpus", format!("no machine has {} processors", spec.cpus), "say how many it keeps busy");
    }
    if spec.gpus as usize > GPUS_LEN_MAX {
        let message = format!("no machine has {} graphics processors", spec.gpus);
        return wrong("gpus", message, "say how many it uses at once");
    }
    for (field, bytes) in [("memory_bytes", spec.memory_bytes), ("vram_bytes", spec.vram_bytes)] {
        if bytes > resources::BYTES_MAX {
            return wrong(field, format!("no machine has {bytes} bytes"), "write it like 8G or 500M");
        }
    }
    if spec.needs.len() > LIST_LEN_MAX {
        return wrong("needs", format!("needs has {} entries", spec.needs.len()), "name fewer");
    }
    for (name, amount) in &spec.needs {
        word("needs", name)?;
        if OWN_WORDS.contains(&name.as_str()) {
            let hint = "of slots each job has one; for the others there are --cpus, --memory, --gpus and --vram";
            return wrong("needs", format!("{name:?} is no resource of your own"), hint);
        }
        if *amount == 0 || *amount > AMOUNT_MAX {
            let hint = "write how many it takes, like license=1, or leave it out";
            return wrong("needs", format!("{name}={amount} is no amount"), hint);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_amount_is_bounded() {
        let said = |change: fn(&mut JobSpec)| {
            let mut spec = JobSpec { command: "true".to_owned(), ..JobSpec::default() };
            change(&mut spec);
            check(&spec).err().map(|error| error.field)
        };
        assert_eq!(said(|_| ()), None);
        assert_eq!(said(|s| s.needs = [("license".to_owned(), 3)].into()), None);
        assert_eq!(said(|s| s.cpus = u32::MAX), Some("cpus"));
        assert_eq!(said(|s| s.gpus = 65), Some("gpus"));
        assert_eq!(said(|s| s.memory_bytes = u64::MAX), Some("memory_bytes"));
        assert_eq!(said(|s| s.vram_bytes = u64::MAX), Some("vram_bytes"));
        for (name, amount) in [("license", 0), ("license", u64::MAX), ("a b", 1), ("cpus", 1), ("slots", 1)] {
            let spec = JobSpec { needs: [(name.to_owned(), amount)].into(), ..JobSpec::default() };
            assert_eq!(check(&spec).err().map(|error| error.field), Some("needs"), "{name}={amount}");
        }
    }

    #[test]
    fn what_is_needed_reads_as_it_is_written() {
        let needs = Needs {
            cpus: 4,
            memory_bytes: 8 << 30,
            gpus: 0,
            vram_bytes: 500 << 20,
            needs: [("license".to_owned(), 1)].into(),
        };
        assert_eq!(needs.written().join(" "), "cpus=4 memory=8G vram=500M license=1");
        assert!(Needs::default().is_none() && !needs.is_none());
    }
}
