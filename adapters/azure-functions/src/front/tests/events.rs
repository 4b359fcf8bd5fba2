//! Events of Event Grid, and schedules.

use super::*;

fn event(kind: &str, container: &str, name: &str) -> Value {
    json!({
        "topic": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/mystorage",
        "subject": format!("/blobServices/default/containers/{container}/blobs/{name}"),
        "eventType": format!("Microsoft.Storage.{kind}"),
        "eventTime": "2026-11-26T13:03:16.1920000Z",
        "id": "831e1650",
        "data": {"api": "PutBlob", "eTag": "0x8D4", "contentLength": 7, "url": "https://mystorage.blob.core.windows.net/x"},
        "dataVersion": "",
        "metadataVersion": "1",
    })
}

fn created(name: &str) -> Value {
    event("BlobCreated", "photos", &format!("{UNDER}{name}"))
}

#[tokio::test]
async fn a_bucket_tells_its_functions_however_the_host_writes_it() {
    let stage = Stage::set().await;
    let event = created("a b.jpg");
    for data in [event.clone(), json!(event.to_string()), twice(&event.to_string()), json!([event])] {
        assert_eq!(stage.status(call("created", &data, &json!({"sys": {}}))).await, 200, "{data}");
        assert_eq!(stage.bench.calls(), [r#"Created a b.jpg Some(7) Some("0x8D4") 1"#]);
    }
    let cloud = json!({
        "specversion": "1.0", "type": "Microsoft.Storage.BlobCreated", "time": "2026-11-26T13:03:16Z", "id": "1",
        "source": event["topic"], "subject": event["subject"], "data": event["data"],
    });
    let again = json!({"RetryContext": {"RetryCount": 2, "MaxRetryCount": 4}});
    assert_eq!(stage.status(call("created", &twice(&cloud.to_string()), &again)).await, 200);
    assert_eq!(stage.bench.calls(), [r#"Created a b.jpg Some(7) Some("0x8D4") 3"#]);
}

#[tokio::test]
async fn a_deletion_is_told_only_where_no_object_remains() {
    let stage = Stage::set().await;
    stage.bench.photos.put("alive", "x").await.expect("put");
    for name in ["alive", "gone"] {
        let deleted = event("BlobDeleted", "photos", &format!("{UNDER}{name}"));
        assert_eq!(stage.status(call("deleted", &deleted, &json!({}))).await, 200);
    }
    assert_eq!(stage.bench.calls(), ["Deleted gone None None 1"]);
}

#[tokio::test]
async fn what_is_not_for_the_function_is_passed_over() {
    let stage = Stage::set().await;
    for data in [
        event("BlobCreated", "others", "x"),
        event("BlobCreated", "photos", "elsewhere/x"),
        event("BlobDeleted", "photos", "team/app/x"),
        event("DirectoryCreated", "photos", "team/app/x"),
        json!({"eventType": "Somebody.Else", "data": {}}),
        json!([]),
    ] {
        assert_eq!(stage.status(call("created", &data, &json!({}))).await, 200, "{data}");
    }
    assert!(stage.bench.calls().is_empty());
}

#[tokio::test]
async fn an_event_comes_again_where_its_function_fails_and_does_not_where_that_is_for_good() {
    let stage = Stage::set().await;
    for (name, status) in [("fail", 500), ("fatal", 200), ("panic", 500)] {
        assert_eq!(stage.status(call("created", &created(name), &json!({}))).await, status, "{name}");
    }
    let both = json!([created("fine"), created("fail"), created("fatal")]);
    assert_eq!(stage.status(call("created", &both, &json!({}))).await, 500);
    assert_eq!(stage.bench.calls().len(), 6);
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_not_repeated_and_keeps_no_other_back() {
    let stage = Stage::set().await;
    let nonsense = event("BlobCreated", "photos", "");
    for data in [nonsense.clone(), json!("nonsense"), json!([nonsense, 7])] {
        assert_eq!(stage.status(call("created", &data, &json!({}))).await, 200, "{data}");
    }
    assert!(stage.bench.calls().is_empty());
    let list = json!([nonsense, created("fine"), 7, created("fail")]);
    assert_eq!(stage.status(call("created", &list, &json!({}))).await, 500);
    assert_eq!(stage.bench.calls().len(), 2);
}

fn timer(now: &str) -> Request {
    let data = json!({
        "Schedule": {"AdjustForDST": true},
        "ScheduleStatus": {"Last": "0001-01-01T00:00:00", "Next": "2026-11-26T13:05:00", "LastUpdated": "0001-01-01T00:00:00"},
        "IsPastDue": false,
    });
    call("sweep", &data, &json!({"sys": {"MethodName": "sweep", "UtcNow": now, "RandGuid": "x"}}))
}

#[tokio::test]
async fn a_schedules_instant_is_its_own_last_one_and_its_failures_are_the_hosts_to_count() {
    let stage = Stage::set().await;
    for (now, status, seconds) in [
        ("1970-01-01T01:00:00.0123456Z", 200, 3_600),
        ("1970-01-01T01:04:00Z", 200, 3_600),
        ("1970-01-01T00:05:00Z", 500, 300),
        ("1970-01-01T00:10:01Z", 200, 600),
    ] {
        assert_eq!(stage.status(timer(now)).await, status, "{now}");
        assert_eq!(stage.bench.calls(), [format!("sweep {seconds} 1")]);
    }
}

#[tokio::test]
async fn where_the_host_does_not_tell_its_time_it_is_now() {
    let stage = Stage::set().await;
    for metadata in [json!({}), json!({"sys": null}), json!({"sys": {"UtcNow": "0001-01-01T00:00:00"}})] {
        assert_eq!(stage.status(call("sweep", &json!({"ScheduleStatus": null}), &metadata)).await, 200);
        let [told] = &stage.bench.calls()[..] else { panic!("called once") };
        let seconds: u64 = told.split(' ').nth(1).and_then(|text| text.parse().ok()).expect("a number");
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
        assert!(seconds.is_multiple_of(300) && now + 10 - seconds < 320, "{seconds} {now}");
    }
}
