//! Messages sent twice under one id.

use bytes::Bytes;
use skyport_core::queue::{Outgoing, QueueSettings};
use skyport_core::{ErrorKind, Support};

use super::{Bodies, LONG, SECOND, bodies, drain, expect_nothing, kind_of, next};
use crate::case::{CaseResult, cases};
use crate::inert::Inert;
use crate::{Context, Outcome};

cases![
    the_same_id_is_sent_once,
    an_id_within_one_batch_is_sent_once,
    an_id_outlives_its_message,
    an_id_that_is_none_is_refused,
    without_the_capability_an_id_is_unsupported,
];

const NO_DEDUPE: Outcome = Outcome::Skipped("the queue declares no dedupe");

/// A queue that tells duplicates; some clouds have it on ordered ones only.
async fn supporting(context: &Context) -> Result<Option<Bodies>, skyport_core::Error> {
    let plain = bodies(context.queue().await?);
    if plain.capabilities().dedupe.is_supported() || !plain.capabilities().ordered.is_supported() {
        return Ok(plain.capabilities().dedupe.is_supported().then_some(plain));
    }
    let mut settings = QueueSettings::default();
    settings.ordered = true;
    let ordered = bodies(context.queue_with(settings).await?);
    Ok(ordered.capabilities().dedupe.is_supported().then_some(ordered))
}

async fn the_same_id_is_sent_once(context: Context) -> CaseResult {
    let Some(queue) = supporting(&context).await? else {
        return Ok(NO_DEDUPE);
    };
    let first = queue.send(&Bytes::from_static(b"first")).dedupe_id("order-1").await?;
    let second = queue.send(&Bytes::from_static(b"second")).dedupe_id("order-1").await?;
    assert_eq!(first, second, "it is answered with the first one's id");
    queue.send(&Bytes::from_static(b"other")).dedupe_id("order-2").await?;
    let expected = ["first", "other"].map(|text| Bytes::from_static(text.as_bytes()));
    assert_eq!(drain(&queue, 2).await?, expected.into());
    expect_nothing(&queue).await?;
    Ok(Outcome::Passed)
}

async fn an_id_within_one_batch_is_sent_once(context: Context) -> CaseResult {
    let Some(queue) = supporting(&context).await? else {
        return Ok(NO_DEDUPE);
    };
    let (a, b) = (Bytes::from_static(b"a"), Bytes::from_static(b"b"));
    let batch = [&a, &b, &a].map(|body| Outgoing::new(body).dedupe_id(format!("{body:?}").replace('"', "")));
    let mut ids = Vec::new();
    for result in queue.send_all(batch).await {
        ids.push(result?);
    }
    assert_eq!(ids[0], ids[2]);
    assert_ne!(ids[0], ids[1]);
    assert_eq!(drain(&queue, 2).await?, [a, b].into());
    expect_nothing(&queue).await?;
    Ok(Outcome::Passed)
}

async fn an_id_outlives_its_message(context: Context) -> CaseResult {
    let Some(queue) = supporting(&context).await? else {
        return Ok(NO_DEDUPE);
    };
    let body = Bytes::from_static(b"once");
    queue.send(&body).dedupe_id("x").await?;
    next(&queue, LONG).await?.ack().await?;
    queue.send(&body).dedupe_id("x").await?;
    expect_nothing(&queue).await?;
    if context.virtual_time() {
        // Five minutes of real time are too long for a test.
        context.pass(SECOND * 240).await;
        queue.send(&body).dedupe_id("x").await?;
        expect_nothing(&queue).await?;
        context.pass(SECOND * 360).await;
        queue.send(&body).dedupe_id("x").await?;
        next(&queue, LONG).await?.ack().await?;
    }
    Ok(Outcome::Passed)
}

async fn an_id_that_is_none_is_refused(context: Context) -> CaseResult {
    let Some(queue) = supporting(&context).await? else {
        return Ok(NO_DEDUPE);
    };
    let long = "x".repeat(129);
    for id in ["", "two words", "ä", &long] {
        let sending = queue.send(&Bytes::new()).dedupe_id(id);
        assert_eq!(kind_of(sending.await), Some(ErrorKind::InvalidArgument), "{id:?}");
    }
    Ok(Outcome::Passed)
}

async fn without_the_capability_an_id_is_unsupported(context: Context) -> CaseResult {
    let port = context.queue().await?;
    let queue =
        bodies(Inert::like(port.info(), |info| info.capabilities.dedupe = Support::Unsupported("tried")));
    assert_eq!(kind_of(queue.send(&Bytes::new()).dedupe_id("x").await), Some(ErrorKind::Unsupported));
    Ok(Outcome::Passed)
}
