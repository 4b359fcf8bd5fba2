//! The emulator's own interface, as far as a deployment needs it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Method, Request, Response};
use serde_json::{Value, json};
use skyport_core::{Error, ErrorKind, Result};

use crate::http1;

/// The only region.
pub(crate) const REGION: &str = "us-east-1";

/// The emulator, seen from one account.
#[derive(Clone, Debug)]
pub(crate) struct Emulator {
    /// Its host and port.
    address: String,
    /// Twelve digits: the emulator takes an access key of that form for an account of its own.
    pub(crate) account: String,
}

impl Emulator {
    pub(crate) fn new(endpoint: &str, account: String) -> Self {
        let address = endpoint.strip_prefix("http://").unwrap_or(endpoint).trim_end_matches('/').to_owned();
        Self { address, account }
    }

    /// The name of something in this account, as AWS writes it.
    pub(crate) fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:aws:{service}:{REGION}:{}:{resource}", self.account)
    }

    /// Registers a function: a file `bootstrap` with these variables.
    pub(crate) async fn create_function(
        &self,
        name: &str,
        bootstrap: &str,
        seconds: u64,
        variables: &Value,
    ) -> Result<()> {
        let function = json!({
            "FunctionName": name,
            "Runtime": "provided.al2023",
            "Handler": "bootstrap",
            "Role": format!("arn:aws:iam::{}:role/{name}", self.account),
            "Timeout": seconds,
            "Code": {"ZipFile": STANDARD.encode(zipped(bootstrap))},
            "Environment": {"Variables": variables},
        });
        self.lambda(Method::POST, "/2015-03-31/functions", &function).await.map(drop)
    }

    pub(crate) async fn delete_function(&self, name: &str) -> Result<()> {
        self.lambda(Method::DELETE, &format!("/2015-03-31/functions/{name}"), &Value::Null).await.map(drop)
    }

    /// Gives a function a Function URL, open to all; gives its path at the emulator.
    pub(crate) async fn create_url(&self, function: &str) -> Result<String> {
        let path = format!("/2021-10-31/functions/{function}/url");
        let url = self.lambda(Method::POST, &path, &json!({"AuthType": "NONE"})).await?;
        let id = url["FunctionUrl"].as_str().and_then(|url| url.strip_prefix("https://"));
        let id = id.and_then(|url| url.split('.').next());
        let id = id.ok_or_else(|| Error::internal(format!("no Function URL: {url}")))?;
        Ok(format!("/_aws/lambda-url/{id}"))
    }

    /// Makes an event source mapping that reports single failures; gives its id.
    pub(crate) async fn create_mapping(&self, function: &str, queue: &str, batch: usize) -> Result<String> {
        let mapping = json!({
            "FunctionName": function,
            "EventSourceArn": self.arn("sqs", queue),
            "BatchSize": batch,
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
        });
        let made = self.lambda(Method::POST, "/2015-03-31/event-source-mappings", &mapping).await?;
        let id = made["UUID"].as_str();
        id.map(str::to_owned).ok_or_else(|| Error::internal(format!("a mapping without an id: {made}")))
    }

    pub(crate) async fn delete_mapping(&self, id: &str) -> Result<()> {
        let path = format!("/2015-03-31/event-source-mappings/{id}");
        self.lambda(Method::DELETE, &path, &Value::Null).await.map(drop)
    }

    /// Tells a queue of what is created in a bucket, and a function of what is removed.
    pub(crate) async fn notify(&self, bucket: &str, created: &str, removed: &str) -> Result<()> {
        let (created, removed) =
            (self.arn("sqs", created), self.arn("lambda", &format!("function:{removed}")));
        let targets = format!(
            "<QueueConfiguration><Queue>{created}</Queue><Event>s3:ObjectCreated:*</Event></QueueConfiguration>\
             <CloudFunctionConfiguration><CloudFunction>{removed}</CloudFunction><Event>s3:ObjectRemoved:*</Event>\
             </CloudFunctionConfiguration>"
        );
        self.put_notifications(bucket, &targets).await
    }

    /// Lets a bucket tell nobody.
    pub(crate) async fn silence(&self, bucket: &str) -> Result<()> {
        self.put_notifications(bucket, "").await
    }

    async fn put_notifications(&self, bucket: &str, targets: &str) -> Result<()> {
        let body = format!(
            "<NotificationConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{targets}\
             </NotificationConfiguration>"
        );
        self.call(Method::PUT, "s3", &format!("/{bucket}?notification"), body.into()).await.map(drop)
    }

    /// Invokes a function, and waits for its answer.
    pub(crate) async fn invoke(&self, function: &str, event: &Value) -> Result<Response<Bytes>> {
        let path = format!("/2015-03-31/functions/{function}/invocations");
        self.call(Method::POST, "lambda", &path, event.to_string().into()).await
    }

    /// Sends a request as it is.
    pub(crate) async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>> {
        let unanswered = |error: http1::Failure| {
            let error = std::io::Error::other(error);
            Error::new(ErrorKind::Unavailable, "the emulator does not answer").with_source(error)
        };
        http1::send(&self.address, request).await.map_err(unanswered)
    }

    async fn lambda(&self, method: Method, path: &str, body: &Value) -> Result<Value> {
        let body = if body.is_null() { Bytes::new() } else { body.to_string().into() };
        let answer = self.call(method, "lambda", path, body).await?;
        // What was deleted is told by nothing.
        Ok(serde_json::from_slice(answer.body()).unwrap_or_default())
    }

    async fn call(&self, method: Method, service: &str, path: &str, body: Bytes) -> Result<Response<Bytes>> {
        let scope = format!("{}/20260101/{REGION}/{service}/aws4_request", self.account);
        // The emulator reads from it who asks whom; it checks no signature here.
        let authorization =
            format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=none");
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", authorization)
            .header("content-type", "application/json")
            .body(body)
            .expect("a request");
        let answer = self.send(request).await?;
        if !answer.status().is_success() {
            let text = String::from_utf8_lossy(answer.body());
            return Err(Error::internal(format!("{path}: {}: {text}", answer.status())));
        }
        Ok(answer)
    }
}

/// A zip with an executable file `bootstrap`.
fn zipped(bootstrap: &str) -> Vec<u8> {
    use std::io::{Cursor, Write};
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Stored)
        .unix_permissions(0o755);
    zip.start_file("bootstrap", options).expect("a file in the zip");
    zip.write_all(bootstrap.as_bytes()).expect("written");
    zip.finish().expect("a zip").into_inner()
}
