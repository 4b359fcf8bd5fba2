//! Which provider serves which resource: by URL from the environment, else by default.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use skyport_core::app::{Declaration, Opener};
use skyport_core::blob::port::BlobStore;
use skyport_core::kv::port::KeyValueStore;
use skyport_core::layers::{Layer, Retry};
use skyport_core::provider::{Endpoint, Provider, ResourceKind, ResourceUrl, TableSettings};
use skyport_core::queue::port::{MessageQueue, QueueSettings};
use skyport_core::retry::RetryPolicy;
use skyport_core::{Error, Result};

use crate::schemes;

/// Reads one environment variable; a test gives a map.
pub type Variables = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// What only a cloud sets, and the provider that is that cloud's. Jobs and worker pools of Cloud Run are called by nobody, but are
/// there all the same.
const CLOUDS: [(&str, &str); 5] = [
    ("AWS_LAMBDA_RUNTIME_API", "aws"),
    ("K_SERVICE", "gcp"),
    ("CLOUD_RUN_JOB", "gcp"),
    ("CLOUD_RUN_WORKER_POOL", "gcp"),
    ("FUNCTIONS_CUSTOMHANDLER_PORT", "azure"),
];

/// Names that a resource cannot have: their variables mean something else.
pub(crate) const RESERVED: [&str; 14] = [
    "data",
    "sync",
    "provider",
    "command",
    "public-url",
    "deadline",
    "function",
    "grace",
    "max-requests",
    "response-streaming",
    "runtime",
    "events-path",
    "push-audience",
    "push-account",
];

/// Opens an application's resources where the environment says that they are.
///
/// `SKYPORT_<RESOURCE>` (upper case, `-` as `_`) is a resource's URL. Without it a resource is on the default provider under the
/// name `<application>-<resource>`. The default provider is `SKYPORT_PROVIDER`, or else that of the runtime it finds itself on:
/// `aws` on AWS Lambda, `gcp` on Cloud Run, `azure` on Azure Functions, `local` elsewhere.
pub struct Environment {
    application: String,
    variables: Variables,
    /// By name; resources of one provider share its connections.
    providers: Mutex<BTreeMap<&'static str, Arc<dyn Provider>>>,
    retry: Retry,
    public_url: Option<String>,
}

impl Environment {
    /// The environment of the process.
    #[must_use]
    pub fn of_process(application: &str) -> Self {
        Self::new(application, Arc::new(process_variable))
    }

    /// An environment of any variables.
    #[must_use]
    pub fn new(application: &str, variables: Variables) -> Self {
        Self {
            application: application.to_owned(),
            variables,
            providers: Mutex::default(),
            retry: Retry::new(RetryPolicy::default()),
            public_url: None,
        }
    }

    /// Says where this process serves HTTP, for signed URLs.
    #[must_use]
    pub fn serving_on(mut self, address: SocketAddr) -> Self {
        let mut host = address.ip();
        if host.is_unspecified() {
            // Every address of this machine: this one is always there.
            host = IpAddr::V4(Ipv4Addr::LOCALHOST);
        }
        self.public_url = Some(format!("http://{}", SocketAddr::new(host, address.port())));
        self
    }

    /// How clients reach this process: as `SKYPORT_PUBLIC_URL` says, else where it serves HTTP, where that is known.
    #[must_use]
    pub fn public_url(&self) -> Option<String> {
        self.variable("SKYPORT_PUBLIC_URL").or_else(|| self.public_url.clone())
    }

