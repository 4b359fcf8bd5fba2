//! Delayed messages.

use std::time::Duration;

use bytes::Bytes;
use skyport_core::queue::Outgoing;
use skyport_core::{ErrorKind, Support};
use tokio::time::Instant;

use super::{Bodies, LONG, SECOND, assert_not_early, bodies, expect_nothing, kind_of, next, take, text};
use crate::case::{CaseResult, cases};
use crate::inert::Inert;
use crate::{Context, Outcome};

cases![
    a_delayed_message_is_not_early,
    a_delayed_message_does_not_hold_up_others,
    a_batch_may_hold_delays_of_its_own,
    a_delay_over_the_limit_is_refused,
    no_delay_at_all_is_always_possible,
    without_the_capability_a_delay_is_unsupported,
];

const NO_DELAY: Outcome = Outcome::Skipped("the queue declares no delay");

async fn supporting(context: &Context) -> Result<Option<Bodies>, skyport_core::Error> {
    let queue = bodies(context.queue().await?);
    Ok(queue.capabilities().delay.is_supported().then_some(queue))
}

async fn a_delayed_message_is_not_early(context: Context) -> CaseResult {
    let Some(queue) = supporting(&context).await? else {
        return Ok(NO_DELAY);
    };
    let begun = Instant::now();
    queue.send(&Bytes::from_static(b"later")).delay(SECOND * 2).await?;
    let delivery = next(&queue, LONG).await?;
    assert_not_early(begun, SECOND * 2);
    assert_eq!(text(&delivery), "later");
    delivery.ack().await?;
    Ok(Outcome::Passed)
}

async fn a_delayed_message_does_not_hold_up_others(context: Context) -> CaseResult {
    let Some(queue) = supporting(&context).await? else {
        return Ok(NO_DELAY);
    };
    let begun = Instant::now();
    queue.send(&Bytes::from_static(b"later")).delay(SECOND * 2).await?;
    queue.send(&Bytes::from_static(b"now")).await?;
    let first = next(&queue, LONG).await?;
    assert_eq!(text(&first), "now");
    first.ack().await?;
    let second = next(&queue, LONG).await?;
    assert_eq!(text(&second), "later");
    assert_not_early(begun, SECOND * 2);
    second.ack().await?;
    Ok(Outcome::Passed)
}

async fn a_batch_may_hold_delays_of_its_own(context: Context) -> CaseResult {
    let Some(queue) = supporting(&context).await? else {
        return Ok(NO_DELAY);
    };
    let (soon, later) = (Bytes::from_static(b"soon"), Bytes::from_static(b"later"));
    let begun = Instant::now();
    let batch = [Outgoing::new(&later).delay(SECOND * 2), Outgoing::new(&soon).delay(SECOND)];
    for result in queue.send_all(batch).await {
        result?;
    }
    let first = take(&queue, 1).await?;
    assert_not_early(begun, SECOND);
    assert_eq!(text(&first[0]), "soon");
    let second = take(&queue, 1).await?;
    assert_not_early(begun, SECOND * 2);
    assert_eq!(text(&second[0]), "later");
    Ok(Outcome::Passed)
}

async fn a_delay_over_the_limit_is_refused(context: Context) -> CaseResult {
    let Some(queue) = supporting(&context).await? else {
        return Ok(NO_DELAY);
    };
    let limit = queue.limits().delay;
    assert!(limit >= SECOND * 900, "the floor is 15 minutes");
    for delay in [limit + Duration::from_millis(1), Duration::MAX] {
        let Err(error) = queue.send(&Bytes::new()).delay(delay).await else {
            return Err("a delay over the limit was taken".into());
        };
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.message().contains(&limit.as_secs().to_string()), "{error}");
    }
    queue.send(&Bytes::new()).delay(limit).await?;
    expect_nothing(&queue).await?;
    Ok(Outcome::Passed)
}

async fn no_delay_at_all_is_always_possible(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    queue.send(&Bytes::from_static(b"now")).delay(Duration::ZERO).await?;
    next(&queue, LONG).await?.ack().await?;
    Ok(Outcome::Passed)
}

async fn without_the_capability_a_delay_is_unsupported(context: Context) -> CaseResult {
    let port = context.queue().await?;
    let queue =
        bodies(Inert::like(port.info(), |info| info.capabilities.delay = Support::Unsupported("tried")));
    assert_eq!(kind_of(queue.send(&Bytes::new()).delay(SECOND).await), Some(ErrorKind::Unsupported));
    let value = Bytes::new();
    let delayed = Outgoing::new(&value).delay(SECOND);
    for result in queue.send_all([delayed]).await {
        assert_eq!(kind_of(result), Some(ErrorKind::Unsupported));
    }
    Ok(Outcome::Passed)
}
