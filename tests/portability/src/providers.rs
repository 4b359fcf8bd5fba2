//! The providers, each a column.

use skyport_aws::{Aws, AwsConfig};
use skyport_azure::{Azure, AzureConfig};
use skyport_core::provider::Provider;
use skyport_gcp::{Gcp, GcpConfig};
use skyport_local::{Local, LocalConfig};
use skyport_memory::Memory;

/// A provider as a column.
pub(crate) struct Column {
    /// At its head.
    pub(crate) name: &'static str,
    /// The provider.
    pub(crate) provider: Box<dyn Provider>,
    /// The schemes of its buckets, queues and tables.
    pub(crate) schemes: [&'static str; 3],
    /// What the URL of a bucket may say, so that it tells of its events.
    pub(crate) told: Option<&'static str>,
}

/// All of them. What they are configured with is never used: nothing is sent.
pub(crate) fn all() -> Vec<Column> {
    let mut aws = AwsConfig::default();
    aws.region = Some("eu-central-1".to_owned());
    let mut gcp = GcpConfig::default();
    gcp.project = Some("portability".to_owned());
    let mut azure = AzureConfig::default();
    azure.account = Some("portability".to_owned());
    // Any key: it signs nothing.
    azure.account_key = Some("cG9ydGFiaWxpdHk=".to_owned());
    let mut azure = column("Azure", Azure::with(azure), ["azblob", "azqueue", "aztable"]);
    azure.told = Some("events");
    vec![
        column("memory", Memory::new(), ["memory"; 3]),
        column("local", Local::new(LocalConfig::new("portability")), ["local"; 3]),
        column("AWS", Aws::with(aws), ["s3", "sqs", "dynamodb"]),
        column("Google Cloud", Gcp::with(gcp), ["gs", "pubsub", "firestore"]),
        azure,
    ]
}

fn column(name: &'static str, provider: impl Provider, schemes: [&'static str; 3]) -> Column {
    Column { name, provider: Box::new(provider), schemes, told: None }
}
