//! Events of Event Grid: nobody tells which delivery it is.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use skyport_azure_functions::metadata::HttpForm;
use skyport_core::Result;
use skyport_functions_host::{BlobChanged, queue::NoQueues};

use crate::application::Running;
use crate::support::single::Single;

#[tokio::test]
async fn a_failed_event_comes_again_and_a_fatal_one_does_not() -> Result<()> {
    let running = Running::start(HttpForm::Proxied, Arc::new(Single::nothing())).await?;
    let host = &running.served.host;
    let created = |key: &str| {
        let mut changed = BlobChanged::new("example", "bucket", key);
        changed.created = Some(1);
        changed.event()
    };
    // A call that has failed is answered 500, and Event Grid sends the event again.
    assert!(host.event("created", &created("poor")).await.is_err());
    assert!(host.event("created", &created("poor")).await.is_ok());
    assert!(host.event("created", &created("lost")).await.is_ok());
    assert_eq!(running.called(3).await?, ["poor", "poor", "lost"]);
    // One of another container is not for it, and does not come again.
    assert!(host.event("created", &BlobChanged::new("example", "another", "x").event()).await.is_ok());
    assert!(running.served.stop().await?);
    Ok(())
}

#[tokio::test]
async fn a_schedule_that_fails_comes_again_for_the_same_instant() -> Result<()> {
    let running = Running::start(HttpForm::Proxied, Arc::new(Single::nothing())).await?;
    let scheduled = UNIX_EPOCH + Duration::from_secs(1_795_489_200);
    // Its repetitions come when others are due by the clock.
    let status = serde_json::json!({"Next": "2026-11-24T03:00:00+00:00"});
    let late = scheduled + Duration::from_secs(75);
    running.served.host.fire_with("sweep", late, status, false).await.expect("at last");
    assert_eq!(running.called(3).await?, ["sweep 1795489200"; 3]);
    assert!(running.served.stop().await?);
    Ok(())
}

#[test]
fn without_a_connection_the_host_does_not_start() {
    use skyport_functions_host::Queues;
    assert!(NoQueues.open("losses-jobs", "AzureWebJobsStorage").is_err());
}
