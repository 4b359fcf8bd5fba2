//! Queue Storage, by its REST calls over plain HTTP: an emulator's.
//!
//! From `QueueListener.cs`, `QueueProcessor.cs` and `StorageExceptionExtensions.cs` (which answers mean that a message is another's by now) of the extension of Storage.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::net::TcpStream;

use super::{QueueMessage, QueueSource, Queues};
use crate::fault::{Fault, Result};
use crate::invoker::whole;

const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

const VERSION: &str = "2021-12-02";

/// The queues of an account, by its connection string.
#[derive(Clone)]
pub struct Storage {
    account: String,
    key: Vec<u8>,
    /// `127.0.0.1:10001`
    authority: String,
    /// `/devstoreaccount1`, without a slash at its end.
    path: String,
}

/// Without the key.
impl std::fmt::Debug for Storage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Storage")
            .field("account", &self.account)
            .field("authority", &self.authority)
            .finish_non_exhaustive()
    }
}

impl Storage {
    /// The account of a connection string with `AccountName`, `AccountKey` and `QueueEndpoint`, whose scheme is `http`.
    ///
    /// # Errors
    /// Where one of them is missing or wrong.
    pub fn connect(connection_string: &str) -> Result<Self> {
        let parts: BTreeMap<String, &str> = connection_string
            .split(';')
            .filter_map(|part| part.split_once('='))
            .map(|(name, value)| (name.trim().to_lowercase(), value))
            .collect();
        let part = |name: &str| {
            let value = parts.get(&name.to_lowercase()).copied().filter(|value| !value.is_empty());
            value.ok_or_else(|| Fault::new(format!("the connection string has no {name}")))
        };
        let endpoint = part("QueueEndpoint")?.strip_prefix("http://");
        let endpoint =
            endpoint.ok_or_else(|| Fault::new("the QueueEndpoint of an emulator begins with http://"))?;
        let endpoint = endpoint.trim_end_matches('/');
        let (authority, path) =
            endpoint.split_once('/').map_or((endpoint, String::new()), |(a, p)| (a, format!("/{p}")));
        let key =
            STANDARD.decode(part("AccountKey")?).map_err(|_| Fault::new("the AccountKey is not base64"))?;
        Ok(Self { account: part("AccountName")?.to_owned(), key, authority: authority.to_owned(), path })
    }

    /// A queue of it.
    #[must_use]
    pub fn queue(&self, name: &str) -> StorageQueue {
        StorageQueue { storage: self.clone(), name: name.to_owned() }
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: String,
    ) -> Result<Answered> {
        let path = format!("{}{path}", self.path);
        let date = httpdate::fmt_http_date(SystemTime::now());
        let authorization = self.authorization(&method, &path, query, &date, body.len());
        let mut target = path;
        for (index, (name, value)) in query.iter().enumerate() {
            let separator = if index == 0 { '?' } else { '&' };
            target = format!("{target}{separator}{name}={}", utf8_percent_encode(value, UNRESERVED));
        }
        let request = Request::builder()
            .method(method)
            .uri(target)
            .header(http::header::HOST, &self.authority)
            .header("x-ms-date", date)
            .header("x-ms-version", VERSION)
            .header(http::header::AUTHORIZATION, authorization)
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| Fault::because("no request", error))?;
        let unreachable =
            |error: &dyn std::fmt::Display| Fault::because("Queue Storage cannot be reached", error);
        let stream = TcpStream::connect(&self.authority).await.map_err(|error| unreachable(&error))?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| unreachable(&error))?;
        let connection = tokio::spawn(connection);
        let response: Response<_> =
            sender.send_request(request).await.map_err(|error| unreachable(&error))?;
        let (parts, body) = response.into_parts();
        let body = whole(body).await?;
        connection.abort();
        let header =
            |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Ok(Answered {
            status: parts.status,
            code: header("x-ms-error-code").unwrap_or_default(),
            pop_receipt: header("x-ms-popreceipt"),
            body: String::from_utf8_lossy(&body).into_owned(),
        })
    }

    /// Shared key.
    fn authorization(
        &self,
        method: &Method,
        path: &str,
        query: &[(&str, &str)],
        date: &str,
        length: usize,
    ) -> String {
        let length = if length == 0 { String::new() } else { length.to_string() };
        let mut sorted = query.to_vec();
        sorted.sort_unstable();
        let query: String = sorted.iter().map(|(name, value)| format!("\n{name}:{value}")).collect();
        let text = format!(
            "{method}\n\n\n{length}\n\n\n\n\n\n\n\n\nx-ms-date:{date}\nx-ms-version:{VERSION}\n/{}{path}{query}",
            self.account
        );
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &self.key);
        let signature = STANDARD.encode(ring::hmac::sign(&key, text.as_bytes()));
        format!("SharedKey {}:{signature}", self.account)
    }
}

