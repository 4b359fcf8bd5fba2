//! Messages that somebody else sent.

use skyport_core::ErrorKind;
use skyport_core::queue::port::OutMessage;
use skyport_core::queue::{Foreign, QueueSettings};

use super::{Bodies, LONG, bodies, kind_of, next, send};
use crate::case::{CaseResult, cases};
use crate::{Context, Outcome};

cases![
    a_foreign_text_is_read_as_it_is,
    a_foreign_body_is_decoded_where_base64_is_declared,
    what_is_not_base64_is_malformed_and_can_be_settled,
    a_foreign_body_stays_so_through_the_dead_letters,
];

async fn declared(context: &Context, foreign: Foreign) -> Result<Bodies, skyport_core::Error> {
    let mut settings = QueueSettings::default();
    settings.foreign = foreign;
    Ok(bodies(context.queue_with(settings).await?))
}

/// With nothing of ours on the wire, as another program sends.
async fn send_foreign(queue: &Bodies, text: &'static str) -> Result<(), skyport_core::Error> {
    for result in queue.port().send(vec![OutMessage::new(text)]).await {
        result?;
    }
    Ok(())
}

async fn a_foreign_text_is_read_as_it_is(context: Context) -> CaseResult {
    let queue = declared(&context, Foreign::Text).await?;
    send_foreign(&queue, "aGVsbG8=").await?;
    let delivery = next(&queue, LONG).await?;
    assert_eq!(&delivery.value()?[..], b"aGVsbG8=");
    assert_eq!(delivery.trace(), None);
    delivery.ack().await?;
    Ok(Outcome::Passed)
}

async fn a_foreign_body_is_decoded_where_base64_is_declared(context: Context) -> CaseResult {
    let queue = declared(&context, Foreign::Base64).await?;
    send_foreign(&queue, "aGVsbG8=").await?;
    let delivery = next(&queue, LONG).await?;
    assert_eq!(&delivery.value()?[..], b"hello");
    delivery.ack().await?;
    // Our own are never taken for foreign.
    send(&queue, "aGVsbG8=").await?;
    let delivery = next(&queue, LONG).await?;
    assert_eq!(&delivery.value()?[..], b"aGVsbG8=");
    delivery.ack().await?;
    Ok(Outcome::Passed)
}

async fn what_is_not_base64_is_malformed_and_can_be_settled(context: Context) -> CaseResult {
    let queue = declared(&context, Foreign::Base64).await?;
    send_foreign(&queue, "{not base64}").await?;
    let delivery = next(&queue, LONG).await?;
    assert_eq!(kind_of(delivery.value()), Some(ErrorKind::Malformed));
    delivery.dead_letter("not base64").await?;
    let letter = next(&queue.dead_letters()?, LONG).await?;
    assert_eq!(letter.reason(), Some("not base64"));
    letter.ack().await?;
    Ok(Outcome::Passed)
}

async fn a_foreign_body_stays_so_through_the_dead_letters(context: Context) -> CaseResult {
    let queue = declared(&context, Foreign::Base64).await?;
    send_foreign(&queue, "aGVsbG8=").await?;
    next(&queue, LONG).await?.dead_letter("later").await?;
    assert_eq!(queue.redrive(10).await?, 1);
    let delivery = next(&queue, LONG).await?;
    assert_eq!(&delivery.value()?[..], b"hello");
    delivery.ack().await?;
    Ok(Outcome::Passed)
}
