//! What S3 does seldom, as a script: throttling, lost answers, rivals, refusals of one key among many.

// A test fails by a panic, and so do its helpers.
#![allow(clippy::expect_used, clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http::{Method, Response};
use skyport_core::blob::Bucket;
use skyport_core::blob::port::{
    BlobStore, ByteRange, Condition, DeleteOptions, Etag, GetOptions, GetResult, ListOptions, PutOptions,
};
use skyport_core::layers::{Layer, Retry};
use skyport_core::retry::RetryPolicy;
use skyport_core::{Error, ErrorKind, Token};

use stub::{Asked, Log, answer, bucket, object, refusal, status, written};

#[allow(dead_code, reason = "each test binary uses a part of it")]
mod stub;

fn retried(store: Arc<dyn BlobStore>) -> Arc<dyn BlobStore> {
    Retry::new(RetryPolicy::default()).blob(store)
}

fn is(asked: &Asked, method: Method, query: &str) -> bool {
    asked.method == method && asked.target.contains(query)
}

/// S3 that takes uploads; `complete` is told how many completions came before.
fn uploads(
    complete: impl Fn(usize) -> Response<SdkBody> + Send + Sync + 'static,
    head: impl Fn() -> Response<SdkBody> + Send + Sync + 'static,
) -> (Arc<dyn BlobStore>, Log) {
    let completions = std::sync::atomic::AtomicUsize::new(0);
    bucket(move |asked, _| match () {
        () if is(asked, Method::POST, "?uploads") => answer(
            200,
            "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>",
        ),
        () if is(asked, Method::POST, "uploadId=u1") => {
            complete(completions.fetch_add(1, std::sync::atomic::Ordering::SeqCst))
        }
        () if asked.method == Method::HEAD => head(),
        () if asked.method == Method::DELETE => status(204),
        () => written("part"),
    })
}

fn if_absent(token: Token) -> PutOptions {
    let mut options = PutOptions::default();
    options.condition = Condition::IfAbsent;
    options.token = token;
    options
}

#[tokio::test(start_paused = true)]
async fn a_completion_whose_answer_was_lost_is_found_by_its_token() {
    let mine = Token::new();
    for (there, expected) in [(mine, Ok("whole")), (Token::new(), Err(ErrorKind::Indeterminate))] {
        let lost = |before| if before == 0 { status(500) } else { refusal(404, "NoSuchUpload") };
        let (store, log) = uploads(lost, move || object("whole", &there.to_string(), ""));
        let upload = retried(store).start_upload("k", if_absent(mine)).await.expect("an upload");
        upload.put_part(0, Bytes::from_static(b"bytes")).await.expect("a part");
        let completed = upload.complete(1).await.map_err(|error| error.kind());
        assert_eq!(completed.as_ref().map(|written| written.etag.as_str()), expected.as_ref().copied());
        let completions: Vec<Asked> =
            log.all().into_iter().filter(|asked| is(asked, Method::POST, "uploadId=")).collect();
        assert_eq!(completions.len(), 2, "an upload that is gone is not completed a third time");
        assert!(completions.iter().all(|asked| asked.header("if-none-match") == "*"));
        assert!(completions[0].body.contains("<PartNumber>1</PartNumber>"), "{}", completions[0].body);
    }
}

#[tokio::test]
async fn a_rival_of_a_completion_is_a_conflict_that_a_repetition_may_win() {
    let (store, _) = uploads(|_| refusal(409, "ConditionalRequestConflict"), || status(404));
    let upload = store.start_upload("k", if_absent(Token::new())).await.expect("an upload");
    upload.put_part(0, Bytes::from_static(b"bytes")).await.expect("a part");
    let error = upload.complete(1).await.expect_err("a rival");
    assert_eq!(
        (error.kind(), error.is_retryable(), error.is_ambiguous()),
        (ErrorKind::Conflict, true, false)
    );
}

#[tokio::test]
async fn a_failed_completion_may_hide_behind_a_success() {
    let (store, _) = uploads(|_| refusal(200, "InternalError"), || status(404));
    let upload = store.start_upload("k", PutOptions::default()).await.expect("an upload");
    upload.put_part(0, Bytes::from_static(b"bytes")).await.expect("a part");
    let error = upload.complete(1).await.expect_err("it failed in the end");
    assert_eq!((error.kind(), error.is_ambiguous()), (ErrorKind::Unavailable, true));
}

