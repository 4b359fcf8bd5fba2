//! A bucket of Cloud Storage, by its JSON API.

use std::time::Duration;

use cold_axum::Outcome;

use crate::clients::Service;

pub(crate) struct Storage {
    client: reqwest::Client,
    service: Service,
    bucket: &'static str,
}

impl Storage {
    pub(crate) fn new(service: Service, bucket: &'static str) -> Outcome<Self> {
        let client = reqwest::Client::builder().connect_timeout(Duration::from_secs(3)).build()?;
        Ok(Self { client, service, bucket })
    }

    pub(crate) async fn put(&self, name: &str, body: String) -> Outcome {
        let Self { client, service, bucket } = self;
        let call = client
            .post(format!("{}/upload/storage/v1/b/{bucket}/o", service.base))
            .query(&[("uploadType", "media"), ("name", name)])
            .headers((*service.authorisation.headers().await?).clone())
            .header("content-type", "text/plain")
            .body(body);
        let stored: serde_json::Value = call.send().await?.error_for_status()?.json().await?;
        stored.get("generation").map(drop).ok_or_else(|| "Cloud Storage told no generation".into())
    }
}
