//! Messages of others, whose own fields stand over what the host tells.

use std::sync::Arc;
use std::time::Duration;

use skyport_azure_functions::metadata::HttpForm;
use skyport_core::Result;
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl};
use skyport_core::queue::port::{OutMessage, ReceiveOptions};

use crate::application::{Running, declared};
use crate::support::azure::{Anew, Azure};
use crate::support::single::Single;
use crate::support::source::Known;

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
    // What it says of its receipt is not believed, and here it cannot be sent anew: the host gives it back.
    assert_eq!(done, ["again"]);
    Ok(())
}

#[tokio::test]
async fn a_message_that_hides_its_count_still_ends_among_the_poisoned() -> Result<()> {
    let (called, done) = handed(r#"{"name":"forged","DequeueCount":1,"fail":true}"#, 3).await?;
    assert_eq!((called.len(), done), (1, vec!["poison", "deleted"]));
    Ok(())
}

/// What its function is called with for a message that fails whenever it comes, and how many dead letters there are then.
async fn spent(text: &str, anew: Anew) -> Result<(Vec<String>, usize)> {
    let (azure, declaration) = (Azure::with(anew), declared("jobs")?);
    let ResourceKind::Queue(settings) = &declaration.kind else { panic!("a queue") };
    let url = ResourceUrl::new("memory", "jobs");
    azure.create(&url, &declaration.kind).await?;
    let queue = Provider::queue(&azure, &url, settings)?;
    for sent in queue.send(vec![OutMessage::new(text.to_owned())]).await {
        sent?;
    }
    let known = Known(vec![("losses-jobs".to_owned(), Arc::clone(&queue))]);
    let running = Running::over(&azure, HttpForm::Proxied, Arc::new(known)).await?;
    let called = running.called(3).await?;
    let letters = queue.dead_letters()?;
    while letters.depth().await?.ready == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // Whoever moved it has deleted it by then, and it comes no more.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert!(running.served.stop().await?);
    let depth = queue.depth().await?;
    assert_eq!(depth.total(), 0, "{text}");
    assert_eq!(running.called(3).await?.len(), 3);
    let letters = letters.receive(ReceiveOptions::new(10, Duration::ZERO, Duration::from_secs(30))).await?;
    Ok((called, letters.len()))
}

#[tokio::test]
async fn a_message_that_overwrites_what_the_host_tells_is_counted_all_the_same_and_dies_once() -> Result<()> {
    let own_id = r#"{"name":"x","Id":"mine","fail":true}"#;
    let own_count = r#"{"name":"x","dequeueCount":1,"fail":true}"#;
    for text in [own_id, own_count] {
        let (called, letters) = spent(text, Anew::Taken).await?;
        assert_eq!(
            (called, letters),
            ([1, 2, 3].map(|n| format!("\"x\" attempt {n}")).to_vec(), 1),
            "{text}"
        );
    }
    // Where it cannot be sent anew, the host counts.
    let (called, letters) = spent(own_id, Anew::Refused).await?;
    assert_eq!((called, letters), ([1, 2, 3].map(|n| format!("\"x\" attempt {n}")).to_vec(), 1));
    let (called, letters) = spent(own_count, Anew::Refused).await?;
    assert_eq!((called, letters), (vec!["\"x\" attempt 1".to_owned(); 3], 1));
    Ok(())
}
