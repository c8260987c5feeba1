//! Times as other tools have them: those of `at`, and the limits of batch systems.

use jiff::ZonedDateTime;
use jiff::civil::Time;

use crate::clock;
use crate::command::{Word, foreign};

/// Units of a span, each with the letter and the number of them that stand for it here.
const UNITS: [(&[&str], u64, char); 6] = [
    (&["s", "sec", "secs", "second", "seconds"], 1, 's'),
    (&["m", "min", "mins", "minute", "minutes"], 1, 'm'),
    (&["h", "hour", "hours"], 1, 'h'),
    (&["d", "day", "days"], 1, 'd'),
    (&["w", "week", "weeks"], 7, 'd'),
    (&["month", "months"], 30, 'd'),
];

/// Times of day that have a name.
const NAMED: [(&str, &str); 5] =
    [("midnight", "00:00"), ("noon", "12:00"), ("teatime", "16:00"), ("fika", "15:00"), ("elevenses", "11:00")];

/// What words say of a time.
#[derive(Debug, Default)]
struct Said {
    is_now: bool,
    /// As it is written here.
    time: Option<String>,
    days: Option<u64>,
    date: Option<String>,
    span: Option<(u64, char)>,
    /// Words that were read.
    used: usize,
}

/// A line of `at`: with a script, or with a command behind its time.
pub(crate) fn at(line: &str, words: &[Word]) -> Option<String> {
    let (rest, input) = foreign::input(words.get(1..)?);
    let mut script = input;
    let mut begin = None;
    let mut at = 0;
    while let Some(word) = rest.get(at) {
        let next = rest.get(at + 1);
        at += 1;
        match word.text.as_str() {
            "-l" => return Some("jobs".to_owned()),
            "-d" | "-r" | "-c" => {
                let deed = if word.text == "-c" { "job" } else { "cancel" };
                return Some(format!("{deed} {}", next.map_or("JOB", |job| job.text.as_str())));
            }
            "-f" => {
                script = next.map(|file| line[file.span.clone()].to_owned());
                at += 1;
            }
            "-t" => {
                begin = Some(stamp(&next?.text)?);
                at += 1;
            }
            "-q" => at += 1,
            flag if flag.starts_with('-') && flag.len() > 1 => {}
            _ if begin.is_none() => {
                let said = Said::read(rest[at - 1..].iter().map(|word| word.text.as_str()));
                at += said.used.checked_sub(1)?;
                begin = Some(said.here(&clock::here())?);
            }
            _ => {
                at -= 1;
                break;
            }
        }
    }
    let begin = begin.filter(|begin| !begin.is_empty()).map(|begin| format!(" --begin={begin}")).unwrap_or_default();
    let command =
        foreign::raw(line, &rest[at.min(rest.len())..]).map(|text| foreign::quoted_once(line, &rest[at..], text));
    Some(match (command, script) {
        (Some(command), _) => format!("submit {command}{begin}"),
        (None, Some(script)) => format!("submit --script={script}{begin}"),
        (None, None) if rest.is_empty() => return None,
        (None, None) => format!("submit \"COMMAND\"{begin}"),
    })
}

/// When something begins, as `now+1hour` or `teatime`, as it is written here; nothing for at once.
pub(crate) fn begin(text: &str) -> Option<String> {
    let said = Said::read(std::iter::once(text));
    if said.used == 0 {
        return Some(text.to_owned());
    }
    said.here(&clock::here()).filter(|begin| !begin.is_empty())
}

/// A whole text that is a time of at(1), as it is written here.
pub(crate) fn whole(text: &str, now: &ZonedDateTime) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let said = Said::read(words.iter().copied());
    if said.used < words.len() { None } else { said.here(now).filter(|begin| !begin.is_empty()) }
}

