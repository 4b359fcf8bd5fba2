//! What the requests do.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use lambda_http::{Body, Error, Response};
use serde::Serialize;

/// The most notes in one answer.
const PAGE: i32 = 100;

/// For how long a shared URL works.
const SHARED_FOR: Duration = Duration::from_secs(600);

/// The clients, and where everything is.
pub(crate) struct Notes {
    pub(crate) s3: aws_sdk_s3::Client,
    pub(crate) sqs: aws_sdk_sqs::Client,
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
    pub(crate) bucket: String,
    pub(crate) queue: String,
    pub(crate) table: String,
}

#[derive(Debug, Serialize)]
struct Note {
    name: String,
    bytes: usize,
}

impl Note {
    fn item(&self) -> HashMap<String, AttributeValue> {
        let mut item = key(&self.name);
        item.insert("bytes".to_owned(), AttributeValue::N(self.bytes.to_string()));
        item
    }

    fn of(item: &HashMap<String, AttributeValue>) -> Option<Self> {
        let name = item.get("name")?.as_s().ok()?.clone();
        Some(Self { name, bytes: item.get("bytes")?.as_n().ok()?.parse().ok()? })
    }
}

fn key(name: &str) -> HashMap<String, AttributeValue> {
    let partition = ("kind".to_owned(), AttributeValue::S("notes".to_owned()));
    HashMap::from([partition, ("name".to_owned(), AttributeValue::S(name.to_owned()))])
}

fn status(status: u16) -> Result<Response<Body>, Error> {
    Ok(Response::builder().status(status).body(Body::Empty)?)
}

impl Notes {
    pub(crate) async fn write(&self, name: &str, body: Body) -> Result<Response<Body>, Error> {
        let text = match body {
            Body::Text(text) => text.into_bytes(),
            Body::Binary(bytes) => bytes,
            _ => Vec::new(),
        };
        let note = Note { name: name.to_owned(), bytes: text.len() };
        let text = ByteStream::from(text);
        self.s3.put_object().bucket(&self.bucket).key(name).body(text).send().await?;
        self.dynamodb.put_item().table_name(&self.table).set_item(Some(note.item())).send().await?;
        let message = serde_json::to_string(&note)?;
        self.sqs.send_message().queue_url(&self.queue).message_body(message).send().await?;
        status(201)
    }

    pub(crate) async fn read(&self, name: &str) -> Result<Response<Body>, Error> {
        let object = match self.s3.get_object().bucket(&self.bucket).key(name).send().await {
            Err(error) if error.as_service_error().is_some_and(|error| error.is_no_such_key()) => {
                return status(404);
            }
            object => object?,
        };
        let text = String::from_utf8(object.body.collect().await?.to_vec())?;
        let response = Response::builder().header("content-type", "text/plain; charset=utf-8");
        Ok(response.body(text.into())?)
    }

    pub(crate) async fn list(&self) -> Result<Response<Body>, Error> {
        let page = self
            .dynamodb
            .query()
            .table_name(&self.table)
            .key_condition_expression("kind = :kind")
            .expression_attribute_values(":kind", AttributeValue::S("notes".to_owned()))
            .limit(PAGE)
            .send()
            .await?;
        let notes: Vec<Note> = page.items().iter().filter_map(Note::of).collect();
        let response = Response::builder().header("content-type", "application/json");
        Ok(response.body(serde_json::to_string(&notes)?.into())?)
    }

    pub(crate) async fn share(&self, name: &str) -> Result<Response<Body>, Error> {
        if let Err(error) = self.s3.head_object().bucket(&self.bucket).key(name).send().await {
            return if error.as_service_error().is_some_and(|error| error.is_not_found()) {
                status(404)
            } else {
                Err(error.into())
            };
        }
        let signed = self.s3.get_object().bucket(&self.bucket).key(name);
        let signed = signed.presigned(PresigningConfig::expires_in(SHARED_FOR)?).await?;
        Ok(Response::new(signed.uri().into()))
    }

    pub(crate) async fn delete(&self, name: &str) -> Result<Response<Body>, Error> {
        self.s3.delete_object().bucket(&self.bucket).key(name).send().await?;
        self.dynamodb.delete_item().table_name(&self.table).set_key(Some(key(name))).send().await?;
        status(204)
    }
}