#[tokio::test]
async fn an_upload_without_parts_is_a_put_under_the_same_condition() {
    let (store, log) = uploads(|_| status(400), || status(404));
    let token = Token::new();
    let upload = store.start_upload("k", if_absent(token)).await.expect("an upload");
    assert_eq!(upload.complete(0).await.expect("an empty object").etag.as_str(), "part");
    let put = log.all().pop().expect("a request");
    assert_eq!((put.line().as_str(), put.header("if-none-match")), ("PUT /b/k?PutObject", "*"));
    assert_eq!(put.header("x-amz-meta-skyport_w"), token.to_string());
    upload.abort().await.expect("what was started goes");
    assert!(
        log.lines()
            .last()
            .is_some_and(|line| line.starts_with("DELETE /b/k?") && line.contains("uploadId=u1"))
    );
}

#[tokio::test]
async fn an_upload_that_is_dropped_is_aborted_in_the_background() {
    let (store, log) = uploads(|_| status(400), || status(404));
    let upload = store.start_upload("k", PutOptions::default()).await.expect("an upload");
    upload.put_part(0, Bytes::from_static(b"bytes")).await.expect("a part");
    assert_eq!(upload.complete(2).await.expect_err("a part is missing").kind(), ErrorKind::InvalidArgument);
    drop(upload);
    let aborted = async {
        while !log.all().iter().any(|asked| asked.method == Method::DELETE) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), aborted).await.expect("it is aborted");
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_asks_for_a_slower_pace_is_asked_again() {
    let (store, log) = bucket(|_, before| if before < 2 { refusal(503, "SlowDown") } else { written("e") });
    let error = store.put("k", Bytes::new(), PutOptions::default()).await.expect_err("too fast");
    assert_eq!((error.kind(), error.is_ambiguous()), (ErrorKind::Throttled, false));
    retried(store).put("k", Bytes::new(), if_absent(Token::new())).await.expect("in the end");
    assert_eq!(log.all().len(), 3);
}

#[tokio::test]
async fn a_small_read_or_write_is_one_request() {
    let (store, log) = bucket(|asked, _| match asked.method {
        Method::DELETE => status(204),
        Method::PUT => written("e"),
        _ if asked.target.contains("list-type") => answer(200, "<ListBucketResult></ListBucketResult>"),
        _ => object("e", "", "abc"),
    });
    store.put("k", Bytes::from_static(b"abc"), PutOptions::default()).await.expect("put");
    let bucket = Bucket::new(Arc::clone(&store));
    assert_eq!(bucket.get("k").bytes().await.expect("get"), "abc");
    store.head("k").await.expect("head");
    store.delete("k", DeleteOptions::default()).await.expect("deleted");
    let mut options = ListOptions::default();
    options.page_size = 10;
    store.list(options).await.expect("a page");
    let methods: Vec<Method> = log.all().into_iter().map(|asked| asked.method).collect();
    assert_eq!(methods, [Method::PUT, Method::GET, Method::HEAD, Method::DELETE, Method::GET]);
}

#[tokio::test]
async fn what_may_not_be_seen_is_denied_and_not_missing() {
    let (store, _) =
        bucket(
            |asked, _| {
                if asked.method == Method::HEAD { status(403) } else { refusal(403, "AccessDenied") }
            },
        );
    let head = store.head("k").await.expect_err("denied");
    let get = store.get("k", GetOptions::default()).await.expect_err("denied");
    assert_eq!((head.kind(), get.kind()), (ErrorKind::PermissionDenied, ErrorKind::PermissionDenied));
}

#[tokio::test]
async fn a_head_without_a_body_tells_a_missing_object_from_a_missing_bucket() {
    let expect = async |of_bucket: u16, kind: ErrorKind, key: Option<&str>| {
        let (store, log) =
            bucket(move |asked, _| status(if asked.target.starts_with("/b/k") { 404 } else { of_bucket }));
        let error: Error = store.head("k").await.expect_err("nothing is there");
        assert_eq!((error.kind(), error.key()), (kind, key), "{of_bucket}");
        assert_eq!(log.all().len(), 2);
    };
    expect(200, ErrorKind::NotFound, Some("k")).await;
    // Whoever may not ask for the bucket has it.
    expect(403, ErrorKind::NotFound, Some("k")).await;
    expect(404, ErrorKind::NotFound, None).await;
}

#[tokio::test]
async fn ranges_at_and_past_the_end_are_told_apart_by_the_size() {
    let (store, _) =
        bucket(
            |asked, _| {
                if asked.method == Method::HEAD { object("e", "", "") } else { refusal(416, "InvalidRange") }
            },
        );
    let mut options = GetOptions::default();
    options.range = ByteRange::From(3, None);
    match store.get("k", options.clone()).await.expect("nothing is something") {
        GetResult::Found { range, meta, .. } => assert_eq!((range, meta.size), ((3, 3), 3)),
        GetResult::NotModified => panic!("nothing was compared"),
        other => panic!("{other:?}"),
    }
    options.range = ByteRange::From(4, Some(9));
    assert_eq!(store.get("k", options.clone()).await.expect_err("past").kind(), ErrorKind::InvalidArgument);
    // It grew since it was asked for: nothing is made up.
    options.range = ByteRange::From(1, None);
    let error = store.get("k", options).await.expect_err("another object");
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Conflict, true));
}

