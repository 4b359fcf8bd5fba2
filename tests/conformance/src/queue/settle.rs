//! Settling: once, in batches, by receipts that travel.

use std::sync::Arc;
use std::time::Duration;

use skyport_core::ErrorKind;
use skyport_core::queue::Receipt;
use skyport_core::queue::port::{ReceiveOptions, Settlement, Verdict};
use tokio::time::Instant;

use super::{LONG, NOW, SECOND, assert_not_early, bodies, drain, expect_nothing, next, send, take, text};
use crate::case::{CaseResult, cases};
use crate::{Context, Outcome};

cases![
    what_is_acknowledged_never_comes_again,
    a_retry_is_not_early,
    a_retry_at_once_comes_soon,
    a_retry_over_the_limit_is_refused_and_gives_the_delivery_back,
    a_second_settlement_changes_nothing,
    a_receipt_can_be_serialised_and_settled_through_the_port,
    what_a_platform_hands_over_is_settled_as_if_it_had_been_received,
    a_batch_of_settlements_names_what_failed,
    what_a_message_carries_survives_a_retry,
];

async fn what_is_acknowledged_never_comes_again(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    send(&queue, "once").await?;
    let lease = context.unhurried_second();
    next(&queue, lease).await?.ack().await?;
    context.pass(lease).await;
    expect_nothing(&queue).await?;
    Ok(Outcome::Passed)
}

async fn a_retry_is_not_early(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    send(&queue, "later").await?;
    let delivery = next(&queue, LONG).await?;
    let begun = Instant::now();
    delivery.retry(SECOND * 2).await?;
    let again = next(&queue, LONG).await?;
    assert_not_early(begun, SECOND * 2);
    assert!(begun.elapsed() < SECOND * 5, "{:?}", begun.elapsed());
    again.ack().await?;
    Ok(Outcome::Passed)
}

async fn a_retry_at_once_comes_soon(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    send(&queue, "now").await?;
    next(&queue, LONG).await?.retry(NOW).await?;
    let begun = Instant::now();
    next(&queue, LONG).await?.ack().await?;
    assert!(begun.elapsed() < SECOND * 2, "{:?}", begun.elapsed());
    Ok(Outcome::Passed)
}

async fn a_retry_over_the_limit_is_refused_and_gives_the_delivery_back(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    send(&queue, "x").await?;
    let delivery = next(&queue, LONG).await?;
    let Err(refused) = delivery.retry(Duration::MAX).await else {
        return Err("a backoff without end was taken".into());
    };
    assert_eq!(refused.error().kind(), ErrorKind::InvalidArgument);
    refused.into_delivery().ack().await?;
    Ok(Outcome::Passed)
}

async fn a_second_settlement_changes_nothing(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    send(&queue, "once").await?;
    let lease = context.unhurried_second();
    let delivery = next(&queue, lease).await?;
    let receipt = delivery.receipt().clone();
    delivery.ack().await?;
    for verdict in [Verdict::Ack, Verdict::Retry(NOW)] {
        let settled = queue.port().settle(vec![Settlement::new(receipt.clone(), verdict)]).await;
        assert_eq!(settled.len(), 1);
        for result in settled {
            if let Err(error) = result {
                assert_eq!(error.kind(), ErrorKind::PreconditionFailed);
            }
        }
    }
    context.pass(lease).await;
    expect_nothing(&queue).await?;
    Ok(Outcome::Passed)
}

async fn a_receipt_can_be_serialised_and_settled_through_the_port(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    send(&queue, "elsewhere").await?;
    let lease = context.unhurried_second();
    let delivery = next(&queue, lease).await?;
    let json = serde_json::to_string(delivery.receipt())?;
    drop(delivery);
    let receipt: Receipt = serde_json::from_str(&json)?;
    for result in queue.port().settle(vec![Settlement::new(receipt, Verdict::Ack)]).await {
        result?;
    }
    context.pass(lease).await;
    expect_nothing(&queue).await?;
    Ok(Outcome::Passed)
}

async fn what_a_platform_hands_over_is_settled_as_if_it_had_been_received(context: Context) -> CaseResult {
    let port = context.queue().await?;
    let queue = bodies(Arc::clone(&port));
    send(&queue, "handed over").await?;
    let received = port.receive(ReceiveOptions::new(1, LONG, LONG)).await?;
    let adopted: Vec<_> = port.adopt(received.clone()).await.into_iter().collect::<Result<_, _>>()?;
    // A provider changes nothing; a layer would.
    assert_eq!(adopted, received.into_iter().map(Some).collect::<Vec<_>>());
    let acks = adopted.into_iter().flatten().map(|delivery| Settlement::new(delivery.receipt, Verdict::Ack));
    for settled in port.settle(acks.collect()).await {
        settled?;
    }
    expect_nothing(&queue).await?;
    Ok(Outcome::Passed)
}

async fn a_batch_of_settlements_names_what_failed(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    for name in ["done", "again"] {
        send(&queue, name).await?;
    }
    let mut held = take(&queue, 2).await?;
    held.sort_by_key(text);
    let receipt = |n: usize| held[n].receipt().clone();
    let batch = vec![
        Settlement::new(receipt(0), Verdict::Retry(NOW)),
        Settlement::new(Receipt::new("no such receipt"), Verdict::Ack),
        Settlement::new(receipt(1), Verdict::Ack),
    ];
    let failed: Vec<bool> = queue.port().settle(batch).await.iter().map(Result::is_err).collect();
    assert_eq!(failed, [false, true, false]);
    let left = drain(&queue, 1).await?;
    assert!(left.contains(&b"again"[..]), "{left:?}");
    expect_nothing(&queue).await?;
    Ok(Outcome::Passed)
}

async fn what_a_message_carries_survives_a_retry(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    queue.send(&"body".into()).attribute("tenant", "a7").await?;
    let first = next(&queue, LONG).await?;
    let (trace, sent_at) = (first.trace().cloned(), first.sent_at());
    first.retry(NOW).await?;
    let second = next(&queue, LONG).await?;
    assert_eq!(text(&second), "body");
    assert_eq!(second.attributes().get("tenant").map(String::as_str), Some("a7"));
    assert_eq!((second.trace().cloned(), second.sent_at()), (trace, sent_at));
    second.ack().await?;
    Ok(Outcome::Passed)
}
