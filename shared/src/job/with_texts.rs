//! Lists of jobs in which a plain text is a job that is nothing but a command.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::JobSpec;

/// Reads jobs.
pub(crate) fn with_texts<'de, D: Deserializer<'de>>(list: D) -> Result<Vec<JobSpec>, D::Error> {
    struct Job(JobSpec);
    struct JobVisitor;

    impl<'de> Visitor<'de> for JobVisitor {
        type Value = Job;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a job")
        }

        fn visit_str<E>(self, command: &str) -> Result<Job, E> {
            Ok(Job(JobSpec { command: command.to_owned(), ..JobSpec::default() }))
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Job, A::Error> {
            JobSpec::deserialize(MapAccessDeserializer::new(map)).map(Job)
        }
    }

    impl<'de> Deserialize<'de> for Job {
        fn deserialize<D: Deserializer<'de>>(job: D) -> Result<Self, D::Error> {
            job.deserialize_any(JobVisitor)
        }
    }

    Ok(Vec::<Job>::deserialize(list)?.into_iter().map(|Job(spec)| spec).collect())
}
