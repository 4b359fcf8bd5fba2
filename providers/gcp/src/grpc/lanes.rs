//! Channels for pulls that wait.
//!
//! Google takes 100 calls at a time on one connection. Pulls that wait would use them up, and what is to be acknowledged or prolonged
//! would then wait behind them until it is too late. So pulls have connections of their own, as many as they need.

use std::sync::Arc;

use skyport_core::{Error, Result};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::transport::Channel;

use super::channels::made;

/// How many pulls wait on one connection.
const PULLS: usize = 80;

/// The channels for pulls of one runtime.
#[derive(Debug, Default)]
pub(super) struct Lanes(Vec<Lane>);

/// A channel for pulls.
#[derive(Debug)]
struct Lane {
    channel: Channel,
    room: Arc<Semaphore>,
}

impl Lanes {
    /// The first channel that has room; those behind it that nobody needs any more are closed.
    pub(super) fn take(&mut self, endpoint: &str) -> Result<(Channel, OwnedSemaphorePermit)> {
        let fits = |(at, lane): (usize, &Lane)| Some((at, Arc::clone(&lane.room).try_acquire_owned().ok()?));
        if let Some((at, permit)) = self.0.iter().enumerate().find_map(fits) {
            let mut place = 0;
            self.0.retain(|lane| {
                place += 1;
                place <= at + 1 || lane.room.available_permits() < PULLS
            });
            return Ok((self.0[at].channel.clone(), permit));
        }
        let lane = Lane { channel: made(endpoint)?, room: Arc::new(Semaphore::new(PULLS)) };
        let permit = Arc::clone(&lane.room).try_acquire_owned();
        let permit =
            permit.map_err(|error| Error::internal("a new connection has no room").with_source(error))?;
        let channel = lane.channel.clone();
        self.0.push(lane);
        Ok((channel, permit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOWHERE: &str = "http://127.0.0.1:1";

    #[tokio::test]
    async fn pulls_have_as_many_connections_as_they_need_and_no_more() {
        let mut lanes = Lanes::default();
        let mut waiting: Vec<_> = (0..2 * PULLS + 1).map(|_| lanes.take(NOWHERE).expect("room")).collect();
        assert_eq!(lanes.0.len(), 3);
        waiting.truncate(1);
        let more = lanes.take(NOWHERE).expect("room");
        assert_eq!(lanes.0.len(), 1, "those that nobody needs are closed");
        drop((more, waiting));
    }
}
