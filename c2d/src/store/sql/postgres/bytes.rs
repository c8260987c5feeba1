//! How much the tables of jobs take: their files, and what of these is in use.

/// All files of the tables that grow with jobs, with their indexes.
pub(in crate::store::sql) const FILES_BYTES: &str =
    "SELECT CAST(sum(pg_total_relation_size(to_regclass(name))) AS bigint)
    FROM unnest(ARRAY['job', 'attempt', 'output', 'listing', 'dependency']) AS name";

/// What the rows of all jobs take, as they are kept, with what their indexes take of it about.
pub(in crate::store::sql) const ROWS_BYTES: &str = "SELECT CAST(
    (SELECT coalesce(sum(pg_column_size(t) + 200), 0) FROM job t) + (SELECT coalesce(sum(pg_column_size(t) + 60), 0) FROM attempt t)
    + (SELECT coalesce(sum(pg_column_size(t) + 60), 0) FROM output t) + (SELECT coalesce(sum(pg_column_size(t) + 60), 0) FROM listing t)
    + (SELECT coalesce(sum(pg_column_size(t) + 60), 0) FROM dependency t) AS bigint)";

/// The same of one job.
pub(in crate::store::sql) const JOB_BYTES: &str = "SELECT CAST(
    (SELECT coalesce(sum(pg_column_size(t) + 200), 0) FROM job t WHERE id = ?1)
    + (SELECT coalesce(sum(pg_column_size(t) + 60), 0) FROM attempt t WHERE job = ?1)
    + (SELECT coalesce(sum(pg_column_size(t) + 60), 0) FROM output t WHERE job = ?1)
    + (SELECT coalesce(sum(pg_column_size(t) + 60), 0) FROM listing t WHERE job = ?1)
    + (SELECT coalesce(sum(pg_column_size(t) + 60), 0) FROM dependency t WHERE job = ?1) AS bigint)";
