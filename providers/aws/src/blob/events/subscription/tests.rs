use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::test_util::infallible_client_fn;
use aws_smithy_types::body::SdkBody;
use skyport_core::blob::port::Subscriber;
use skyport_core::blob::subscription::Subscription;
use skyport_core::event::{BlobChange, BlobEvent};
use skyport_core::provider::ResourceUrl;
use skyport_core::queue::port::{
    Depth, QueueInfo, QueueSettings, Receipt, ReceiveOptions, Settlement, Verdict,
};

use super::*;
use crate::{Aws, AwsConfig};

/// A queue that gives what it is told to, and remembers what became of it.
#[derive(Debug)]
struct Fake {
    info: QueueInfo,
    receives: Mutex<VecDeque<Vec<RawDelivery>>>,
    sent: Mutex<Vec<OutMessage>>,
    settled: Mutex<Vec<(String, Verdict)>>,
}

#[async_trait]
impl MessageQueue for Fake {
    fn info(&self) -> &QueueInfo {
        &self.info
    }

    async fn send(&self, messages: Vec<OutMessage>) -> Vec<Result<MessageId>> {
        let results = messages.iter().map(|_| Ok(MessageId::new("id"))).collect();
        self.sent.lock().unwrap().extend(messages);
        results
    }

    async fn receive(&self, _: ReceiveOptions) -> Result<Vec<RawDelivery>> {
        Ok(self.receives.lock().unwrap().pop_front().unwrap_or_default())
    }

    async fn adopt(&self, deliveries: Vec<RawDelivery>) -> Vec<Result<Option<RawDelivery>>> {
        deliveries.into_iter().map(|delivery| Ok(Some(delivery))).collect()
    }

    async fn extend(&self, receipt: &Receipt, _: Duration) -> Result<Receipt> {
        Ok(receipt.clone())
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Vec<Result<()>> {
        let results = settlements.iter().map(|_| Ok(())).collect();
        let ends = settlements.into_iter().map(|one| (one.receipt.as_str().to_owned(), one.verdict));
        self.settled.lock().unwrap().extend(ends);
        results
    }

    async fn depth(&self) -> Result<Depth> {
        Ok(Depth::default())
    }

    fn dead_letters(&self) -> Result<Arc<dyn MessageQueue>> {
        Ok(Arc::new(fake(vec![vec![event("Object Deleted", "dead", "")]])))
    }
}

fn fake(receives: Vec<Vec<(&str, String)>>) -> Fake {
    let deliveries = receives.into_iter().map(|batch| {
        let of = |(receipt, body): (&str, String)| {
            RawDelivery::new(receipt, body, Receipt::new(receipt), SystemTime::UNIX_EPOCH)
        };
        batch.into_iter().map(of).collect()
    });
    Fake {
        info: QueueInfo::new("fake", "q", QueueSettings::default()),
        receives: Mutex::new(deliveries.collect()),
        sent: Mutex::default(),
        settled: Mutex::default(),
    }
}

/// A subscription to everything; HEAD of an object is answered with `head`, that of the bucket with 200.
fn subscription(receives: Vec<Vec<(&str, String)>>, head: u16) -> (Subscription, Arc<Fake>) {
    subscription_of((true, true), receives, head)
}

/// As [`subscription`], to objects created or deleted.
fn subscription_of(
    (created, deleted): (bool, bool),
    receives: Vec<Vec<(&str, String)>>,
    head: u16,
) -> (Subscription, Arc<Fake>) {
    let client = infallible_client_fn(move |request| {
        let status = if request.uri().path().len() > "/b/".len() { head } else { 200 };
        let answer = http::Response::builder().status(status).header("etag", "\"e\"");
        let answer =
            answer.header("last-modified", "Wed, 21 Oct 2015 07:28:00 GMT").header("content-length", 3);
        answer.body(SdkBody::empty()).unwrap()
    });
    let config = AwsConfig {
        region: Some("eu-central-1".to_owned()),
        endpoint: Some("http://s3.test".to_owned()),
        credentials: Some(SharedCredentialsProvider::new(Credentials::new("a", "b", None, None, "test"))),
        http_client: Some(client),
        ..AwsConfig::default()
    };
    let connection = Aws::with(config).connection(&ResourceUrl::new("s3", "b")).expect("opens");
    let queue = Arc::new(fake(receives));
    let mut subscriber = Subscriber::new("s");
    (subscriber.created, subscriber.deleted) = (created, deleted);
    let notices = S3Notices::new(S3::open(connection, "b"), Wanted::by(&subscriber));
    (Subscription::new(Arc::new(notices), queue.clone()), queue)
}

/// What EventBridge delivers.
fn event<'r>(kind: &str, receipt: &'r str, object: &str) -> (&'r str, String) {
    let text = format!(
        r#"{{"source":"aws.s3","detail-type":"{kind}","time":"2015-10-21T07:28:00Z",
            "detail":{{"bucket":{{"name":"b"}},"object":{{"key":"k+ü"{object}}},"deletion-type":"Permanently Deleted"}}}}"#
    );
    (receipt, text)
}

