//! Messages of others, whose own fields stand over what the host tells.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use skyport_azure_functions::metadata::HttpForm;
use skyport_core::Result;
use skyport_functions_host::{QueueMessage, QueueSource, Queues};
use tokio::sync::watch;

use crate::application::Running;

/// A queue that gives one message once, and notes what the host does with it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Single {
    message: Arc<Mutex<Option<QueueMessage>>>,
    done: watch::Sender<Vec<&'static str>>,
}

impl Single {
    pub(crate) fn nothing() -> Self {
        Self::default()
    }

    fn of(text: &str, dequeue_count: u64) -> Self {
        let mut message = QueueMessage::new("52d51cf4-7b92-4bb9-b8c3-2f7b8a1ef6a7", "AgAAAAMAAAAAAAAA", text);
        message.dequeue_count = dequeue_count;
        Self { message: Arc::new(Mutex::new(Some(message))), ..Self::default() }
    }

    async fn done(&self) -> Vec<&'static str> {
        let mut done = self.done.subscribe();
        let ended = done.wait_for(|done| done.iter().any(|step| *step != "poison"));
        tokio::time::timeout(Duration::from_secs(10), ended)
            .await
            .expect("in time")
            .expect("it lives")
            .clone()
    }

    fn note(&self, step: &'static str) {
        self.done.send_modify(|done| done.push(step));
    }
}

impl Queues for Single {
    fn open(&self, _: &str, _: &str) -> skyport_functions_host::Result<Arc<dyn QueueSource>> {
        Ok(Arc::new(self.clone()))
    }
}

#[async_trait]
impl QueueSource for Single {
    async fn receive(&self, _: usize, _: Duration) -> skyport_functions_host::Result<Vec<QueueMessage>> {
        let message = self.message.lock().expect("no panic").take();
        if message.is_none() {
            std::future::pending::<()>().await;
        }
        Ok(message.into_iter().collect())
    }

    async fn hide(
        &self,
        message: &QueueMessage,
        _: Duration,
    ) -> skyport_functions_host::Result<Option<String>> {
        self.note("again");
        Ok(Some(message.pop_receipt.clone()))
    }

    async fn delete(&self, _: &QueueMessage) -> skyport_functions_host::Result<bool> {
        self.note("deleted");
        Ok(true)
    }

    async fn copy_to_poison(&self, _: &QueueMessage) -> skyport_functions_host::Result<()> {
        self.note("poison");
        Ok(())
    }
}

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