#[tokio::test]
async fn a_bucket_of_another_region_is_a_wrong_call() {
    let (store, _) = bucket(|_, _| status(301));
    assert_eq!(store.head("k").await.expect_err("elsewhere").kind(), ErrorKind::InvalidArgument);
}

#[tokio::test]
async fn a_conditional_deletion_compares_and_a_missing_object_differs_from_any() {
    let (store, log) = bucket(|_, before| match before {
        0 => refusal(412, "PreconditionFailed"),
        1 => refusal(404, "NoSuchKey"),
        _ => refusal(404, "NoSuchBucket"),
    });
    let mut options = DeleteOptions::default();
    options.if_match = Some(Etag::new("e"));
    for _ in 0..2 {
        let error = store.delete("k", options.clone()).await.expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::PreconditionFailed);
    }
    let error = store.delete("k", options).await.expect_err("no bucket");
    assert_eq!((error.kind(), error.key()), (ErrorKind::NotFound, None));
    assert!(log.all().iter().all(|asked| asked.header("if-match") == "\"e\""));
}

#[tokio::test]
async fn a_bulk_deletion_takes_a_request_for_each_thousand_keys() {
    let (store, log) = bucket(|_, _| answer(200, "<DeleteResult></DeleteResult>"));
    let keys: Vec<String> = (0..2_500).map(|number| format!("k{number:04}")).collect();
    let results = store.delete_many(keys).await;
    assert!(results.len() == 2_500 && results.iter().all(Result::is_ok));
    let mut sizes: Vec<usize> = log.all().iter().map(|asked| asked.body.matches("<Key>").count()).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [500, 1_000, 1_000]);
}

#[tokio::test]
async fn each_key_of_a_bulk_deletion_has_its_own_result() {
    let failed = |key: &str, code: &str| format!("<Error><Key>{key}</Key><Code>{code}</Code></Error>");
    let (store, log) = bucket(move |asked, _| {
        if asked.method == Method::DELETE {
            return status(204);
        }
        let errors =
            [failed("b", "AccessDenied"), failed("d", "SlowDown"), failed("e", "NoSuchKey")].concat();
        answer(200, format!("<DeleteResult>{errors}</DeleteResult>"))
    });
    let keys = ["a", "b", "\u{1}c", "d", "e", "b"].map(str::to_owned).to_vec();
    let kinds: Vec<Option<ErrorKind>> = store
        .delete_many(keys)
        .await
        .into_iter()
        .map(|result| result.err().map(|error| error.kind()))
        .collect();
    let (denied, slower) = (Some(ErrorKind::PermissionDenied), Some(ErrorKind::Throttled));
    assert_eq!(kinds, [None, denied, None, slower, None, denied]);
    // XML cannot carry every key.
    assert!(log.lines().iter().any(|line| line.starts_with("DELETE /b/%01c")), "{:?}", log.lines());
    let (store, _) = bucket(|_, _| refusal(404, "NoSuchBucket"));
    let results = store.delete_many(vec!["a".to_owned(), "b".to_owned()]).await;
    for result in results {
        let error = result.expect_err("no bucket");
        assert_eq!((error.kind(), error.key()), (ErrorKind::NotFound, None));
    }
}

#[tokio::test]
async fn a_listing_decodes_keys_and_goes_on_after_the_last_entry() {
    let (store, log) = bucket(|_, _| {
        answer(
            200,
            "<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>
             <Contents><Key>a+b%2B%01</Key><Size>3</Size><ETag>\"e\"</ETag><LastModified>2015-10-21T07:28:00Z</LastModified></Contents>
             <CommonPrefixes><Prefix>a+%C3%BC/</Prefix></CommonPrefixes></ListBucketResult>",
        )
    });
    let mut options = ListOptions::default();
    (options.prefix, options.delimiter, options.page_size) = ("a ".to_owned(), Some("/".to_owned()), 2);
    let page = store.list(options.clone()).await.expect("a page");
    let keys: Vec<&str> = page.entries.iter().map(skyport_core::blob::ListEntry::key).collect();
    assert_eq!(keys, ["a b+\u{1}", "a ü/"]);
    options.token = page.next;
    store.list(options.clone()).await.expect("the next");
    let next = log.lines().pop().expect("a request");
    // Past the whole directory, so that it comes once.
    assert!(
        next.contains("start-after=a%20%C3%BC%2F%F4%8F%BF%BF") && next.contains("encoding-type=url"),
        "{next}"
    );
    options.prefix = "a".to_owned();
    assert_eq!(store.list(options).await.expect_err("another listing").kind(), ErrorKind::InvalidArgument);
    assert_eq!(log.all().len(), 2);
}
