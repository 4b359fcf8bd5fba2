//! Emptying a bucket that is to be removed.

use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use aws_sdk_s3::types::EncodingType;
use skyport_core::Result;

use super::delete::Doomed;
use super::{S3, list, upload};
use crate::error;

impl S3 {
    /// Deletes every version of every object and aborts every upload.
    pub(crate) async fn empty(&self) -> Result<()> {
        self.abort_uploads().await?;
        let (mut key, mut version) = (None, None);
        loop {
            let versions = self.client().await.list_object_versions().bucket(self.name());
            let versions = versions
                .encoding_type(EncodingType::Url)
                .set_key_marker(key.take())
                .set_version_id_marker(version.take());
            let page = Box::pin(versions.send()).await.map_err(error::of)?;
            let doomed = doomed(&page)?;
            self.delete_all(doomed).await.into_iter().collect::<Result<Vec<()>>>()?;
            if page.is_truncated() != Some(true) {
                return Ok(());
            }
            key = marker(page.next_key_marker(), page.encoding_type())?;
            version = page.next_version_id_marker().map(str::to_owned);
        }
    }

    async fn abort_uploads(&self) -> Result<()> {
        let (mut key, mut id) = (None, None);
        loop {
            let uploads = self.client().await.list_multipart_uploads().bucket(self.name());
            let uploads = uploads
                .encoding_type(EncodingType::Url)
                .set_key_marker(key.take())
                .set_upload_id_marker(id.take());
            let page = Box::pin(uploads.send()).await.map_err(error::of)?;
            for found in page.uploads() {
                if let (Some(key), Some(id)) = (found.key(), found.upload_id()) {
                    upload::abort(self, &list::decode(key, page.encoding_type())?, id).await?;
                }
            }
            if page.is_truncated() != Some(true) {
                return Ok(());
            }
            key = marker(page.next_key_marker(), page.encoding_type())?;
            id = page.next_upload_id_marker().map(str::to_owned);
        }
    }
}

/// Where a page ended.
fn marker(key: Option<&str>, encoding: Option<&EncodingType>) -> Result<Option<String>> {
    key.map(|key| Ok(list::decode(key, encoding)?.into_owned())).transpose()
}

/// Every version on a page, marks of deletions included.
fn doomed(page: &ListObjectVersionsOutput) -> Result<Vec<Doomed>> {
    let versions = page.versions().iter().map(|version| (version.key(), version.version_id()));
    let markers = page.delete_markers().iter().map(|marker| (marker.key(), marker.version_id()));
    let all = versions.chain(markers);
    all.filter_map(|(key, version)| Some((key?, version)))
        .map(|(key, version)| {
            let key = list::decode(key, page.encoding_type())?.into_owned();
            Ok(Doomed { key, version: version.map(str::to_owned) })
        })
        .collect()
}
