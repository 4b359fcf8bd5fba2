//! [`Aws`], what can be chosen about it, and the clients that its resources share.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
#[cfg(feature = "blob")]
use aws_sdk_s3::config::{RequestChecksumCalculation, ResponseChecksumValidation};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use skyport_core::provider::{ResourceUrl, place};
use skyport_core::{Error, Result};
use tokio::sync::OnceCell;

use bounded::bounded;
use credentials::InTime;

pub(crate) mod bounded;
mod credentials;

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// What every URL of this provider may say.
const PARAMETERS: &[&str] = &["region", "endpoint"];

/// What can be chosen in code; what is `None` comes from the environment.
///
/// ```
/// use skyport_aws::{Aws, AwsConfig};
///
/// let mut config = AwsConfig::default();
/// config.region = Some("eu-central-1".to_owned());
/// let aws = Aws::with(config);
/// ```
#[non_exhaustive]
#[derive(Clone, Default)]
pub struct AwsConfig {
    /// The region of resources whose URL names none.
    pub region: Option<String>,
    /// The endpoint of resources whose URL names none: an emulator, say.
    pub endpoint: Option<String>,
    /// The profile of the shared configuration files; `AWS_PROFILE` or `default`, where it is `None`.
    pub profile: Option<String>,
    /// Who signs; AWS's standard chain where it is `None`. They have 6 seconds to come, then a call is `Unavailable`.
    pub credentials: Option<SharedCredentialsProvider>,
    /// The HTTP client of all services: for tests, proxies, and trust stores of one's own.
    pub http_client: Option<SharedHttpClient>,
}

impl fmt::Debug for AwsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsConfig")
            .field("region", &self.region)
            .field("endpoint", &self.endpoint.as_deref().map(place))
            .field("profile", &self.profile)
            .finish_non_exhaustive()
    }
}

/// The provider `aws`: any number of buckets, queues and tables, in any region. Cheap to clone; clones share their clients.
#[derive(Clone)]
pub struct Aws {
    shared: Arc<Shared>,
}

struct Shared {
    config: AwsConfig,
    http: OnceLock<SharedHttpClient>,
    connections: Mutex<HashMap<Site, Arc<Connection>>>,
}

impl Aws {
    /// As the environment says.
    #[must_use]
    pub fn new() -> Self {
        Self::with(AwsConfig::default())
    }

    /// As `config` says, and the environment where it says nothing.
    #[must_use]
    pub fn with(config: AwsConfig) -> Self {
        Self { shared: Arc::new(Shared { config, http: OnceLock::new(), connections: Mutex::default() }) }
    }

    /// The clients for the place that a URL names. No I/O.
    pub(crate) fn connection(&self, url: &ResourceUrl) -> Result<Arc<Connection>> {
        url.expect_only(PARAMETERS)?;
        let config = &self.shared.config;
        let site = Site {
            region: url.parameter("region").map(str::to_owned).or_else(|| config.region.clone()),
            endpoint: url.parameter("endpoint").map(str::to_owned).or_else(|| config.endpoint.clone()),
        };
        site.check()?;
        let mut connections = self.shared.connections.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = connections.entry(site).or_insert_with_key(|site| {
            Arc::new(Connection {
                shared: Arc::clone(&self.shared),
                site: site.clone(),
                sdk: OnceCell::new(),
                #[cfg(feature = "blob")]
                s3: OnceCell::new(),
                #[cfg(feature = "queue")]
                sqs: OnceCell::new(),
                #[cfg(feature = "kv")]
                dynamodb: OnceCell::new(),
                #[cfg(feature = "events")]
                eventbridge: OnceCell::new(),
            })
        });
        Ok(Arc::clone(connection))
    }
}

impl Default for Aws {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aws").field("config", &self.shared.config).finish_non_exhaustive()
    }
}

