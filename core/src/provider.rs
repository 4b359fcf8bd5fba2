//! What a provider is to the house: it opens, creates and removes resources by URL.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

use crate::blob::port::BlobStore;
use crate::body::Body;
use crate::kv::port::KeyValueStore;
use crate::queue::port::{MessageQueue, QueueSettings};
use crate::{Error, Result};

/// A provider of services: memory, local, a cloud. One instance serves any number of resources and shares its
/// connections among them.
#[async_trait]
pub trait Provider: Debug + Send + Sync + 'static {
    /// Its name in errors, spans and the manifest.
    fn name(&self) -> &'static str;

    /// Opens a bucket; no I/O.
    ///
    /// # Errors
    /// `InvalidArgument` for a URL parameter that it does not know, and what else is wrong with the URL.
    fn bucket(&self, url: &ResourceUrl) -> Result<Arc<dyn BlobStore>>;

    /// Opens a queue; no I/O.
    ///
    /// # Errors
    /// As [`bucket`](Self::bucket); `Unsupported` for settings that it cannot keep, such as order.
    fn queue(&self, url: &ResourceUrl, settings: &QueueSettings) -> Result<Arc<dyn MessageQueue>>;

    /// Opens a table; no I/O.
    ///
    /// # Errors
    /// As [`bucket`](Self::bucket).
    fn table(&self, url: &ResourceUrl, settings: &TableSettings) -> Result<Arc<dyn KeyValueStore>>;

    /// Creates a resource as it is declared, unless it is there already.
    ///
    /// # Errors
    /// What the service says; `Conflict` where it is there with other settings that cannot be changed.
    async fn create(&self, url: &ResourceUrl, kind: &ResourceKind) -> Result<()>;

    /// Removes a resource with all that is in it; a missing one is Ok.
    ///
    /// # Errors
    /// What the service says.
    async fn remove(&self, url: &ResourceUrl, kind: &ResourceKind) -> Result<()>;

    /// HTTP that this provider wants to be served beside the application: signed URLs of a bucket on this machine.
    fn endpoint(&self) -> Option<Arc<dyn Endpoint>>;
}

/// HTTP of a provider's own, mounted by a server beside the application.
#[async_trait]
pub trait Endpoint: Debug + Send + Sync + 'static {
    /// The path under which it lives, beginning and ending with `/`.
    fn prefix(&self) -> &str;

    /// Answers one request whose path begins with the prefix.
    async fn serve(&self, request: http::Request<Body>) -> http::Response<Body>;
}

/// What kind of resource is declared, and its options.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum ResourceKind {
    /// Blob storage.
    Bucket,
    /// A queue.
    Queue(QueueSettings),
    /// A key-value table.
    Table(TableSettings),
}

impl ResourceKind {
    /// `"bucket"`, `"queue"` or `"table"`.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Bucket => "bucket",
            Self::Queue(_) => "queue",
            Self::Table(_) => "table",
        }
    }

    /// What a provider says that has no resources of this kind: `Unsupported`.
    #[must_use]
    pub fn unknown_to(&self, provider: &'static str) -> Error {
        let text = format!("the provider `{provider}` has no resources of kind `{}`", self.as_str());
        Error::unsupported(text).with_provider(provider)
    }
}

/// How a table is declared.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableSettings {
    /// Queries are to run backwards; costs a second row an item where the cloud cannot by itself.
    pub reverse_index: bool,
}

/// Where a resource is: `scheme://name?parameter=value`.
///
/// ```
/// # use skyport_core::provider::ResourceUrl;
/// let url: ResourceUrl = "local://photos?data=/var/lib/app".parse()?;
/// assert_eq!((url.scheme(), url.name()), ("local", "photos"));
/// assert_eq!(url.parameter("data"), Some("/var/lib/app"));
/// url.expect_only(&["data"])?;
/// assert!(url.expect_only(&["region"]).unwrap_err().to_string().contains("`data`"));
/// # Ok::<(), skyport_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ResourceUrl {
    scheme: String,
    name: String,
    parameters: BTreeMap<String, String>,
}

impl ResourceUrl {
    /// The resource `name` of a scheme, with no parameters.
    #[must_use]
    pub fn new(scheme: impl Into<String>, name: impl Into<String>) -> Self {
        Self { scheme: scheme.into(), name: name.into(), parameters: BTreeMap::new() }
    }

