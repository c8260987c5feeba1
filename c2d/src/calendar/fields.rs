//! The five fields of a crontab: which minutes, hours, days, months and days of the week.

use jiff::civil::{Date, Time};

/// The fields as sets of numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fields {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    /// Sunday is 0.
    weekdays: u64,
    /// Days of the month and of the week are both named, so one of them is enough.
    either: bool,
}

/// What a field may hold: its name with an article, the numbers from and to, and words for the numbers from the first on.
struct Field(&'static str, u32, u32, &'static [&'static str]);

const MINUTE: Field = Field("a minute", 0, 59, &[]);
const HOUR: Field = Field("an hour", 0, 23, &[]);
const DAY: Field = Field("a day of the month", 1, 31, &[]);
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const MONTH: Field = Field("a month", 1, 12, &MONTHS);
/// Sunday is 0, and 7 as well.
const WEEKDAY: Field = Field("a day of the week", 0, 7, &["sun", "mon", "tue", "wed", "thu", "fri", "sat"]);

const WORDS: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

impl Fields {
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let known = WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(text));
        if known.is_none() && text.starts_with('@') {
            let words: Vec<&str> = WORDS.iter().map(|(word, _)| *word).collect();
            return Err(format!("{text:?} is not one of {}", words.join(", ")));
        }
        let parts: Vec<&str> = known.map_or(text, |(_, fields)| fields).split_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = parts.as_slice() else {
            let count = if parts.len() == 1 { "1 field".to_owned() } else { format!("{} fields", parts.len()) };
            return Err(format!("{text:?} has {count}, not five"));
        };
        let week = WEEKDAY.read(weekdays)?;
        Ok(Self {
            minutes: MINUTE.read(minutes)?,
            hours: HOUR.read(hours)?,
            days: DAY.read(days)?,
            months: MONTH.read(months)?,
            weekdays: (week | week >> 7) & 0x7f,
            either: !days.starts_with('*') && !weekdays.starts_with('*'),
        })
    }

    pub(super) fn has_day(&self, date: Date) -> bool {
        let is_in = |set: u64, n: i8| set >> n & 1 == 1;
        let day = is_in(self.days, date.day());
        let weekday = is_in(self.weekdays, date.weekday().to_sunday_zero_offset());
        is_in(self.months, date.month()) && if self.either { day || weekday } else { day && weekday }
    }

    /// The times of a day in order, from the minute of `from` on.
    pub(super) fn times(&self, from: Option<Time>) -> impl Iterator<Item = Time> {
        let (hour, minute) = from.map_or((0, 0), |time| (time.hour(), time.minute()));
        let times = (hour..24).flat_map(move |h| (if h == hour { minute } else { 0 }..60).map(move |m| (h, m)));
        let (hours, minutes) = (self.hours, self.minutes);
        times
            .filter(move |(h, m)| hours >> h & 1 == 1 && minutes >> m & 1 == 1)
            .filter_map(|(h, m)| Time::new(h, m, 0, 0).ok())
    }
}

impl Field {
    /// Reads a list like `1,5-9,*/10` as a set.
    fn read(&self, text: &str) -> Result<u64, String> {
        text.split(',').try_fold(0, |set, part| Ok(set | self.part(part)?))
    }

    fn part(&self, text: &str) -> Result<u64, String> {
        let Self(name, first, last, _) = self;
        let wrong = || format!("{text:?} is not {name}, which is {first} to {last}");
        let (range, step) = text.split_once('/').map_or((text, None), |(range, step)| (range, Some(step)));
        let step: Option<u32> = step.map(|step| step.parse().ok().filter(|n| *n > 0).ok_or_else(wrong)).transpose()?;
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (*first, *last),
            Some((from, to)) => (self.number(from).ok_or_else(wrong)?, self.number(to).ok_or_else(wrong)?),
            None => {
                let from = self.number(range).ok_or_else(wrong)?;
                (from, if step.is_some() { *last } else { from })
            }
        };
        if from > to {
            return Err(format!("{text:?} ends before it begins"));
        }
        let step = usize::try_from(step.unwrap_or(1)).map_err(|_| wrong())?;
        Ok((from..=to).step_by(step).fold(0, |set, n| set | 1 << n))
    }

    fn number(&self, text: &str) -> Option<u32> {
        let Self(_, first, last, words) = self;
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.parse().ok().filter(|n| (first..=last).contains(&n));
        }
        let place = words.iter().position(|word| word.eq_ignore_ascii_case(text))?;
        Some(first + u32::try_from(place).ok()?)
    }
}
