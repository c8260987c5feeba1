//! The texts of many rows in one piece of memory, in the order in which they came: a search through all of them
//! reads straight on, instead of asking the memory for each text by itself.

/// Unused bytes that are not worth the work of taking them out.
const SLACK_BYTES: usize = 1 << 20;

/// Where a text stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    at: usize,
    len: usize,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Texts {
    all: String,
    unused_bytes: usize,
}

impl Place {
    /// A text at the end of this one.
    pub(super) fn end(self, bytes: usize) -> Self {
        Self { at: self.at + self.len - bytes, len: bytes }
    }

    /// The same part of a text that was moved.
    pub(super) fn moved(self, from: Self, to: Self) -> Self {
        Self { at: self.at - from.at + to.at, ..self }
    }

    /// What remains of it in front of so many bytes.
    pub(super) fn without_end(self, bytes: usize) -> Self {
        Self { len: self.len - bytes, ..self }
    }
}

impl Texts {
    pub(super) fn put(&mut self, text: &str) -> Place {
        let place = Place { at: self.all.len(), len: text.len() };
        self.all.push_str(text);
        place
    }

    pub(super) fn get(&self, place: Place) -> &str {
        &self.all[place.at..place.at + place.len]
    }

    /// A text is used no more.
    pub(super) fn drop(&mut self, place: Place) {
        self.unused_bytes += place.len;
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.all.len()
    }

    /// Whether so much is unused that the others are worth a copy.
    pub(super) fn is_wasteful(&self) -> bool {
        self.unused_bytes > SLACK_BYTES.max(self.all.len() / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_again_and_what_is_unused_is_counted() {
        let mut texts = Texts::default();
        let (first, second) = (texts.put("job-1 größer"), texts.put("job-2"));
        assert_eq!((texts.get(first), texts.get(second)), ("job-1 größer", "job-2"));
        assert_eq!(texts.get(first.end("größer".len())), "größer");
        assert_eq!(texts.get(first.without_end(" größer".len())), "job-1");
        let mut copies = Texts::default();
        copies.put("before");
        let copy = copies.put(texts.get(first));
        assert_eq!(copies.get(first.end("größer".len()).moved(first, copy)), "größer");
        let long = texts.put(&"x".repeat(3 * SLACK_BYTES));
        assert!(!texts.is_wasteful());
        texts.drop(long);
        assert!(texts.is_wasteful());
    }
}
