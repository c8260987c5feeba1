//! What rows are searched by, as written and in lower case, in one piece of memory: a search through all of them
//! reads straight on, instead of asking the memory for each text by itself.

/// Unused bytes that are not worth the work of taking them out.
const SLACK_BYTES: usize = 1 << 20;

#[derive(Clone, Debug, Default)]
pub(super) struct Texts {
    all: String,
    /// Where the text of each slot is.
    places: Vec<Place>,
    unused_bytes: usize,
}

/// Where a text stands; behind it the same in lower case, where that differs.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    at: usize,
    written: usize,
    folded: usize,
}

impl Texts {
    /// Puts a text in place of the one before.
    pub(super) fn put(&mut self, slot: usize, written: &str) {
        self.drop(slot);
        if self.places.len() <= slot {
            self.places.resize(slot + 1, Place::default());
        }
        let folded = written.to_lowercase();
        let folded = if folded == written { "" } else { &folded };
        self.places[slot] = Place { at: self.all.len(), written: written.len(), folded: folded.len() };
        self.all.push_str(written);
        self.all.push_str(folded);
        if self.unused_bytes > SLACK_BYTES.max(self.all.len() / 2) {
            self.tidy();
        }
    }

    /// The text of a slot: as written, and in lower case.
    pub(super) fn get(&self, slot: usize) -> (&str, &str) {
        let Place { at, written, folded } = self.places[slot];
        let behind = at + written;
        let written = &self.all[at..behind];
        (written, if folded == 0 { written } else { &self.all[behind..behind + folded] })
    }

    pub(super) fn drop(&mut self, slot: usize) {
        if let Some(place) = self.places.get_mut(slot) {
            self.unused_bytes += place.written + place.folded;
            *place = Place::default();
        }
    }

    /// Takes out what is used no more.
    fn tidy(&mut self) {
        let mut all = String::with_capacity(self.all.len() - self.unused_bytes);
        for place in &mut self.places {
            let at = all.len();
            all.push_str(&self.all[place.at..place.at + place.written + place.folded]);
            place.at = at;
        }
        (self.all, self.unused_bytes) = (all, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_again_and_those_used_no_more_take_no_memory() {
        let mut texts = Texts::default();
        texts.put(2, "job-2 größer");
        texts.put(0, "job-1 GRÖSSER");
        assert_eq!((texts.get(2), texts.get(1)), (("job-2 größer", "job-2 größer"), ("", "")));
        let long = "X".repeat(SLACK_BYTES);
        for n in 0..20 {
            texts.put(1, &format!("{n}{long}"));
            assert!(texts.all.len() < 8 * SLACK_BYTES, "{}", texts.all.len());
        }
        assert_eq!(texts.get(0), ("job-1 GRÖSSER", "job-1 grösser"));
        let (written, folded) = texts.get(1);
        assert!(written.starts_with("19XX") && folded.starts_with("19xx") && written.len() == folded.len());
    }
}
