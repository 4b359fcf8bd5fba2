//! Cloud Storage by hand: its JSON API over the HTTP client that the provider has, too.

use bytes::Bytes;
use reqwest::Client;
use serde::Deserialize;
use skyport_measure::Outcome;

/// A bucket.
#[derive(Clone, Debug)]
pub struct Storage {
    client: Client,
    objects: String,
    uploads: String,
}

/// What the calls here are asked for.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Object {
    /// `photos/1.jpg`
    pub name: String,
    /// A number of 64 bits, which is a text in JSON.
    pub generation: String,
    /// Likewise.
    pub size: String,
    /// As RFC 3339 writes it.
    pub time_created: String,
}

impl Object {
    /// Its size.
    ///
    /// # Errors
    /// Where it is no number.
    pub fn bytes(&self) -> Outcome<u64> {
        Ok(self.size.parse()?)
    }
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    items: Vec<Object>,
}

/// A client with the settings of the provider's: HTTP/1.1, no proxy, no redirects, no repetition.
///
/// # Errors
/// Where it cannot be made.
pub fn client() -> Outcome<Client> {
    Ok(skyport_https::builder(skyport_https::roots())?.no_proxy().build()?)
}

impl Storage {
    /// The bucket of this name.
    ///
    /// # Errors
    /// Where no client can be made.
    pub fn new(endpoint: &str, bucket: &str) -> Outcome<Self> {
        Ok(Self {
            client: client()?,
            objects: format!("{endpoint}/storage/v1/b/{bucket}/o"),
            uploads: format!("{endpoint}/upload/storage/v1/b/{bucket}/o"),
        })
    }

    fn object(&self, key: &str) -> String {
        format!("{}/{}", self.objects, key.replace('/', "%2F"))
    }

    /// Writes an object in one request, without anything that describes it but its type; its generation.
    ///
    /// # Errors
    /// What the service says.
    pub async fn put(&self, key: &str, body: Bytes) -> Outcome<String> {
        let put = self.client.post(&self.uploads).query(&[("uploadType", "media"), ("name", key)]);
        let put = put.header("content-type", "application/octet-stream").body(body);
        let answer = put.send().await?.error_for_status()?.bytes().await?;
        Ok(serde_json::from_slice::<Object>(&answer)?.generation)
    }

    /// Reads an object.
    ///
    /// # Errors
    /// What the service says.
    pub async fn get(&self, key: &str) -> Outcome<Bytes> {
        let get = self.client.get(self.object(key)).query(&[("alt", "media")]);
        Ok(get.send().await?.error_for_status()?.bytes().await?)
    }

    /// What describes an object.
    ///
    /// # Errors
    /// What the service says.
    pub async fn head(&self, key: &str) -> Outcome<Object> {
        let get = self.client.get(self.object(key)).query(&[("fields", "name,generation,size,timeCreated")]);
        Ok(serde_json::from_slice(&get.send().await?.error_for_status()?.bytes().await?)?)
    }

    /// A page of what a prefix has.
    ///
    /// # Errors
    /// What the service says.
    pub async fn list(&self, prefix: &str, most: usize) -> Outcome<Vec<Object>> {
        let list = self.client.get(&self.objects).query(&[
            ("prefix", prefix),
            ("maxResults", &most.to_string()),
            ("fields", "items(name,generation,size,timeCreated),prefixes,nextPageToken"),
        ]);
        let answer = list.send().await?.error_for_status()?.bytes().await?;
        Ok(serde_json::from_slice::<Page>(&answer)?.items)
    }

    /// Deletes an object.
    ///
    /// # Errors
    /// What the service says.
    pub async fn delete(&self, key: &str) -> Outcome {
        self.client.delete(self.object(key)).send().await?.error_for_status()?;
        Ok(())
    }

    /// The start of a resumable session: where it is.
    ///
    /// # Errors
    /// What the service says.
    pub async fn start(&self, key: &str) -> Outcome<String> {
        let start = self.client.post(&self.uploads).query(&[("uploadType", "resumable"), ("name", key)]);
        let answer = start.header("content-length", "0").send().await?.error_for_status()?;
        Ok(answer.headers().get("location").ok_or("no session")?.to_str()?.to_owned())
    }

    /// Sends a piece of a session, of which `Content-Range` says this.
    ///
    /// # Errors
    /// What the service says.
    pub async fn piece(&self, session: &str, range: String, bytes: Bytes) -> Outcome<bool> {
        let answer = self.client.put(session).header("content-range", range).body(bytes).send().await?;
        match answer.status().as_u16() {
            308 => Ok(false),
            _ => answer.error_for_status()?.bytes().await.map(|_| true).map_err(Into::into),
        }
    }

    /// The bytes of an object as they come; how many there were.
    ///
    /// # Errors
    /// What the service says.
    pub async fn drain(&self, key: &str) -> Outcome<u64> {
        let get = self.client.get(self.object(key)).query(&[("alt", "media")]);
        let (mut answer, mut bytes) = (get.send().await?.error_for_status()?, 0);
        while let Some(chunk) = answer.chunk().await? {
            bytes += chunk.len() as u64;
        }
        Ok(bytes)
    }
}
