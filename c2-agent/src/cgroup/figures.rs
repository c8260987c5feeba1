//! What the kernel counts for a group, read from files that stay open: a short job takes less time than to open them.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

/// Memory that earlier jobs left behind in a group, up to which the next one may have the same group.
const LEFT_BYTES_MAX: u64 = 8 << 20;
/// All of these files are shorter.
const TEXT_BYTES_MAX: usize = 2_048;

/// The figures of one group, as long as it is there.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    memory: Option<Memory>,
    /// With whether it is of the first version.
    cpu: Option<(File, bool)>,
}

#[derive(Debug)]
struct Memory {
    folder: File,
    now: Option<File>,
    /// In the second version a reset holds for what is read through the very file that it was written to.
    peak: Option<File>,
    kills: Option<File>,
}

impl Figures {
    /// Those in the folders where memory and time are counted, each with whether it is of the first version.
    pub(super) fn open(memory: Option<(PathBuf, bool)>, cpu: Option<(PathBuf, bool)>) -> Self {
        let cpu = cpu.and_then(|(folder, is_first)| {
            let file = File::open(folder.join(if is_first { "cpuacct.usage" } else { "cpu.stat" })).ok()?;
            Some((file, is_first))
        });
        Self { memory: memory.and_then(|(folder, is_first)| Memory::open(&folder, is_first).ok()), cpu }
    }

    /// Counts the most memory from now on, so that the next job may have the same group; answers how much there is
    /// already. None where the kernel cannot do that, or where what is left in the group would count as the next
    /// job's.
    pub(crate) fn reset_peak(&self) -> Option<u64> {
        let memory = self.memory.as_ref()?;
        // A group below it has one link here; what is in there counts as well.
        if memory.folder.metadata().ok()?.nlink() > 2 {
            return None;
        }
        let left_bytes = number(memory.now.as_ref()?).filter(|bytes| *bytes <= LEFT_BYTES_MAX)?;
        memory.peak.as_ref()?.write_all_at(b"0", 0).ok()?;
        Some(left_bytes)
    }

    /// The most memory that was used at once since it was reset, in bytes.
    pub(crate) fn peak_bytes(&self) -> Option<u64> {
        number(self.memory.as_ref()?.peak.as_ref()?)
    }

    /// The time of processors that was used, in microseconds.
    pub(crate) fn cpu_us(&self) -> Option<u64> {
        match self.cpu.as_ref()? {
            (file, true) => Some(number(file)? / 1_000),
            (file, false) => keyed(file, "usage_usec"),
        }
    }

    /// How many processes were killed as memory was short.
    pub(crate) fn oom_kills(&self) -> u64 {
        let kills = self.memory.as_ref().and_then(|memory| memory.kills.as_ref());
        kills.and_then(|file| keyed(file, "oom_kill")).unwrap_or(0)
    }
}

impl Memory {
    fn open(path: &Path, is_first: bool) -> io::Result<Self> {
        let [now, peak, kills] = if is_first {
            ["memory.usage_in_bytes", "memory.max_usage_in_bytes", "memory.oom_control"]
        } else {
            ["memory.current", "memory.peak", "memory.events"]
        };
        let of = |name: &str| File::open(path.join(name));
        let resettable = File::options().read(true).write(true).open(path.join(peak));
        Ok(Self {
            folder: File::open(path)?,
            now: of(now).ok(),
            peak: resettable.or_else(|_| of(peak)).ok(),
            kills: of(kills).ok(),
        })
    }
}

fn number(file: &File) -> Option<u64> {
    read(file, |text| text.trim().parse().ok())
}

/// The number behind a word at the beginning of a line.
fn keyed(file: &File, key: &str) -> Option<u64> {
    read(file, |text| {
        let mut lines = text.lines().filter_map(|line| line.split_once(' '));
        lines.find(|(name, _)| *name == key)?.1.trim().parse().ok()
    })
}

/// From its beginning, as the kernel writes it at this moment.
fn read(file: &File, parse: impl FnOnce(&str) -> Option<u64>) -> Option<u64> {
    let mut text = [0; TEXT_BYTES_MAX];
    let len = file.read_at(&mut text, 0).ok()?;
    parse(str::from_utf8(&text[..len]).ok()?)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_group_serves_again_only_where_little_is_left_in_it() {
        for is_first in [true, false] {
            let dir = tempfile::tempdir().unwrap();
            let (now, peak) = if is_first {
                ("memory.usage_in_bytes", "memory.max_usage_in_bytes")
            } else {
                ("memory.current", "memory.peak")
            };
            let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
            let open = || Figures::open(Some((dir.path().to_owned(), is_first)), None);
            write(now, "1000\n");
            assert_eq!(open().reset_peak(), None, "a kernel without a peak");
            write(peak, "900000\n");
            let figures = open();
            assert_eq!((figures.peak_bytes(), figures.reset_peak()), (Some(900_000), Some(1_000)));
            assert_eq!(fs::read_to_string(dir.path().join(peak)).unwrap(), "000000\n");
            write(peak, "5000\n");
            assert_eq!(figures.peak_bytes(), Some(5_000));
            write(now, "9000000\n");
            assert_eq!(figures.reset_peak(), None, "what is left would count");
            write(now, "1000\n");
            fs::create_dir(dir.path().join("of a job")).unwrap();
            assert_eq!(figures.reset_peak(), None, "a group that a job made below it");
        }
    }
}
