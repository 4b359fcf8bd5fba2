//! Where the services are, and both sides' clients: of one HTTP client, with the same settings.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_s3::config::{RequestChecksumCalculation, ResponseChecksumValidation};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider as Tls;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use skyport_aws::{Aws, AwsConfig};
use skyport_core::blob::Bucket;
use skyport_core::kv::Table;
use skyport_core::layers::{Layer, Retry};
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl, TableSettings};
use skyport_core::queue::Queue;
use skyport_core::queue::port::QueueSettings;
use skyport_core::retry::RetryPolicy;
use skyport_measure::Outcome;
use tokio::runtime::Runtime;

/// The variable that tells where the emulator listens, as for the tests.
const EMULATOR: &str = "SKYPORT_EMULATOR_MINISTACK";

/// The region of everything here.
pub const REGION: &str = "us-east-1";

/// Who calls: the emulator takes anybody.
pub const KEY: &str = "test";

/// Services at one endpoint.
#[derive(Debug)]
pub struct Place {
    endpoint: String,
    http: SharedHttpClient,
    aws: Aws,
}

impl Place {
    /// The emulator.
    ///
    /// # Errors
    /// Where none is named.
    pub fn emulator() -> Outcome<Self> {
        let endpoint = std::env::var(EMULATOR);
        let missing = || format!("{EMULATOR} is not set: `cargo xtask bench aws` starts the emulator");
        Ok(Self::at(endpoint.ok().filter(|endpoint| !endpoint.is_empty()).ok_or_else(missing)?))
    }

    /// Services at this endpoint.
    #[must_use]
    pub fn at(endpoint: String) -> Self {
        let http = Builder::new().tls_provider(Tls::Rustls(CryptoMode::Ring)).build_https();
        let mut config = AwsConfig::default();
        config.region = Some(REGION.to_owned());
        config.endpoint = Some(endpoint.clone());
        config.credentials = Some(credentials());
        config.http_client = Some(http.clone());
        Self { endpoint, http, aws: Aws::with(config) }
    }

    /// `http://127.0.0.1:4566`
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// What the raw clients are made of: what the provider chooses, chosen again by hand.
    pub async fn raw(&self) -> SdkConfig {
        aws_config::defaults(BehaviorVersion::latest())
            .region(Region::from_static(REGION))
            .endpoint_url(&self.endpoint)
            .credentials_provider(credentials())
            .http_client(self.http.clone())
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::builder().connect_timeout(Duration::from_secs(3)).build())
            .load()
            .await
    }

    /// The raw client of S3, likewise.
    pub async fn raw_s3(&self) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::config::Builder::from(&self.raw().await)
            .force_path_style(true)
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        aws_sdk_s3::Client::from_conf(config.build())
    }

    /// A bucket as an application has it: with the layer `Retry`.
    ///
    /// # Errors
    /// Where it cannot be opened.
    pub fn bucket(&self, name: &str) -> Outcome<Bucket> {
        let port = self.aws.bucket(&ResourceUrl::new("s3", name))?;
        Ok(Bucket::new(retry().blob(port)))
    }

    /// A queue, likewise.
    ///
    /// # Errors
    /// Where it cannot be opened.
    pub fn queue<T, C>(&self, name: &str) -> Outcome<Queue<T, C>> {
        let port = self.aws.queue(&ResourceUrl::new("sqs", name), &QueueSettings::default())?;
        Ok(Queue::new(retry().queue(port)))
    }

    /// A table, likewise.
    ///
    /// # Errors
    /// Where it cannot be opened.
    pub fn table<T>(&self, name: &str) -> Outcome<Table<T>> {
        let port = self.aws.table(&ResourceUrl::new("dynamodb", name), &TableSettings::default())?;
        Ok(Table::new(retry().table(port)))
    }

    /// Creates a resource, both sides' own.
    ///
    /// # Errors
    /// What the emulator says.
    pub async fn create(&self, scheme: &str, name: &str) -> Outcome {
        let kind = match scheme {
            "s3" => ResourceKind::Bucket,
            "sqs" => ResourceKind::Queue(QueueSettings::default()),
            _ => ResourceKind::Table(TableSettings::default()),
        };
        Ok(self.aws.create(&ResourceUrl::new(scheme, name), &kind).await?)
    }
}

fn credentials() -> SharedCredentialsProvider {
    SharedCredentialsProvider::new(Credentials::new(KEY, KEY, None, None, "benches"))
}

fn retry() -> Retry {
    Retry::new(RetryPolicy::default())
}

/// What a function has: one thread.
///
/// # Errors
/// Where the system has none to give.
pub fn one_thread() -> Outcome<Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

/// A name that no other run has.
#[must_use]
pub fn unique(stem: &str) -> String {
    format!("{stem}-{}", std::process::id())
}
