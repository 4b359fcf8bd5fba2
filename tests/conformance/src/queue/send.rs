//! What is sent arrives, whatever it is.

use std::collections::BTreeSet;
use std::time::SystemTime;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use skyport_core::queue::{Outgoing, Queue};
use skyport_core::{ErrorKind, TraceContext};

use super::{LONG, PATIENCE, bodies, drain, expect_nothing, kind_of, next, send, take};
use crate::case::{CaseResult, cases};
use crate::{Context, Outcome};

cases![
    the_set_received_is_the_set_sent,
    any_bytes_survive,
    an_empty_body_survives,
    a_body_at_the_limit_survives_and_one_over_it_is_refused,
    a_batch_over_the_clouds_total_size_arrives,
    a_batch_names_what_failed_and_sends_the_rest,
    an_empty_batch_is_nothing,
    values_travel_as_json,
    a_trace_travels_along,
    a_message_knows_when_it_was_sent,
    senders_at_once_all_arrive,
    a_send_that_is_not_awaited_sends_nothing,
];

async fn the_set_received_is_the_set_sent(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    let sent: BTreeSet<Bytes> = (0..50).map(|n| Bytes::from(format!("message {n}"))).collect();
    let mut ids = BTreeSet::new();
    for result in queue.send_all(&sent).await {
        ids.insert(result?);
    }
    assert_eq!(ids.len(), 50, "each message has an id of its own");
    assert_eq!(drain(&queue, 50).await?, sent);
    expect_nothing(&queue).await?;
    Ok(Outcome::Passed)
}

async fn any_bytes_survive(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    let every_byte: Vec<u8> = (0..=255).collect();
    let sent: BTreeSet<Bytes> = [
        Bytes::from(every_byte),
        Bytes::from_static(b"\0"),
        Bytes::from_static(b"\xff\xfe not UTF-8 \xc3\x28"),
        Bytes::from_static("☺☺☺ \u{10ffff}\r\n\t".as_bytes()),
        Bytes::from_static(b"\x0b control \x1f"),
        Bytes::from_static(b"skyport1:{}"),
        Bytes::from_static(b"aGVsbG8="),
        Bytes::from_static(b"<xml>&amp;</xml>"),
        Bytes::from_static(b" spaces around "),
    ]
    .into();
    for result in queue.send_all(&sent).await {
        result?;
    }
    assert_eq!(drain(&queue, sent.len()).await?, sent);
    Ok(Outcome::Passed)
}

async fn an_empty_body_survives(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    send(&queue, "").await?;
    let delivery = next(&queue, LONG).await?;
    assert!(delivery.value()?.is_empty());
    delivery.ack().await?;
    Ok(Outcome::Passed)
}

async fn a_body_at_the_limit_survives_and_one_over_it_is_refused(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    let limit = queue.limits().body_bytes;
    assert!(limit >= 32 << 10, "the floor is 32 KiB, the limit {limit}");
    // Where the limit is far off, the floor is what can be tried.
    let tried = if limit <= 4 << 20 { limit } else { 32 << 10 };
    let body: Bytes = (0..tried).map(|n| (n % 251) as u8).collect();
    queue.send(&body).await?;
    let delivery = next(&queue, LONG).await?;
    assert!(delivery.value()? == body, "the body came back changed");
    delivery.ack().await?;
    if tried == limit {
        let over = Bytes::from(vec![b'x'; limit + 1]);
        let Err(error) = queue.send(&over).await else {
            return Err("a body over the limit was taken".into());
        };
        assert_eq!(error.kind(), ErrorKind::TooLarge);
        assert!(error.message().contains(&limit.to_string()), "{error}");
        expect_nothing(&queue).await?;
    }
    Ok(Outcome::Passed)
}

async fn a_batch_over_the_clouds_total_size_arrives(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    let sent: BTreeSet<Bytes> = (0..100u8).map(|n| Bytes::from(vec![n; 30 << 10])).collect();
    for result in queue.send_all(&sent).await {
        result?;
    }
    assert!(drain(&queue, 100).await? == sent, "something was lost or changed");
    Ok(Outcome::Passed)
}

