//! The services' own interfaces, as far as a deployment needs them.

use std::net::{SocketAddr, ToSocketAddrs};

use bytes::Bytes;
use http::{Method, Request};
use serde_json::{Value, json};
use skyport_core::event::BlobChange;
use skyport_core::{Error, Result};

use crate::support::client;

/// The emulator's part of one project.
#[derive(Clone, Debug)]
pub(crate) struct Pubsub {
    address: SocketAddr,
    pub(crate) project: String,
}

impl Pubsub {
    pub(crate) fn new(endpoint: &str, project: String) -> Result<Self> {
        Ok(Self { address: address_of(endpoint)?, project })
    }

    /// Lets a subscription push to this process. It has no policy for what is not taken: the emulator sends that again after a second,
    /// and with a policy, whatever it says, after three.
    pub(crate) async fn push(&self, subscription: &str, process: SocketAddr) -> Result<()> {
        self.configure(subscription, &json!({"pushEndpoint": format!("http://{process}/")})).await
    }

    /// Lets a subscription wait until somebody pulls.
    pub(crate) async fn hold(&self, subscription: &str) -> Result<()> {
        self.configure(subscription, &json!({})).await
    }

    async fn configure(&self, subscription: &str, push: &Value) -> Result<()> {
        let path = format!("/v1/projects/{}/subscriptions/{subscription}:modifyPushConfig", self.project);
        call(self.address, Method::POST, &path, &json!({"pushConfig": push})).await
    }
}

/// Lets a bucket tell a topic of what is created or deleted in it.
pub(crate) async fn notify(storage: &str, bucket: &str, topic: &str, change: BlobChange) -> Result<()> {
    let types: &[&str] = match change {
        BlobChange::Created => &["OBJECT_FINALIZE"],
        _ => &["OBJECT_DELETE", "OBJECT_ARCHIVE"],
    };
    let config = json!({
        "topic": format!("//pubsub.googleapis.com/{topic}"),
        "payload_format": "JSON_API_V1",
        "event_types": types,
    });
    let path = format!("/storage/v1/b/{bucket}/notificationConfigs");
    call(address_of(storage)?, Method::POST, &path, &config).await
}

fn address_of(endpoint: &str) -> Result<SocketAddr> {
    let host = endpoint.strip_prefix("http://").unwrap_or(endpoint).trim_end_matches('/');
    let addresses = host.to_socket_addrs();
    let mut addresses =
        addresses.map_err(|error| Error::invalid(format!("{endpoint} is no endpoint")).with_source(error))?;
    addresses.next().ok_or_else(|| Error::invalid(format!("{endpoint} has no address")))
}

async fn call(address: SocketAddr, method: Method, path: &str, body: &Value) -> Result<()> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/json")
        .body(Bytes::from(body.to_string()))
        .expect("a request");
    let answer = client::send(address, request).await?;
    if answer.status().is_success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(answer.body());
    Err(Error::internal(format!("{path}: {}: {text}", answer.status())))
}
