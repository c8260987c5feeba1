//! What a job takes of its worker beside a slot, as flags.

use std::collections::BTreeMap;

use c2_shared::job::{JobSpec, Needs};
use c2_shared::resources::{self, OWN_WORDS};
use clap::Args;

use crate::command::job_flags::{FlagError, Holds, read};

#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub(crate) struct NeedFlags {
    /// Processors that it takes of its worker; its $OMP_NUM_THREADS
    #[arg(long, value_name = "N")]
    pub(crate) cpus: Option<String>,
    /// Memory that it takes, and its limit, like `8G` or `500M`
    #[arg(long, value_name = "SIZE")]
    pub(crate) memory: Option<String>,
    /// Graphics processors that it has to itself, as $CUDA_VISIBLE_DEVICES and $HIP_VISIBLE_DEVICES
    #[arg(long, value_name = "N")]
    pub(crate) gpus: Option<String>,
    /// Memory of each of them; without --gpus on one that it shares
    #[arg(long, value_name = "SIZE")]
    pub(crate) vram: Option<String>,
    /// What `set-resources` counts, and how much of it the job takes, like `license=1`; several with commas
    #[arg(long, value_name = "NAME=N", value_delimiter = ',')]
    pub(crate) need: Vec<String>,
}

impl NeedFlags {
    /// A job with what the flags say of it. What they do not say is as in `base`.
    pub(crate) fn over(&self, base: JobSpec) -> Result<JobSpec, FlagError> {
        let needs = self.need.iter().map(|text| named(text)).collect::<Result<BTreeMap<_, _>, _>>()?;
        let size = |text: &str| resources::parse_size(text).map_err(|error| error.to_string()).and_then(positive);
        let count = |text: &str| {
            let number = text.parse::<u32>().map_err(|_| format!("{text:?} is not a whole number"));
            number.and_then(positive)
        };
        Ok(JobSpec {
            cpus: read("--cpus <N>", self.cpus.as_ref(), count)?.unwrap_or(base.cpus),
            memory_bytes: read("--memory <SIZE>", self.memory.as_ref(), size)?.unwrap_or(base.memory_bytes),
            gpus: read("--gpus <N>", self.gpus.as_ref(), count)?.unwrap_or(base.gpus),
            vram_bytes: read("--vram <SIZE>", self.vram.as_ref(), size)?.unwrap_or(base.vram_bytes),
            needs: if needs.is_empty() { base.needs } else { needs },
            ..base
        })
    }

    /// All texts that are said, each with the name of its flag.
    pub(crate) fn said(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let one = [("cpus", &self.cpus), ("memory", &self.memory), ("gpus", &self.gpus), ("vram", &self.vram)];
        let one = one.into_iter().filter_map(|(name, text)| Some((name, text.as_ref()?)));
        one.chain(self.need.iter().map(|text| ("need", text)))
    }

    /// The same with each text replaced.
    pub(crate) fn filled(&self, fill: &impl Fn(&str, Holds) -> String) -> Self {
        let one = |text: &Option<String>| text.as_ref().map(|text| fill(text, Holds::Text));
        Self {
            cpus: one(&self.cpus),
            memory: one(&self.memory),
            gpus: one(&self.gpus),
            vram: one(&self.vram),
            need: self.need.iter().map(|text| fill(text, Holds::Text)).collect(),
        }
    }
}

/// What a job takes as the flags that say so.
pub(crate) fn flags(takes: &Needs) -> impl Iterator<Item = String> {
    takes.written().into_iter().map(|text| {
        let is_own = OWN_WORDS.iter().any(|word| text.starts_with(&format!("{word}=")));
        if is_own { format!("--{text}") } else { format!("--need={text}") }
    })
}

fn positive<T: Default + PartialEq>(amount: T) -> Result<T, String> {
    if amount == T::default() { Err("0 is nothing to ask for; leave it out".to_owned()) } else { Ok(amount) }
}

fn named(text: &str) -> Result<(String, u64), FlagError> {
    let wrong = |why| FlagError { flag: "--need <NAME=N>", value: text.to_owned(), why };
    let (name, amount) =
        text.split_once('=').ok_or_else(|| wrong(format!("{text:?}: write it as NAME=N, like license=1")))?;
    let amount = amount.parse().map_err(|_| wrong(format!("{amount:?} is not a whole number")))?;
    Ok((name.to_owned(), amount))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_and_wrong_ones_named() {
        let text = |text: &str| Some(text.to_owned());
        let flags = NeedFlags {
            cpus: text("4"),
            memory: text("8G"),
            vram: text("500M"),
            need: vec!["license=1".to_owned()],
            ..NeedFlags::default()
        };
        let base = JobSpec { gpus: 2, cpus: 9, ..JobSpec::default() };
        let spec = flags.over(base).unwrap();
        let written: Vec<String> = super::flags(&spec.takes()).collect();
        assert_eq!(written.join(" "), "--cpus=4 --memory=8G --gpus=2 --vram=500M --need=license=1");
        type Edit = fn(&mut NeedFlags);
        let wrong: [(Edit, &str); 5] = [
            (|f| f.cpus = Some("many".into()), "\"many\" is not a whole number"),
            (|f| f.gpus = Some("0".into()), "0 is nothing to ask for; leave it out"),
            (|f| f.memory = Some("8X".into()), "\"8X\" is not a size like 8G, 500M or 1073741824"),
            (|f| f.need = vec!["license".into()], "\"license\": write it as NAME=N, like license=1"),
            (|f| f.need = vec!["license=x".into()], "\"x\" is not a whole number"),
        ];
        for (edit, why) in wrong {
            let mut flags = NeedFlags::default();
            edit(&mut flags);
            assert_eq!(flags.over(JobSpec::default()).unwrap_err().why, why);
        }
    }
}
