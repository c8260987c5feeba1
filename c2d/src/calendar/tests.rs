//! Instants over changes of the clock in several zones, and what is no calendar.

use super::*;

fn ms(text: &str) -> u64 {
    text.parse::<Timestamp>().unwrap().as_millisecond().try_into().unwrap()
}

fn shown(ms: u64) -> String {
    timestamp(ms).unwrap().to_string()
}

/// All instants after a time, up to another.
fn between(calendar: &Calendar, from: &str, to: &str) -> Vec<u64> {
    let next = |at: &u64| calendar.next(*at);
    std::iter::successors(calendar.next(ms(from)), next).take_while(|at| *at <= ms(to)).collect()
}

#[test]
fn the_next_instant() {
    // A Tuesday.
    let now = "2026-11-24T12:00:30Z";
    let table = [
        ("* * * * *", "UTC", "2026-11-24T12:01:00Z"),
        ("0 12 * * *", "UTC", "2026-11-25T12:00:00Z"),
        ("0 3 * * *", "Europe/Berlin", "2026-11-25T02:00:00Z"),
        ("0 3 * * *", "America/New_York", "2026-11-25T08:00:00Z"),
        ("30 5 * * *", "Asia/Kolkata", "2026-11-25T00:00:00Z"),
        ("*/15 9-17 * * mon-fri", "UTC", "2026-11-24T12:15:00Z"),
        ("5/20 * * * *", "UTC", "2026-11-24T12:05:00Z"),
        ("0 0 1,15 * *", "UTC", "2026-12-01T00:00:00Z"),
        ("0 0 1 * 5", "UTC", "2026-11-27T00:00:00Z"),
        ("0 0 */2 * 0", "UTC", "2026-11-29T00:00:00Z"),
        ("0 0 * * 7", "UTC", "2026-11-29T00:00:00Z"),
        ("0 0 29 2 *", "UTC", "2028-02-29T00:00:00Z"),
        ("0 0 31 * *", "UTC", "2026-12-31T00:00:00Z"),
        ("59 23 31 DEC *", "UTC", "2026-12-31T23:59:00Z"),
        ("@hourly", "UTC", "2026-11-24T13:00:00Z"),
        ("@Daily", "Europe/Berlin", "2026-11-24T23:00:00Z"),
        ("@weekly", "UTC", "2026-11-29T00:00:00Z"),
        ("@monthly", "UTC", "2026-12-01T00:00:00Z"),
        ("@yearly", "UTC", "2027-01-01T00:00:00Z"),
        ("every 15m", "Europe/Berlin", "2026-11-24T12:15:30Z"),
        ("every 1d", "UTC", "2026-11-25T12:00:30Z"),
    ];
    for (cron, zone, expected) in table {
        let calendar = Calendar::read(cron, zone, ms(now)).unwrap();
        assert_eq!(calendar.next(ms(now)).map(shown).as_deref(), Some(expected), "{cron} in {zone}");
    }
}

#[test]
fn every_counts_from_its_beginning_whatever_the_clock_does() {
    let calendar = Calendar::read("every 7m", "UTC", 1_000).unwrap();
    for (after, expected) in [(0, 421_000), (1_000, 421_000), (420_999, 421_000), (421_000, 841_000)] {
        assert_eq!(calendar.next(after), Some(expected), "{after}");
    }
}

#[test]
fn a_time_that_does_not_exist_runs_as_the_clock_is_put_forward() {
    // From 02:00 to 03:00, from 02:00 to 02:30, and over a whole day.
    let table = [
        ("30 2 * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", "2026-03-29T01:00:00Z"),
        ("0 2 * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", "2026-03-29T01:00:00Z"),
        ("30 2 * * *", "America/New_York", "2026-03-08T00:00:00-05:00", "2026-03-08T07:00:00Z"),
        ("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T15:00:00Z", "2026-10-03T15:30:00Z"),
        ("0 12 30 12 *", "Pacific/Apia", "2011-12-29T00:00:00Z", "2011-12-30T10:00:00Z"),
    ];
    for (cron, zone, after, expected) in table {
        let calendar = Calendar::read(cron, zone, 0).unwrap();
        assert_eq!(calendar.next(ms(after)).map(shown).as_deref(), Some(expected), "{cron} in {zone}");
    }
    // All that the gap takes away is one instant, and that is also three o'clock.
    let each = Calendar::read("*/10 * * * *", "Europe/Berlin", 0).unwrap();
    let night: Vec<String> =
        between(&each, "2026-03-29T00:40:00Z", "2026-03-29T01:10:00Z").into_iter().map(shown).collect();
    assert_eq!(night, ["2026-03-29T00:50:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:10:00Z"]);
}

