use std::time::{Duration, UNIX_EPOCH};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const ACCOUNT: &str =
    "/subscriptions/s/resourceGroups/Storage/providers/Microsoft.Storage/storageAccounts/mystorage";

fn data(name: &str) -> Value {
    json!({
        "api": "PutBlockList",
        "clientRequestId": "6d79dbfb",
        "requestId": "831e1650",
        "eTag": "0x8D4BCC2E4835CD0",
        "contentType": "text/plain",
        "contentLength": 524_288,
        "blobType": "BlockBlob",
        "url": format!("https://mystorage.blob.core.windows.net/photos/{name}"),
        "sequencer": "00000000000004420000000000028963",
        "storageDiagnostics": {"batchId": "b68529f3"},
    })
}

/// In Event Grid's own schema.
fn own(kind: &str, name: &str) -> Value {
    json!({
        "topic": ACCOUNT,
        "subject": format!("/blobServices/default/containers/photos/blobs/{name}"),
        "eventType": format!("Microsoft.Storage.{kind}"),
        "eventTime": "1970-01-01T00:00:01.5000000Z",
        "id": "831e1650-001e-001b-66ab-eeb76e069631",
        "data": data(name),
        "dataVersion": "",
        "metadataVersion": "1",
    })
}

fn cloud(kind: &str, name: &str) -> Value {
    json!({
        "specversion": "1.0",
        "source": ACCOUNT,
        "subject": format!("/blobServices/default/containers/photos/blobs/{name}"),
        "type": format!("Microsoft.Storage.{kind}"),
        "time": "1970-01-01T00:00:01.5Z",
        "id": "831e1650-001e-001b-66ab-eeb76e069631",
        "data": data(name),
    })
}