/// `[[CC]YY]MMDDhhmm[.ss]` with its century.
fn stamp(text: &str) -> Option<String> {
    let digits = text.split('.').next().filter(|digits| digits.len() == 12 && is_number(digits))?;
    Some(format!("{}-{}-{}T{}:{}", &digits[..4], &digits[4..6], &digits[6..8], &digits[8..10], &digits[10..]))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

impl Said {
    fn read<'a>(words: impl Iterator<Item = &'a str>) -> Self {
        // A plus stands by itself or in a word.
        let words = words.take(8).map(str::to_lowercase).collect::<Vec<_>>();
        let mut tokens: Vec<(usize, &str)> = Vec::new();
        for (number, word) in words.iter().enumerate() {
            for (at, part) in word.split('+').enumerate() {
                tokens.extend((at > 0).then_some((number, "+")));
                tokens.extend((!part.is_empty()).then_some((number, part)));
            }
        }
        let mut said = Self::default();
        let mut at = 0;
        while let Some(&(number, token)) = tokens.get(at) {
            let behind: Vec<&str> = tokens[at + 1..].iter().take(2).map(|(_, token)| *token).collect();
            let Some(more) = said.take(token, &behind) else { break };
            at += 1 + more;
            said.used = tokens.get(at - 1).map_or(number, |(number, _)| *number) + 1;
        }
        said
    }

    /// Reads a token, and says how many of those behind it belong to it.
    fn take(&mut self, token: &str, behind: &[&str]) -> Option<usize> {
        let unit = |text: &str| {
            UNITS.iter().find(|(words, ..)| words.contains(&text)).map(|(_, count, letter)| (*count, *letter))
        };
        match token {
            "now" => self.is_now = true,
            "today" => self.days = Some(0),
            "tomorrow" => self.days = Some(1),
            "next" => self.span = Some(unit(behind.first()?)?),
            "+" => {
                let first = behind.first()?;
                let (number, word) = first.split_at(first.find(|c: char| !c.is_ascii_digit()).unwrap_or(first.len()));
                let glued = unit(word);
                let apart = behind.get(1).and_then(|text| unit(text)).filter(|_| word.is_empty());
                if glued.is_none() && !word.is_empty() {
                    return None;
                }
                let (count, letter) = glued.or(apart).unwrap_or((1, 's'));
                self.span = Some((number.parse::<u64>().ok()?.checked_mul(count)?, letter));
                return Some(1 + usize::from(apart.is_some()));
            }
            _ if self.time.is_none() && !self.is_now => {
                if let Some((_, time)) = NAMED.iter().find(|(name, _)| *name == token) {
                    self.time = Some((*time).to_owned());
                } else if let Some((time, more)) = time_of_day(token, behind.first().copied()) {
                    self.time = Some(time);
                    return Some(more);
                } else {
                    self.date = Some(date(token)?);
                }
            }
            _ => self.date = Some(date(token)?),
        }
        Some(usize::from(token == "next"))
    }

    /// The time as it is written here; nothing if it is now.
    fn here(&self, now: &ZonedDateTime) -> Option<String> {
        let on = |days: u64| {
            Some(now.date().checked_add(jiff::Span::new().days(i64::try_from(days).ok()?)).ok()?.to_string())
        };
        match (&self.time, &self.date, self.days, self.span) {
            (None, None, None | Some(0), Some((count, letter))) => Some(format!("+{count}{letter}")),
            (None, None, Some(0), None) => Some(String::new()),
            (None, None, None, None) => self.is_now.then(String::new),
            (None, None, Some(days), None) => Some(format!("+{days}d")),
            (None, Some(date), ..) => Some(date.clone()),
            (Some(time), Some(date), ..) => Some(format!("{date}T{time:0>5}")),
            (Some(time), None, None | Some(0), None) => Some(time.clone()),
            (Some(time), None, Some(days), None) => Some(format!("{}T{time:0>5}", on(days)?)),
            (Some(time), None, None, Some((days, 'd'))) => {
                // From the day on which the clock shows it next.
                let next = format!("{time:0>5}").parse::<Time>().ok()? <= now.time();
                Some(format!("{}T{time:0>5}", on(days + u64::from(next))?))
            }
            _ => None,
        }
    }
}

/// A time of day with the words that belong to it: `3pm`, `3 pm`, `3:30pm`, `15:30`, `1530`.
fn time_of_day(token: &str, next: Option<&str>) -> Option<(String, usize)> {
    let half = ["am", "pm"].into_iter().find(|half| token.ends_with(half));
    let clock = half.map_or(token, |half| token.trim_end_matches(half));
    let (half, more) = match (half, next) {
        (None, Some(next @ ("am" | "pm"))) => (Some(next), 1),
        (half, _) => (half, 0),
    };
    let (hour, minute) = match clock.split_once(':') {
        Some((hour, minute)) => (hour, minute),
        None if clock.len() == 4 && is_number(clock) => clock.split_at(2),
        None => (clock, "00"),
    };
    let is_bare = !clock.contains(':') && clock.len() != 4;
    let (number, minutes) = (hour.parse::<u32>().ok()?, minute.get(..2)?.parse::<u32>().ok()?);
    if !is_number(hour) || number > 23 || minutes > 59 || is_bare && half.is_none() {
        return None;
    }
    match half {
        Some(_) if !(1..=12).contains(&number) => None,
        Some(half) => Some((format!("{:02}:{minutes:02}", number % 12 + if half == "pm" { 12 } else { 0 }), more)),
        None => Some((format!("{hour}:{minute}"), more)),
    }
}

