//! SQS as a script: what it was asked, and what it answers.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};
use skyport_aws::{Aws, AwsConfig};
use skyport_core::provider::{Provider, ResourceUrl};
use skyport_core::queue::port::{MessageQueue, QueueSettings};

/// One request: `SendMessage`, and its JSON.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) action: String,
    pub(crate) input: Value,
}

impl Call {
    /// The name at the end of the queue's URL.
    pub(crate) fn queue(&self) -> &str {
        self.input["QueueUrl"].as_str().and_then(|url| url.rsplit('/').next()).unwrap_or_default()
    }

    pub(crate) fn entries(&self) -> Vec<Value> {
        self.input["Entries"].as_array().cloned().unwrap_or_default()
    }
}

/// What becomes of a request.
pub(crate) enum Reply {
    /// 200 with this JSON.
    Done(Value),
    /// This status and code.
    Refused(u16, &'static str),
    /// The connection breaks; whether the request was heeded nobody knows.
    Reset,
    /// No connection was made.
    NoConnection,
    /// So much later.
    After(Duration, Box<Reply>),
}

type Script = Box<dyn FnMut(&Call) -> Reply + Send>;

/// A stub of SQS; clones are the same.
#[derive(Clone)]
pub(crate) struct Sqs(Arc<Mutex<Inner>>);

struct Inner {
    script: Script,
    calls: Vec<Call>,
}

impl Sqs {
    /// Answers as `script` says; it tells every queue's URL by itself.
    pub(crate) fn scripted(script: impl FnMut(&Call) -> Reply + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Inner { script: Box::new(script), calls: Vec::new() })))
    }

    /// Every request for this action, in order.
    pub(crate) fn calls(&self, action: &str) -> Vec<Call> {
        let calls = &self.0.lock().unwrap().calls;
        calls.iter().filter(|call| call.action == action).cloned().collect()
    }

    /// The actions that were asked for, in order.
    pub(crate) fn actions(&self) -> Vec<String> {
        let actions = self.0.lock().unwrap().calls.iter().map(|call| call.action.clone()).collect::<Vec<_>>();
        actions.into_iter().filter(|action| action != "GetQueueUrl").collect()
    }

    pub(crate) fn provider(&self) -> Aws {
        let (stub, mut config) = (self.clone(), AwsConfig::default());
        config.region = Some("us-east-1".to_owned());
        let credentials = Credentials::new("test", "test", None, None, "tests");
        config.credentials = Some(SharedCredentialsProvider::new(credentials));
        config.http_client = Some(http_client_fn(move |_, _| SharedHttpConnector::new(stub.clone())));
        Aws::with(config)
    }

    pub(crate) fn queue_with(&self, settings: &QueueSettings) -> Arc<dyn MessageQueue> {
        self.provider().queue(&ResourceUrl::new("sqs", "jobs"), settings).expect("opens")
    }

    pub(crate) fn queue(&self) -> Arc<dyn MessageQueue> {
        self.queue_with(&QueueSettings::default())
    }

    pub(crate) fn ordered(&self) -> Arc<dyn MessageQueue> {
        let mut settings = QueueSettings::default();
        settings.ordered = true;
        self.queue_with(&settings)
    }

    fn reply(&self, request: &HttpRequest) -> Reply {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let action = target.rsplit('.').next().unwrap_or_default().to_owned();
        let input = serde_json::from_slice(request.body().bytes().unwrap_or_default()).expect("JSON");
        let call = Call { action, input };
        let mut inner = self.0.lock().unwrap();
        inner.calls.push(call.clone());
        (inner.script)(&call)
    }
}

impl fmt::Debug for Sqs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sqs")
    }
}

impl HttpConnector for Sqs {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let reply = self.reply(&request);
        HttpConnectorFuture::new(answered(reply))
    }
}

