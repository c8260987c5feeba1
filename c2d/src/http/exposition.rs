//! Prometheus' text format: families of samples, each with its help and its kind.

use std::fmt::{Display, Write as _};

use crate::histogram::Histogram;

/// A text of families.
#[derive(Debug, Default)]
pub(super) struct Exposition(String);

/// Names with their values.
pub(super) type Labels<'a> = &'a [(&'a str, &'a str)];

/// One family, to which samples are added.
pub(super) struct Family<'a> {
    text: &'a mut String,
    name: &'a str,
}

impl Exposition {
    pub(super) fn counter<'a>(&'a mut self, name: &'a str, help: &str) -> Family<'a> {
        self.family(name, "counter", help)
    }

    pub(super) fn gauge<'a>(&'a mut self, name: &'a str, help: &str) -> Family<'a> {
        self.family(name, "gauge", help)
    }

    pub(super) fn histogram<'a>(&'a mut self, name: &'a str, help: &str) -> Family<'a> {
        self.family(name, "histogram", help)
    }

    fn family<'a>(&'a mut self, name: &'a str, kind: &str, help: &str) -> Family<'a> {
        // Writing into a String does not fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
        Family { text: &mut self.0, name }
    }

    pub(super) fn into_text(self) -> String {
        self.0
    }
}

impl Family<'_> {
    pub(super) fn sample(&mut self, labels: Labels<'_>, value: impl Display) -> &mut Self {
        self.line("", labels, None, value);
        self
    }

    /// The same, if there is a value.
    pub(super) fn known(&mut self, value: Option<impl Display>) -> &mut Self {
        value.into_iter().for_each(|value| self.line("", &[], None, value));
        self
    }

    pub(super) fn durations(&mut self, labels: Labels<'_>, durations: &Histogram) -> &mut Self {
        for (bound, count) in durations.cumulative() {
            let bound = bound.map_or_else(|| "+Inf".to_owned(), |ms| seconds(ms).to_string());
            self.line("_bucket", labels, Some(("le", &bound)), count);
        }
        self.line("_sum", labels, None, seconds(durations.sum_ms()));
        self.line("_count", labels, None, durations.count());
        self
    }

    fn line(&mut self, suffix: &str, labels: Labels<'_>, more: Option<(&str, &str)>, value: impl Display) {
        let (text, name) = (&mut *self.text, self.name);
        let _ = write!(text, "{name}{suffix}");
        let mut before = '{';
        for (label, value) in labels.iter().copied().chain(more) {
            let _ = write!(text, "{before}{label}=\"{}\"", escaped(value));
            before = ',';
        }
        let end = if before == ',' { "}" } else { "" };
        let _ = writeln!(text, "{end} {value}");
    }
}

#[expect(clippy::cast_precision_loss, reason = "a sum of milliseconds is exact for 285,000 years")]
pub(super) fn seconds(ms: u64) -> f64 {
    ms as f64 / 1_000.0
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_written_as_prometheus_reads_them() {
        const BOUNDS: &[u64] = &[5, 1_000];
        let mut durations = Histogram::new(BOUNDS);
        [1, 2_500].into_iter().for_each(|ms| durations.add(ms));
        let mut text = Exposition::default();
        text.gauge("c2_up", "Whether.").sample(&[], 1);
        text.counter("c2_x_total", "How often.").sample(&[("host", "a\"b\\c\nd"), ("state", "")], 2).known(None::<u64>);
        text.histogram("c2_s", "How long.").durations(&[("group", "gpu")], &durations);
        let expected = r#"# HELP c2_up Whether.
# TYPE c2_up gauge
c2_up 1
# HELP c2_x_total How often.
# TYPE c2_x_total counter
c2_x_total{host="a\"b\\c\nd",state=""} 2
# HELP c2_s How long.
# TYPE c2_s histogram
c2_s_bucket{group="gpu",le="0.005"} 1
c2_s_bucket{group="gpu",le="1"} 1
c2_s_bucket{group="gpu",le="+Inf"} 2
c2_s_sum{group="gpu"} 2.501
c2_s_count{group="gpu"} 2
"#;
        assert_eq!(text.into_text(), expected);
    }
}
