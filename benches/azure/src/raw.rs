//! The other side: Microsoft's clients, and for tables, which have none, the REST calls by hand.

use std::sync::Arc;

use azure_core::http::{ClientOptions, RetryOptions, Transport, Url};
use azure_storage_blob::{BlobContainerClient, BlobContainerClientOptions};
use azure_storage_queue::{QueueClient, QueueClientOptions};
use skyport_measure::Outcome;

mod key;
pub mod queues;
mod tables;

pub use key::SharedKey;
pub use tables::Tables;

/// What the raw clients have in common: who calls, and the HTTP client.
#[derive(Clone, Debug)]
pub struct Raw {
    key: Arc<SharedKey>,
    http: reqwest::Client,
}

impl Raw {
    /// Clients that sign with this key, over this HTTP client.
    ///
    /// # Errors
    /// None.
    pub fn new(key: SharedKey, http: reqwest::Client) -> Outcome<Self> {
        Ok(Self { key: Arc::new(key), http })
    }

    /// The SDK's own transport over reqwest, nothing repeated: as the provider chooses.
    fn options(&self) -> ClientOptions {
        ClientOptions {
            per_try_policies: vec![self.key.clone()],
            retry: RetryOptions::none(),
            transport: Some(Transport::new(Arc::new(self.http.clone()))),
            ..ClientOptions::default()
        }
    }

    /// The client of a container.
    ///
    /// # Errors
    /// Where the endpoint is no URL.
    pub fn container(&self, endpoint: &str, name: &str) -> Outcome<BlobContainerClient> {
        let options = BlobContainerClientOptions {
            client_options: self.options(),
            ..BlobContainerClientOptions::default()
        };
        Ok(BlobContainerClient::new(Url::parse(&format!("{endpoint}/{name}"))?, None, Some(options))?)
    }

    /// The client of a queue.
    ///
    /// # Errors
    /// Where the endpoint is no URL.
    pub fn queue(&self, endpoint: &str, name: &str) -> Outcome<QueueClient> {
        let options = QueueClientOptions { client_options: self.options(), ..QueueClientOptions::default() };
        Ok(QueueClient::new(Url::parse(&format!("{endpoint}/{name}"))?, None, Some(options))?)
    }

    /// The client of a table.
    #[must_use]
    pub fn table(&self, endpoint: &str, name: &str) -> Tables {
        Tables::new(self.key.clone(), self.http.clone(), endpoint, name)
    }
}
