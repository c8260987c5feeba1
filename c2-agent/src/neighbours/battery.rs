//! Whether the machine runs on its battery, as the kernel shows its power supplies.

use std::fs;
use std::path::Path;

/// Whether a battery of the machine gives power and nothing else does. Batteries of mice and headphones say that
/// they are a device's.
pub(crate) fn feeds(sys: &Path) -> bool {
    let supplies = fs::read_dir(sys.join("class/power_supply")).into_iter().flatten().flatten();
    let (mut is_discharging, mut is_plugged) = (false, false);
    for supply in supplies.map(|entry| entry.path()) {
        let says = |file: &str| fs::read_to_string(supply.join(file)).map(|text| text.trim().to_owned()).ok();
        match says("type").as_deref() {
            Some("Battery") if says("scope").as_deref() != Some("Device") => {
                is_discharging |= says("status").as_deref() == Some("Discharging");
            }
            Some("Battery") | None => {}
            // Of mains, a dock or a charger by cable; 2 is one that may be changed.
            Some(_) => is_plugged |= matches!(says("online").as_deref(), Some("1" | "2")),
        }
    }
    is_discharging && !is_plugged
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Supplies as lists of files with their contents.
    fn check(supplies: &[&[(&str, &str)]], expected: bool) {
        let sys = tempfile::tempdir().unwrap();
        for (n, files) in supplies.iter().enumerate() {
            let folder = sys.path().join("class/power_supply").join(n.to_string());
            fs::create_dir_all(&folder).unwrap();
            for (name, text) in *files {
                fs::write(folder.join(name), format!("{text}\n")).unwrap();
            }
        }
        assert_eq!(feeds(sys.path()), expected, "{supplies:?}");
    }

    #[test]
    fn machines_with_and_without() {
        let mains = |online| [("type", "Mains"), ("online", online)];
        let battery = |status| [("type", "Battery"), ("status", status)];
        let mouse = [("type", "Battery"), ("scope", "Device"), ("status", "Discharging")];
        check(&[], false);
        check(&[&mains("1"), &battery("Charging")], false);
        check(&[&mains("1"), &battery("Full")], false);
        check(&[&mains("0"), &battery("Discharging")], true);
        check(&[&mains("1"), &battery("Discharging")], false);
        check(&[&mains("0"), &battery("Full"), &battery("Discharging")], true);
        check(&[&battery("Discharging")], true);
        check(&[&mouse], false);
        check(&[&[("type", "USB"), ("online", "1")], &battery("Discharging")], false);
        check(&[&battery("Not charging")], false);
    }
}