#[test]
fn a_time_that_comes_twice_runs_once() {
    let table = [
        ("30 2 * * *", "Europe/Berlin", "2026-10-24T22:00:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"),
        ("30 1 * * *", "America/New_York", "2026-11-01T04:00:00Z", "2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"),
        ("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T13:00:00Z", "2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z"),
    ];
    for (cron, zone, after, first, second) in table {
        let calendar = Calendar::read(cron, zone, 0).unwrap();
        let found = calendar.next(ms(after)).unwrap();
        assert_eq!(
            (shown(found), calendar.next(found).map(shown).as_deref()),
            (first.to_owned(), Some(second)),
            "{zone}"
        );
    }
    // Also when it is looked at in the second of the two hours.
    let each = Calendar::read("*/30 * * * *", "Europe/Berlin", 0).unwrap();
    assert_eq!(each.next(ms("2026-10-25T01:05:00Z")).map(shown).as_deref(), Some("2026-10-25T02:00:00Z"));
}

/// Whatever the clock does, each day has its run, and each minute of a wall clock one instant at most.
#[test]
fn a_year_in_three_zones() {
    for (zone, hours) in [("Europe/Berlin", 8_759), ("America/New_York", 8_759), ("Australia/Lord_Howe", 8_760)] {
        let (from, to) = ("2025-12-31T23:59:59Z", "2026-12-31T23:59:59Z");
        for cron in ["30 2 * * *", "0 1 * * *", "15 2 * * *", "59 23 * * *"] {
            let daily = between(&Calendar::read(cron, zone, 0).unwrap(), from, to);
            assert_eq!(daily.len(), 365, "{cron} in {zone}");
            let gaps = daily.windows(2).map(|two| (two[1] - two[0]) / 60_000);
            assert!(gaps.clone().all(|minutes| (23 * 60 - 30..=25 * 60 + 30).contains(&minutes)), "{cron} in {zone}");
        }
        let hourly = between(&Calendar::read("@hourly", zone, 0).unwrap(), from, to);
        assert!(hourly.is_sorted() && hourly.windows(2).all(|two| two[0] < two[1]), "{zone}");
        assert_eq!(hourly.len(), hours, "{zone}");
        let every = between(&Calendar::read("every 1h", zone, 0).unwrap(), from, to);
        assert_eq!(every.len(), 8_760, "{zone}");
    }
}

#[test]
fn what_is_not_understood_is_said() {
    let table = [
        ("", "\"\" has 0 fields, not five"),
        ("0 3 * *", "\"0 3 * *\" has 4 fields, not five"),
        ("0 0 3 * * *", "\"0 0 3 * * *\" has 6 fields, not five"),
        ("60 * * * *", "\"60\" is not a minute, which is 0 to 59"),
        ("* 24 * * *", "\"24\" is not an hour, which is 0 to 23"),
        ("* * 0 * *", "\"0\" is not a day of the month, which is 1 to 31"),
        ("* * * foo *", "\"foo\" is not a month, which is 1 to 12"),
        ("* * * * 8", "\"8\" is not a day of the week, which is 0 to 7"),
        ("*/0 * * * *", "\"*/0\" is not a minute, which is 0 to 59"),
        ("5-1 * * * *", "\"5-1\" ends before it begins"),
        ("1,, * * * *", "\"\" is not a minute, which is 0 to 59"),
        ("-1 * * * *", "\"-1\" is not a minute, which is 0 to 59"),
        ("0 0 30 2 *", "\"0 0 30 2 *\" never comes"),
        ("@reboot", "\"@reboot\" is not one of @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly"),
        ("every soon", "\"soon\" is not a duration like 90, 90s, 5m or 2h30m"),
        ("every 0", "\"every 0\" names no time between two runs"),
        ("every 99999999999999d", "\"every 99999999999999d\" names no time between two runs"),
    ];
    for (cron, message) in table {
        let mistake = Calendar::read(cron, "UTC", 0).unwrap_err();
        assert_eq!((mistake.field, mistake.message.as_str()), ("cron", message));
    }
    let mistake = Calendar::read("@daily", "Europe/Atlantis", 0).unwrap_err();
    assert_eq!((mistake.field, mistake.message.as_str()), ("timezone", "unknown time zone \"Europe/Atlantis\""));
}
