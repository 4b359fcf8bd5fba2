//! An example on emulators of Google Cloud, set up as its own deployment does: made by the program, called by pushes.

use std::path::{Path, PathBuf};

use http::{Method, Request};
use serde_json::{Value, json};
use skyport::{Body, Token};
use skyport_gcs::{Options, Server};

use crate::client::{Answer, Http};
use crate::process::{Example, Running};
use crate::{Data, program};

/// Where the emulators listen; `cargo xtask test` starts them.
const PUBSUB: &str = "SKYPORT_EMULATOR_PUBSUB";
const FIRESTORE: &str = "SKYPORT_EMULATOR_FIRESTORE";

/// A project of its own, with a Cloud Storage of its own.
#[derive(Debug)]
pub struct Project {
    http: Http,
    name: String,
    pubsub: String,
    firestore: String,
    storage: Server,
    folder: Data,
}

impl Project {
    /// A project with nothing in it.
    ///
    /// # Panics
    /// Where an emulator does not run.
    #[must_use]
    pub fn new() -> Self {
        let endpoint = |variable: &str| {
            std::env::var(variable).unwrap_or_else(|_| {
                panic!("{variable} is not set: `cargo xtask test` starts the emulator, `cargo xtask emulators` for tests by hand")
            })
        };
        let (pubsub, firestore) = (endpoint(PUBSUB), endpoint(FIRESTORE));
        let mut options = Options::default();
        options.pubsub = Some(pubsub.clone());
        let project = Self {
            http: Http::new(),
            name: format!("e2e-{:08x}", Token::new().to_bits() >> 96),
            pubsub,
            firestore,
            storage: Server::start_with(options).expect("a free port"),
            folder: Data::new(),
        };
        let key = skyport_gcs::service_account().to_string();
        std::fs::write(project.key(), key).expect("the account's key");
        project
    }

    /// The file of the service account as which the program runs.
    fn key(&self) -> PathBuf {
        self.folder.path().join("account.json")
    }

    /// An example as a service of Cloud Run, on a free port.
    pub fn service(&self, name: &str) -> Example {
        self.program(name).variable("K_SERVICE", name).variable("K_REVISION", "1")
    }

    /// An example on a machine of its developer's, whose resources are in this project.
    pub fn program(&self, name: &str) -> Example {
        self.program_at(name, &program::example(name))
    }

    /// Any program on a machine of its developer's, whose resources are in this project.
    pub fn program_at(&self, name: &str, path: &Path) -> Example {
        let host = |url: &str| url.trim_start_matches("http://").to_owned();
        Example::program(name, path)
            .variable("SKYPORT_PROVIDER", "gcp")
            .variable("GOOGLE_CLOUD_PROJECT", &self.name)
            .variable("GOOGLE_APPLICATION_CREDENTIALS", self.key().to_str().expect("a path in UTF-8"))
            .variable("STORAGE_EMULATOR_HOST", &host(self.storage.url()))
            .variable("PUBSUB_EMULATOR_HOST", &host(&self.pubsub))
            .variable("FIRESTORE_EMULATOR_HOST", &host(&self.firestore))
    }

    /// The subscription pushes to the service.
    ///
    /// # Panics
    /// Where the emulator refuses.
    pub async fn push(&self, subscription: &str, service: &Running) {
        let config = json!({ "pushConfig": { "pushEndpoint": service.url("/") } });
        let path = format!("subscriptions/{subscription}:modifyPushConfig");
        self.pubsub(Method::POST, &path, &config).await;
    }

    /// The bucket tells the service of what is created and deleted in it: through a topic, whose subscription pushes.
    ///
    /// # Panics
    /// Where an emulator refuses.
    pub async fn notify(&self, bucket: &str, service: &Running) {
        let name = format!("{bucket}-events");
        let topic = format!("projects/{}/topics/{name}", self.name);
        self.pubsub(Method::PUT, &format!("topics/{name}"), &json!({})).await;
        let subscription = json!({
            "topic": topic,
            "retryPolicy": { "minimumBackoff": "0.2s", "maximumBackoff": "2s" },
            "pushConfig": { "pushEndpoint": service.url("/") },
        });
        self.pubsub(Method::PUT, &format!("subscriptions/{name}"), &subscription).await;
        let notification = json!({
            "topic": format!("//pubsub.googleapis.com/{topic}"),
            "payload_format": "JSON_API_V1",
            "event_types": ["OBJECT_FINALIZE", "OBJECT_DELETE", "OBJECT_ARCHIVE"],
        });
        let url = format!("{}/storage/v1/b/{bucket}/notificationConfigs", self.storage.url());
        self.send(Method::POST, &url, &notification).await.assert_status(200);
    }

    /// The messages of a subscription that nobody has taken; they stay.
    ///
    /// # Panics
    /// Where the emulator refuses.
    pub async fn waiting(&self, subscription: &str) -> Vec<Value> {
        let pull = json!({ "maxMessages": 10, "returnImmediately": true });
        let pulled = self.pubsub(Method::POST, &format!("subscriptions/{subscription}:pull"), &pull).await;
        let mut messages = Vec::new();
        let mut receipts = Vec::new();
        for received in pulled["receivedMessages"].as_array().into_iter().flatten() {
            messages.push(received["message"].clone());
            receipts.push(received["ackId"].clone());
        }
        if !receipts.is_empty() {
            let back = json!({ "ackIds": receipts, "ackDeadlineSeconds": 0 });
            self.pubsub(Method::POST, &format!("subscriptions/{subscription}:modifyAckDeadline"), &back)
                .await;
        }
        messages
    }

    async fn pubsub(&self, method: Method, path: &str, body: &Value) -> Value {
        let url = format!("{}/v1/projects/{}/{path}", self.pubsub, self.name);
        self.send(method, &url, body).await.assert_status(200).json()
    }

    async fn send(&self, method: Method, url: &str, body: &Value) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(url)
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()))
            .expect("a request");
        self.http.send(request).await
    }
}

impl Default for Project {
    fn default() -> Self {
        Self::new()
    }
}
