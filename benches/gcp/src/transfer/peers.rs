//! object_store and OpenDAL, by their writers in parts, with as many of them under way as they document.

use std::sync::Arc;

use futures_util::StreamExt;
use object_store::ObjectStoreExt as _;
use object_store::gcp::{GcpCredential, GoogleCloudStorageBuilder};
use object_store::path::Path;
use object_store::{ClientOptions, StaticCredentialProvider, WriteMultipart};
use opendal::services::Gcs;
use opendal::{HttpTransporter, OperationContext, Operator};
use opendal_http_transport_reqwest::ReqwestTransport;
use skyport_measure::Outcome;

use super::{Way, pieces};
use crate::raw::storage::client;

const PART: usize = 8 << 20;
const AT_ONCE: usize = 4;

pub(super) async fn object_store(endpoint: &str, way: Way, size: u64) -> Outcome<u64> {
    let store = GoogleCloudStorageBuilder::new()
        .with_bucket_name("b")
        .with_base_url(endpoint)
        // Else it would ask the machine for a token.
        .with_credentials(Arc::new(StaticCredentialProvider::new(GcpCredential {
            bearer: "none".to_owned(),
        })))
        .with_client_options(ClientOptions::new().with_allow_http(true).with_http1_only())
        .build()?;
    let key = Path::from("k");
    if way == Way::Up {
        let mut writer = WriteMultipart::new_with_chunk_size(store.put_multipart(&key).await?, PART);
        for piece in pieces(size) {
            writer.wait_for_capacity(AT_ONCE).await?;
            writer.put(piece);
        }
        writer.finish().await?;
        return Ok(size);
    }
    let (mut stream, mut bytes) = (store.get(&key).await?.into_stream(), 0);
    while let Some(chunk) = stream.next().await {
        bytes += chunk?.len() as u64;
    }
    Ok(bytes)
}

pub(super) async fn opendal(endpoint: &str, way: Way, size: u64) -> Outcome<u64> {
    let service = Gcs::default().bucket("b").endpoint(endpoint).skip_signature().disable_vm_metadata();
    let transport = HttpTransporter::new(ReqwestTransport::new(client()?));
    let operator =
        Operator::new(service)?.with_context(OperationContext::new().with_http_transport(transport));
    if way == Way::Up {
        let mut writer = operator.writer_with("k").chunk(PART).concurrent(AT_ONCE).await?;
        for piece in pieces(size) {
            writer.write(piece).await?;
        }
        writer.close().await?;
        return Ok(size);
    }
    let (mut stream, mut bytes) = (operator.reader("k").await?.into_bytes_stream(..size).await?, 0);
    while let Some(chunk) = stream.next().await {
        bytes += chunk?.len() as u64;
    }
    Ok(bytes)
}