/// One account for every connection.
impl Queues for Storage {
    fn open(&self, queue: &str, _: &str) -> Result<Arc<dyn QueueSource>> {
        Ok(Arc::new(self.queue(queue)))
    }
}

#[derive(Debug)]
struct Answered {
    status: StatusCode,
    code: String,
    pop_receipt: Option<String>,
    body: String,
}

impl Answered {
    /// Whether the message, or its queue, is no longer there for us: what the host passes over.
    fn is_lost(&self) -> bool {
        matches!(
            self.code.as_str(),
            "PopReceiptMismatch"
                | "MessageNotFound"
                | "QueueNotFound"
                | "QueueBeingDeleted"
                | "QueueDisabled"
        )
    }

    fn fault(&self, what: &str) -> Fault {
        Fault::new(format!("{what}: {} {}", self.status, self.code))
    }
}

/// A queue of Queue Storage.
#[derive(Clone, Debug)]
pub struct StorageQueue {
    storage: Storage,
    name: String,
}

impl StorageQueue {
    /// Puts a message there: its text as it is to stand in the queue.
    ///
    /// # Errors
    /// Where that fails.
    pub async fn send(&self, text: &str) -> Result<()> {
        let answered = self.put(text).await?;
        if answered.status.is_success() { Ok(()) } else { Err(answered.fault("a message was not taken")) }
    }

    /// Creates the queue; it may be there.
    ///
    /// # Errors
    /// Where that fails.
    pub async fn create(&self) -> Result<()> {
        let answered = self.storage.call(Method::PUT, &format!("/{}", self.name), &[], String::new()).await?;
        let there = answered.status.is_success() || answered.code == "QueueAlreadyExists";
        if there { Ok(()) } else { Err(answered.fault("the queue was not created")) }
    }

    async fn put(&self, text: &str) -> Result<Answered> {
        let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let body = format!("<QueueMessage><MessageText>{escaped}</MessageText></QueueMessage>");
        self.storage.call(Method::POST, &format!("/{}/messages", self.name), &[], body).await
    }

    fn message_path(&self, message: &QueueMessage) -> String {
        format!("/{}/messages/{}", self.name, message.id)
    }
}

#[async_trait]
impl QueueSource for StorageQueue {
    async fn receive(&self, most: usize, lease: Duration) -> Result<Vec<QueueMessage>> {
        let (most, lease) = (most.to_string(), lease.as_secs().to_string());
        let query = [("numofmessages", most.as_str()), ("visibilitytimeout", lease.as_str())];
        let answered = self
            .storage
            .call(Method::GET, &format!("/{}/messages", self.name), &query, String::new())
            .await?;
        if answered.status.is_success() {
            return messages(&answered.body);
        }
        // The host waits for a queue that is not there.
        if answered.is_lost() { Ok(Vec::new()) } else { Err(answered.fault("no messages")) }
    }

    async fn hide(&self, message: &QueueMessage, visibility: Duration) -> Result<Option<String>> {
        let seconds = visibility.as_secs().to_string();
        let query = [("popreceipt", message.pop_receipt.as_str()), ("visibilitytimeout", seconds.as_str())];
        let answered =
            self.storage.call(Method::PUT, &self.message_path(message), &query, String::new()).await?;
        match (answered.status.is_success(), &answered.pop_receipt) {
            (true, Some(receipt)) => Ok(Some(receipt.clone())),
            _ if answered.is_lost() => Ok(None),
            _ => Err(answered.fault("a message was not hidden")),
        }
    }

