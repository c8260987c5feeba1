//! PostgreSQL for the tests of the store: one server for all, a schema for each.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use super::postgres_server::{start, url};
use crate::store::Target;

/// A schema of its own on the server; none where PostgreSQL is not installed.
pub(super) fn database() -> Option<Target> {
    static SERVER: OnceLock<Option<PathBuf>> = OnceLock::new();
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let dir = SERVER.get_or_init(|| start(false)).as_ref()?;
    let schema = format!("t{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let base = url(dir);
    let whole: Target = base.parse().unwrap();
    let maker = crate::store::Postgres::writer(&whole, None, "").unwrap();
    maker.batch(&format!("CREATE SCHEMA {schema}")).unwrap();
    Some(format!("{base}?options=-csearch_path%3D{schema}").parse().unwrap())
}