impl Shared {
    /// The one HTTP client; the system's CA roots are loaded with it.
    fn http(&self) -> SharedHttpClient {
        let own = || Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
        match &self.config.http_client {
            Some(client) => client.clone(),
            None => self.http.get_or_init(own).clone(),
        }
    }
}

/// A region, and an endpoint other than AWS's own; `None` is what the environment says.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Site {
    region: Option<String>,
    endpoint: Option<String>,
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let endpoint = self.endpoint.as_deref().map(place);
        f.debug_struct("Site").field("region", &self.region).field("endpoint", &endpoint).finish()
    }
}

impl Site {
    /// Refuses to open what has no region, rather than to fail at the first call.
    fn check(&self) -> Result<()> {
        if self.region.is_some() || region_of(variable).is_some() || has_profile() {
            return Ok(());
        }
        Err(Error::invalid(
            "no AWS region is known: set AWS_REGION, or add `?region=..` to the resource's URL",
        ))
    }
}

/// The region that the variables of the environment name, as AWS's SDK looks for it.
fn region_of(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    ["AWS_REGION", "AWS_DEFAULT_REGION"].into_iter().filter_map(variable).find(|region| !region.is_empty())
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Whether there is a configuration file that may name a region.
fn has_profile() -> bool {
    let file = std::env::var_os("AWS_CONFIG_FILE").map(PathBuf::from);
    let file = file.or_else(|| Some(std::env::home_dir()?.join(".aws").join("config")));
    file.is_some_and(|file| file.is_file())
}

/// The clients for one region and endpoint; each is made at its first use.
pub(crate) struct Connection {
    shared: Arc<Shared>,
    site: Site,
    sdk: OnceCell<SdkConfig>,
    #[cfg(feature = "blob")]
    s3: OnceCell<aws_sdk_s3::Client>,
    #[cfg(feature = "queue")]
    sqs: OnceCell<aws_sdk_sqs::Client>,
    #[cfg(feature = "kv")]
    dynamodb: OnceCell<aws_sdk_dynamodb::Client>,
    #[cfg(feature = "events")]
    eventbridge: OnceCell<aws_sdk_eventbridge::Client>,
}

impl Connection {
    /// What tells the account and place of this connection from others, as far as it is known without I/O.
    #[cfg(feature = "blob")]
    pub(crate) fn account(&self) -> String {
        let region = self.site.region.clone().or_else(|| region_of(variable));
        format!("{} {}", region.unwrap_or_default(), self.site.endpoint.as_deref().unwrap_or_default())
    }

    #[cfg(feature = "blob")]
    pub(crate) async fn s3(&self) -> &aws_sdk_s3::Client {
        let make = || async {
            let sdk = self.sdk().await;
            // Hosts named after buckets exist only at AWS itself.
            let elsewhere = sdk.endpoint_url().is_some() || std::env::var_os("AWS_ENDPOINT_URL_S3").is_some();
            let mut config = aws_sdk_s3::config::Builder::from(sdk)
                .force_path_style(elsewhere)
                // Signatures cover the bytes of every request already; and parts that have checksums cannot be
                // completed without naming each of them again.
                .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
                .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
            config.push_interceptor(bounded());
            aws_sdk_s3::Client::from_conf(config.build())
        };
        self.s3.get_or_init(|| Box::pin(make())).await
    }

    /// The region, where one is known.
    #[cfg(feature = "blob")]
    pub(crate) async fn region(&self) -> Option<&str> {
        self.sdk().await.region().map(AsRef::as_ref)
    }

    /// Who signs. What it gives is not cached.
    #[cfg(feature = "blob")]
    pub(crate) async fn credentials(&self) -> Option<SharedCredentialsProvider> {
        self.sdk().await.credentials_provider()
    }

    #[cfg(feature = "queue")]
    pub(crate) async fn sqs(&self) -> &aws_sdk_sqs::Client {
        let make = || async {
            let mut config = aws_sdk_sqs::config::Builder::from(self.sdk().await);
            config.push_interceptor(bounded());
            aws_sdk_sqs::Client::from_conf(config.build())
        };
        self.sqs.get_or_init(|| Box::pin(make())).await
    }

    #[cfg(feature = "kv")]
    pub(crate) async fn dynamodb(&self) -> &aws_sdk_dynamodb::Client {
        let make = || async {
            let mut config = aws_sdk_dynamodb::config::Builder::from(self.sdk().await);
            config.push_interceptor(bounded());
            aws_sdk_dynamodb::Client::from_conf(config.build())
        };
        self.dynamodb.get_or_init(|| Box::pin(make())).await
    }

    #[cfg(feature = "events")]
    pub(crate) async fn eventbridge(&self) -> &aws_sdk_eventbridge::Client {
        let make = || async {
            let mut config = aws_sdk_eventbridge::config::Builder::from(self.sdk().await);
            config.push_interceptor(bounded());
            aws_sdk_eventbridge::Client::from_conf(config.build())
        };
        self.eventbridge.get_or_init(|| Box::pin(make())).await
    }

    async fn sdk(&self) -> &SdkConfig {
        self.sdk.get_or_init(|| Box::pin(self.load())).await
    }

    async fn load(&self) -> SdkConfig {
        let profile = self.shared.config.profile.as_deref();
        let mut region_of_profile = ProfileFileRegionProvider::builder();
        if let Some(profile) = profile {
            region_of_profile = region_of_profile.profile_name(profile);
        }
        let region = RegionProviderChain::first_try(self.site.region.clone().map(Region::new))
            .or_else(EnvironmentVariableRegionProvider::new())
            .or_else(region_of_profile.build());
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .region(region)
            .http_client(self.shared.http())
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).build());
        if let Some(profile) = profile {
            loader = loader.profile_name(profile);
        }
        if let Some(credentials) = &self.shared.config.credentials {
            loader = loader.credentials_provider(credentials.clone());
        }
        if let Some(endpoint) = &self.site.endpoint {
            loader = loader.endpoint_url(endpoint);
        }
        let sdk = loader.load().await;
        let Some(credentials) = sdk.credentials_provider() else { return sdk };
        let in_time = SharedCredentialsProvider::new(InTime(credentials));
        sdk.into_builder().credentials_provider(in_time).build()
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("site", &self.site).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> ResourceUrl {
        text.parse().expect("a URL")
    }

    #[test]
    fn resources_of_one_place_share_their_clients() {
        let aws = Aws::new();
        let of = |text: &str| aws.connection(&url(text)).expect("opens");
        let one = of("s3://a?region=eu-west-1");
        assert!(Arc::ptr_eq(&one, &of("sqs://b?region=eu-west-1")));
        assert!(!Arc::ptr_eq(&one, &of("s3://a?region=eu-west-2")));
        assert!(!Arc::ptr_eq(&one, &of("s3://a?region=eu-west-1&endpoint=http://localhost:1")));
    }

    #[test]
    fn the_default_region_counts_where_no_other_is_named() {
        let of = |named: &[(&str, &str)]| {
            region_of(|asked| {
                let value = named.iter().find(|(name, _)| *name == asked);
                value.map(|(_, region)| (*region).to_owned())
            })
        };
        let default = ("AWS_DEFAULT_REGION", "eu-west-2");
        assert_eq!(of(&[default, ("AWS_REGION", "eu-west-1")]).as_deref(), Some("eu-west-1"));
        assert_eq!(of(&[default]).as_deref(), Some("eu-west-2"));
        assert_eq!(of(&[default, ("AWS_REGION", "")]).as_deref(), Some("eu-west-2"));
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn an_unknown_parameter_is_refused_by_its_name() {
        let error = Aws::new().connection(&url("s3://a?regoin=x")).expect_err("a slip of the pen");
        assert!(error.to_string().contains("`regoin`"), "{error}");
    }
}
