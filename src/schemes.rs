//! URL schemes and the providers that serve them; a module each, compiled with its feature.

use std::sync::Arc;

use skyport_core::provider::{Provider, ResourceUrl};
use skyport_core::{Error, Result};

use crate::environment::Environment;

/// A scheme, the feature that serves it, and how.
struct Scheme {
    name: &'static str,
    feature: &'static str,
    this_machine: bool,
    serve: Option<Serve>,
}

/// How a scheme is served in this build.
struct Serve {
    /// What tells one instance of the provider from another.
    instance: fn(&ResourceUrl, &Environment) -> String,
    open: fn(&ResourceUrl, &Environment) -> Result<Arc<dyn Provider>>,
}

const SCHEMES: [Scheme; 2] = [
    Scheme { name: "local", feature: "local", this_machine: true, serve: local::SERVE },
    Scheme { name: "memory", feature: "memory", this_machine: true, serve: memory::SERVE },
];

/// The schemes that this build serves.
pub(crate) fn built_in() -> Vec<&'static str> {
    SCHEMES.iter().filter(|scheme| scheme.serve.is_some()).map(|scheme| scheme.name).collect()
}

/// Whether resources of a scheme are made when they are first used.
pub(crate) fn is_this_machine(name: &str) -> bool {
    SCHEMES.iter().any(|scheme| scheme.name == name && scheme.this_machine)
}

/// What names the provider that serves a URL.
pub(crate) fn instance(url: &ResourceUrl, environment: &Environment) -> Result<String> {
    find(url).map(|serve| format!("{}:{}", url.scheme(), (serve.instance)(url, environment)))
}

/// The provider that serves a URL.
pub(crate) fn open(url: &ResourceUrl, environment: &Environment) -> Result<Arc<dyn Provider>> {
    find(url).and_then(|serve| (serve.open)(url, environment))
}

fn find(url: &ResourceUrl) -> Result<&'static Serve> {
    let Some(scheme) = SCHEMES.iter().find(|scheme| scheme.name == url.scheme()) else {
        let known: Vec<&str> = SCHEMES.iter().map(|scheme| scheme.name).collect();
        return Err(Error::invalid(format!(
            "nothing serves `{}://`; there are {}",
            url.scheme(),
            known.join(", ")
        )));
    };
    scheme.serve.as_ref().ok_or_else(|| {
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
