//! The version of this program, which also stands in its file so that it can be read there.

use std::hint::black_box;
use std::sync::OnceLock;

use c2_shared::program::{VERSION_END, VERSION_MARK};

/// The text in the file. The mark is not taken from its constant, as texts can only be joined when written out.
const MARKED: &str = concat!("c2-agent-version=", env!("CARGO_PKG_VERSION"), ";");

/// The version, read from the text in the file, so that the two are one.
pub(crate) fn own() -> &'static str {
    static OWN: OnceLock<&str> = OnceLock::new();
    OWN.get_or_init(|| {
        let marked: &'static str = black_box(MARKED);
        marked.strip_prefix(VERSION_MARK).and_then(|rest| rest.strip_suffix(VERSION_END)).unwrap_or(marked)
    })
}

#[cfg(test)]
mod tests {
    use c2_shared::program::Program;

    use super::*;

    #[test]
    fn a_program_carries_its_version() {
        let file = std::fs::File::open("/proc/self/exe").unwrap();
        let found = Program::read(file).unwrap().unwrap();
        assert_eq!((found.version.as_str(), found.architecture), (own(), std::env::consts::ARCH));
        assert_eq!(own(), env!("CARGO_PKG_VERSION"));
    }
}