fn options() -> ReceiveOptions {
    ReceiveOptions::new(10, Duration::ZERO, Duration::from_secs(30))
}

fn keys(deliveries: &[RawDelivery]) -> Vec<(String, BlobChange)> {
    let read =
        |delivery: &RawDelivery| serde_json::from_slice::<BlobEvent>(&delivery.body).expect("an event");
    deliveries.iter().map(read).map(|event| (event.key, event.change)).collect()
}

#[tokio::test]
async fn what_aws_writes_is_read_as_an_event_of_the_port() {
    let (subscription, queue) =
        subscription(vec![vec![event("Object Created", "1", ""), event("Object Deleted", "2", "")]], 404);
    let received = subscription.receive(options()).await.expect("events");
    let key = "k+ü".to_owned();
    assert_eq!(keys(&received), [(key.clone(), BlobChange::Created), (key, BlobChange::Deleted)]);
    assert!(queue.settled.lock().unwrap().is_empty(), "the receiver settles them");
}

#[tokio::test(start_paused = true)]
async fn what_is_no_event_for_the_subscriber_is_acknowledged_and_never_shown() {
    let test = ("test", r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"}"#.to_owned());
    let restored = event("Object Restore Completed", "restored", "");
    let (subscription, queue) = subscription_of(
        (true, false),
        vec![
            vec![test, restored, event("Object Deleted", "deleted", "")],
            vec![event("Object Created", "last", "")],
        ],
        404,
    );
    let mut waiting = options();
    waiting.wait = Duration::from_secs(20);
    let received = subscription.receive(waiting).await.expect("the one after them");
    assert_eq!(received.iter().map(|delivery| delivery.id.as_str()).collect::<Vec<_>>(), ["last"]);
    let settled: Vec<_> = queue.settled.lock().unwrap().clone();
    assert_eq!(settled, ["test", "restored", "deleted"].map(|receipt| (receipt.to_owned(), Verdict::Ack)));
}

#[tokio::test]
async fn the_deletion_of_a_version_is_told_only_where_no_object_lives() {
    for (head, shown, end) in
        [(404, 1, None), (200, 0, Some(Verdict::Ack)), (503, 0, Some(Verdict::Retry(Duration::from_secs(5))))]
    {
        let version = event("Object Deleted", "1", r#","version-id":"v1""#);
        let (subscription, queue) = subscription(vec![vec![version]], head);
        assert_eq!(subscription.receive(options()).await.expect("received").len(), shown, "{head}");
        assert_eq!(queue.settled.lock().unwrap().first().map(|(_, verdict)| verdict.clone()), end, "{head}");
    }
}

#[tokio::test]
async fn several_events_in_one_message_become_messages_of_their_own() {
    let record = |name: &str, key: &str| {
        format!(
            r#"{{"eventSource":"aws:s3","eventName":"{name}","eventTime":"2015-10-21T07:28:00Z",
                "s3":{{"bucket":{{"name":"b"}},"object":{{"key":"{key}"}}}}}}"#
        )
    };
    let records = [record("ObjectCreated:Put", "one"), record("ObjectRemoved:Delete", "two")].join(",");
    let (subscription, queue) = subscription(vec![vec![("1", format!(r#"{{"Records":[{records}]}}"#))]], 404);
    assert!(subscription.receive(options()).await.expect("received").is_empty());
    let sent: Vec<(&str, String)> = queue
        .sent
        .lock()
        .unwrap()
        .iter()
        .map(|m| ("s", String::from_utf8(m.body.to_vec()).unwrap()))
        .collect();
    assert_eq!((sent.len(), queue.settled.lock().unwrap()[0].1.clone()), (2, Verdict::Ack));
    // Received again they are what they are.
    queue.receives.lock().unwrap().extend(fake(vec![sent]).receives.into_inner().unwrap());
    let received = subscription.receive(options()).await.expect("events");
    assert_eq!(
        keys(&received),
        [("one".to_owned(), BlobChange::Created), ("two".to_owned(), BlobChange::Deleted)]
    );
}

#[tokio::test]
async fn what_cannot_be_read_is_left_to_the_receiver_and_dead_letters_are_read_alike() {
    let odd = [
        "hello",
        r#"{"Records":[{"eventSource":"aws:s3","eventName":7}]}"#,
        r#"{"source":"aws.s3","detail-type":"Object Created"}"#,
    ];
    let (subscription, queue) = subscription(vec![odd.map(|body| ("1", body.to_owned())).to_vec()], 404);
    let received = subscription.receive(options()).await.expect("received");
    assert_eq!(
        received.iter().map(|delivery| &delivery.body[..]).collect::<Vec<_>>(),
        odd.map(str::as_bytes)
    );
    assert!(queue.settled.lock().unwrap().is_empty());
    let dead =
        subscription.dead_letters().expect("its dead letters").receive(options()).await.expect("a letter");
    assert_eq!(keys(&dead), [("k+ü".to_owned(), BlobChange::Deleted)]);
}
