//! URL schemes and the providers that serve them; a module each, compiled with its feature.

use std::sync::Arc;

use skyport_core::provider::{Provider, ResourceKind, ResourceUrl};
use skyport_core::{Error, Result};

use crate::environment::Environment;

/// A scheme, the feature that serves it, and how.
struct Scheme {
    name: &'static str,
    /// The provider, as `SKYPORT_PROVIDER` names it.
    provider: &'static str,
    /// What it is for; `None` for every kind of resource.
    kind: Option<&'static str>,
    feature: &'static str,
    this_machine: bool,
    serve: Option<Serve>,
}

/// How a scheme is served in this build. One instance of a provider serves all of its resources.
type Serve = fn(&Environment) -> Result<Arc<dyn Provider>>;

const SCHEMES: [Scheme; 11] = [
    Scheme {
        name: "local",
        provider: "local",
        kind: None,
        feature: "local",
        this_machine: true,
        serve: local::SERVE,
    },
    Scheme {
        name: "memory",
        provider: "memory",
        kind: None,
        feature: "memory",
        this_machine: true,
        serve: memory::SERVE,
    },
    cloud("s3", "aws", "bucket", "aws-blob", if cfg!(feature = "aws-blob") { aws::SERVE } else { None }),
    cloud("sqs", "aws", "queue", "aws-queue", if cfg!(feature = "aws-queue") { aws::SERVE } else { None }),
    cloud("dynamodb", "aws", "table", "aws-kv", if cfg!(feature = "aws-kv") { aws::SERVE } else { None }),
    cloud("gs", "gcp", "bucket", "gcp-blob", if cfg!(feature = "gcp-blob") { gcp::SERVE } else { None }),
    cloud("pubsub", "gcp", "queue", "gcp-queue", if cfg!(feature = "gcp-queue") { gcp::SERVE } else { None }),
    cloud("firestore", "gcp", "table", "gcp-kv", if cfg!(feature = "gcp-kv") { gcp::SERVE } else { None }),
    cloud(
        "azblob",
        "azure",
        "bucket",
        "azure-blob",
        if cfg!(feature = "azure-blob") { azure::SERVE } else { None },
    ),
    cloud(
        "azqueue",
        "azure",
        "queue",
        "azure-queue",
        if cfg!(feature = "azure-queue") { azure::SERVE } else { None },
    ),
    cloud(
        "aztable",
        "azure",
        "table",
        "azure-kv",
        if cfg!(feature = "azure-kv") { azure::SERVE } else { None },
    ),
];

const fn cloud(
    name: &'static str,
    provider: &'static str,
    kind: &'static str,
    feature: &'static str,
    serve: Option<Serve>,
) -> Scheme {
    Scheme { name, provider, kind: Some(kind), feature, this_machine: false, serve }
}

/// Whether any provider of this build has buckets. Of a kind that none has, nothing is linked.
pub(crate) const BUCKETS: bool = served("bucket");

/// Likewise queues.
pub(crate) const QUEUES: bool = served("queue");

/// Likewise tables.
pub(crate) const TABLES: bool = served("table");

const fn served(kind: &str) -> bool {
    let mut at = 0;
    while at < SCHEMES.len() {
        let fits = match SCHEMES[at].kind {
            None => true,
            Some(own) => same(own.as_bytes(), kind.as_bytes()),
        };
        if fits && SCHEMES[at].serve.is_some() {
            return true;
        }
        at += 1;
    }
    false
}

/// `==`, which constants do not have.
const fn same(one: &[u8], other: &[u8]) -> bool {
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}

/// The providers that this build has.
pub(crate) fn built_in() -> Vec<&'static str> {
    let mut providers: Vec<&str> =
        SCHEMES.iter().filter(|scheme| scheme.serve.is_some()).map(|scheme| scheme.provider).collect();
    providers.dedup();
    providers
}

/// The scheme of a provider's resources of one kind.
pub(crate) fn of_provider(provider: &str, kind: &ResourceKind) -> Option<&'static str> {
    let fits =
        |scheme: &&Scheme| scheme.provider == provider && scheme.kind.is_none_or(|own| own == kind.as_str());
    SCHEMES.iter().find(fits).map(|scheme| scheme.name)
}

/// Whether resources of a provider are made when they are first used.
pub(crate) fn is_this_machine(provider: &str) -> bool {
    SCHEMES.iter().any(|scheme| scheme.provider == provider && scheme.this_machine)
}

/// The provider that serves a URL, by its name.
pub(crate) fn provider(url: &ResourceUrl) -> Result<&'static str> {
    find(url).map(|(provider, _)| provider)
}

/// The provider that serves a URL.
pub(crate) fn open(url: &ResourceUrl, environment: &Environment) -> Result<Arc<dyn Provider>> {
    find(url).and_then(|(_, serve)| serve(environment))
}

fn find(url: &ResourceUrl) -> Result<(&'static str, Serve)> {
    let Some(scheme) = SCHEMES.iter().find(|scheme| scheme.name == url.scheme()) else {
        let known: Vec<&str> = SCHEMES.iter().map(|scheme| scheme.name).collect();
        return Err(Error::invalid(format!(
            "nothing serves `{}://`; there are {}",
            url.scheme(),
            known.join(", ")
        )));
    };
    let serve = scheme.serve.map(|serve| (scheme.provider, serve));
    serve.ok_or_else(|| {
        Error::unsupported(format!(
            "this program was built without the feature `{}`, which serves `{}://`: add it to `skyport` in Cargo.toml",
            scheme.feature, scheme.name
        ))
    })
}

#[cfg(feature = "local")]
mod local;

#[cfg(not(feature = "local"))]
mod local {
    pub(super) const SERVE: Option<super::Serve> = None;
}

#[cfg(feature = "memory")]
mod memory;

#[cfg(not(feature = "memory"))]
mod memory {
    pub(super) const SERVE: Option<super::Serve> = None;
}

#[cfg(any(feature = "aws-blob", feature = "aws-queue", feature = "aws-kv"))]
mod aws;

#[cfg(not(any(feature = "aws-blob", feature = "aws-queue", feature = "aws-kv")))]
mod aws {
    pub(super) const SERVE: Option<super::Serve> = None;
}

#[cfg(any(feature = "gcp-blob", feature = "gcp-queue", feature = "gcp-kv"))]
mod gcp;

#[cfg(not(any(feature = "gcp-blob", feature = "gcp-queue", feature = "gcp-kv")))]
mod gcp {
    pub(super) const SERVE: Option<super::Serve> = None;
}

#[cfg(any(feature = "azure-blob", feature = "azure-queue", feature = "azure-kv"))]
mod azure;

#[cfg(not(any(feature = "azure-blob", feature = "azure-queue", feature = "azure-kv")))]
mod azure {
    pub(super) const SERVE: Option<super::Serve> = None;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_served_is_what_the_features_say() {
        let any = cfg!(any(feature = "local", feature = "memory"));
        let cloud = |kind: &str| {
            let of_kind = SCHEMES.iter().filter(|scheme| scheme.kind == Some(kind));
            of_kind.filter(|scheme| scheme.serve.is_some()).count() > 0
        };
        assert_eq!([BUCKETS, QUEUES, TABLES], ["bucket", "queue", "table"].map(|kind| any || cloud(kind)));
        assert!(!served("bucke") || any);
        assert!(same(b"table", b"table") && !same(b"table", b"tables") && !same(b"table", b"tabla"));
    }
}
