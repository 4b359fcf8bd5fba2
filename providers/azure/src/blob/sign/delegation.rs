//! User delegation keys: with one of them whoever has a token signs for a while without any I/O.

use std::fmt;
use std::time::{Duration, SystemTime};

use azure_core::time::OffsetDateTime;
use azure_storage_blob::BlobServiceClient;
use azure_storage_blob::models::KeyInfo;
use skyport_core::{Error, ErrorKind, Result};

use crate::config::Connection;
use crate::config::kept::{Freshness, Kept};
use crate::error;
use crate::http::shared_key::AccountKey;
use crate::provision::NAME;

/// How long Azure lets such a key live.
const LONGEST: Duration = Duration::from_secs(7 * 86_400);

/// A key is good a while before now, so that a clock which is ahead of Azure's does no harm.
const BEFORE: Duration = Duration::from_secs(15 * 60);

/// A key of this age is renewed where it ends before what is to be signed: such a URL lives this much less than what was asked for, at most.
const YOUNG: Duration = Duration::from_secs(3600);

/// A key of this age is renewed in any case: with one that is revoked, or whose owner has lost a role, nothing is signed for long.
const OLD: Duration = Duration::from_secs(86_400);

/// A key that lives no longer than this is of no use.
const SHORTEST: Duration = Duration::from_secs(3600);

/// How long the fetch of one may take.
const PATIENCE: Duration = Duration::from_secs(8);

/// One such key, and whose it is.
#[derive(Clone)]
pub(super) struct DelegationKey {
    pub(super) key: AccountKey,
    pub(super) object: String,
    pub(super) tenant: String,
    pub(super) starts: SystemTime,
    pub(super) expires: SystemTime,
    pub(super) service: String,
    pub(super) version: String,
    fetched: SystemTime,
}

/// The key of a connection, fetched at its first use.
pub(crate) struct DelegationKeys(Kept<DelegationKey>);

impl DelegationKeys {
    pub(crate) fn new() -> Self {
        Self(Kept::new())
    }

    /// A key that is good at least until `end`, or as long as Azure lets one live.
    pub(super) async fn get(
        &self,
        connection: &Connection,
        now: SystemTime,
        end: SystemTime,
    ) -> Result<DelegationKey> {
        self.0.get(|key| key.freshness(now, end), fetch(connection, now)).await
    }
}

impl fmt::Debug for DelegationKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DelegationKeys").finish_non_exhaustive()
    }
}

impl DelegationKey {
    #[cfg(test)]
    pub(super) fn of_test(key: AccountKey, starts: SystemTime, life: Duration) -> Self {
        Self {
            key,
            object: "oid".to_owned(),
            tenant: "tid".to_owned(),
            starts,
            expires: starts + life,
            service: "b".to_owned(),
            version: "2026-06-06".to_owned(),
            fetched: starts,
        }
    }

    fn freshness(&self, now: SystemTime, end: SystemTime) -> Freshness {
        let lasts = end <= self.expires || now < self.fetched + YOUNG;
        if lasts && now < self.fetched + OLD {
            Freshness::Fresh
        } else if now + SHORTEST <= self.expires {
            Freshness::Stale
        } else {
            Freshness::Spent
        }
    }
}

async fn fetch(connection: &Connection, now: SystemTime) -> Result<DelegationKey> {
    let starts = now - BEFORE;
    let info = KeyInfo {
        start: Some(OffsetDateTime::from(starts)),
        expiry: Some(OffsetDateTime::from(starts + LONGEST)),
        ..KeyInfo::default()
    };
    let asked = async {
        let url = connection.bare_url(&[])?;
        let client = BlobServiceClient::new(url, None, Some(options(connection))).map_err(error::of_azure)?;
        let body = info.try_into().map_err(error::of_azure)?;
        let answer = client.get_user_delegation_key(body, None).await.map_err(error::of_azure)?;
        answer.into_model().map_err(error::of_azure)
    };
    // Nothing changes by asking.
    let asked = tokio::time::timeout(PATIENCE, asked).await.map_err(|_| not_in_time())?;
    let told = asked.map_err(|error| refused(error).with_ambiguous(false))?;
    let all = (told.value, told.signed_oid, told.signed_tid, told.signed_start, told.signed_expiry);
    let (Some(value), Some(object), Some(tenant), Some(starts), Some(expires)) = all else {
        return Err(odd());
    };
    let (Some(service), Some(version)) = (told.signed_service, told.signed_version) else {
        return Err(odd());
    };
    Ok(DelegationKey {
        key: AccountKey::of_bytes(&value).ok_or_else(odd)?,
        object,
        tenant,
        starts: starts.into(),
        expires: expires.into(),
        service,
        version,
        fetched: now,
    })
}

fn options(connection: &Connection) -> azure_storage_blob::BlobServiceClientOptions {
    azure_storage_blob::BlobServiceClientOptions {
        client_options: connection.options(),
        ..Default::default()
    }
}

fn refused(error: Error) -> Error {
    if error.kind() != ErrorKind::PermissionDenied {
        return error;
    }
    let text = "Azure does not let this identity sign URLs: give it a role `Storage Blob Data ..` on the account, or `Storage Blob Delegator` beside one \
                on the container";
    Error::new(ErrorKind::PermissionDenied, text).with_source(error).with_provider(NAME)
}

fn not_in_time() -> Error {
    let text = "Azure gave no key to sign URLs with in time";
    Error::new(ErrorKind::Unavailable, text).with_ambiguous(false).with_provider(NAME)
}

fn odd() -> Error {
    let text = "Azure answered with something that is no user delegation key";
    Error::new(ErrorKind::Malformed, text).with_provider(NAME)
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn a_key_is_renewed_where_it_is_no_longer_young_and_ends_before_what_is_to_be_signed() {
        let start = UNIX_EPOCH + 1_000_000 * HOUR;
        let key = AccountKey::read("c2VjcmV0").expect("a key");
        let key = DelegationKey::of_test(key, start, LONGEST);
        for (now, end, freshness) in [
            // Young: what is asked for ends with the key.
            (start, start + LONGEST, Freshness::Fresh),
            (start + HOUR / 2, start + LONGEST + HOUR / 2, Freshness::Fresh),
            // It lasts long enough.
            (start + 23 * HOUR, start + 25 * HOUR, Freshness::Fresh),
            (start + 23 * HOUR, start + LONGEST, Freshness::Fresh),
            // No key is used for days where another can be had.
            (start + 24 * HOUR, start + 25 * HOUR, Freshness::Stale),
            // Another lasts longer; where there is none, this one is good for an hour at least.
            (start + 24 * HOUR, start + LONGEST + HOUR, Freshness::Stale),
            (start + LONGEST - HOUR, start + LONGEST + HOUR, Freshness::Stale),
            (start + LONGEST - HOUR / 2, start + LONGEST + HOUR, Freshness::Spent),
            (start + LONGEST + HOUR, start + LONGEST + 2 * HOUR, Freshness::Spent),
        ] {
            assert_eq!(key.freshness(now, end), freshness, "{now:?} {end:?}");
        }
    }
}
