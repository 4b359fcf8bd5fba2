//! A receive past its faults.

use std::sync::Arc;
use std::time::Duration;

use skyport_core::Result;
use skyport_core::queue::port::RawDelivery;

use super::draw::Draw;
use super::effect::{Effect, Which};
use super::rule::Site;
use super::{Faults, crash};
use crate::queue::QueueCell;

impl Faults {
    /// Lets a receive of a queue meet its faults, and those that are in what it brings.
    pub(crate) async fn receive(
        &self,
        site: &Site<'_>,
        cell: &Arc<QueueCell>,
        lease: Duration,
        receive: impl Future<Output = Result<Vec<RawDelivery>>> + Send,
    ) -> Result<Vec<RawDelivery>> {
        let fate = self.before(site).await?;
        let mut found = receive.await?;
        if !found.is_empty() {
            // It may have waited, and the invocation that waited have crashed.
            crash::alive().await;
            for effect in self.answer(site, fate.call) {
                match effect {
                    Effect::Redeliver { after, some } => self.redeliver(cell, &found, after, some),
                    Effect::Reorder(Which(number)) => {
                        let draw = Draw::of(number.unwrap_or_default());
                        draw.shuffle(&mut found);
                        cell.shuffle(draw);
                    }
                    Effect::LateLease { percent } => self.pause(lease * percent / 100).await,
                    _ => {}
                }
            }
        }
        self.after(site, fate).await?;
        fate.lost(site.resource).map_or(Ok(found), Err)
    }

    fn redeliver(&self, cell: &Arc<QueueCell>, found: &[RawDelivery], after: Duration, some: Which) {
        let count = found.len();
        let struck = found.iter().enumerate().filter(|(index, _)| some.holds(*index, count));
        cell.echo(struck.map(|(_, delivery)| delivery.clone()).collect(), after);
        self.hold(cell);
    }
}
