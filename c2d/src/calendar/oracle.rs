//! A year of schedules worked out in another way: minute by minute of the clock on a wall, with the changes of three
//! zones written down by hand from the tz database and days counted without a calendar. It knows nothing of the code
//! that it checks.

use super::Calendar;

const MINUTE_MS: u64 = 60_000;
/// 2026-01-01T00:00Z, in minutes since 1970.
const YEAR: i64 = 29_453_760;
const MINUTES: i64 = 365 * 24 * 60;

/// A zone in 2026: the minutes that its clocks are ahead of UTC at first, and from each change on, which is given in
/// minutes since 1970.
pub(crate) struct Zone {
    pub(crate) name: &'static str,
    first: i64,
    changes: [(i64, i64); 2],
}

/// The minutes since 1970 of a time of 2026 in UTC.
const fn at(day_of_year: i64, hour: i64, minute: i64) -> i64 {
    YEAR + (day_of_year - 1) * 1_440 + hour * 60 + minute
}

pub(crate) const ZONES: [Zone; 3] = [
    // 29 March, 25 October at 01:00Z.
    Zone { name: "Europe/Berlin", first: 60, changes: [(at(88, 1, 0), 120), (at(298, 1, 0), 60)] },
    // 8 March at 07:00Z, 1 November at 06:00Z.
    Zone { name: "America/New_York", first: -300, changes: [(at(67, 7, 0), -240), (at(305, 6, 0), -300)] },
    // 4 April at 15:00Z, 3 October at 15:30Z, and half an hour only.
    Zone { name: "Australia/Lord_Howe", first: 660, changes: [(at(94, 15, 0), 630), (at(276, 15, 30), 660)] },
];

/// A minute on a wall: minute, hour, day, month, day of the week from Sunday.
pub(crate) type Wall = (i64, i64, i64, i64, i64);

/// What a clock shows so many minutes after 1970, in 2026 or on the days beside it.
fn wall(minutes: i64) -> Wall {
    const LENGTHS: [i64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let days = minutes.div_euclid(1_440);
    // 1970 began on a Thursday.
    let weekday = (days + 4).rem_euclid(7);
    // The last day of the year before is like that of this one, and the first of the next one, too.
    let (mut left, mut month) = ((days - YEAR / 1_440).rem_euclid(365), 1);
    for length in LENGTHS {
        if left < length {
            break;
        }
        left -= length;
        month += 1;
    }
    (minutes.rem_euclid(60), minutes.rem_euclid(1_440) / 60, left + 1, month, weekday)
}

/// Whether a calendar means a minute.
pub(crate) type Matches = fn(Wall) -> bool;

/// Calendars, and what each means, said once more.
pub(crate) const CRONS: [(&str, Matches); 12] = [
    ("*/10 * * * *", |(m, ..)| m % 10 == 0),
    ("@hourly", |(m, ..)| m == 0),
    ("@daily", |(m, h, ..)| (m, h) == (0, 0)),
    ("30 2 * * *", |(m, h, ..)| (m, h) == (30, 2)),
    ("15 2 * * *", |(m, h, ..)| (m, h) == (15, 2)),
    ("45 1 * * *", |(m, h, ..)| (m, h) == (45, 1)),
    ("*/7 1-3 * * *", |(m, h, ..)| m % 7 == 0 && (1..=3).contains(&h)),
    ("5/20 */6 * * 1-5", |(m, h, _, _, w)| m % 20 == 5 && h % 6 == 0 && (1..=5).contains(&w)),
    ("0 0 1 * *", |(m, h, d, ..)| (m, h, d) == (0, 0, 1)),
    ("0 12 13 * 5", |(m, h, d, _, w)| (m, h) == (0, 12) && (d == 13 || w == 5)),
    ("30 2 29 mar,oct *", |(m, h, d, o, _)| (m, h, d) == (30, 2, 29) && (o == 3 || o == 10)),
    ("59 23 31 12 *", |(m, h, d, o, _)| (m, h, d, o) == (59, 23, 31, 12)),
];

/// Each minute that the clocks of a zone show in the year, with the moment at which they do, by the rules of the guide:
/// what is left out as the clock is put forward comes at that moment, and what comes twice the first time.
pub(crate) fn minutes(zone: &Zone) -> Vec<(i64, Wall)> {
    let mut minutes = Vec::new();
    // What the clock has shown up to now.
    let mut shown = YEAR + zone.first - 1;
    for now in YEAR..YEAR + MINUTES {
        let ahead = zone.changes.iter().rev().find(|(at, _)| *at <= now).map_or(zone.first, |(_, ahead)| *ahead);
        let shows = now + ahead;
        // One minute mostly, more as it is put forward, none while it shows what it has shown.
        minutes.extend((shown + 1..=shows).map(|minute| (now, wall(minute))));
        shown = shown.max(shows);
    }
    minutes
}

/// The instants of a calendar among them, in milliseconds.
pub(crate) fn instants(minutes: &[(i64, Wall)], matches: Matches) -> Vec<u64> {
    let found = minutes.iter().filter(|(_, wall)| matches(*wall));
    let mut found: Vec<u64> = found.map(|(now, _)| u64::try_from(*now).unwrap() * MINUTE_MS).collect();
    found.dedup();
    found
}

#[test]
fn a_year_in_three_zones_minute_by_minute() {
    let (begin, end) = (u64::try_from(YEAR).unwrap() * MINUTE_MS, u64::try_from(YEAR + MINUTES).unwrap() * MINUTE_MS);
    for zone in &ZONES {
        let minutes = minutes(zone);
        for (cron, matches) in CRONS {
            let calendar = Calendar::read(cron, zone.name, 0).unwrap();
            let next = |at: &u64| calendar.next(*at);
            let seen: Vec<u64> =
                std::iter::successors(calendar.next(begin - 1), next).take_while(|at| *at < end).collect();
            let expected = instants(&minutes, matches);
            assert!(!expected.is_empty(), "{cron} in {}", zone.name);
            let differs = seen.iter().zip(&expected).find(|(seen, expected)| seen != expected);
            assert_eq!((differs, seen.len()), (None, expected.len()), "{cron} in {}", zone.name);
        }
    }
}
