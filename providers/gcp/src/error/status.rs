//! Statuses of gRPC, as Pub/Sub and Firestore answer.

#[cfg(feature = "queue")]
use std::collections::HashMap;
use std::time::Duration;

use prost::Message;
use skyport_core::{Error, ErrorKind};
use tonic::{Code, Status};

use super::{causes, unconnected};
use crate::grpc::Unsent;
use crate::proto::known::Any;
use crate::proto::rpc;
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
    let told = rpc::ErrorInfo::decode(info.value.clone()).ok()?.metadata;
    let failure = |text: &str| match text.split_once("_FAILURE") {
        Some(("PERMANENT", _)) => Some(Failure::Lost),
        Some(("TRANSIENT", _)) => Some(Failure::Passing),
        _ => None,
    };
    let ids = told.into_iter().filter_map(|told| Some((told.name, failure(&told.value)?)));
    let ids: HashMap<String, Failure> = ids.collect();
    (!ids.is_empty()).then_some(ids)
}

/// What a part of a call failed with: one write of many, or an operation that has ended.
#[cfg(feature = "kv")]
pub(crate) fn of_part(status: rpc::Status) -> Error {
    let details = status.encode_to_vec();
    of_status(Status::with_details(Code::from(status.code), status.message, details.into()))
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
    rpc::RetryInfo::decode(info.value.clone()).ok()?.retry_delay?.span()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::known;

    /// Each code, and whether its error may pass by itself and may have been applied.
    const TABLE: [(Code, ErrorKind, bool, bool); 17] = [
        (Code::Ok, Kind::Internal, false, true),
        (Code::Cancelled, Kind::Unavailable, true, true),
        (Code::Unknown, Kind::Unavailable, true, true),
        (Code::InvalidArgument, Kind::InvalidArgument, false, false),
        (Code::DeadlineExceeded, Kind::Timeout, true, true),
        (Code::NotFound, Kind::NotFound, false, false),
        (Code::AlreadyExists, Kind::AlreadyExists, false, false),
        (Code::PermissionDenied, Kind::PermissionDenied, false, false),
        (Code::ResourceExhausted, Kind::Throttled, true, false),
        (Code::FailedPrecondition, Kind::PreconditionFailed, false, false),
        (Code::Aborted, Kind::Conflict, true, false),
        (Code::OutOfRange, Kind::InvalidArgument, false, false),
        (Code::Unimplemented, Kind::Unsupported, false, false),
        (Code::Internal, Kind::Unavailable, true, true),
        (Code::Unavailable, Kind::Unavailable, true, true),
        (Code::DataLoss, Kind::Internal, false, true),
        (Code::Unauthenticated, Kind::Unauthenticated, false, false),
    ];

    #[test]
    fn every_code_is_of_a_kind_and_what_may_have_been_applied_says_so() {
        for (number, (code, kind, is_retryable, is_ambiguous)) in (0..).zip(TABLE) {
            assert_eq!(Code::from(number), code, "all of them, in order");
            let error = of_status(Status::new(code, "why"));
            assert_eq!(
                (error.kind(), error.is_retryable(), error.is_ambiguous()),
                (kind, is_retryable, is_ambiguous),
                "{code:?}"
            );
            assert_eq!(error.provider(), Some(NAME));
            assert!(error.message().contains("why"), "{error}");
            let source = std::error::Error::source(&error).expect("the status");
            assert!(source.downcast_ref::<Status>().is_some());
        }
        let nothing_said = of_status(Status::new(Code::NotFound, ""));
        assert_eq!(nothing_said.message(), "NotFound");
        let lines = of_status(Status::new(Code::NotFound, "two\nlines"));
        assert!(!lines.to_string().contains('\n'), "{lines}");
    }

    #[test]
    fn what_was_never_sent_is_what_kept_it_back() {
        let unsent = Error::new(Kind::Unauthenticated, "no credentials").with_ambiguous(false);
        let error = of_status(Status::from_error(Box::new(Unsent(unsent))));
        assert_eq!((error.kind(), error.is_ambiguous()), (Kind::Unauthenticated, false));
        assert_eq!(error.message(), "no credentials");
    }

    #[tokio::test]
    async fn where_nobody_listens_nothing_was_sent() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        drop(listener);
        let mut channel = crate::grpc::channel(&endpoint).expect("a channel");
        let request = http::Request::post("/x").body(tonic::body::Body::empty()).expect("a request");
        let ready = std::future::poll_fn(|cx| tower_service::Service::poll_ready(&mut channel, cx));
        let failed = match ready.await {
            Ok(()) => tower_service::Service::call(&mut channel, request).await.expect_err("nobody"),
            Err(failed) => failed,
        };
        let error = of_status(Status::from_error(Box::new(failed)));
        assert_eq!((error.kind(), error.is_ambiguous()), (Kind::Unavailable, false), "{error}");
        assert!(error.message().contains("nothing listens"), "{error}");
    }

    fn packed(url: &str, detail: &impl Message) -> Vec<u8> {
        let detail = Any { type_url: url.to_owned(), value: detail.encode_to_vec().into() };
        rpc::Status { details: vec![detail], ..Default::default() }.encode_to_vec()
    }

    fn with_details(code: Code, details: Vec<u8>) -> Status {
        Status::with_details(code, "", details.into())
    }

    #[test]
    fn when_to_come_again_is_told() {
        let delay = |seconds| rpc::RetryInfo { retry_delay: Some(known::Duration { seconds, nanos: 0 }) };
        let told = |details| of_status(with_details(Code::ResourceExhausted, details)).retry_after();
        assert_eq!(told(packed(RETRY_INFO, &delay(7))), Some(Duration::from_secs(7)));
        for nothing in [
            packed(RETRY_INFO, &delay(-7)),
            packed("type.googleapis.com/else", &delay(7)),
            packed(RETRY_INFO, &rpc::RetryInfo { retry_delay: None }),
            vec![0xff; 40],
            vec![0; MOST_DETAILS + 1],
        ] {
            assert_eq!(told(nothing), None);
        }
    }

    #[cfg(feature = "queue")]
    #[test]
    fn what_became_of_each_id_is_told_only_where_ids_are() {
        let told = |pairs: &[(&str, &str)]| {
            let told = |(id, what): &(&str, &str)| rpc::Told { name: (*id).into(), value: (*what).into() };
            let info = rpc::ErrorInfo { metadata: pairs.iter().map(told).collect() };
            failures(&with_details(Code::FailedPrecondition, packed(ERROR_INFO, &info)))
        };
        let failures = told(&[
            ("a", "PERMANENT_FAILURE_INVALID_ACK_ID"),
            ("b", "TRANSIENT_FAILURE_UNORDERED_ACK_ID"),
            ("service", "pubsub.googleapis.com"),
        ]);
        let expected = [("a".to_owned(), Failure::Lost), ("b".to_owned(), Failure::Passing)];
        assert_eq!(failures, Some(expected.into()));
        assert_eq!(told(&[("service", "pubsub.googleapis.com")]), None);
        assert_eq!(told(&[]), None);
    }
}
