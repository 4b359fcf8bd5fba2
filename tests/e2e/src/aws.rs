//! An example deployed on an emulator of AWS, as its own template says: through CloudFormation, as anybody would.

use std::io::{Cursor, Write};
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use skyport::{Body, Token};
use zip::write::SimpleFileOptions;

use crate::client::{Answer, Http};
use crate::place::Kind;
use crate::process::Example;
use crate::program;

/// Where the emulator listens; `cargo xtask test` starts it.
const ENDPOINT: &str = "SKYPORT_EMULATOR_MINISTACK";

/// Where the emulator listens.
fn endpoint() -> String {
    std::env::var(ENDPOINT).unwrap_or_else(|_| {
        panic!("{ENDPOINT} is not set: `cargo xtask test` starts the emulator, `cargo xtask emulators` for tests by hand")
    })
}

/// The emulator takes a key of twelve digits for an account.
fn account(token: u128) -> String {
    format!("{:012}", token % 1_000_000_000_000)
}

/// An account of its own, for programs on a machine of their developer's.
#[derive(Debug)]
pub struct Region {
    endpoint: String,
    account: String,
    name: String,
}

impl Region {
    /// One with nothing in it.
    ///
    /// # Panics
    /// Where the emulator does not run.
    #[must_use]
    pub fn new() -> Self {
        let token = Token::new().to_bits();
        Self { endpoint: endpoint(), account: account(token), name: format!("e2e{:08x}", token >> 96) }
    }

    /// A program whose resources are here.
    pub fn program(&self, name: &str, path: &Path, resources: &[(&str, Kind)]) -> Example {
        let program = Example::program(name, path)
            .variable("SKYPORT_PROVIDER", "aws")
            .variable("AWS_REGION", "us-east-1")
            .variable("AWS_ENDPOINT_URL", &self.endpoint)
            .variable("AWS_ACCESS_KEY_ID", &self.account)
            .variable("AWS_SECRET_ACCESS_KEY", "none");
        resources.iter().fold(program, |program, (resource, kind)| {
            let scheme = match kind {
                Kind::Bucket | Kind::Watched => "s3",
                Kind::Queue => "sqs",
                Kind::Table => "dynamodb",
            };
            let url = format!("{scheme}://{}-{resource}", self.name);
            program.variable(&format!("SKYPORT_{}", resource.to_uppercase()), &url)
        })
    }
}

impl Default for Region {
    fn default() -> Self {
        Self::new()
    }
}

/// A stack of its own in an account of its own.
#[derive(Debug)]
pub struct Stack {
    http: Http,
    endpoint: String,
    account: String,
    name: String,
    url: String,
}

impl Stack {
    /// Deploys the program of an example by a template, and waits until it is there.
    ///
    /// # Panics
    /// Where the emulator does not run, or refuses.
    pub async fn deploy(example: &str, template: &Path) -> Self {
        let token = Token::new().to_bits();
        let mut stack = Self {
            http: Http::new(),
            endpoint: endpoint(),
            account: account(token),
            name: format!("{example}{:08x}", token >> 96),
            url: String::new(),
        };
        stack.upload(example).await;
        stack.create(&std::fs::read_to_string(template).expect("the template")).await;
        stack
    }

    /// A URL of the function: that of its Function URL, by the emulator's own path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Calls an action of a service that takes forms: CloudFormation, SQS.
    ///
    /// # Panics
    /// Where it is refused.
    pub async fn call(&self, service: &str, parameters: &[(&str, &str)]) -> String {
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let pairs = parameters.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
        let form = pairs.collect::<Vec<_>>().join("&");
        let answer = self.send(Method::POST, service, "/", form.into()).await;
        assert_eq!(answer.status, 200, "{parameters:?}: {}", answer.text());
        answer.text().to_owned()
    }

    /// Calls the function with an event, as another service does; its answer.
    ///
    /// # Panics
    /// Where the emulator refuses.
    pub async fn invoke(&self, event: &str) -> Answer {
        let path = format!("/2015-03-31/functions/{}/invocations", self.name);
        self.send(Method::POST, "lambda", &path, event.to_owned().into()).await
    }

    /// The stack's name, with which the names of its resources begin.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Removes all of it.
    ///
    /// # Panics
    /// Where the emulator refuses.
    pub async fn delete(self) {
        self.call("cloudformation", &[("Action", "DeleteStack"), ("StackName", &self.name)]).await;
        self.send(Method::DELETE, "s3", &format!("/{}-code/program.zip", self.name), Bytes::new()).await;
        self.send(Method::DELETE, "s3", &format!("/{}-code", self.name), Bytes::new()).await;
    }

    async fn upload(&self, example: &str) {
        let bucket = format!("/{}-code", self.name);
        self.send(Method::PUT, "s3", &bucket, Bytes::new()).await.assert_status(200);
        let zip = zipped(&program::example(example));
        self.send(Method::PUT, "s3", &format!("{bucket}/program.zip"), zip).await.assert_status(200);
    }

    async fn create(&mut self, template: &str) {
        let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
        let bucket = format!("{}-code", self.name);
        let create = [
            ("Action", "CreateStack"),
            ("StackName", &self.name),
            ("TemplateBody", template),
            ("Capabilities.member.1", "CAPABILITY_IAM"),
            ("Parameters.member.1.ParameterKey", "CodeBucket"),
            ("Parameters.member.1.ParameterValue", &bucket),
            ("Parameters.member.2.ParameterKey", "CodeKey"),
            ("Parameters.member.2.ParameterValue", "program.zip"),
            ("Parameters.member.3.ParameterKey", "Architecture"),
            ("Parameters.member.3.ParameterValue", architecture),
        ];
        self.call("cloudformation", &create).await;
        let describe = [("Action", "DescribeStacks"), ("StackName", &self.name)];
        let mut described = String::new();
        crate::until("the stack is there", Duration::from_secs(60), async || {
            described = self.call("cloudformation", &describe).await;
            assert!(!described.contains("ROLLBACK") && !described.contains("FAILED"), "{described}");
            described.contains("<StackStatus>CREATE_COMPLETE</StackStatus>")
        })
        .await;
        let id = described
            .split_once(".lambda-url.")
            .and_then(|(before, _)| before.rsplit_once("https://"))
            .map(|(_, id)| id)
            .unwrap_or_else(|| panic!("no Function URL: {described}"));
        self.url = format!("{}/_aws/lambda-url/{id}", self.endpoint);
    }

    async fn send(&self, method: Method, service: &str, path: &str, body: Bytes) -> Answer {
        let scope = format!("{}/20260101/us-east-1/{service}/aws4_request", self.account);
        // The emulator reads from it who asks whom; it checks no signature here.
        let authorization =
            format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=none");
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.endpoint))
            .header("authorization", authorization)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(body))
            .expect("a request");
        self.http.send(request).await
    }
}

/// The program as Lambda takes it: a zip with an executable `bootstrap`.
fn zipped(program: &Path) -> Bytes {
    let bytes = std::fs::read(program).expect("the program");
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Stored)
        .unix_permissions(0o755);
    zip.start_file("bootstrap", options).expect("a file in the zip");
    zip.write_all(&bytes).expect("written");
    zip.finish().expect("a zip").into_inner().into()
}
