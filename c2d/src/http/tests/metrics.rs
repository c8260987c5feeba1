//! What Prometheus is given, read by a parser that takes nothing but what the format allows.

use std::collections::{BTreeMap, BTreeSet};

use super::lab::Lab;

/// A sample: the name, its labels and its value.
type Sample = (String, BTreeMap<String, String>, f64);
/// What stands there of a histogram: the suffix, the bound if it is a bucket, and the value.
type Point<'a> = (&'a str, Option<f64>, f64);
/// The name of a sample, its suffix, some of its labels, and what it should be.
type Expected<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], f64);

/// Reads a text; a panic says what is wrong with it.
fn parse(text: &str) -> BTreeMap<String, (String, Vec<Sample>)> {
    let mut families: BTreeMap<String, (String, Vec<Sample>)> = BTreeMap::new();
    let (mut named, mut present): (Option<String>, Option<String>) = (None, None);
    let mut series = BTreeSet::new();
    assert!(text.ends_with('\n'), "the last line ends");
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            assert!(is_name(name) && help.ends_with('.') && !families.contains_key(name), "{line}");
            (named, present) = (Some(name.to_owned()), None);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(named.take().as_deref() == Some(name), "help and kind belong together: {line}");
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            families.insert(name.to_owned(), (kind.to_owned(), Vec::new()));
            present = Some(name.to_owned());
        } else {
            let (name, labels, value) = sample(line);
            assert!(series.insert((name.clone(), labels.clone())), "there twice: {line}");
            let family = present.clone().unwrap_or_else(|| panic!("of no family: {line}"));
            let (kind, samples) = families.get_mut(&family).unwrap();
            let suffix = name.strip_prefix(&family).unwrap_or_else(|| panic!("of another family: {line}"));
            let suffixes: &[&str] = if kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
            assert!(suffixes.contains(&suffix), "{line}");
            assert!(kind == "gauge" || value >= 0.0, "{line}");
            samples.push((suffix.to_owned(), labels, value));
        }
    }
    for (name, (kind, samples)) in &families {
        if kind == "histogram" {
            check_histogram(name, samples);
        }
    }
    families
}

fn is_name(text: &str) -> bool {
    let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(letter)
}

fn sample(line: &str) -> (String, BTreeMap<String, String>, f64) {
    let at = line.find(['{', ' ']).unwrap_or_else(|| panic!("no value: {line}"));
    let (name, mut rest) = line.split_at(at);
    assert!(is_name(name), "{line}");
    let mut labels = BTreeMap::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        loop {
            let (label, after) = rest.split_once("=\"").unwrap_or_else(|| panic!("no label: {line}"));
            let (mut value, mut chars) = (String::new(), after.char_indices());
            let end = loop {
                match chars.next().unwrap_or_else(|| panic!("no end: {line}")) {
                    (at, '"') => break at,
                    (_, '\\') => value.push(match chars.next().unwrap().1 {
                        'n' => '\n',
                        c @ ('"' | '\\') => c,
                        c => panic!("\\{c} means nothing: {line}"),
                    }),
                    (_, c) => value.push(c),
                }
            };
            assert!(is_name(label) && labels.insert(label.to_owned(), value).is_none(), "{line}");
            rest = &after[end + 1..];
            match rest.strip_prefix(',') {
                Some(more) => rest = more,
                None => break,
            }
        }
        rest = rest.strip_prefix('}').unwrap_or_else(|| panic!("labels do not end: {line}"));
    }
    let value = rest.strip_prefix(' ').unwrap_or_else(|| panic!("no blank: {line}"));
    (name.to_owned(), labels, value.parse().unwrap_or_else(|_| panic!("no number: {line}")))
}

fn check_histogram(name: &str, samples: &[Sample]) {
    let mut series: BTreeMap<BTreeMap<String, String>, Vec<Point<'_>>> = BTreeMap::new();
    for (suffix, labels, value) in samples {
        let mut labels = labels.clone();
        let bound =
            labels.remove("le").map(|bound| if bound == "+Inf" { f64::INFINITY } else { bound.parse().unwrap() });
        assert_eq!(bound.is_some(), suffix == "_bucket", "{name}");
        series.entry(labels).or_default().push((suffix, bound, *value));
    }
    for (labels, samples) in series {
        let buckets: Vec<_> = samples.iter().filter_map(|(_, bound, count)| Some(((*bound)?, *count))).collect();
        assert!(buckets.windows(2).all(|two| two[0].0 < two[1].0 && two[0].1 <= two[1].1), "{name} {labels:?}");
        let of = |wanted: &str| samples.iter().find(|(suffix, ..)| *suffix == wanted).unwrap().2;
        let (last, all) = buckets.last().unwrap();
        assert!(last.is_infinite() && (all - of("_count")).abs() < 0.5, "{name} {labels:?}");
        assert!(of("_sum") >= 0.0);
    }
}

/// The value of the sample with these labels, whatever others it has.
fn value(families: &BTreeMap<String, (String, Vec<Sample>)>, name: &str, suffix: &str, wanted: &[(&str, &str)]) -> f64 {
    let (_, samples) = families.get(name).unwrap_or_else(|| panic!("no family {name}"));
    let has = |labels: &BTreeMap<String, String>| {
        wanted.iter().all(|(label, value)| labels.get(*label).is_some_and(|own| own == value))
    };
    let mut found = samples.iter().filter(|(own, labels, _)| own == suffix && has(labels));
    let (_, _, value) = found.next().unwrap_or_else(|| panic!("no {name}{suffix} with {wanted:?}: {samples:?}"));
    assert!(found.next().is_none(), "{name}{suffix} {wanted:?} is not one");
    *value
}

