//! AMD graphics processors, as the kernel shows them below `/sys`.

use std::fs;
use std::path::Path;

use c2_shared::worker::Gpu;

use super::gpu::Found;

/// The number of AMD in PCI devices.
const VENDOR: &str = "0x1002";
/// What is part of a processor borrows less of the machine's memory, and no job computes on it.
const VRAM_BYTES_MIN: u64 = 1 << 30;

/// The cards, in the order of their numbers.
pub(super) fn read(sys: &Path) -> Vec<Found> {
    let Ok(entries) = fs::read_dir(sys.join("class/drm")) else { return Vec::new() };
    let number = |name: &str| name.strip_prefix("card")?.parse::<u32>().ok();
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut cards: Vec<(u32, String)> = names.filter_map(|name| Some((number(&name)?, name))).collect();
    cards.sort();
    let devices = cards.into_iter().map(|(_, name)| sys.join("class/drm").join(name).join("device"));
    let found = devices.filter_map(|device| card(&device)).zip(0..);
    found.map(|(found, index)| Found { gpu: Gpu { index, ..found.gpu }, ..found }).collect()
}

/// One card; none if it is of another make.
fn card(device: &Path) -> Option<Found> {
    let text = |file: &str| fs::read_to_string(device.join(file)).map(|text| text.trim().to_owned()).ok();
    let number = |file: &str| text(file)?.parse::<u64>().ok();
    if text("vendor")? != VENDOR {
        return None;
    }
    let memory_bytes = number("mem_info_vram_total").filter(|bytes| *bytes >= VRAM_BYTES_MIN)?;
    let name = text("product_name").filter(|name| !name.is_empty());
    let name = name.unwrap_or_else(|| format!("AMD {}", text("device").unwrap_or_default()));
    let percent = number("gpu_busy_percent").and_then(|percent| u16::try_from(percent).ok()).map_or(0.0, f32::from);
    Some(Found {
        gpu: Gpu { index: 0, name, uuid: text("unique_id").unwrap_or_default(), memory_bytes },
        percent,
        memory_used_bytes: number("mem_info_vram_used").unwrap_or(0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(folder: &Path, name: &str, text: &str) {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join(name), format!("{text}\n")).unwrap();
    }

    #[test]
    fn cards_of_a_machine() {
        let sys = tempfile::tempdir().unwrap();
        assert_eq!(read(sys.path()), []);
        let device = |card: &str| sys.path().join("class/drm").join(card).join("device");
        for (card, used) in [("card1", "4294967296"), ("card10", "0")] {
            let device = device(card);
            file(&device, "vendor", "0x1002");
            file(&device, "device", "0x73bf");
            file(&device, "mem_info_vram_total", "17163091968");
            file(&device, "mem_info_vram_used", used);
            file(&device, "gpu_busy_percent", "37");
            file(&device, "unique_id", &format!("id-{card}"));
        }
        // What is part of the processor, a card of another make, and what is no card at all.
        file(&device("card0"), "vendor", "0x1002");
        file(&device("card0"), "mem_info_vram_total", "536870912");
        file(&device("card2"), "vendor", "0x10de");
        file(&device("card1-HDMI-A-1"), "vendor", "0x1002");
        let found = read(sys.path());
        let told: Vec<_> = found.iter().map(|f| (f.gpu.index, f.gpu.uuid.as_str(), f.memory_used_bytes)).collect();
        assert_eq!(told, [(0, "id-card1", 4 << 30), (1, "id-card10", 0)]);
        assert_eq!((found[0].gpu.name.as_str(), found[0].percent), ("AMD 0x73bf", 37.0));
        file(&device("card1"), "product_name", "Radeon RX 6900 XT");
        assert_eq!(read(sys.path())[0].gpu.name, "Radeon RX 6900 XT");
    }
}
