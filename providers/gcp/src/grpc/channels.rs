//! The channels of one endpoint: one for calls that are answered at once, and others for those that wait.
//!
//! Google takes 100 calls at a time on one connection. Pulls that wait would use them up, and what is to be acknowledged or prolonged
//! would then wait behind them until it is too late. So pulls have connections of their own, as many as they need.
//!
//! What works for a channel is spawned on the runtime that it is made in, and ends with that. So each runtime has channels of its
//! own, for whoever keeps a queue or a table beyond the runtime that first used it.

use std::sync::{Arc, Mutex, PoisonError};

use skyport_core::{Error, Result};
use tokio::runtime::{Handle, Id};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tonic::transport::Channel;

use super::channel;
use crate::provision::NAME;

/// How many pulls wait on one connection.
const PULLS: usize = 80;

/// The channels of one endpoint, by the runtimes that use them.
#[derive(Debug, Default)]
pub(crate) struct Channels(Mutex<Vec<Own>>);

/// The channels of one runtime.
#[derive(Debug)]
struct Own {
    runtime: Id,
    /// Closed once the runtime is gone.
    lives: oneshot::Sender<()>,
    calls: Channel,
    lanes: Vec<Lane>,
}

/// A channel for pulls.
#[derive(Debug)]
struct Lane {
    channel: Channel,
    room: Arc<Semaphore>,
}

impl Channels {
    /// The channel for calls that are answered at once. It connects with its first call.
    pub(crate) fn calls(&self, endpoint: &str) -> Result<Channel> {
        self.own(endpoint, |own| Ok(own.calls.clone()))
    }

    /// A channel for a call that waits, and its place there for as long as that takes.
    pub(crate) fn pulls(&self, endpoint: &str) -> Result<(Channel, OwnedSemaphorePermit)> {
        self.own(endpoint, |own| own.lane(endpoint))
    }

    /// What the runtime that asks has, made where it has nothing. What belonged to runtimes that are gone is let go.
    fn own<T>(&self, endpoint: &str, take: impl FnOnce(&mut Own) -> Result<T>) -> Result<T> {
        let runtime = Handle::try_current().map_err(|error| {
            let text = "Google Cloud was called outside of a runtime of tokio: call it from inside one";
            Error::invalid(text).with_source(error).with_provider(NAME)
        })?;
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|own| !own.lives.is_closed());
        if let Some(own) = all.iter_mut().find(|own| own.runtime == runtime.id()) {
            return take(own);
        }
        let mut own = Own::new(&runtime, endpoint)?;
        let taken = take(&mut own);
        all.push(own);
        taken
    }
}

impl Own {
    fn new(runtime: &Handle, endpoint: &str) -> Result<Self> {
        let calls = made(endpoint)?;
        let (lives, let_go) = oneshot::channel();
        // It ends when the channels are let go, or is ended with its runtime.
        drop(runtime.spawn(async move { drop(let_go.await) }));
        Ok(Self { runtime: runtime.id(), lives, calls, lanes: Vec::new() })
    }

    /// The first channel that has room; those behind it that nobody needs any more are closed.
    fn lane(&mut self, endpoint: &str) -> Result<(Channel, OwnedSemaphorePermit)> {
        let fits = |(at, lane): (usize, &Lane)| Some((at, Arc::clone(&lane.room).try_acquire_owned().ok()?));
        if let Some((at, permit)) = self.lanes.iter().enumerate().find_map(fits) {
            let mut place = 0;
            self.lanes.retain(|lane| {
                place += 1;
                place <= at + 1 || lane.room.available_permits() < PULLS
            });
            return Ok((self.lanes[at].channel.clone(), permit));
        }
        let lane = Lane { channel: made(endpoint)?, room: Arc::new(Semaphore::new(PULLS)) };
        let permit = Arc::clone(&lane.room).try_acquire_owned();
        let permit =
            permit.map_err(|error| Error::internal("a new connection has no room").with_source(error))?;
        let channel = lane.channel.clone();
        self.lanes.push(lane);
        Ok((channel, permit))
    }
}

fn made(endpoint: &str) -> Result<Channel> {
    channel(endpoint)
        .map_err(|error| Error::invalid(format!("`{endpoint}` is no endpoint: {error}")).with_provider(NAME))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOWHERE: &str = "http://127.0.0.1:1";

    fn lanes(channels: &Channels) -> usize {
        channels.0.lock().expect("unpoisoned").iter().map(|own| own.lanes.len()).sum()
    }

    #[tokio::test]
    async fn pulls_have_as_many_connections_as_they_need_and_no_more() {
        let channels = Channels::default();
        channels.calls(NOWHERE).expect("a channel");
        assert_eq!(lanes(&channels), 0);
        let mut waiting: Vec<_> =
            (0..2 * PULLS + 1).map(|_| channels.pulls(NOWHERE).expect("room")).collect();
        assert_eq!(lanes(&channels), 3);
        waiting.truncate(1);
        let more = channels.pulls(NOWHERE).expect("room");
        assert_eq!(lanes(&channels), 1, "those that nobody needs are closed");
        drop((more, waiting));
    }

    #[test]
    fn each_runtime_has_channels_of_its_own_and_takes_them_with_it() {
        let channels = Channels::default();
        assert!(channels.calls(NOWHERE).is_err(), "no runtime");
        let runtime = || tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let (first, second) = (runtime(), runtime());
        let take = || async { channels.calls(NOWHERE).map(drop).expect("a channel") };
        first.block_on(take());
        second.block_on(take());
        second.block_on(take());
        assert_eq!(channels.0.lock().expect("unpoisoned").len(), 2);
        drop(first);
        second.block_on(take());
        assert_eq!(channels.0.lock().expect("unpoisoned").len(), 1);
    }
}
