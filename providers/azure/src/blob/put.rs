//! Writing a whole blob: one Put Blob.

use azure_core::http::headers::{HeaderName, HeaderValue};
use azure_core::http::{Body, Method};
use bytes::Bytes;
use skyport_core::Result;
use skyport_core::blob::port::{PutOptions, Written};

use super::meta;
use super::{Container, refused};

impl Container {
    pub(super) async fn put_blob(&self, key: &str, body: Bytes, options: PutOptions) -> Result<Written> {
        let mut request = self.call_of(Method::Put, key)?;
        request
            .insert_header(HeaderName::from_static("x-ms-blob-type"), HeaderValue::from_static("BlockBlob"));
        let (if_match, if_none_match) = refused::of_write(&options.condition)?;
        refused::insert(&mut request, if_match, if_none_match);
        for (name, value) in meta::headers(&options.properties, options.token) {
            request.insert_header(name, value);
        }
        request.set_body(Body::Bytes(body));
        let sent = Box::pin(self.connection.sender().send(&mut request, &[201])).await;
        let answer = sent.map_err(|error| refused::writing(error, &options.condition))?;
        // What cannot be read of a success has happened all the same.
        let etag = meta::etag(answer.headers());
        Ok(Written::new(etag.map_err(|error| error.with_ambiguous(true))?))
    }
}
