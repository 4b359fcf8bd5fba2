//! Queues that are not there, and how errors name what they are about.

use bytes::Bytes;
use skyport_core::provider::ResourceKind;
use skyport_core::queue::QueueSettings;
use skyport_core::{ErrorKind, Support};

use super::{Bodies, NOW, SECOND, bodies, drain, kind_of, send};
use crate::case::{CaseResult, cases};
use crate::inert::Inert;
use crate::{Context, Outcome};

cases![
    opening_a_missing_queue_is_no_error,
    every_operation_on_a_missing_queue_is_not_found,
    an_error_names_provider_operation_and_queue,
    depth_counts_what_is_there,
    without_the_capability_depth_is_unsupported,
];

fn missing(context: &Context) -> Result<Bodies, skyport_core::Error> {
    let settings = QueueSettings::default();
    let url = context.fresh_url(&ResourceKind::Queue(settings.clone()));
    Ok(bodies(context.provider().queue(&url, &settings)?))
}

async fn opening_a_missing_queue_is_no_error(context: Context) -> CaseResult {
    let queue = missing(&context)?;
    assert!(!queue.info().resource.is_empty());
    queue.dead_letters()?;
    Ok(Outcome::Passed)
}

async fn every_operation_on_a_missing_queue_is_not_found(context: Context) -> CaseResult {
    let queue = missing(&context)?;
    let not_found = Some(ErrorKind::NotFound);
    assert_eq!(kind_of(send(&queue, "x").await), not_found);
    let both = queue.send_all([&Bytes::from_static(b"1"), &Bytes::from_static(b"2")]).await;
    assert_eq!(both.into_iter().map(kind_of).collect::<Vec<_>>(), [not_found; 2]);
    assert_eq!(kind_of(queue.receive(1, NOW, SECOND).await), not_found);
    assert_eq!(kind_of(queue.receive(1, SECOND * 5, SECOND).await), not_found);
    if queue.capabilities().depth.is_supported() {
        assert_eq!(kind_of(queue.depth().await), not_found);
    }
    assert_eq!(kind_of(queue.redrive(1).await), not_found);
    Ok(Outcome::Passed)
}

async fn an_error_names_provider_operation_and_queue(context: Context) -> CaseResult {
    let queue = missing(&context)?;
    let Err(error) = queue.receive(1, NOW, SECOND).await else {
        return Err("a missing queue was received from".into());
    };
    assert_eq!(error.provider(), Some(context.provider().name()));
    assert_eq!(error.operation(), Some("queue.receive"));
    assert_eq!(error.resource(), Some(queue.info().resource.as_str()));
    assert!(!error.to_string().contains('\n'), "one line: {error}");
    Ok(Outcome::Passed)
}

async fn without_the_capability_depth_is_unsupported(context: Context) -> CaseResult {
    let port = context.queue().await?;
    let queue =
        bodies(Inert::like(port.info(), |info| info.capabilities.depth = Support::Unsupported("tried")));
    assert_eq!(kind_of(queue.depth().await), Some(ErrorKind::Unsupported));
    Ok(Outcome::Passed)
}

async fn depth_counts_what_is_there(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    if !queue.capabilities().depth.is_supported() {
        return Ok(Outcome::Skipped("the queue declares no depth"));
    }
    for n in 0..3 {
        send(&queue, &n.to_string()).await?;
    }
    // Approximate, and on some clouds late.
    let mut total = 0;
    for _ in 0..20 {
        total = queue.depth().await?.total();
        if total == 3 {
            break;
        }
        context.pass(SECOND / 2).await;
    }
    assert_eq!(total, 3);
    drain(&queue, 3).await?;
    for _ in 0..20 {
        total = queue.depth().await?.total();
        if total == 0 {
            break;
        }
        context.pass(SECOND / 2).await;
    }
    assert_eq!(total, 0);
    Ok(Outcome::Passed)
}