#[tokio::test]
async fn prometheus_reads_what_happened() {
    let lab = Lab::new().await;
    let scrape = async || {
        let answer = lab.operator("GET /metrics", "").await;
        assert!(answer.head.contains("content-type: text/plain; version=0.0.4"), "{}", answer.head);
        parse(&answer.body)
    };
    let empty = scrape().await;
    assert!((value(&empty, "c2_build_info", "", &[("version", env!("CARGO_PKG_VERSION"))]) - 1.0).abs() < 0.1);
    assert!(
        value(&empty, "process_open_fds", "", &[]) > 2.0 && value(&empty, "process_cpu_seconds_total", "", &[]) >= 0.0
    );
    for name in ["process_start_time_seconds", "process_resident_memory_bytes", "process_max_fds", "process_threads"] {
        assert!(value(&empty, name, "", &[]) > 0.0, "{name}");
    }

    lab.worker("POST /api/workers/register", r#"{"hostname": "a\"b\\c", "slots": 3}"#).await;
    lab.operator("POST /api/workers/groups/127.0.0.1", r#"{"groups": ["gpu", "big"]}"#).await;
    for (job, code) in [(1, 0), (2, 7)] {
        let spec = if job == 1 { r#"{"command":"true","group":"gpu"}"# } else { r#"{"command":"false"}"# };
        lab.operator("POST /api/jobs/submit", spec).await;
        lab.worker("POST /api/workers/get-work/127.0.0.1", "").await;
        let result = format!(r#"{{"attempt":"job-{job}.1","exit_code":{code}}}"#);
        lab.worker(&format!("POST /api/jobs/result/job-{job}"), &result).await;
    }
    lab.worker("POST /api/workers/get-work/127.0.0.1", "").await;
    for group in ["gpu", "big", "big"] {
        lab.operator("POST /api/jobs/submit", &format!(r#"{{"command":"true","group":"{group}"}}"#)).await;
    }
    lab.operator("POST /api/jobs/cancel/job-4", "").await;

    let seen = scrape().await;
    let table: &[Expected<'_>] = &[
        ("c2_jobs_submitted_total", "", &[], 5.0),
        ("c2_jobs_ended_total", "", &[("state", "failed")], 1.0),
        ("c2_jobs_active", "", &[("state", "queued")], 2.0),
        ("c2_job_wait_seconds", "_count", &[("group", "gpu")], 1.0),
        ("c2_job_wait_seconds", "_count", &[("group", "")], 1.0),
        ("c2_job_run_seconds", "_count", &[("group", "gpu"), ("state", "succeeded")], 1.0),
        ("c2_job_run_seconds", "_count", &[("group", ""), ("state", "failed")], 1.0),
        ("c2_poll_seconds", "_count", &[("answer", "work")], 2.0),
        ("c2_poll_seconds", "_count", &[("answer", "nothing")], 1.0),
        ("c2_group_waiting_jobs", "", &[("group", "gpu")], 1.0),
        ("c2_group_waiting_jobs", "", &[("group", "big")], 1.0),
        ("c2_group_workers_online", "", &[("group", "gpu")], 1.0),
        ("c2_group_slots", "", &[("group", "gpu")], 3.0),
        ("c2_worker_online", "", &[("hostname", "a_b_c")], 1.0),
        ("c2_worker_slots", "", &[("hostname", "a_b_c")], 3.0),
        ("c2_worker_jobs_ended_total", "", &[("state", "failed")], 1.0),
        ("c2_worker_jobs_ended_total", "", &[("state", "cancelled")], 0.0),
    ];
    for (name, suffix, labels, expected) in table {
        let found = value(&seen, name, suffix, labels);
        assert!((found - expected).abs() < 1e-9, "{name}{suffix} {labels:?}: {found}");
    }
    lab.stop().await;
}

#[test]
fn the_parser_is_strict() {
    let family = "# HELP c2_x_total X.\n# TYPE c2_x_total counter\n";
    let histogram = "# HELP c2_s S.\n# TYPE c2_s histogram\n";
    let bad = [
        "c2_x_total 1\n".to_owned(),
        format!("{family}c2_x_total 1"),
        format!("{family}c2_y 1\n"),
        format!("{family}c2_x_total{{a=\"1\"}} x\n"),
        format!("{family}c2_x_total{{a=\"1}} 1\n"),
        format!("{family}c2_x_total{{a=\"\\q\"}} 1\n"),
        format!("{family}c2_x_total 1\nc2_x_total 1\n"),
        format!("{family}c2_x_total -1\n"),
        format!("{family}{family}"),
        "# HELP c2_x X.\n# TYPE c2_x counter\n".to_owned(),
        format!("{histogram}c2_s_bucket{{le=\"1\"}} 1\nc2_s_sum 1\nc2_s_count 1\n"),
        format!("{histogram}c2_s_bucket{{le=\"1\"}} 2\nc2_s_bucket{{le=\"+Inf\"}} 1\nc2_s_sum 1\nc2_s_count 1\n"),
        format!("{histogram}c2_s_bucket{{le=\"+Inf\"}} 1\nc2_s_sum 1\nc2_s_count 2\n"),
    ];
    for text in bad {
        assert!(std::panic::catch_unwind(|| parse(&text)).is_err(), "{text}");
    }
    parse(&format!("{family}c2_x_total{{a=\"x,}}\\\"\"}} 1\n"));
}
