//! Events of a container outside of Azure Functions: Event Grid delivers them into queues of the same account, one for each subscriber.
//!
//! Event Grid's subscriptions belong to Azure's control plane: they are deployed beside the program, which makes the queues alone. What happened
//! before there was a subscription is told to nobody.

use std::sync::Arc;

use azure_core::http::Url;
use skyport_core::blob::port::Subscriber;
use skyport_core::blob::subscription::{Subscription, Wanted};
use skyport_core::provider::ResourceUrl;
use skyport_core::queue::port::{MessageQueue, QueueSettings};
use skyport_core::{Error, ErrorKind, Result};

use super::{Container, NAME};
use crate::config::endpoint::Service;
use crate::config::{Azure, Connection};
use crate::provision::{EVENTS, bucket, queue};
use crate::queue::{Names, StorageQueue};
use notices::GridNotices;

mod name;
mod notices;

/// Where a container's events are delivered, as its URL says: `?events=photos-events`.
pub(crate) struct Deliveries {
    /// To the queues.
    connection: Arc<Connection>,
    /// What the names of all queues begin with.
    prefix: String,
}

impl Deliveries {
    /// What the URL of a container says of it. No I/O.
    ///
    /// # Errors
    /// `InvalidArgument` for what cannot be the beginning of a queue's name, and where it is not known which endpoint the queues have.
    pub(crate) fn of(azure: &Azure, url: &ResourceUrl) -> Result<Option<Self>> {
        let Some(prefix) = url.parameter(EVENTS) else { return Ok(None) };
        let prefix = name::valid_prefix(prefix)?.to_owned();
        let mut queues = ResourceUrl::new("azqueue", prefix.as_str());
        if let Some(account) = url.parameter("account") {
            queues = queues.with_parameter("account", account);
        }
        if let Some(endpoint) = url.parameter("endpoint") {
            queues = queues.with_parameter("endpoint", of_queues(endpoint)?);
        }
        let connection = azure.connection(Service::Queue, &queues, &[])?;
        Ok(Some(Self { connection, prefix }))
    }
}

/// The endpoint of Queue Storage beside one of Blob Storage, where the host tells it.
fn of_queues(endpoint: &str) -> Result<String> {
    let url = Url::parse(endpoint).ok();
    let host = url.as_ref().and_then(Url::domain);
    let Some((account, rest)) = host.and_then(|host| host.split_once(".blob.")) else {
        let text = "of this `endpoint` it is not known where the account's queues are, into which `events` are delivered: say both endpoints in a \
                    connection string (AZURE_STORAGE_CONNECTION_STRING) or in AzureConfig, and none in the URL";
        return Err(Error::invalid(text).with_provider(NAME));
    };
    let scheme = url.as_ref().map_or("https", Url::scheme);
    Ok(format!("{scheme}://{account}.queue.{rest}"))
}

impl Container {
    /// The same, whose events are delivered so.
    pub(crate) fn told_by(mut self, deliveries: Deliveries) -> Self {
        let signs = super::sign::is_possible(&self.connection);
        Arc::make_mut(&mut self.info).capabilities = crate::support::blob(signs, true);
        self.deliveries = Some(Arc::new(deliveries));
        self
    }

    /// The queue of one subscriber, which is made where it is not there.
    pub(super) async fn subscribe(&self, subscriber: &Subscriber) -> Result<Arc<dyn MessageQueue>> {
        let deliveries = self.deliveries.as_ref().ok_or_else(|| undelivered(self.name()))?;
        let queues = &deliveries.connection;
        let name = name::of_queue(&deliveries.prefix, &subscriber.name);
        let url = ResourceUrl::new("azqueue", name.as_str());
        let mut settings = QueueSettings::default();
        settings.max_attempts = subscriber.max_attempts;
        if !queue::is_there(queues, &name).await? {
            self.expect_container().await?;
            queue::create(queues, &url, &settings).await?;
            tracing::info!(
                container = self.name(),
                queue = name,
                "the queue of a subscriber was made: nothing comes before Event Grid has a subscription that delivers into it (docs/azure.md)"
            );
        }
        let inner = StorageQueue::open(queues, Names::of(&url, &settings)?, &settings)?;
        let notices = GridNotices::new(self.clone(), Wanted::by(subscriber));
        Ok(Arc::new(Subscription::new(Arc::new(notices), Arc::new(inner))))
    }

    /// A missing container is said to be missing, and leaves no queue behind. Whoever may not look is let pass.
    async fn expect_container(&self) -> Result<()> {
        match bucket::look(&self.connection, self.name()).await {
            Err(error) if error.kind() != ErrorKind::PermissionDenied => Err(error),
            _ => Ok(()),
        }
    }
}

fn undelivered(container: &str) -> Error {
    let text = format!(
        "Azure tells of blobs through Event Grid, whose subscriptions are deployed: outside of Azure Functions let it deliver into a queue for each \
         function, `{container}-events-<application>-<function>`, and say so in the bucket's URL: `azblob://{container}?events={container}-events`. \
         docs/azure.md has the commands"
    );
    Error::unsupported(text).with_provider(NAME)
}

#[cfg(test)]
mod tests {
    use skyport_core::provider::Provider;

    use super::*;
    use crate::AzureConfig;

    fn opened(url: &str) -> Result<Arc<dyn skyport_core::blob::port::BlobStore>> {
        let (account, account_key) = (Some("acc".to_owned()), Some("a2V5".to_owned()));
        Azure::with(AzureConfig { account, account_key, ..AzureConfig::default() }).bucket(&url.parse()?)
    }

    fn endpoint_of_queues(url: &str) -> Result<String> {
        let (account, account_key) = (Some("acc".to_owned()), Some("a2V5".to_owned()));
        let azure = Azure::with(AzureConfig { account, account_key, ..AzureConfig::default() });
        let deliveries = Deliveries::of(&azure, &url.parse()?)?.expect("it says `events`");
        Ok(deliveries.connection.url(&[])?.to_string())
    }

    #[tokio::test]
    async fn without_queues_in_the_url_events_are_unsupported_and_it_is_said_what_to_deploy() {
        let bucket = opened("azblob://photos").expect("opens");
        assert!(!bucket.info().capabilities.events.is_supported());
        let error = bucket.events(&Subscriber::new("app-added")).await.expect_err("nobody delivers");
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        for word in ["?events=", "Event Grid", "docs/azure.md"] {
            assert!(error.message().contains(word), "{error}");
        }
        let told = opened("azblob://photos?events=photos-events").expect("opens");
        assert!(told.info().capabilities.events.is_supported());
    }

    #[test]
    fn the_queues_are_where_the_account_is() {
        for (url, queues) in [
            ("azblob://photos?events=e", "https://acc.queue.core.windows.net/"),
            ("azblob://photos?events=e&account=other", "https://other.queue.core.windows.net/"),
            (
                "azblob://photos?events=e&endpoint=https%3A%2F%2Facc.blob.core.chinacloudapi.cn",
                "https://acc.queue.core.chinacloudapi.cn/",
            ),
        ] {
            // Of another account no key is known: an identity calls, and is not asked for yet.
            assert_eq!(endpoint_of_queues(url).expect(url), queues);
        }
        for wrong in [
            "azblob://photos?events=e&endpoint=http%3A%2F%2F127.0.0.1%3A1%2Facc",
            "azblob://photos?events=A%20b",
        ] {
            let error = opened(wrong).expect_err(wrong);
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
        }
    }
}
