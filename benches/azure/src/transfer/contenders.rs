//! Each contender's own way to send and to read a large object, as its documentation shows it.

use std::num::NonZero;

use azure_core::http::Body as RawBody;
use azure_storage_blob::BlobContainerClient;
use azure_storage_blob::models::{BlobClientDownloadOptions, BlobClientUploadOptions};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt};
use object_store::azure::{MicrosoftAzure, MicrosoftAzureBuilder};
use object_store::client::{ClientOptions, HttpClient, HttpConnector};
use object_store::{ObjectStoreExt, WriteMultipart, path::Path};
use opendal::{HttpTransporter, OperationContext, Operator, services::Azblob};
use opendal_http_transport_reqwest::ReqwestTransport;
use skyport_core::Body;
use skyport_core::blob::Bucket;
use skyport_measure::Outcome;

use super::source::{Letters, chunks};
use super::{AT_ONCE, CONTAINER, PART};
use crate::place::{Place, http};

/// One of them.
pub(super) enum Client {
    Ours(Bucket),
    Raw(BlobContainerClient),
    ObjectStore(MicrosoftAzure),
    OpenDal(Operator),
}

/// Hands object_store the HTTP client of all.
#[derive(Debug)]
struct Connector(reqwest::Client);

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.0.clone()))
    }
}

impl Client {
    pub(super) fn of(name: &str, said: &str) -> Outcome<Self> {
        let place = Place::of(said);
        let endpoint = place.part("BlobEndpoint")?;
        let (account, key) = (place.part("AccountName")?, place.part("AccountKey")?);
        Ok(match name {
            "skyport" => Self::Ours(place.bucket(CONTAINER)?),
            "azure_storage_blob" => Self::Raw(place.raw()?.container(endpoint, CONTAINER)?),
            "object_store" => Self::ObjectStore(
                MicrosoftAzureBuilder::new()
                    .with_account(account)
                    .with_access_key(key)
                    .with_container_name(CONTAINER)
                    .with_endpoint(endpoint.to_owned())
                    .with_allow_http(true)
                    .with_http_connector(Connector(http()?))
                    .build()?,
            ),
            "opendal" => {
                let service = Azblob::default()
                    .endpoint(endpoint)
                    .account_name(account)
                    .account_key(key)
                    .container(CONTAINER);
                let transport = HttpTransporter::new(ReqwestTransport::new(http()?));
                let context = OperationContext::new().with_http_transport(transport);
                Self::OpenDal(Operator::new(service)?.with_context(context))
            }
            _ => return Err(format!("nobody is called {name}").into()),
        })
    }

    /// Sends so many bytes; gives how many it has sent.
    pub(super) async fn upload(&self, key: &str, size: u64) -> Outcome<u64> {
        let mut chunks = Box::pin(chunks(size));
        match self {
            Self::Ours(bucket) => {
                bucket.put(key, Body::from_stream(chunks)).await?;
            }
            Self::Raw(container) => {
                let options = BlobClientUploadOptions {
                    parallel: NonZero::new(AT_ONCE),
                    partition_size: NonZero::new(PART as u64),
                    ..BlobClientUploadOptions::default()
                };
                let body = RawBody::SeekableStream(Box::new(Letters::new(size)));
                container.blob_client(key).upload(body.into(), Some(options)).await?;
            }
            Self::ObjectStore(store) => {
                let upload = store.put_multipart(&Path::from(key)).await?;
                let mut writer = WriteMultipart::new_with_chunk_size(upload, PART);
                while let Some(chunk) = chunks.try_next().await? {
                    writer.wait_for_capacity(AT_ONCE).await?;
                    writer.put(chunk);
                }
                writer.finish().await?;
            }
            Self::OpenDal(operator) => {
                let mut writer = operator.writer_with(key).chunk(PART).concurrent(AT_ONCE).await?;
                while let Some(chunk) = chunks.try_next().await? {
                    writer.write(chunk).await?;
                }
                writer.close().await?;
            }
        }
        Ok(size)
    }

    /// Reads it all; gives how many bytes there were.
    pub(super) async fn download(&self, key: &str) -> Outcome<u64> {
        match self {
            Self::Ours(bucket) => counted(bucket.get(key).await?.into_body()).await,
            Self::Raw(container) => {
                let found =
                    container.blob_client(key).download(None::<BlobClientDownloadOptions<'_>>).await?;
                counted(found.body).await
            }
            Self::ObjectStore(store) => counted(store.get(&Path::from(key)).await?.into_stream()).await,
            Self::OpenDal(operator) => {
                counted(operator.reader(key).await?.into_bytes_stream(..).await?).await
            }
        }
    }
}

async fn counted<E>(bytes: impl Stream<Item = Result<Bytes, E>>) -> Outcome<u64>
where
    E: std::error::Error + Send + Sync + 'static,
{
    let mut bytes = Box::pin(bytes);
    let mut count = 0;
    while let Some(chunk) = bytes.next().await {
        count += chunk?.len() as u64;
    }
    Ok(count)
}
