//! The clients, made once at the start: by a shared access signature where there is one, else by the managed identity.

use std::sync::Arc;

use azure_core::credentials::TokenCredential;
use azure_core::http::{ClientOptions, RequestContent, Transport, Url};
use azure_identity::ManagedIdentityCredential;
use azure_storage_blob::{BlobContainerClient, BlobContainerClientOptions};
use azure_storage_queue::models::QueueMessage;
use azure_storage_queue::{QueueClient, QueueClientOptions};
use cold_axum::Outcome;

use crate::table::Table;

pub(crate) struct Clients {
    receipts: BlobContainerClient,
    jobs: QueueClient,
    pub(crate) orders: Table,
}

/// One of the account's services.
struct Account {
    name: String,
    /// A template of its endpoints, where they are not Azure's own: `http://127.0.0.1:10000/{service}`.
    endpoints: Option<String>,
    sas: Option<String>,
}

impl Account {
    fn of_environment() -> Outcome<Self> {
        let variable = |name| std::env::var(name).ok();
        let name = variable("AZURE_STORAGE_ACCOUNT").ok_or("AZURE_STORAGE_ACCOUNT is not set")?;
        Ok(Self { name, endpoints: variable("STORAGE_ENDPOINTS"), sas: variable("AZURE_STORAGE_SAS_TOKEN") })
    }

    fn url(&self, service: &str, resource: &str) -> Outcome<Url> {
        let base = match &self.endpoints {
            Some(template) => template.replace("{service}", service),
            None => format!("https://{}.{service}.core.windows.net", self.name),
        };
        let mut url: Url = format!("{base}/{resource}").parse()?;
        url.set_query(self.sas.as_deref());
        Ok(url)
    }
}

impl Clients {
    pub(crate) fn of_environment() -> Outcome<Self> {
        // Fails where there is one already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let account = Account::of_environment()?;
        // One pool of connections for all.
        let client =
            Arc::new(reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?);
        let options = || ClientOptions {
            transport: Some(Transport::new(Arc::clone(&client) as _)),
            ..ClientOptions::default()
        };
        let credential: Option<Arc<dyn TokenCredential>> = match &account.sas {
            Some(_) => None,
            None => Some(ManagedIdentityCredential::new(None)?),
        };
        let receipts = BlobContainerClientOptions { client_options: options(), ..Default::default() };
        let jobs = QueueClientOptions { client_options: options(), ..Default::default() };
        let receipts_at = account.url("blob", "shop-receipts")?;
        let jobs_at = account.url("queue", "shop-jobs")?;
        let orders_at = account.url("table", "shoporders")?;
        Ok(Self {
            receipts: BlobContainerClient::new(receipts_at, credential.clone(), Some(receipts))?,
            jobs: QueueClient::new(jobs_at, credential.clone(), Some(jobs))?,
            orders: Table::new((*client).clone(), orders_at, credential),
        })
    }

    pub(crate) async fn put_receipt(&self, name: &str, body: String) -> Outcome {
        self.receipts.blob_client(name).upload(RequestContent::from(body.into_bytes()), None).await?;
        Ok(())
    }

    pub(crate) async fn send_job(&self, text: String) -> Outcome {
        let message = QueueMessage { message_text: Some(text) };
        self.jobs.send_message(message.try_into()?, None).await?.into_model()?;
        Ok(())
    }
}
