//! What Azurite has not: Event Grid. It stands before Blob Storage, passes on every request as it came, and tells of what has been done: for each
//! blob that was created or deleted it puts an event into the queues that subscribe to the container by then, as Event Grid writes them there.
//!
//! Unlike Event Grid it tells at once, and once.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Method, Request, Response, Uri, header};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use skyport_functions_host::BlobChanged;
use tokio::net::TcpListener;

type Body = BoxBody<Bytes, hyper::Error>;

/// Event Grid, and the account that it tells of.
#[derive(Debug)]
struct EventGrid {
    client: Client<HttpConnector, Body>,
    account: String,
    /// Of Azurite's services, without a slash at the end.
    blobs: String,
    queues: String,
    sas: String,
}

/// What a request does to a blob, if it succeeds.
struct Doing {
    container: String,
    blob: String,
    creates: bool,
}

/// What the names of a container's queues begin with.
pub(crate) fn queues_of(container: &str) -> String {
    format!("{container}-e")
}

/// Stands before the Blob Storage of this emulator, until the runtime ends; its endpoint.
pub(crate) async fn before(account: &str, blobs: &str, queues: &str, sas: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let blobs = blobs.trim_end_matches('/').to_owned();
    let path = blobs.parse::<Uri>().expect("an endpoint").path().to_owned();
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let grid = Arc::new(EventGrid {
        client: Client::builder(TokioExecutor::new()).build(connector),
        account: account.to_owned(),
        blobs,
        queues: queues.trim_end_matches('/').to_owned(),
        sas: sas.trim_start_matches('?').to_owned(),
    });
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let grid = Arc::clone(&grid);
            stream.set_nodelay(true).expect("a socket");
            tokio::spawn(async move {
                let service = service_fn(|request| {
                    let grid = Arc::clone(&grid);
                    async move { grid.pass_on(request).await }
                });
                // A client may hang up.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    format!("http://{address}{path}")
}

impl EventGrid {
    async fn pass_on(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<Incoming>, hyper_util::client::legacy::Error> {
        let (mut head, body) = request.into_parts();
        let doing = self.doing(&head);
        let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
        let origin = self.blobs.parse::<Uri>().expect("an endpoint");
        let authority = origin.authority().expect("a host").as_str();
        head.uri = format!("http://{authority}{target}").parse().expect("a URL");
        let answer = self.client.request(Request::from_parts(head, body.boxed())).await?;
        if let Some(doing) = doing.filter(|_| answer.status().is_success()) {
            let etag = answer.headers().get(header::ETAG).and_then(|etag| etag.to_str().ok());
            self.tell(&doing, etag).await;
        }
        Ok(answer)
    }

    /// As the documentation of Blob Storage's events lists them: Put Blob, Put Block List, Copy Blob, Delete Blob.
    fn doing(&self, head: &http::request::Parts) -> Option<Doing> {
        let path = head.uri.path().strip_prefix(self.blobs.parse::<Uri>().ok()?.path())?;
        let (container, blob) = path.trim_start_matches('/').split_once('/')?;
        let query = head.uri.query().unwrap_or_default();
        let of = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(known, _)| *known == name).map(|(_, value)| value)
        };
        let creates = match (&head.method, of("comp")) {
            (&Method::PUT, None | Some("blocklist")) => true,
            (&Method::DELETE, None) => false,
            _ => return None,
        };
        let blob = percent_decode_str(blob).decode_utf8().ok()?.into_owned();
        Some(Doing { container: container.to_owned(), blob, creates }).filter(|_| of("restype").is_none())
    }

    async fn tell(&self, doing: &Doing, etag: Option<&str>) {
        let subscribers = self.subscribers(&doing.container).await;
        if subscribers.is_empty() {
            return;
        }
        let event = self.event(doing, etag).await;
        for queue in subscribers {
            let text = STANDARD.encode(event.to_string());
            let message = format!("<QueueMessage><MessageText>{text}</MessageText></QueueMessage>");
            let path = format!("{queue}/messages?{}", self.sas);
            let sent = self.call(Method::POST, &format!("{}/{path}", self.queues), message).await;
            assert!(sent.status().is_success(), "an event was not taken: {}", sent.status());
        }
    }

    async fn event(&self, doing: &Doing, etag: Option<&str>) -> Value {
        let mut changed = BlobChanged::new(&*self.account, &*doing.container, &*doing.blob);
        changed.created = doing.creates.then_some(0);
        let mut event = changed.event();
        if doing.creates {
            event["data"]["eTag"] = etag.expect("what is created has an etag").trim_matches('"').into();
            event["data"]["contentLength"] = self.size(doing).await.into();
        }
        event
    }

    /// Unknown where the blob has gone meanwhile.
    async fn size(&self, doing: &Doing) -> Option<u64> {
        let name: String = doing.blob.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let url = format!("{}/{}/{name}?{}", self.blobs, doing.container, self.sas);
        let answer = self.call(Method::HEAD, &url, String::new()).await;
        let length = answer.headers().get(header::CONTENT_LENGTH).filter(|_| answer.status().is_success());
        length?.to_str().ok()?.parse().ok()
    }

    /// The queues of a container's subscribers, without those of their dead letters.
    async fn subscribers(&self, container: &str) -> Vec<String> {
        let prefix = format!("{}-", queues_of(container));
        let url = format!("{}/?comp=list&prefix={prefix}&{}", self.queues, self.sas);
        let listed = self.call(Method::GET, &url, String::new()).await;
        assert!(listed.status().is_success(), "the queues are not listed: {}", listed.status());
        let listed = listed.into_body().collect().await.expect("a list").to_bytes();
        let listed = String::from_utf8_lossy(&listed).into_owned();
        let names = listed.split("<Name>").skip(1).filter_map(|rest| rest.split_once('<'));
        names.map(|(name, _)| name.to_owned()).filter(|name| !name.ends_with("-poison")).collect()
    }

    async fn call(&self, method: Method, url: &str, body: String) -> Response<Incoming> {
        let body = Full::new(Bytes::from(body)).map_err(|never| match never {}).boxed();
        let request =
            Request::builder().method(method).uri(url).header("x-ms-version", "2021-12-02").body(body);
        self.client.request(request.expect("a request")).await.expect("Azurite answers")
    }
}
