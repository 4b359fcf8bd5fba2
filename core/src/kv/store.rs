//! What every operation of a table shares whatever its values are: checks, names in errors, spans.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tracing::Instrument;

use super::entry::name_key;
use super::key::check_key;
use super::port::{Key, KeyValueStore, TableInfo};
use crate::{Error, ErrorKind, Result};

/// No item is meant to expire later than that; who asks for more has mistaken a unit.
const LONGEST: Duration = Duration::from_secs(100 * 366 * 86_400);

#[derive(Clone, Debug)]
pub(crate) struct Store(pub(super) Arc<dyn KeyValueStore>);

impl Store {
    pub(crate) fn info(&self) -> &TableInfo {
        self.0.info()
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.info().clock.now()
    }

    /// Says where an error comes from.
    pub(crate) fn name(&self, operation: &'static str, key: Option<&Key>, error: Error) -> Error {
        let info = self.info();
        let error = error
            .with_operation(operation)
            .with_provider(info.provider)
            .with_resource(info.resource.as_str());
        match key {
            Some(key) => name_key(error, key),
            None => error,
        }
    }

    /// Runs an operation in its span and says in its error where it comes from.
    pub(super) async fn run<R>(
        &self,
        operation: &'static str,
        key: Option<&Key>,
        work: impl Future<Output = Result<R>>,
    ) -> Result<R> {
        let result = work.instrument(self.span(operation)).await;
        result.map_err(|error| self.name(operation, key, error))
    }

    pub(super) fn span(&self, operation: &'static str) -> tracing::Span {
        let info = self.info();
        tracing::debug_span!("kv", operation, table = info.resource, provider = info.provider)
    }

    pub(super) fn check_key(&self, key: &Key) -> Result<()> {
        check_key(key, &self.info().limits)
    }

    pub(super) fn check_value(&self, bytes: usize) -> Result<()> {
        let most = self.info().limits.value_bytes;
        if bytes > most {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!("a value has at most {most} bytes, not {bytes}: keep large ones in a bucket"),
            ));
        }
        Ok(())
    }

    /// The instant `after` from now.
    pub(super) fn expiry(&self, after: Option<Duration>) -> Result<Option<SystemTime>> {
        let Some(after) = after else { return Ok(None) };
        if after.is_zero() || after > LONGEST {
            return Err(Error::invalid(
                "an item expires after more than nothing and at most 100 years; leave `expires` out for never",
            ));
        }
        Ok(Some(self.now() + after))
    }
}
