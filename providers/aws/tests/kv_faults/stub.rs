//! DynamoDB as a script: each request meets the next answer, and all that was sent can be looked at.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};
use skyport_aws::{Aws, AwsConfig};
use skyport_core::kv::port::KeyValueStore;
use skyport_core::layers::{Layer, Retry};
use skyport_core::provider::{Provider, TableSettings};

/// What a request meets; it is told all that was sent so far, this request last.
pub(crate) type Answer = Box<dyn FnOnce(&[Sent]) -> Reply + Send>;

/// A request as it was sent.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    /// `GetItem`, say.
    pub(crate) operation: String,
    pub(crate) body: Value,
}

pub(crate) enum Reply {
    Answered(u16, Value),
    /// Not even JSON.
    Raw(u16, &'static str),
    /// The connection breaks before an answer comes.
    Reset,
}

#[derive(Clone, Default)]
pub(crate) struct Stub(Arc<State>);

#[derive(Default)]
struct State {
    script: Mutex<VecDeque<Answer>>,
    sent: Mutex<Vec<Sent>>,
}

impl Stub {
    /// The answers, in order; one request more fails the test.
    pub(crate) fn new(script: Vec<Answer>) -> Self {
        let stub = Self::default();
        *stub.0.script.lock().expect("unpoisoned") = script.into();
        stub
    }

    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.0.sent.lock().expect("unpoisoned").clone()
    }

    /// Whether the script was played to its end.
    pub(crate) fn is_done(&self) -> bool {
        self.0.script.lock().expect("unpoisoned").is_empty()
    }

    /// The provider in front of this.
    pub(crate) fn provider(&self) -> Aws {
        let mut config = AwsConfig::default();
        config.region = Some("us-east-1".to_owned());
        config.http_client = Some(SharedHttpClient::new(self.clone()));
        let credentials = Credentials::new("test", "test", None, None, "tests");
        config.credentials = Some(SharedCredentialsProvider::new(credentials));
        Aws::with(config)
    }

    /// A table behind this, as the provider opens it.
    pub(crate) fn table(&self) -> Arc<dyn KeyValueStore> {
        let url = "dynamodb://things".parse().expect("a URL");
        self.provider().table(&url, &TableSettings::default()).expect("opens")
    }

    /// The same behind core's retries.
    pub(crate) fn retried(&self) -> Arc<dyn KeyValueStore> {
        Retry::default().table(self.table())
    }
}

impl std::fmt::Debug for Stub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Stub")
    }
}

impl HttpClient for Stub {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Stub {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        let body = serde_json::from_slice(request.body().bytes().expect("a body in memory")).expect("JSON");
        let mut sent = self.0.sent.lock().expect("unpoisoned");
        sent.push(Sent { operation, body });
        let answer = self.0.script.lock().expect("unpoisoned").pop_front();
        let answer =
            answer.unwrap_or_else(|| panic!("one request more than the script has: {:?}", sent.last()));
        HttpConnectorFuture::ready(match answer(&sent) {
            Reply::Answered(status, body) => {
                Ok(HttpResponse::new(status.try_into().expect("a status"), SdkBody::from(body.to_string())))
            }
            Reply::Raw(status, text) => {
                Ok(HttpResponse::new(status.try_into().expect("a status"), SdkBody::from(text)))
            }
            Reply::Reset => {
                Err(ConnectorError::io(std::io::Error::from(std::io::ErrorKind::ConnectionReset).into()))
            }
        })
    }
}

pub(crate) fn ok(body: Value) -> Answer {
    Box::new(move |_| Reply::Answered(200, body))
}

pub(crate) fn reset() -> Answer {
    Box::new(|_| Reply::Reset)
}

/// An error as DynamoDB writes it.
pub(crate) fn refusal(status: u16, code: &str, more: Value) -> Answer {
    let mut body = json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": "told" });
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    Box::new(move |_| Reply::Answered(status, body))
}

pub(crate) fn condition_failed() -> Answer {
    refusal(400, "ConditionalCheckFailedException", json!({}))
}

/// An answer made of what was sent.
pub(crate) fn by(make: impl FnOnce(&[Sent]) -> Value + Send + 'static) -> Answer {
    Box::new(move |sent| Reply::Answered(200, make(sent)))
}

pub(crate) fn key(partition: &str, sort: &str) -> Value {
    json!({ "pk": { "S": partition }, "sk": { "S": format!("={sort}") } })
}

/// An item as the table holds it.
pub(crate) fn item(partition: &str, sort: &str, value: Value, version: &str) -> Value {
    let mut item = key(partition, sort);
    item["v"] = value;
    item["w"] = json!({ "S": version });
    item
}