    async fn delete(&self, message: &QueueMessage) -> Result<bool> {
        let query = [("popreceipt", message.pop_receipt.as_str())];
        let answered =
            self.storage.call(Method::DELETE, &self.message_path(message), &query, String::new()).await?;
        match answered.status.is_success() {
            false if !answered.is_lost() => Err(answered.fault("a message was not deleted")),
            deleted => Ok(deleted),
        }
    }

    async fn copy_to_poison(&self, message: &QueueMessage) -> Result<()> {
        let poison = self.storage.queue(&format!("{}-poison", self.name));
        if poison.put(&message.text).await?.code == "QueueNotFound" {
            poison.create().await?;
            return poison.send(&message.text).await;
        }
        Ok(())
    }
}

/// The messages of an answer. Its elements have no attributes.
fn messages(xml: &str) -> Result<Vec<QueueMessage>> {
    let wrong = || Fault::new("the answer is none of Queue Storage");
    let mut messages = Vec::new();
    for block in xml.split("<QueueMessage>").skip(1) {
        let field = |name: &str| {
            let (_, rest) = block.split_once(&format!("<{name}>"))?;
            Some(unescape(rest.split_once(&format!("</{name}>"))?.0))
        };
        let time =
            |name: &str| field(name).and_then(|text| httpdate::parse_http_date(&text).ok()).ok_or_else(wrong);
        let empty = block.contains("<MessageText/>") || block.contains("<MessageText />");
        let text = field("MessageText").or_else(|| empty.then(String::new)).ok_or_else(wrong)?;
        let mut message = QueueMessage::new(
            field("MessageId").ok_or_else(wrong)?,
            field("PopReceipt").ok_or_else(wrong)?,
            text,
        );
        message.dequeue_count =
            field("DequeueCount").and_then(|count| count.parse().ok()).ok_or_else(wrong)?;
        message.inserted = time("InsertionTime")?;
        message.expires = time("ExpirationTime")?;
        message.next_visible = time("TimeNextVisible")?;
        messages.push(message);
    }
    Ok(messages)
}

fn unescape(text: &str) -> String {
    let mut parts = text.split('&');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (entity, rest) = part.split_once(';').unwrap_or(("", part));
        let number = entity.strip_prefix('#').and_then(|digits| match digits.strip_prefix('x') {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => digits.parse().ok(),
        });
        match entity {
            "amp" => plain.push('&'),
            "lt" => plain.push('<'),
            "gt" => plain.push('>'),
            "quot" => plain.push('"'),
            "apos" => plain.push('\''),
            _ => plain.extend(number.and_then(char::from_u32)),
        }
        plain.push_str(rest);
    }
    plain
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_as_they_were_written() {
        let xml = "<?xml version=\"1.0\"?><QueueMessagesList><QueueMessage><MessageId>5974b586</MessageId>\
            <InsertionTime>Tue, 24 Nov 2026 03:00:00 GMT</InsertionTime><ExpirationTime>Tue, 01 Dec 2026 03:00:00 GMT</ExpirationTime>\
            <PopReceipt>YzQ4Yg==</PopReceipt><TimeNextVisible>Tue, 24 Nov 2026 03:10:00 GMT</TimeNextVisible>\
            <DequeueCount>2</DequeueCount><MessageText>&lt;a&amp;b&#xD;&#10;&gt; &#x263A;</MessageText></QueueMessage></QueueMessagesList>";
        let read = messages(xml).unwrap();
        assert_eq!((read[0].text.as_str(), read[0].dequeue_count), ("<a&b\r\n> ☺", 2));
        assert_eq!(read[0].pop_receipt, "YzQ4Yg==");
        assert_eq!(messages("<QueueMessagesList />").unwrap(), []);
        assert!(messages("<QueueMessage></QueueMessage>").is_err());
    }

    #[test]
    fn a_connection_string_names_an_emulator() {
        let whole = "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5PQ==;QueueEndpoint=http://127.0.0.1:1/a;";
        let storage = Storage::connect(whole).unwrap();
        assert_eq!((storage.authority.as_str(), storage.path.as_str()), ("127.0.0.1:1", "/a"));
        assert!(!format!("{storage:?}").contains("key"));
        for wrong in
            ["", "AccountName=a", &whole.replace("http://", "https://"), &whole.replace("a2V5PQ==", "?")]
        {
            assert!(Storage::connect(wrong).is_err(), "{wrong}");
        }
    }
}
