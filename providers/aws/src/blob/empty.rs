//! Emptying a bucket that is to be removed.

use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use aws_sdk_s3::types::EncodingType;
use skyport_core::{Error, ErrorKind, Result};

use super::delete::Doomed;
use super::{S3, list, upload};
use crate::error;

impl S3 {
    /// Deletes every version of every object and aborts every upload.
    pub(crate) async fn empty(&self) -> Result<()> {
        self.abort_uploads().await?;
        let mut before = Vec::new();
        loop {
            let versions = self.client().await.list_object_versions().bucket(self.name());
            let page = Box::pin(versions.encoding_type(EncodingType::Url).send()).await.map_err(error::of)?;
            let doomed = doomed(&page)?;
            if doomed.is_empty() {
                return Ok(());
            }
            if doomed == before {
                let text = "what the bucket keeps was deleted and is still there: empty the bucket by hand";
                return Err(Error::new(ErrorKind::Conflict, text).with_retryable(false));
            }
            before.clone_from(&doomed);
            // From the start again after each page: what was listed is gone.
            self.delete_all(doomed).await.into_iter().collect::<Result<Vec<()>>>()?;
        }
    }

    async fn abort_uploads(&self) -> Result<()> {
        loop {
            let uploads = self.client().await.list_multipart_uploads().bucket(self.name());
            let page = Box::pin(uploads.encoding_type(EncodingType::Url).send()).await.map_err(error::of)?;
            if page.uploads().is_empty() {
                return Ok(());
            }
            for found in page.uploads() {
                if let (Some(key), Some(id)) = (found.key(), found.upload_id()) {
                    upload::abort(self, &list::decode(key, page.encoding_type())?, id).await?;
                }
            }
        }
    }
}

/// Every version on a page, marks of deletions included.
fn doomed(page: &ListObjectVersionsOutput) -> Result<Vec<Doomed>> {
    let versions = page.versions().iter().map(|version| (version.key(), version.version_id()));
    let markers = page.delete_markers().iter().map(|marker| (marker.key(), marker.version_id()));
    let all = versions.chain(markers);
    all.filter_map(|(key, version)| Some((key?, version)))
        .map(|(key, version)| {
            Ok(Doomed { key: list::decode(key, page.encoding_type())?, version: version.map(str::to_owned) })
        })
        .collect()
}
