//! The table of messages.

use std::time::Duration;

use skyport_measure::Outcome;

use super::{BODY, Messages};
use crate::hand::jobs::Jobs;

/// SQLite by hand.
#[derive(Debug)]
pub struct ByHand(pub Jobs);

impl Messages for ByHand {
    async fn send(&self) -> Outcome {
        self.0.send(vec![BODY]).await
    }

    async fn finish_one(&self) -> Outcome {
        let mut received = self.0.receive(1, Duration::from_secs(60)).await?;
        let delivery = received.pop().ok_or("nothing was there")?;
        let is_ours = delivery.attempts == 1 && delivery.attributes == "{}" && delivery.sent_at > 0;
        if delivery.body.len() != BODY.len() || !is_ours {
            return Err("another message came".into());
        }
        if self.0.ack(vec![(delivery.id, delivery.lease)]).await? != 1 {
            return Err("its lease had ended".into());
        }
        Ok(())
    }
}