async fn a_batch_names_what_failed_and_sends_the_rest(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    let [one, two, three, four]: [Bytes; 4] = ["1", "2", "3", "4"].map(Bytes::from);
    let batch = [
        Outgoing::new(&one),
        Outgoing::new(&two).attribute("not valid", ""),
        Outgoing::new(&three),
        Outgoing::new(&four).group("on a queue without order"),
    ];
    let results = queue.send_all(batch).await;
    let kinds: Vec<_> = results.into_iter().map(kind_of).collect();
    let invalid = Some(ErrorKind::InvalidArgument);
    assert_eq!(kinds, [None, invalid, None, invalid]);
    assert_eq!(drain(&queue, 2).await?, [one, three].into());
    expect_nothing(&queue).await?;
    Ok(Outcome::Passed)
}

async fn an_empty_batch_is_nothing(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    let none: [Bytes; 0] = [];
    assert!(queue.send_all(&none).await.is_empty());
    assert!(queue.port().send(Vec::new()).await.is_empty());
    assert!(queue.port().settle(Vec::new()).await.is_empty());
    Ok(Outcome::Passed)
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Job {
    name: String,
    width: u32,
}

async fn values_travel_as_json(context: Context) -> CaseResult {
    let port = context.queue().await?;
    let queue: Queue<Job> = Queue::new(port.clone());
    let job = Job { name: "cät \"1\".jpg".into(), width: 256 };
    queue.send(&job).await?;
    let received = queue.receive(1, PATIENCE, LONG).await?;
    assert_eq!(received.len(), 1);
    for delivery in received {
        assert_eq!(delivery.value()?, job);
        delivery.ack().await?;
    }
    // What is no job is malformed, and can still be settled.
    send(&bodies(port), "{\"name\":").await?;
    for delivery in queue.receive(1, PATIENCE, LONG).await? {
        assert_eq!(kind_of(delivery.value()), Some(ErrorKind::Malformed));
        delivery.dead_letter("no job").await?;
    }
    assert_eq!(
        queue.dead_letters()?.receive(1, PATIENCE, LONG).await?.first().and_then(|letter| letter.reason()),
        Some("no job")
    );
    Ok(Outcome::Passed)
}

async fn a_trace_travels_along(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    let trace = TraceContext::root().with_state("vendor=1");
    trace.clone().scope(send(&queue, "traced")).await?;
    let delivery = next(&queue, LONG).await?;
    assert_eq!(delivery.trace(), Some(&trace));
    assert!(delivery.attributes().is_empty(), "what is ours is not shown");
    delivery.ack().await?;
    // One that is sent outside of a trace begins one.
    send(&queue, "first").await?;
    let delivery = next(&queue, LONG).await?;
    assert!(delivery.trace().is_some());
    delivery.ack().await?;
    Ok(Outcome::Passed)
}

async fn a_message_knows_when_it_was_sent(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    let before = queue.info().clock.now();
    send(&queue, "now").await?;
    let delivery = next(&queue, LONG).await?;
    let apart = |a: SystemTime, b: SystemTime| a.duration_since(b).or_else(|_| b.duration_since(a));
    // The service's clock need not be ours.
    let difference = apart(delivery.sent_at(), before)?;
    assert!(difference.as_secs() < 60, "sent {difference:?} apart");
    delivery.ack().await?;
    Ok(Outcome::Passed)
}

async fn senders_at_once_all_arrive(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    let mut senders = tokio::task::JoinSet::new();
    for sender in 0..8 {
        let queue = queue.clone();
        senders.spawn(async move {
            for n in 0..10 {
                send(&queue, &format!("{sender}/{n}")).await?;
            }
            Ok::<(), skyport_core::Error>(())
        });
    }
    while let Some(sent) = senders.join_next().await {
        sent??;
    }
    assert_eq!(drain(&queue, 80).await?.len(), 80);
    Ok(Outcome::Passed)
}

async fn a_send_that_is_not_awaited_sends_nothing(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    let body = Bytes::from_static(b"never");
    drop(queue.send(&body));
    drop(queue.send_all([&body]));
    expect_nothing(&queue).await?;
    assert_eq!(take(&queue, 0).await?.len(), 0);
    Ok(Outcome::Passed)
}
