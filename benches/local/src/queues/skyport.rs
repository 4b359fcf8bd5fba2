//! The queue that users hold.

use std::time::Duration;

use skyport_measure::Outcome;

use super::{BODY, Messages};
use crate::ours;

/// Skyport's.
#[derive(Debug)]
pub struct Skyport(pub ours::Messages);

impl Messages for Skyport {
    async fn send(&self) -> Outcome {
        self.0.send(&BODY).await?;
        Ok(())
    }

    async fn finish_one(&self) -> Outcome {
        let mut received = self.0.receive(1, Duration::ZERO, Duration::from_secs(60)).await?;
        let delivery = received.pop().ok_or("nothing was there")?;
        if delivery.value()?.len() != BODY.len() {
            return Err("another body came".into());
        }
        delivery.ack().await?;
        Ok(())
    }
}
