//! Ordered queues: first in, first out by group.

use bytes::Bytes;
use skyport_core::ErrorKind;
use skyport_core::queue::{Outgoing, QueueSettings};

use super::{
    Bodies, Body, LONG, NOW, PATIENCE, SECOND, bodies, expect_nothing, kind_of, next, take, text, texts,
};
use crate::case::{CaseResult, cases};
use crate::inert::Inert;
use crate::{Context, Outcome};

cases![
    a_group_is_first_in_first_out,
    a_leased_message_holds_up_its_group_and_no_other,
    after_a_retry_later_ones_of_the_same_receive_cannot_be_settled,
    after_a_drop_later_ones_of_the_same_receive_cannot_be_settled,
    a_retried_message_holds_up_its_group_until_it_is_due,
    messages_without_a_group_do_not_wait_for_each_other,
    a_dead_letter_frees_its_group,
    a_message_that_fails_spends_no_attempts_of_those_behind_it,
    a_delay_is_unsupported_on_an_ordered_queue,
    groups_that_are_none_are_refused,
];

const NO_ORDER: Outcome = Outcome::Skipped("the queue declares no order");

async fn ordered(context: &Context) -> Result<Option<Bodies>, skyport_core::Error> {
    let plain = bodies(context.queue().await?);
    if !plain.capabilities().ordered.is_supported() {
        return Ok(None);
    }
    let mut settings = QueueSettings::default();
    settings.ordered = true;
    Ok(Some(bodies(context.queue_with(settings).await?)))
}

/// Sends `a1`, `b1`, .. each to the group of its first letter.
async fn send_grouped(queue: &Bodies, names: &[&'static str]) -> Result<(), skyport_core::Error> {
    let values: Vec<Bytes> = names.iter().copied().map(Bytes::from).collect();
    let batch = values.iter().zip(names);
    let batch = batch.map(|(value, name)| Outgoing::new(value).group(&name[..1]));
    for result in queue.send_all(batch).await {
        result?;
    }
    Ok(())
}

/// Acknowledges each before the next is received, for as long as some come.
async fn one_by_one(queue: &Bodies, count: usize) -> Result<Vec<String>, skyport_core::BoxError> {
    let mut seen = Vec::new();
    for _ in 0..count {
        let delivery = next(queue, LONG).await?;
        seen.push(text(&delivery));
        delivery.ack().await?;
    }
    Ok(seen)
}

fn of_group(seen: &[String], group: char) -> Vec<&str> {
    let texts = seen.iter().map(String::as_str);
    texts.filter(|text| text.starts_with(group)).collect()
}

/// The first so many of group `a`, in one receive.
async fn together(queue: &Bodies, count: usize, lease: std::time::Duration) -> CaseBodies {
    let received = queue.receive(10, PATIENCE, lease).await?;
    if received.len() < count {
        return Ok(None);
    }
    Ok(Some(received))
}

type CaseBodies = Result<Option<Vec<Body>>, skyport_core::Error>;

async fn a_group_is_first_in_first_out(context: Context) -> CaseResult {
    let Some(queue) = ordered(&context).await? else {
        return Ok(NO_ORDER);
    };
    send_grouped(&queue, &["a1", "a2", "b1", "a3"]).await?;
    send_grouped(&queue, &["b2", "a4"]).await?;
    send_grouped(&queue, &["a5"]).await?;
    let first = next(&queue, LONG).await?;
    assert_eq!(first.group(), Some(&text(&first)[..1]));
    let mut seen = vec![text(&first)];
    first.ack().await?;
    seen.extend(one_by_one(&queue, 6).await?);
    assert_eq!(of_group(&seen, 'a'), ["a1", "a2", "a3", "a4", "a5"]);
    assert_eq!(of_group(&seen, 'b'), ["b1", "b2"]);
    Ok(Outcome::Passed)
}

async fn a_leased_message_holds_up_its_group_and_no_other(context: Context) -> CaseResult {
    let Some(queue) = ordered(&context).await? else {
        return Ok(NO_ORDER);
    };
    send_grouped(&queue, &["a1", "a2"]).await?;
    let held = next(&queue, LONG).await?;
    assert_eq!(text(&held), "a1");
    expect_nothing(&queue).await?;
    send_grouped(&queue, &["b1"]).await?;
    let other = next(&queue, LONG).await?;
    assert_eq!(text(&other), "b1");
    held.ack().await?;
    assert_eq!(one_by_one(&queue, 1).await?, ["a2"]);
    other.ack().await?;
    Ok(Outcome::Passed)
}

async fn after_a_retry_later_ones_of_the_same_receive_cannot_be_settled(context: Context) -> CaseResult {
    let Some(queue) = ordered(&context).await? else {
        return Ok(NO_ORDER);
    };
    send_grouped(&queue, &["a1", "a2", "a3"]).await?;
    let Some(mut received) = together(&queue, 3, LONG).await? else {
        return Ok(Outcome::Skipped("the queue hands out a group one by one"));
    };
    assert_eq!(texts(&received), ["a1", "a2", "a3"]);
    let third = received.pop().ok_or("three came")?;
    let second = received.pop().ok_or("three came")?;
    let first = received.pop().ok_or("three came")?;
    first.retry(NOW).await?;
    let failed = Some(ErrorKind::PreconditionFailed);
    assert_eq!(kind_of(second.ack().await), failed);
    assert_eq!(kind_of(third.ack().await), failed);
    assert_eq!(one_by_one(&queue, 3).await?, ["a1", "a2", "a3"]);
    Ok(Outcome::Passed)
}

async fn after_a_drop_later_ones_of_the_same_receive_cannot_be_settled(context: Context) -> CaseResult {
    let Some(queue) = ordered(&context).await? else {
        return Ok(NO_ORDER);
    };
    send_grouped(&queue, &["a1", "a2"]).await?;
    let Some(mut received) = together(&queue, 2, SECOND * 2).await? else {
        return Ok(Outcome::Skipped("the queue hands out a group one by one"));
    };
    let mut second = received.pop().ok_or("two came")?;
    second.extend(LONG).await?;
    // The first is dropped, and its lease ends.
    received.clear();
    context.pass(SECOND * 5 / 2).await;
    assert_eq!(kind_of(second.ack().await), Some(ErrorKind::PreconditionFailed));
    assert_eq!(one_by_one(&queue, 2).await?, ["a1", "a2"]);
    Ok(Outcome::Passed)
}

async fn a_retried_message_holds_up_its_group_until_it_is_due(context: Context) -> CaseResult {
    let Some(queue) = ordered(&context).await? else {
        return Ok(NO_ORDER);
    };
    send_grouped(&queue, &["a1", "a2", "b1"]).await?;
    let mut first = next(&queue, LONG).await?;
    while text(&first) != "a1" {
        first.ack().await?;
        first = next(&queue, LONG).await?;
    }
    first.retry(SECOND * 2).await?;
    let mut seen = Vec::new();
    for delivery in queue.receive(10, SECOND, SECOND * 30).await? {
        seen.push(text(&delivery));
        delivery.ack().await?;
    }
    assert!(of_group(&seen, 'a').is_empty(), "{seen:?}");
    seen.extend(one_by_one(&queue, 2).await?);
    assert_eq!(of_group(&seen, 'a'), ["a1", "a2"]);
    Ok(Outcome::Passed)
}

async fn messages_without_a_group_do_not_wait_for_each_other(context: Context) -> CaseResult {
    let Some(queue) = ordered(&context).await? else {
        return Ok(NO_ORDER);
    };
    for n in 0..3 {
        super::send(&queue, &n.to_string()).await?;
    }
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(next(&queue, LONG).await?);
    }
    let mut seen = texts(&held);
    seen.sort();
    assert_eq!(seen, ["0", "1", "2"]);
    Ok(Outcome::Passed)
}

