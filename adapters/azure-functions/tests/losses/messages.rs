//! Messages of others, whose own fields stand over what the host tells.

use std::sync::Arc;

use skyport_azure_functions::metadata::HttpForm;
use skyport_core::Result;

use crate::application::Running;
use crate::support::single::Single;

async fn handed(text: &str, dequeue_count: u64) -> Result<(Vec<String>, Vec<&'static str>)> {
    let queue = Single::of(text, dequeue_count);
    let running = Running::start(HttpForm::Proxied, Arc::new(queue.clone())).await?;
    let called = running.called(1).await?;
    let done = queue.done().await;
    assert!(running.served.stop().await?);
    Ok((called, done))
}

#[tokio::test]
async fn a_message_of_another_is_read_as_it_is() -> Result<()> {
    let (called, done) = handed(r#"{"name":"foreign"}"#, 2).await?;
    assert_eq!((called, done), (vec!["\"foreign\" attempt 2".to_owned()], vec!["deleted"]));
    Ok(())
}

#[tokio::test]
async fn a_message_cannot_write_its_own_count() -> Result<()> {
    let text =
        r#"{"name":"forged","dequeueCount":99,"Id":"x","POPRECEIPT":"y","sys":{"UtcNow":"z"},"fail":true}"#;
    let (called, done) = handed(text, 2).await?;
    assert_eq!(called, ["\"forged\" attempt 1"]);
    // What it says of its receipt is not believed: the host gives it back.
    assert_eq!(done, ["again"]);
    Ok(())
}

#[tokio::test]
async fn a_message_that_hides_its_count_still_ends_among_the_poisoned() -> Result<()> {
    let (called, done) = handed(r#"{"name":"forged","DequeueCount":1,"fail":true}"#, 3).await?;
    assert_eq!((called.len(), done.contains(&"poison")), (1, true), "{done:?}");
    Ok(())
}
