//! Statuses of gRPC, as Pub/Sub and Firestore answer.

#[cfg(feature = "queue")]
use std::collections::HashMap;
use std::time::Duration;

use gcloud_sdk::google::rpc;
use gcloud_sdk::prost::Message;
use gcloud_sdk::prost_types::Any;
use skyport_core::{Error, ErrorKind};
use tonic::{Code, Status};

use super::{causes, unconnected};
use crate::grpc::Unsent;
use crate::provision::NAME;

use ErrorKind as Kind;

/// What each code means.
const CODES: &[(Code, ErrorKind)] = &[
    (Code::NotFound, Kind::NotFound),
    (Code::AlreadyExists, Kind::AlreadyExists),
    (Code::FailedPrecondition, Kind::PreconditionFailed),
    // A transaction that met another.
    (Code::Aborted, Kind::Conflict),
    (Code::InvalidArgument, Kind::InvalidArgument),
    (Code::OutOfRange, Kind::InvalidArgument),
    (Code::Unauthenticated, Kind::Unauthenticated),
    (Code::PermissionDenied, Kind::PermissionDenied),
    (Code::ResourceExhausted, Kind::Throttled),
    (Code::Unavailable, Kind::Unavailable),
    (Code::Internal, Kind::Unavailable),
    (Code::Unknown, Kind::Unavailable),
    (Code::DataLoss, Kind::Internal),
    (Code::Cancelled, Kind::Unavailable),
    (Code::DeadlineExceeded, Kind::Timeout),
    (Code::Unimplemented, Kind::Unsupported),
    (Code::Ok, Kind::Internal),
];

/// The type of the detail in which Google says when to come again.
const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";

/// The type of the detail in which Pub/Sub says what became of which id.
#[cfg(feature = "queue")]
const ERROR_INFO: &str = "type.googleapis.com/google.rpc.ErrorInfo";

/// The longest details that are read, in bytes.
const MOST_DETAILS: usize = 64 << 10;

/// What a call of gRPC failed with.
pub(crate) fn of_status(status: Status) -> Error {
    if let Some(Unsent(error)) = find(&status) {
        return error.again();
    }
    // No connection at all: the request was never sent.
    if let Some(failed) = find::<tonic::ConnectError>(&status) {
        return unconnected(failed).with_ambiguous(false).with_source(status).with_provider(NAME);
    }
    let kind =
        CODES.iter().find(|(code, _)| *code == status.code()).map_or(Kind::Internal, |(_, kind)| *kind);
    let text = match status.message() {
        "" => format!("{:?}", status.code()),
        message => format!("{:?}: {message}", status.code()),
    };
    let after = retry_after(status.details());
    let error = Error::new(kind, text).with_source(status).with_provider(NAME);
    match after {
        Some(after) => error.with_retry_after(after),
        None => error,
    }
}

/// What became of an acknowledgement or a deadline that was not taken.
#[cfg(feature = "queue")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The delivery is no longer its receiver's.
    Lost,
    /// For the moment only.
    Passing,
}

/// The ids of deliveries that a call failed for; the others of that call were done. `None` where nothing is said about ids: the call
/// then failed for all of them. Only subscriptions that deliver exactly once tell.
#[cfg(feature = "queue")]
pub(crate) fn failures(status: &Status) -> Option<HashMap<String, Failure>> {
    let details = details(status.details())?;
    let info = details.iter().find(|any| any.type_url == ERROR_INFO)?;
    let told = rpc::ErrorInfo::decode(info.value.as_slice()).ok()?.metadata;
    let failure = |text: &str| match text.split_once("_FAILURE") {
        Some(("PERMANENT", _)) => Some(Failure::Lost),
        Some(("TRANSIENT", _)) => Some(Failure::Passing),
        _ => None,
    };
    let ids = told.into_iter().filter_map(|(id, text)| Some((id, failure(&text)?)));
    let ids: HashMap<String, Failure> = ids.collect();
    (!ids.is_empty()).then_some(ids)
}

fn find<E: std::error::Error + 'static>(status: &Status) -> Option<&E> {
    causes(status).find_map(|cause| cause.downcast_ref())
}

fn details(packed: &[u8]) -> Option<Vec<Any>> {
    if packed.is_empty() || packed.len() > MOST_DETAILS {
        return None;
    }
    Some(rpc::Status::decode(packed).ok()?.details)
}

fn retry_after(packed: &[u8]) -> Option<Duration> {
    let details = details(packed)?;
    let info = details.iter().find(|any| any.type_url == RETRY_INFO)?;
    let delay = rpc::RetryInfo::decode(info.value.as_slice()).ok()?.retry_delay?;
    Duration::try_from(delay).ok()
}
