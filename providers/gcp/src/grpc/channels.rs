//! The channels of one endpoint: one for calls that are answered at once, and others for those that wait.
//!
//! What works for a channel is spawned on the runtime that it is made in, and ends with that. So each runtime has channels of its
//! own, for whoever keeps a queue or a table beyond the runtime that first used it.

use std::sync::{Mutex, PoisonError};

use skyport_core::{Error, Result};
use tokio::runtime::{Handle, Id};
#[cfg(feature = "queue")]
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::oneshot;
use tonic::transport::Channel;

use super::channel;
#[cfg(feature = "queue")]
use super::lanes::Lanes;
use crate::provision::NAME;

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
    #[cfg(feature = "queue")]
    lanes: Lanes,
}

impl Channels {
    /// The channel for calls that are answered at once. It connects with its first call.
    pub(crate) fn calls(&self, endpoint: &str) -> Result<Channel> {
        self.own(endpoint, |own| Ok(own.calls.clone()))
    }

    /// A channel for a call that waits, and its place there for as long as that takes.
    #[cfg(feature = "queue")]
    pub(crate) fn pulls(&self, endpoint: &str) -> Result<(Channel, OwnedSemaphorePermit)> {
        self.own(endpoint, |own| own.lanes.take(endpoint))
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
        Ok(Self {
            runtime: runtime.id(),
            lives,
            calls,
            #[cfg(feature = "queue")]
            lanes: Lanes::default(),
        })
    }
}

pub(super) fn made(endpoint: &str) -> Result<Channel> {
    channel(endpoint)
        .map_err(|error| Error::invalid(format!("`{endpoint}` is no endpoint: {error}")).with_provider(NAME))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOWHERE: &str = "http://127.0.0.1:1";

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
