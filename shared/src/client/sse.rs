//! Takes server-sent events out of the bytes of a stream. Each byte is looked at once: a snapshot of
//! many megabytes comes in thousands of pieces.

use std::io::BufRead as _;
use std::mem;

/// An event as it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RawEvent {
    pub(super) kind: String,
    pub(super) data: Vec<u8>,
}

/// What has begun and not ended yet.
#[derive(Debug, Default)]
pub(super) struct Parser {
    line: Vec<u8>,
    event: RawEvent,
}

impl Parser {
    /// Takes more bytes, and answers the events that end in them.
    pub(super) fn push(&mut self, mut bytes: &[u8]) -> Vec<RawEvent> {
        let mut ended = Vec::new();
        while !bytes.is_empty() {
            bytes.read_until(b'\n', &mut self.line).expect("what is in memory can be read");
            if self.line.ends_with(b"\n") {
                ended.extend(self.end_line());
            }
        }
        ended
    }

    /// Reads the line that has ended; an empty one ends the event.
    fn end_line(&mut self) -> Option<RawEvent> {
        let mut line = mem::take(&mut self.line);
        line.truncate(line.strip_suffix(b"\r\n").or(line.strip_suffix(b"\n")).map_or(0, <[u8]>::len));
        if line.is_empty() {
            // Comments alone, which keep a connection alive, are no event.
            return Some(mem::take(&mut self.event)).filter(|event| !event.data.is_empty());
        }
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let space = usize::from(line.get(colon + 1) == Some(&b' '));
        let value = line.split_off((colon + 1 + space).min(line.len()));
        match &line[..colon] {
            b"event" => self.event.kind = String::from_utf8_lossy(&value).into_owned(),
            b"data" if self.event.data.is_empty() => self.event.data = value,
            b"data" => {
                self.event.data.push(b'\n');
                self.event.data.extend(value);
            }
            // An id, or a comment.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn event(kind: &str, data: &str) -> RawEvent {
        RawEvent { kind: kind.to_owned(), data: data.as_bytes().to_vec() }
    }

    #[test]
    fn events_are_the_same_however_their_bytes_come() {
        let text = ":\n\nid: 1\nevent: snapshot\ndata: {\"a\": \":\"}\n\n: alive\n\nevent:change\r\ndata:one\r\n\
                    data: two\r\nretry\r\n\r\ndata: \u{20ac}\n\nevent: cut\ndata: off\n";
        let expected = [event("snapshot", "{\"a\": \":\"}"), event("change", "one\ntwo"), event("", "\u{20ac}")];
        for size in 1..=text.len() {
            let mut parser = Parser::default();
            let events: Vec<RawEvent> = text.as_bytes().chunks(size).flat_map(|piece| parser.push(piece)).collect();
            assert_eq!(events, expected, "in pieces of {size}");
        }
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "it is the time that is tested")]
    fn a_large_event_takes_time_for_its_bytes_alone() {
        let data = "x".repeat(32 * 1024 * 1024);
        let text = format!("event: snapshot\ndata: {data}\n\n");
        let (mut parser, began) = (Parser::default(), Instant::now());
        let events: Vec<RawEvent> = text.as_bytes().chunks(16 * 1024).flat_map(|piece| parser.push(piece)).collect();
        let took = began.elapsed();
        assert!(events == [event("snapshot", &data)], "{} events", events.len());
        assert!(took < Duration::from_secs(2), "{took:?}");
    }
}