    /// A variable that is set and not empty.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<String> {
        (self.variables)(name).filter(|value| !value.is_empty())
    }

    /// The URL of a resource.
    ///
    /// # Errors
    /// `InvalidArgument` for a URL or a name that cannot be; names the variable.
    pub fn url(&self, resource: &Declaration) -> Result<ResourceUrl> {
        let name = &resource.name;
        let variable = variable_of(name);
        if RESERVED.iter().any(|reserved| variable_of(reserved) == variable) {
            return Err(Error::invalid(format!(
                "a resource cannot be called `{name}`: {variable} means something else; give it `#[resource(name = ..)]`"
            )));
        }
        match self.variable(&variable) {
            Some(text) => text
                .parse()
                .map_err(|error: Error| Error::invalid(format!("{variable}: {}", error.message()))),
            None => {
                let scheme = self.default_scheme(&resource.kind, &variable)?;
                Ok(ResourceUrl::new(scheme, format!("{}-{name}", self.application)))
            }
        }
    }

    fn default_scheme(&self, kind: &ResourceKind, variable: &str) -> Result<&'static str> {
        let Some(provider) = self.default_provider() else {
            return Err(Error::invalid(format!(
                "where is this resource? Set {variable} to its URL, or SKYPORT_PROVIDER to one of {}, or build with the \
                 feature `local`",
                schemes::built_in().join(", ")
            )));
        };
        schemes::of_provider(&provider, kind).ok_or_else(|| {
            Error::invalid(format!(
                "SKYPORT_PROVIDER: there is no provider `{provider}` with a {}; this program has {}",
                kind.as_str(),
                schemes::built_in().join(", ")
            ))
        })
    }

    /// The provider of resources without a URL, where there is one.
    fn default_provider(&self) -> Option<String> {
        let of_cloud = || {
            let here = CLOUDS.iter().find(|(sign, _)| self.variable(sign).is_some());
            here.map(|(_, provider)| (*provider).to_owned())
        };
        let of_build = || cfg!(feature = "local").then(|| "local".to_owned());
        self.variable("SKYPORT_PROVIDER").or_else(of_cloud).or_else(of_build)
    }

    /// The provider of a URL, made at its first use.
    ///
    /// # Errors
    /// `InvalidArgument` for a scheme that nothing serves; names the missing feature where there is one.
    pub fn provider(&self, url: &ResourceUrl) -> Result<Arc<dyn Provider>> {
        let name = schemes::provider(url)?;
        let mut providers = self.providers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(provider) = providers.get(name) {
            return Ok(Arc::clone(provider));
        }
        let provider = schemes::open(url, self)?;
        providers.insert(name, Arc::clone(&provider));
        Ok(provider)
    }

    /// Creates what is declared, where the provider is this machine: a cloud's resources are deployed, not made by
    /// whoever starts first.
    ///
    /// # Errors
    /// What the provider says.
    pub async fn create_local(&self, declarations: &[Declaration]) -> Result<()> {
        for declaration in declarations {
            let url = self.url(declaration)?;
            if schemes::provider(&url).is_ok_and(schemes::is_this_machine) {
                self.create(declaration, &url).await?;
            }
        }
        Ok(())
    }

    /// Creates what is declared, wherever it is.
    ///
    /// # Errors
    /// What the provider says.
    pub async fn create_all(&self, declarations: &[Declaration]) -> Result<()> {
        for declaration in declarations {
            let url = self.url(declaration)?;
            self.create(declaration, &url).await?;
        }
        Ok(())
    }

    /// Removes what is declared, wherever it is, with all that is in it: after a test, or when an application is taken down.
    ///
    /// # Errors
    /// What the provider says.
    pub async fn remove_all(&self, declarations: &[Declaration]) -> Result<()> {
        for declaration in declarations {
            let url = self.url(declaration)?;
            let removed = async { self.provider(&url)?.remove(&url, &declaration.kind).await };
            removed.await.map_err(|error| self.told(declaration, &url, error))?;
        }
        Ok(())
    }

    async fn create(&self, declaration: &Declaration, url: &ResourceUrl) -> Result<()> {
        let created = async { self.provider(url)?.create(url, &declaration.kind).await };
        created.await.map_err(|error| self.told(declaration, url, error))
    }

    /// Says of which resource the error is, and which variable tells where that is.
    fn told(&self, declaration: &Declaration, url: &ResourceUrl, error: Error) -> Error {
        let variable = variable_of(&declaration.name);
        let by = self.variable(&variable).map(|_| format!("{variable}: ")).unwrap_or_default();
        let text = format!("{by}resource `{}` ({url:?}): {}", declaration.name, error.message());
        Error::new(error.kind(), text).with_source(error)
    }

    /// HTTP that the providers in use want served beside the application.
    #[must_use]
    pub fn endpoints(&self) -> Vec<Arc<dyn Endpoint>> {
        let providers = self.providers.lock().unwrap_or_else(PoisonError::into_inner);
        providers.values().filter_map(|provider| provider.endpoint()).collect()
    }

    /// A table of the house's own on the default provider of this machine: of several processes with the same data one
    /// fires a schedule. `None` where the default provider is elsewhere.
    ///
    /// # Errors
    /// What the provider says.
    pub async fn claims(&self) -> Result<Option<Arc<dyn KeyValueStore>>> {
        // Where every resource has a URL of its own, there is no default provider to keep claims in.
        let Some(provider) = self.default_provider().filter(|name| schemes::is_this_machine(name)) else {
            return Ok(None);
        };
        // Those of this machine are named like their schemes.
        let url = ResourceUrl::new(provider, "skyport-claims");
        let settings = TableSettings::default();
        let provider = self.provider(&url)?;
        let kind = ResourceKind::Table(settings.clone());
        if !schemes::TABLES {
            return Err(kind.unknown_to(provider.name()));
        }
        provider.create(&url, &kind).await?;
        provider.table(&url, &settings).map(|table| Some(self.retry.table(table)))
    }

    /// Opens a queue that the platform names and the application does not declare: on the default provider.
    ///
    /// # Errors
    /// What is wrong with its name, or with the provider.
    #[cfg(any(feature = "lambda", feature = "cloud-run"))]
    pub(crate) fn queue_named(&self, name: &str) -> Result<Arc<dyn MessageQueue>> {
        let settings = QueueSettings::default();
        let scheme = self.default_scheme(&ResourceKind::Queue(settings.clone()), "SKYPORT_PROVIDER")?;
        let url = ResourceUrl::new(scheme, name);
        let provider = self.provider(&url)?;
        if !schemes::QUEUES {
            return Err(ResourceKind::Queue(settings).unknown_to(provider.name()));
        }
        provider.queue(&url, &settings).map(|queue| self.retry.queue(queue))
    }

    /// Opens a resource of a kind that providers of this build have, or that none has: then `open` is called by nobody, and what it
    /// would put around a resource is not linked.
    fn open<T>(
        &self,
        declaration: &Declaration,
        served: bool,
        open: impl FnOnce(&dyn Provider, &ResourceUrl) -> Result<T>,
    ) -> Result<T> {
        let url = self.url(declaration)?;
        let opened = match self.provider(&url) {
            Ok(provider) if served => open(&*provider, &url),
            Ok(provider) => Err(declaration.kind.unknown_to(provider.name())),
            Err(error) => Err(error),
        };
        opened.map_err(|error| self.told(declaration, &url, error))
    }
}

