//! The operations about c2d itself.

use c2_shared::api::events::{Change, Snapshot};
use c2_shared::api::live::Written;
use c2_shared::api::metrics::Metrics;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use crate::http::docs::operation::{Operation, route};

pub(super) fn operations() -> Vec<Operation> {
    let metrics = json!({"version": env!("CARGO_PKG_VERSION"), "uptime_s": 60, "jobs_processed": 11,
        "jobs_submitted": 14, "active_workers": 1, "queue_size": 3, "requests": 420});
    vec![
        Operation::operator("get", route!(EVENTS), "Opens the live event stream")
            .about(
                "Server-sent events: first `snapshot` with a `Snapshot`, then `change` with a `Change` after each \
                commit. A reader that falls behind is sent a new `snapshot`.",
            )
            .answers_other("text/event-stream"),
        Operation::operator("get", route!(METRICS), "Shows counters").answers::<Metrics>(200, metrics),
        Operation::operator("get", route!(PROMETHEUS), "Shows counters in Prometheus' text format")
            .answers_other("text/plain; version=0.0.4"),
        Operation::anyone("get", route!(OPENAPI), "Shows this interface as an OpenAPI document")
            .answers_shape(any_object, Value::Null),
        Operation::anyone("get", route!(DOCS), "Shows this interface as a page")
            .answers_other("text/html; charset=utf-8"),
        Operation::anyone("get", route!(HEALTH), "Answers when c2d is up").answers_other("text/plain; charset=utf-8"),
    ]
}

/// Types that travel inside event streams, where a document cannot say so.
pub(super) fn also(generator: &mut SchemaGenerator) {
    drop((generator.subschema_for::<Snapshot>(), generator.subschema_for::<Change>()));
    drop(generator.subschema_for::<Written>());
}

fn any_object(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object"})
}
