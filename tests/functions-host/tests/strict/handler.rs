//! A custom handler that answers as it is told, and notes what it was asked.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use skyport_functions_host::{Handler, Host, Options, Queues};
use tokio::net::TcpListener;

/// What is answered under a path.
pub(crate) type Answer = (u16, Option<&'static str>, &'static str);

pub(crate) const DONE: Answer =
    (200, Some("application/json"), r#"{"Outputs":{},"Logs":[],"ReturnValue":null}"#);

/// A request that came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) line: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }
}

/// The handler.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    answers: Arc<BTreeMap<&'static str, Answer>>,
    asked: Arc<Mutex<Vec<Asked>>>,
    connections: Arc<AtomicUsize>,
}

impl Script {
    pub(crate) fn new<const N: usize>(answers: [(&'static str, Answer); N]) -> Self {
        Self { answers: Arc::new(answers.into()), asked: Arc::default(), connections: Arc::default() }
    }

    /// How many connections there were.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// All but what asks whether it is ready.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        let asked = self.asked.lock().expect("no panic");
        asked
            .iter()
            .filter(|asked| asked.headers.contains_key("x-azure-functions-invocationid"))
            .cloned()
            .collect()
    }

    pub(crate) async fn listen(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(self.clone().serve(listener));
        address
    }

    pub(crate) async fn serve(self, listener: TcpListener) {
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            self.connections.fetch_add(1, Ordering::SeqCst);
            let this = self.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request| {
                    let this = this.clone();
                    async move { Ok::<_, std::convert::Infallible>(this.answer(request).await) }
                });
                let _ = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        let line = format!("{} {}", parts.method, parts.uri);
        self.asked.lock().expect("no panic").push(Asked { line, headers: parts.headers, body });
        let (status, content_type, text) =
            self.answers.get(parts.uri.path()).copied().unwrap_or((404, None, ""));
        let mut response =
            Response::builder().status(status).header("set-cookie", "a=1").header("set-cookie", "b=2");
        if let Some(content_type) = content_type {
            response = response.header("content-type", content_type);
        }
        if status == 302 {
            response = response.header("location", "/");
        }
        response.body(Full::new(Bytes::from_static(text.as_bytes()))).expect("a response")
    }
}

/// A folder with this `host.json` laid over the least that the host starts with, and with these functions.
/// What stands in the place of bindings and is an object is the whole of a function's file.
pub(crate) fn folder(host: &Value, functions: &[(&str, Value)]) -> tempfile::TempDir {
    let mut whole = json!({
        "version": "2.0",
        "extensionBundle": {"id": "Microsoft.Azure.Functions.ExtensionBundle", "version": "[4.*, 5.0.0)"},
        "extensions": {"queues": {"messageEncoding": "none"}},
        "customHandler": {"description": {"defaultExecutablePath": "handler"}},
    });
    for (name, value) in host.as_object().expect("an object") {
        whole[name] = value.clone();
    }
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("host.json"), whole.to_string()).expect("written");
    for (name, bindings) in functions {
        let function = folder.path().join(name);
        std::fs::create_dir(&function).expect("created");
        let whole = if bindings.is_object() { bindings.clone() } else { json!({"bindings": bindings}) };
        std::fs::write(function.join("function.json"), whole.to_string()).expect("written");
    }
    folder
}

pub(crate) fn queue() -> Value {
    queue_named("jobs")
}

pub(crate) fn queue_named(name: &str) -> Value {
    json!([{"name": "message", "type": "queueTrigger", "direction": "in", "queueName": name, "connection": "Data"}])
}

/// The host over a script.
pub(crate) async fn start(
    script: &Script,
    folder: &tempfile::TempDir,
    change: impl FnOnce(&mut Options),
) -> Host {
    let mut options = Options::new(folder.path());
    options.handler = Handler::At(script.listen().await);
    change(&mut options);
    Host::start(options).await.expect("the host starts")
}

/// The host over a script with these queues.
pub(crate) async fn listening(script: &Script, host: &Value, queues: impl Queues, lease_millis: u64) -> Host {
    listening_to("jobs", script, host, queues, lease_millis).await
}

/// As [`listening`], to the queue of this name.
pub(crate) async fn listening_to(
    queue: &str,
    script: &Script,
    host: &Value,
    queues: impl Queues,
    lease_millis: u64,
) -> Host {
    let folder = folder(host, &[("job", queue_named(queue))]);
    start(script, &folder, |options| {
        options.queues = Arc::new(queues);
        options
            .settings
            .insert("Data__queueServiceUri".to_owned(), "https://x.queue.core.windows.net".to_owned());
        options.lease = std::time::Duration::from_millis(lease_millis);
    })
    .await
}
