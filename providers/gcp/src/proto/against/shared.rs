//! What Pub/Sub and Firestore share.

use gcloud_sdk::google::rpc as google;
use gcloud_sdk::prost_types;

use super::same;
use crate::proto::{known, rpc};

#[test]
fn times_and_masks_are_googles() {
    same(&known::Timestamp { seconds: -7, nanos: 8 }, &prost_types::Timestamp { seconds: -7, nanos: 8 });
    same(&known::Duration { seconds: -7, nanos: 8 }, &prost_types::Duration { seconds: -7, nanos: 8 });
    let paths = vec!["a".to_owned(), "b".to_owned()];
    same(&known::FieldMask { paths: paths.clone() }, &prost_types::FieldMask { paths });
}

#[test]
fn statuses_and_their_details_are_googles() {
    let any = known::Any { type_url: "t".into(), value: "v".into() };
    let details = vec![prost_types::Any { type_url: "t".into(), value: "v".into() }];
    let status = rpc::Status { code: 5, message: "m".into(), details: vec![any] };
    same(&status, &google::Status { code: 5, message: "m".into(), details });
    let retry_delay = Some(known::Duration { seconds: 7, nanos: 8 });
    let theirs = google::RetryInfo { retry_delay: Some(prost_types::Duration { seconds: 7, nanos: 8 }) };
    same(&rpc::RetryInfo { retry_delay }, &theirs);
}

#[cfg(feature = "queue")]
#[test]
fn what_became_of_ids_is_told_as_google_tells_it() {
    let told = rpc::Told { name: "id".into(), value: "PERMANENT".into() };
    let theirs = google::ErrorInfo {
        metadata: [("id".into(), "PERMANENT".into())].into(),
        ..google::ErrorInfo::default()
    };
    same(&rpc::ErrorInfo { metadata: vec![told] }, &theirs);
}