async fn answered(mut reply: Reply) -> Result<HttpResponse, ConnectorError> {
    while let Reply::After(pause, later) = reply {
        tokio::time::sleep(pause).await;
        reply = *later;
    }
    let broken = |kind| Err(ConnectorError::io(Box::new(std::io::Error::from(kind))));
    match reply {
        Reply::Done(json) => Ok(response(200, None, &json)),
        Reply::Refused(status, code) => {
            Ok(response(status, Some(code), &json!({ "__type": format!("com.amazonaws.sqs#{code}") })))
        }
        Reply::Reset => broken(std::io::ErrorKind::ConnectionReset),
        Reply::NoConnection => broken(std::io::ErrorKind::ConnectionRefused),
        Reply::After(..) => unreachable!("waited for above"),
    }
}

fn response(status: u16, code: Option<&str>, json: &Value) -> HttpResponse {
    let mut response = http::Response::builder().status(status);
    if let Some(code) = code {
        response = response.header("x-amzn-query-error", format!("{code};Sender"));
    }
    let response = response.body(SdkBody::from(json.to_string())).expect("a response");
    response.try_into().expect("a response")
}

/// Where the queue is.
pub(crate) fn url_of(call: &Call) -> Reply {
    let name = call.input["QueueName"].as_str().unwrap_or_default();
    Reply::Done(json!({ "QueueUrl": format!("https://sqs.us-east-1.amazonaws.com/1/{name}") }))
}

/// Everything succeeds; a receive brings nothing.
pub(crate) fn obliging(call: &Call) -> Reply {
    let done = |of: &dyn Fn(&Value) -> Value| {
        let entries: Vec<Value> = call.entries().iter().map(of).collect();
        Reply::Done(json!({ "Successful": entries, "Failed": [] }))
    };
    match call.action.as_str() {
        "GetQueueUrl" => url_of(call),
        "SendMessage" => Reply::Done(json!({ "MessageId": id(&call.input), "MD5OfMessageBody": "x" })),
        "SendMessageBatch" => {
            done(&|entry| json!({ "Id": entry["Id"], "MessageId": id(entry), "MD5OfMessageBody": "x" }))
        }
        action if action.ends_with("Batch") => done(&|entry| json!({ "Id": entry["Id"] })),
        "GetQueueAttributes" => Reply::Done(json!({ "Attributes": {
            "QueueArn": "arn:aws:sqs:us-east-1:1:jobs-dead",
            "RedrivePolicy": "{\"deadLetterTargetArn\":\"arn:aws:sqs:us-east-1:1:jobs-dead\",\"maxReceiveCount\":5}",
        } })),
        _ => Reply::Done(json!({})),
    }
}

/// The stub's id of a message.
fn id(message: &Value) -> String {
    format!(
        "id of {}",
        message["MessageBody"].as_str().unwrap_or_default().chars().take(20).collect::<String>()
    )
}

/// Some entries of a batch fail with their codes; the others succeed.
pub(crate) fn partly(call: &Call, failing: impl Fn(&Value) -> Option<&'static str>) -> Reply {
    let (mut done, mut failed) = (Vec::new(), Vec::new());
    for entry in call.entries() {
        match failing(&entry) {
            Some(code) => failed.push(json!({
                "Id": entry["Id"], "Code": code, "Message": "as scripted", "SenderFault": code != "InternalError",
            })),
            None => done.push(
                json!({ "Id": entry["Id"], "MessageId": id(&entry), "MD5OfMessageBody": "x" }),
            ),
        }
    }
    Reply::Done(json!({ "Successful": done, "Failed": failed }))
}

/// A received message.
pub(crate) fn message(handle: &str, body: &str, attempt: u32) -> Value {
    json!({
        "MessageId": format!("id {handle}"), "ReceiptHandle": handle, "MD5OfBody": "x", "Body": body,
        "Attributes": { "ApproximateReceiveCount": attempt.to_string(), "SentTimestamp": "1700000000000" },
    })
}