impl Opener for Environment {
    fn bucket(&self, declaration: &Declaration) -> Result<Arc<dyn BlobStore>> {
        self.open(declaration, schemes::BUCKETS, |provider, url| {
            provider.bucket(url).map(|store| self.retry.blob(store))
        })
    }

    fn queue(&self, declaration: &Declaration, settings: &QueueSettings) -> Result<Arc<dyn MessageQueue>> {
        self.open(declaration, schemes::QUEUES, |provider, url| {
            provider.queue(url, settings).map(|queue| self.retry.queue(queue))
        })
    }

    fn table(&self, declaration: &Declaration, settings: &TableSettings) -> Result<Arc<dyn KeyValueStore>> {
        self.open(declaration, schemes::TABLES, |provider, url| {
            provider.table(url, settings).map(|table| self.retry.table(table))
        })
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment").field("application", &self.application).finish_non_exhaustive()
    }
}

/// A variable of the process. One that is no text is as good as none, but not in silence.
fn process_variable(name: &str) -> Option<String> {
    match std::env::var(name) {
        Ok(value) => Some(value),
        Err(std::env::VarError::NotPresent) => None,
        Err(error) => {
            tracing::warn!(name, %error, "an environment variable is ignored");
            None
        }
    }
}

/// The variable that holds a resource's URL.
pub(crate) fn variable_of(name: &str) -> String {
    format!("SKYPORT_{}", name.replace('-', "_").to_uppercase())
}

#[cfg(test)]
mod tests;
