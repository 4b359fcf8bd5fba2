//! A queue with one message of somebody else's.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use skyport_functions_host::{QueueMessage, QueueSource, Queues};
use tokio::sync::watch;

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

    pub(crate) fn of(text: &str, dequeue_count: u64) -> Self {
        let mut message = QueueMessage::new("52d51cf4-7b92-4bb9-b8c3-2f7b8a1ef6a7", "AgAAAAMAAAAAAAAA", text);
        message.dequeue_count = dequeue_count;
        Self { message: Arc::new(Mutex::new(Some(message))), ..Self::default() }
    }

    /// What was done with it at last.
    pub(crate) async fn done(&self) -> Vec<&'static str> {
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