fn one(event: &Value) -> Notice {
    match &in_text(&event.to_string()).expect("sound")[..] {
        [Ok(Told::Notice(notice))] => (**notice).clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_blob_that_was_created_is_told_with_size_and_etag_in_either_schema() {
    for event in [own("BlobCreated", "a/b.txt"), cloud("BlobCreated", "a/b.txt")] {
        let notice = one(&event);
        let mut expected = BlobEvent::new(
            BlobChange::Created,
            "photos",
            "a/b.txt",
            UNIX_EPOCH + Duration::from_millis(1_500),
        );
        expected.size = Some(524_288);
        expected.etag = Some(Etag::new("0x8D4BCC2E4835CD0"));
        assert_eq!(notice.event, expected);
        assert_eq!((notice.account.as_deref(), notice.may_live), (Some("mystorage"), false));
    }
}

#[test]
fn of_a_deletion_it_has_to_be_asked_what_remains() {
    for event in [own("BlobDeleted", "a"), cloud("BlobDeleted", "a")] {
        let notice = one(&event);
        assert_eq!((notice.event.change, notice.may_live), (BlobChange::Deleted, true));
        assert_eq!((notice.event.size, notice.event.etag), (None, None));
    }
}

#[test]
fn a_name_is_decoded_where_subject_and_url_show_that_it_was_encoded() {
    let with = |subject: &str, url: &str| {
        let mut event = own("BlobCreated", subject);
        event["data"]["url"] = json!(url);
        one(&event).event.key
    };
    let host = "https://mystorage.blob.core.windows.net/photos";
    for (subject, url, key) in [
        ("a b/\u{e9}", format!("{host}/a%20b/%C3%A9"), "a b/\u{e9}"),
        ("a b", format!("{host}/a b"), "a b"),
        ("a%20b", format!("{host}/a b"), "a b"),
        ("a%20b", format!("{host}/a%20b"), "a%20b"),
        ("a%20b", format!("{host}/a%2520b"), "a%20b"),
        ("a#?b", format!("{host}/a#?b"), "a#?b"),
        ("100%", format!("{host}/100%25"), "100%"),
        ("x/blobs/y", format!("{host}/x/blobs/y"), "x/blobs/y"),
        ("a%20b", "nonsense".to_owned(), "a%20b"),
        ("a%20b", "http://127.0.0.1:10000/devstoreaccount1/photos/a b".to_owned(), "a b"),
        // The container's name is a part of the account's, or of the blob's.
        ("a%20b", "http://127.0.0.1:10000/myphotos/photos/a b".to_owned(), "a b"),
        ("photos/a%20b", format!("{host}/photos/a b"), "photos/a b"),
        (
            "photos/a%20b",
            "http://127.0.0.1:10000/devstoreaccount1/other/photos/photos/a b".to_owned(),
            "photos/a%20b",
        ),
    ] {
        assert_eq!(with(subject, &url), key, "{subject} {url}");
    }
}

#[test]
fn the_longest_name_is_decoded_by_its_url() {
    let name = "\u{e9}".repeat(1_024);
    let encoded: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let mut event = own("BlobCreated", &name);
    event["data"]["url"] = json!(format!("https://mystorage.blob.core.windows.net/photos/{encoded}"));
    assert_eq!(one(&event).event.key, name);
}

#[test]
fn directories_and_what_no_function_can_ask_for_are_nothing_and_others_events_are_foreign() {
    for kind in
        ["DirectoryCreated", "DirectoryDeleted", "DirectoryRenamed", "BlobRenamed", "BlobTierChanged", "New"]
    {
        assert!(matches!(in_text(&own(kind, "a").to_string()).expect("sound")[..], [Ok(Told::Nothing)]));
    }
    for foreign in [json!({}), json!({"eventType": "Mine"}), json!({"type": 7, "subject": null})] {
        assert!(matches!(in_text(&foreign.to_string()).expect("sound")[..], [Ok(Told::Foreign)]));
    }
}

#[test]
fn a_list_of_events_is_read_each_for_itself() {
    let list = json!([
        own("BlobCreated", "a"),
        cloud("BlobDeleted", "b"),
        7,
        own("BlobCreated", ""),
        own("BlobTierChanged", "c"),
        {}
    ]);
    let told = in_text(&list.to_string()).expect("sound");
    assert!(matches!(
        &told[..],
        [Ok(Told::Notice(_)), Ok(Told::Notice(_)), Err(_), Err(_), Ok(Told::Nothing), Ok(Told::Foreign)]
    ));
    assert!(in_text("[]").expect("sound").is_empty());
    let many = format!("[{}{{}}]", "{},".repeat(MOST));
    assert!(in_text(&many).expect_err("too many").message().contains("5000"));
}

#[test]
fn what_is_not_what_it_claims_to_be_is_malformed() {
    let without = |name: &str| {
        let mut event = own("BlobCreated", "a");
        event.as_object_mut().expect("an object").remove(name);
        event.to_string()
    };
    let with = |name: &str, value: Value| {
        let mut event = own("BlobCreated", "a");
        event[name] = value;
        event.to_string()
    };
    let mut no_number = own("BlobCreated", "a");
    no_number["data"]["contentLength"] = json!(-1);
    let deep = format!("{{\"data\":{}", "[".repeat(500_000));
    for text in [
        String::new(),
        "null".to_owned(),
        "7".to_owned(),
        "{".to_owned(),
        "[[]]".to_owned(),
        deep,
        without("subject"),
        without("eventTime"),
        with("eventTime", json!("noon")),
        with("subject", json!("/blobServices/default/containers/photos")),
        with("subject", json!("/blobServices/default/containers/photos/blobs/")),
        with("subject", json!("/blobServices/default/containers/a.b/blobs/x")),
        with("subject", json!(format!("/blobServices/default/containers/a/blobs/{}", "x".repeat(5_000)))),
        no_number.to_string(),
    ] {
        let error = in_text(&text)
            .and_then(|events| events.into_iter().collect::<Result<Vec<_>>>())
            .expect_err(&text);
        assert_eq!(error.kind(), ErrorKind::Malformed);
        assert!(error.message().len() < 200);
    }
}

#[test]
fn a_message_of_a_queue_is_read_in_base64_and_as_it_is() {
    for event in
        [own("BlobCreated", "a/\u{e9}"), cloud("BlobDeleted", "a"), json!([cloud("BlobCreated", "a")])]
    {
        let plain = event.to_string();
        let told =
            in_text(&plain).expect("sound").into_iter().collect::<Result<Vec<_>>>().expect("all of them");
        let encoded = STANDARD.encode(&plain);
        for text in [&plain, &encoded, &format!(" {plain}\n"), &format!("{encoded}\n")] {
            assert_eq!(in_message(text).expect("sound"), told, "{text}");
        }
    }
    let binary = STANDARD.encode([0xff, 0xfe]);
    let word = STANDARD.encode("hello");
    for text in ["", "hello", "{", &binary, &word] {
        assert_eq!(in_message(text).expect_err(text).kind(), ErrorKind::Malformed);
    }
}

#[test]
fn an_event_is_of_a_bucket_by_its_container_and_where_the_host_names_it_its_account() {
    let of = |container: &str, endpoint: &str| {
        let mut bucket = BlobInfo::new("azure", container);
        bucket.account = endpoint.to_owned();
        one(&own("BlobCreated", "a")).is_of(&bucket)
    };
    for (endpoint, is_ours) in [
        ("https://mystorage.blob.core.windows.net/ mystorage", true),
        ("https://MyStorage.blob.core.windows.net/ mystorage", true),
        ("https://another.blob.core.windows.net/ another", false),
        ("http://127.0.0.1:10000/devstoreaccount1 devstoreaccount1", true),
        ("https://files.example.org/ another", true),
        ("", true),
    ] {
        assert_eq!(of("photos", endpoint), is_ours, "{endpoint}");
        assert!(!of("thumbnails", endpoint), "{endpoint}");
    }
}

#[test]
fn what_is_not_told_is_done_without() {
    let mut event = own("BlobCreated", "a");
    event["data"] = json!(null);
    event["topic"] = json!("/something/else");
    let notice = one(&event);
    assert_eq!((notice.event.size, notice.account), (None, None));
    let mut quoted = own("BlobCreated", "a");
    quoted["data"]["eTag"] = json!("\"0x1\"");
    quoted["data"]["contentLength"] = json!("17");
    let notice = one(&quoted);
    assert_eq!((notice.event.size, notice.event.etag), (Some(17), Some(Etag::new("0x1"))));
}

proptest! {
    #[test]
    fn any_name_survives_whether_the_url_has_it_encoded_or_not(name in "[^\\p{Cc}]{1,40}", encoded in any::<bool>()) {
        let mut event = own("BlobCreated", &name);
        if encoded {
            let url: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
            event["data"]["url"] = json!(format!("https://mystorage.blob.core.windows.net/photos/{url}"));
        }
        prop_assert_eq!(one(&event).event.key, name);
    }

    #[test]
    fn no_text_makes_it_panic(text in "(?s).{0,80}", field in "[a-zA-Z]{1,9}", value in "(?s).{0,40}") {
        let _ = (in_text(&text), in_message(&text));
        let mut event = own("BlobCreated", &value);
        event[field] = json!(value);
        event["data"]["url"] = json!(value);
        let _ = in_text(&event.to_string());
    }
}
