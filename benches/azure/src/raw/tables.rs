//! Table Storage by its REST calls, as one writes them by hand where there is no SDK: a key, an etag, and bytes in one property.

use std::sync::Arc;

use azure_core::time::{OffsetDateTime, to_rfc7231};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Client, Method, RequestBuilder, Response, Url};
use serde::{Deserialize, Serialize};
use skyport_measure::Outcome;

use super::SharedKey;

mod batch;

const JSON: &str = "application/json;odata=minimalmetadata";

/// One table.
#[derive(Clone, Debug)]
pub struct Tables {
    key: Arc<SharedKey>,
    http: Client,
    endpoint: String,
    name: String,
}

/// An entity as it is sent.
#[derive(Serialize)]
struct Sent<'a> {
    #[serde(rename = "v@odata.type")]
    kind: &'a str,
    v: &'a str,
}

/// An entity as it comes back.
#[derive(Debug, Deserialize)]
pub struct Entity {
    v: String,
}

#[derive(Deserialize)]
struct Listed {
    value: Vec<Entity>,
}

impl Entity {
    /// Its bytes.
    ///
    /// # Errors
    /// Where they are none.
    pub fn bytes(&self) -> Outcome<Bytes> {
        Ok(STANDARD.decode(&self.v)?.into())
    }
}

impl Tables {
    pub(super) fn new(key: Arc<SharedKey>, http: Client, endpoint: &str, name: &str) -> Self {
        Self { key, http, endpoint: endpoint.to_owned(), name: name.to_owned() }
    }

    /// The URL of an entity.
    #[must_use]
    pub fn url(&self, partition: &str, row: &str) -> String {
        format!("{}/{}(PartitionKey='{partition}',RowKey='{row}')", self.endpoint, self.name)
    }

    /// A signed request.
    fn request(&self, method: Method, url: Url) -> RequestBuilder {
        let date = to_rfc7231(&OffsetDateTime::now_utc());
        let account = self.key.account();
        let signature = self.key.sign(&format!("{date}\n/{account}{}", url.path()));
        self.http
            .request(method, url)
            .header("x-ms-date", date)
            .header("x-ms-version", "2020-12-06")
            .header("dataserviceversion", "3.0")
            .header("maxdataserviceversion", "3.0;NetFx")
            .header("accept", JSON)
            .header("authorization", format!("SharedKeyLite {account}:{signature}"))
    }

    /// Reads one.
    ///
    /// # Errors
    /// What the service says.
    pub async fn get(&self, partition: &str, row: &str) -> Outcome<(Entity, String)> {
        let url = Url::parse(&self.url(partition, row))?;
        let answer = self.request(Method::GET, url).send().await?.error_for_status()?;
        let etag = etag(&answer)?;
        Ok((serde_json::from_slice(&answer.bytes().await?)?, etag))
    }

    /// Puts one, where `etag` is still its own; gives the new etag.
    ///
    /// # Errors
    /// What the service says.
    pub async fn put(&self, partition: &str, row: &str, value: &[u8], etag: Option<&str>) -> Outcome<String> {
        let url = Url::parse(&self.url(partition, row))?;
        let mut request = self.request(Method::PUT, url).header("content-type", JSON);
        if let Some(etag) = etag {
            request = request.header("if-match", etag);
        }
        self::etag(&request.body(body(value)?).send().await?.error_for_status()?)
    }

    /// Deletes one, whatever it is.
    ///
    /// # Errors
    /// What the service says.
    pub async fn delete(&self, partition: &str, row: &str) -> Outcome {
        let url = Url::parse(&self.url(partition, row))?;
        self.request(Method::DELETE, url).header("if-match", "*").send().await?.error_for_status()?;
        Ok(())
    }

    /// The first of a partition.
    ///
    /// # Errors
    /// What the service says.
    pub async fn query(&self, partition: &str, most: usize) -> Outcome<Vec<Entity>> {
        let filter = format!("PartitionKey eq '{partition}'");
        let filter = utf8_percent_encode(&filter, NON_ALPHANUMERIC);
        let url = Url::parse(&format!("{}/{}()?$filter={filter}&$top={most}", self.endpoint, self.name))?;
        let answer = self.request(Method::GET, url).send().await?.error_for_status()?;
        Ok(serde_json::from_slice::<Listed>(&answer.bytes().await?)?.value)
    }

    /// Puts many of one partition as one transaction, each whatever is there; gives their etags.
    ///
    /// # Errors
    /// What the service says.
    pub async fn put_together(&self, partition: &str, rows: &[String], value: &[u8]) -> Outcome<Vec<String>> {
        let (content_type, sent) = batch::write(self, partition, rows, &body(value)?);
        let url = Url::parse(&format!("{}/$batch", self.endpoint))?;
        let request = self.request(Method::POST, url).header("content-type", content_type).body(sent);
        let answer = request.send().await?.error_for_status()?.text().await?;
        let etags = batch::etags(&answer);
        if etags.len() == rows.len() {
            Ok(etags)
        } else {
            Err(format!("a batch was refused: {answer}").into())
        }
    }
}

fn body(value: &[u8]) -> Outcome<String> {
    Ok(serde_json::to_string(&Sent { kind: "Edm.Binary", v: &STANDARD.encode(value) })?)
}

fn etag(answer: &Response) -> Outcome<String> {
    let etag = answer.headers().get("etag").ok_or("an answer without an etag")?;
    Ok(etag.to_str()?.to_owned())
}
