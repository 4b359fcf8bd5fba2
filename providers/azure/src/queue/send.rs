//! Sending: each message is a call of its own.

use skyport_azure_wire::message::to_text;
use skyport_core::clock::whole_seconds;
use skyport_core::queue::MessageId;
use skyport_core::queue::port::OutMessage;
use skyport_core::{ErrorKind, Result};
use tokio::sync::OnceCell;

use super::{Place, all};

impl Place {
    /// One result each, in order.
    pub(super) async fn send(&self, messages: Vec<OutMessage>) -> Vec<Result<MessageId>> {
        let messages = match <[OutMessage; 1]>::try_from(messages) {
            // A single one needs nobody to look after several.
            Ok([only]) => return vec![self.send_one(only).await],
            Err(several) => several,
        };
        all(messages.into_iter().map(|message| self.send_one(message)).collect()).await
    }

    async fn send_one(&self, message: OutMessage) -> Result<MessageId> {
        let text = to_text(&message).map_err(|error| self.named(error))?;
        // It is on its way as text.
        let delay = message.delay.map(whole_seconds);
        drop(message);
        self.put(text, delay).await
    }

    /// Sends a letter to this queue of dead letters, which is made where there is none: once for all the letters that share `made`.
    pub(super) async fn bury(&self, letter: OutMessage, made: &OnceCell<()>) -> Result<()> {
        let put = || async {
            let text = to_text(&letter).map_err(|error| self.named(error))?;
            self.put(text, None).await.map(drop)
        };
        match put().await {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                made.get_or_try_init(|| self.make()).await?;
                put().await
            }
            sent => sent,
        }
    }
}