/// A date as `2030-01-31`.
fn date(token: &str) -> Option<String> {
    token.parse::<jiff::civil::Date>().ok().map(|date| date.to_string()).filter(|date| date == token)
}

/// A time limit as it is written here; the last part counts so many seconds, a number alone minutes. Behind the dash
/// of days stand hours first.
pub(crate) fn limit(text: &str, last_s: u64) -> Option<String> {
    let numbers = |text: &str| text.split(':').map(str::parse).collect::<Result<Vec<u64>, _>>().ok();
    let sum = |parts: &[u64]| parts.iter().try_fold(0_u64, |sum, part| sum.checked_mul(60)?.checked_add(*part));
    let seconds = match text.split_once('-') {
        Some((days, clock)) => {
            let mut parts = numbers(clock).filter(|parts| parts.len() <= 3)?;
            parts.resize(3, 0);
            days.parse::<u64>().ok()?.checked_mul(86_400)?.checked_add(sum(&parts)?)?
        }
        None => match numbers(text)?.as_slice() {
            [minutes] => minutes.checked_mul(60)?,
            parts => sum(parts)?.checked_mul(last_s)?,
        },
    };
    Some(match seconds {
        // No limit at all.
        0 => return None,
        s if s % 3_600 == 0 => format!("{}h", s / 3_600),
        s if s % 60 == 0 => format!("{}m", s / 60),
        s => format!("{s}s"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_with_days_begin_with_hours() {
        let table = [
            ("60", Some("1h")),
            ("90", Some("90m")),
            ("1:30", Some("90s")),
            ("01:30:00", Some("90m")),
            ("2-12", Some("60h")),
            ("2-12:00", Some("60h")),
            ("1-12:30", Some("2190m")),
            ("1-00:00:05", Some("86405s")),
            ("0-12", Some("12h")),
            ("0", None),
            ("1-1:1:1:1", None),
            ("x-1", None),
            ("UNLIMITED", None),
        ];
        for (text, expected) in table {
            assert_eq!(limit(text, 1).as_deref(), expected, "{text}");
        }
        assert_eq!(limit("1:30", 60).as_deref(), Some("90m"));
        assert_eq!(limit("99999999999999999999-1", 1), None);
    }

    #[test]
    fn times_of_at_are_those_of_here() {
        let now: ZonedDateTime = "2026-11-24T12:00[America/New_York]".parse().unwrap();
        let table = [
            ("now", Some("")),
            ("now+5min", Some("+5m")),
            ("now + 2 weeks", Some("+14d")),
            ("now +1 hour", Some("+1h")),
            ("now+1month", Some("+30d")),
            ("now+60", Some("+60s")),
            ("midnight", Some("00:00")),
            ("noon", Some("12:00")),
            ("teatime", Some("16:00")),
            ("8:00", Some("8:00")),
            ("1830", Some("18:30")),
            ("3pm", Some("15:00")),
            ("12am", Some("00:00")),
            ("3:30 pm", Some("15:30")),
            ("3pm tomorrow", Some("2026-11-25T15:00")),
            ("8:00 tomorrow", Some("2026-11-25T08:00")),
            ("8:00 today", Some("8:00")),
            ("tomorrow", Some("+1d")),
            ("next week", Some("+7d")),
            ("noon + 2 days", Some("2026-11-27T12:00")),
            ("3pm + 2 days", Some("2026-11-26T15:00")),
            ("3pm 2030-01-31", Some("2030-01-31T15:00")),
            ("2030-01-31", Some("2030-01-31")),
            ("13pm", None),
            ("25:00", None),
            ("soon", None),
            ("7", None),
        ];
        for (text, expected) in table {
            let said = Said::read(text.split(' '));
            let whole = said.used == text.split(' ').count();
            assert_eq!(said.here(&now).filter(|_| whole).as_deref(), expected, "{text}");
        }
        assert_eq!(stamp("203001311800").as_deref(), Some("2030-01-31T18:00"));
    }
}
