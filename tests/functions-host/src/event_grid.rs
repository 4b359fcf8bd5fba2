//! Events as Blob Storage sends them through Event Grid, in Event Grid's own schema.
//!
//! From the documentation of Event Grid, "Azure Blob Storage as an Event Grid source".

use std::time::SystemTime;

use serde_json::{Value, json};

use crate::time::utc;

/// What happened to a blob.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BlobChanged {
    /// The storage account.
    pub account: String,
    /// The container.
    pub container: String,
    /// The blob's name.
    pub blob: String,
    /// Its size, where it was created; without one it was deleted.
    pub created: Option<u64>,
    /// The event's id.
    pub id: String,
    /// When.
    pub time: SystemTime,
}

impl BlobChanged {
    /// A blob that was deleted just now.
    pub fn new(account: impl Into<String>, container: impl Into<String>, blob: impl Into<String>) -> Self {
        let (account, container, blob) = (account.into(), container.into(), blob.into());
        Self { account, container, blob, created: None, id: crate::worker::new_id(), time: SystemTime::now() }
    }

    /// The event.
    #[must_use]
    pub fn event(&self) -> Value {
        let Self { account, container, blob, created, id, time } = self;
        let (kind, api) = match created {
            Some(_) => ("Microsoft.Storage.BlobCreated", "PutBlob"),
            None => ("Microsoft.Storage.BlobDeleted", "DeleteBlob"),
        };
        let mut data = json!({
            "api": api,
            "clientRequestId": "d3f0f1f6-0d77-4a11-9b1c-0123456789ab",
            "requestId": "831e1650-001e-001b-66ab-eeb76e000000",
            "contentType": "application/octet-stream",
            "blobType": "BlockBlob",
            "url": format!("https://{account}.blob.core.windows.net/{container}/{blob}"),
            "sequencer": "00000000000004420000000000028963",
            "storageDiagnostics": {"batchId": "b68529f3-68cd-4744-baa4-3c0498ec19f0"},
        });
        if let Some(size) = created {
            data["contentLength"] = (*size).into();
            data["eTag"] = "0x8D4BCC2E4835CD0".into();
        }
        json!({
            "topic": format!("/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/{account}"),
            "subject": format!("/blobServices/default/containers/{container}/blobs/{blob}"),
            "eventType": kind,
            "eventTime": utc(*time),
            "id": id,
            "data": data,
            "dataVersion": "",
            "metadataVersion": "1",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_is_named_by_the_subject_and_the_url() {
        let mut changed = BlobChanged::new("account", "photos", "a/b c");
        assert_eq!(changed.event()["subject"], "/blobServices/default/containers/photos/blobs/a/b c");
        assert_eq!(changed.event()["eventType"], "Microsoft.Storage.BlobDeleted");
        changed.created = Some(7);
        let event = changed.event();
        assert_eq!(
            (&event["eventType"], &event["data"]["contentLength"]),
            (&json!("Microsoft.Storage.BlobCreated"), &json!(7))
        );
        assert_eq!(event["data"]["url"], "https://account.blob.core.windows.net/photos/a/b c");
    }
}