async fn a_dead_letter_frees_its_group(context: Context) -> CaseResult {
    let Some(queue) = ordered(&context).await? else {
        return Ok(NO_ORDER);
    };
    send_grouped(&queue, &["a1", "a2"]).await?;
    next(&queue, LONG).await?.dead_letter("never").await?;
    assert_eq!(one_by_one(&queue, 1).await?, ["a2"]);
    let letters = take(&queue.dead_letters()?, 1).await?;
    assert_eq!(texts(&letters), ["a1"]);
    for letter in letters {
        letter.retry(NOW).await?;
    }
    assert_eq!(queue.redrive(1).await?, 1);
    let back = next(&queue, LONG).await?;
    assert_eq!((text(&back).as_str(), back.group()), ("a1", Some("a")));
    back.ack().await?;
    Ok(Outcome::Passed)
}

async fn a_message_that_fails_spends_no_attempts_of_those_behind_it(context: Context) -> CaseResult {
    if ordered(&context).await?.is_none() {
        return Ok(NO_ORDER);
    }
    let mut settings = QueueSettings::default();
    settings.ordered = true;
    settings.max_attempts = 2;
    let queue = bodies(context.queue_with(settings).await?);
    send_grouped(&queue, &["a1", "a2", "a3"]).await?;
    for _ in 0..2 {
        let mut received = queue.receive(10, PATIENCE, LONG).await?.into_iter();
        let first = received.next().ok_or("the group comes again")?;
        assert_eq!(text(&first), "a1");
        first.retry(NOW).await?;
    }
    // They were never handled, however often they may have been handed out.
    assert_eq!(one_by_one(&queue, 2).await?, ["a2", "a3"]);
    let letters = take(&queue.dead_letters()?, 1).await?;
    assert_eq!(texts(&letters), ["a1"]);
    Ok(Outcome::Passed)
}

async fn a_delay_is_unsupported_on_an_ordered_queue(context: Context) -> CaseResult {
    let port = context.queue().await?;
    // Whether or not the provider has ordered queues: nothing is asked of it.
    let queue = bodies(Inert::like(port.info(), |info| info.settings.ordered = true));
    let sending = queue.send(&Bytes::new()).group("a").delay(SECOND);
    assert_eq!(kind_of(sending.await), Some(ErrorKind::Unsupported));
    Ok(Outcome::Passed)
}

async fn groups_that_are_none_are_refused(context: Context) -> CaseResult {
    let Some(queue) = ordered(&context).await? else {
        return Ok(NO_ORDER);
    };
    let long = "g".repeat(129);
    for group in ["", "two words", "ü", &long] {
        let sending = queue.send(&Bytes::new()).group(group);
        assert_eq!(kind_of(sending.await), Some(ErrorKind::InvalidArgument), "{group:?}");
    }
    queue.send(&Bytes::from_static(b"fits")).group(&long[..128]).await?;
    next(&queue, LONG).await?.ack().await?;
    Ok(Outcome::Passed)
}
