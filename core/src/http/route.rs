//! Which requests an HTTP function answers: [`get`], [`put`]..

use std::time::Duration;

use http::Method;
use serde::Serialize;

/// The largest request body unless a route says otherwise: 20 MiB.
pub const DEFAULT_BODY_LIMIT: u64 = 20 << 20;

/// A method, a path, and what is accepted there.
///
/// In the path `{name}` stands for one segment and `{*name}`, at the end, for all the rest.
///
/// ```
/// use skyport_core::http::route;
///
/// let route = route::put("/photos/{name}").accepts(["image/jpeg", "image/png"]).body_limit(5 << 20);
/// assert_eq!(route.path(), "/photos/{name}");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[must_use]
pub struct Route {
    #[serde(serialize_with = "as_text", skip_serializing_if = "Option::is_none")]
    method: Option<Method>,
    path: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    accepts: Vec<String>,
    body_limit: u64,
    #[serde(skip)]
    timeout: Option<Duration>,
}

impl Route {
    /// Requests of any one method.
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method: Some(method),
            path: path.into(),
            accepts: Vec::new(),
            body_limit: DEFAULT_BODY_LIMIT,
            timeout: None,
        }
    }

    /// Requests of every method.
    pub fn any(path: impl Into<String>) -> Self {
        Self { method: None, ..Self::new(Method::GET, path) }
    }

    /// Only bodies of these media types; any other declared type gets a 415. A request that declares none passes.
    pub fn accepts<I: IntoIterator<Item = S>, S: Into<String>>(mut self, types: I) -> Self {
        self.accepts = types.into_iter().map(|name| name.into().to_ascii_lowercase()).collect();
        self
    }

    /// The largest body in bytes; a larger one gets a 413. 20 MiB by default.
    pub fn body_limit(mut self, bytes: u64) -> Self {
        self.body_limit = bytes;
        self
    }

    /// The longest time for a request, where the platform does not set a shorter one; then it gets a 504.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The method; `None` is every one.
    #[must_use]
    pub fn method(&self) -> Option<&Method> {
        self.method.as_ref()
    }

    /// The path, with its braces.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn accepted(&self) -> &[String] {
        &self.accepts
    }

    pub(crate) fn limit(&self) -> u64 {
        self.body_limit
    }

    pub(crate) fn time_limit(&self) -> Option<Duration> {
        self.timeout
    }
}

// The signature is serde's.
#[allow(clippy::ref_option)]
fn as_text<S: serde::Serializer>(method: &Option<Method>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(method.as_ref().map_or("*", Method::as_str))
}

macro_rules! methods {
    ($($name:ident $method:ident),* $(,)?) => {$(
        #[doc = concat!("Requests with the method ", stringify!($method), ".")]
        pub fn $name(path: impl Into<String>) -> Route {
            Route::new(Method::$method, path)
        }
    )*};
}

methods! { get GET, put PUT, post POST, delete DELETE, patch PATCH, head HEAD, options OPTIONS }

/// Requests of every method.
pub fn any(path: impl Into<String>) -> Route {
    Route::any(path)
}