    /// Adds or replaces a parameter.
    #[must_use]
    pub fn with_parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.parameters.insert(name.into(), value.into());
        self
    }

    /// What stands before `://`.
    #[must_use]
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// What stands between `://` and `?`, percent-decoded.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A parameter's value, percent-decoded.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// Refuses a URL of another service than the one that keeps such resources.
    ///
    /// # Errors
    /// `InvalidArgument` that says the right URL.
    pub fn expect_scheme(&self, scheme: &str) -> Result<()> {
        if self.scheme == scheme {
            return Ok(());
        }
        Err(Error::invalid(format!("`{}://` is not for this: use `{scheme}://{}`", self.scheme, self.name)))
    }

    /// Refuses parameters that a provider does not know.
    ///
    /// # Errors
    /// `InvalidArgument` that names the unknown parameter and those that are known.
    pub fn expect_only(&self, known: &[&str]) -> Result<()> {
        match self.parameters.keys().find(|name| !known.contains(&name.as_str())) {
            None => Ok(()),
            Some(unknown) if known.is_empty() => Err(Error::invalid(format!(
                "`{}://` knows no parameter `{unknown}`; it takes none",
                self.scheme
            ))),
            Some(unknown) => Err(Error::invalid(format!(
                "`{}://` knows no parameter `{unknown}`; it takes {}",
                self.scheme,
                known.join(", ")
            ))),
        }
    }
}

impl std::str::FromStr for ResourceUrl {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let form = || Error::invalid("a resource's URL has the form `scheme://name?parameter=value`");
        let (scheme, rest) = text.split_once("://").ok_or_else(form)?;
        let (name, query) = rest.split_once('?').unwrap_or((rest, ""));
        let valid_scheme = scheme.starts_with(|c: char| c.is_ascii_lowercase())
            && scheme.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !valid_scheme || name.is_empty() {
            return Err(form());
        }
        let mut url = Self::new(scheme, decode(name)?);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').ok_or_else(form)?;
            if url.parameters.insert(decode(key)?, decode(value)?).is_some() {
                return Err(Error::invalid(format!(
                    "the parameter `{key}` stands twice in a resource's URL"
                )));
            }
        }
        Ok(url)
    }
}

/// What may be shown of an address that was configured: no user, no password, no query, and nothing of what is no address.
///
/// ```
/// # use skyport_core::provider::place;
/// assert_eq!(place("https://user:secret@host:9000/base?token=x"), "https://host:9000/base");
/// assert_eq!(place("127.0.0.1:8085"), "127.0.0.1:8085");
/// assert_eq!(place("a secret"), "no address");
/// ```
#[must_use]
pub fn place(address: &str) -> String {
    let Some((uri, authority)) =
        address.parse::<http::Uri>().ok().and_then(|uri| Some((uri.clone(), uri.authority()?.clone())))
    else {
        return "no address".to_owned();
    };
    let scheme = uri.scheme_str().map(|scheme| format!("{scheme}://")).unwrap_or_default();
    let port = authority.port().map(|port| format!(":{port}")).unwrap_or_default();
    let path = uri.path().trim_end_matches('/');
    format!("{scheme}{}{port}{path}", authority.host())
}

fn decode(text: &str) -> Result<String> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(Into::into).map_err(|_| Error::invalid("a resource's URL is not UTF-8 once percent-decoded"))
}

/// Without the parameters' values: some are secrets.
impl Debug for ResourceUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}", self.scheme, self.name.escape_debug())?;
        for (index, name) in self.parameters.keys().enumerate() {
            write!(f, "{}{}=..", if index == 0 { '?' } else { '&' }, name.escape_debug())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_debug_nor_an_error_shows_a_parameters_value() {
        let url: ResourceUrl = "cloud://name%0A?token=s3cret&region=x".parse().expect("a URL");
        assert_eq!(format!("{url:?}"), r"cloud://name\n?region=..&token=..");
        let refused = url.expect_only(&["region"]).expect_err("`token` is unknown");
        assert!(!format!("{refused} {refused:?}").contains("s3cret"));
        for bad in [
            "cloud//s3cret",
            "cloud://?t=s3cret",
            "c://n?s3cret",
            "c://n?t=s3cret&t=s3cret",
            "c://n?t=s3cret%ff",
        ] {
            let error = bad.parse::<ResourceUrl>().expect_err(bad);
            assert_eq!(error.kind(), crate::ErrorKind::InvalidArgument);
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error}");
        }
    }
}
