//! Google's own client of Cloud Storage: it sums up what it sends and reads.

use google_cloud_auth::credentials::anonymous;
use google_cloud_storage::client::Storage;
use google_cloud_storage::streaming_source::{SizeHint, StreamingSource};
use skyport_measure::Outcome;

use super::{Way, pieces};

const BUCKET: &str = "projects/_/buckets/b";

/// A source whose length is known, as a file's would be.
struct Source {
    pieces: Box<dyn Iterator<Item = bytes::Bytes> + Send + Sync>,
    size: u64,
}

impl StreamingSource for Source {
    type Error = std::io::Error;

    async fn next(&mut self) -> Option<Result<bytes::Bytes, Self::Error>> {
        self.pieces.next().map(Ok)
    }

    async fn size_hint(&self) -> Result<SizeHint, Self::Error> {
        Ok(SizeHint::with_exact(self.size))
    }
}

pub(super) async fn transfer(endpoint: &str, way: Way, size: u64) -> Outcome<u64> {
    let credentials = anonymous::Builder::new().build();
    let client = Storage::builder().with_endpoint(endpoint).with_credentials(credentials).build().await?;
    if way == Way::Up {
        let source = Source { pieces: Box::new(pieces(size)), size };
        client.write_object(BUCKET, "k", source).send_buffered().await?;
        return Ok(size);
    }
    let (mut object, mut bytes) = (client.read_object(BUCKET, "k").send().await?, 0);
    while let Some(chunk) = object.next().await {
        bytes += chunk?.len() as u64;
    }
    Ok(bytes)
}
