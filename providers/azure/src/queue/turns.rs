//! One at a time for each delivery: whoever extends or settles it leaves another pop receipt behind, or none, and the next one has to know that.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use skyport_core::Result;
use tokio::sync::watch;

/// The turns that are taken, by the handles of their leases.
#[derive(Default)]
pub(super) struct Turns(Mutex<HashMap<String, watch::Receiver<()>>>);

/// The turn of whoever changes a delivery, until this is dropped.
pub(super) struct Turn {
    all: Arc<Turns>,
    handle: String,
    /// Whose end the others wait for.
    _end: watch::Sender<()>,
}

impl Turns {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, watch::Receiver<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next turn of a delivery, whose handle `newest` tells: whoever has the turn before may change it.
    pub(super) async fn take(all: &Arc<Self>, newest: impl Fn() -> Result<String>) -> Result<Turn> {
        loop {
            let handle = newest()?;
            let mut taken = match Self::begin(all, &handle) {
                // Between the look and the turn it may have moved.
                Ok(turn) if newest()? == handle => return Ok(turn),
                Ok(_) => continue,
                Err(taken) => taken,
            };
            // Nothing is ever sent.
            while taken.changed().await.is_ok() {}
        }
    }

    /// Takes a turn, or gives what ends with the one that is taken.
    fn begin(all: &Arc<Self>, handle: &str) -> std::result::Result<Turn, watch::Receiver<()>> {
        let mut turns = all.lock();
        if let Some(taken) = turns.get(handle) {
            return Err(taken.clone());
        }
        let (end, ended) = watch::channel(());
        turns.insert(handle.to_owned(), ended);
        Ok(Turn { all: Arc::clone(all), handle: handle.to_owned(), _end: end })
    }
}

impl Turn {
    /// The delivery's handle for as long as this turn lasts.
    pub(super) fn handle(&self) -> &str {
        &self.handle
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.all.lock().remove(&self.handle);
    }
}

#[cfg(test)]
mod tests {
    use skyport_core::Error;

    use super::*;

    async fn taken(all: &Arc<Turns>, handle: &str) -> Turn {
        Turns::take(all, || Ok(handle.to_owned())).await.expect("a turn")
    }

    #[tokio::test]
    async fn one_at_a_time_and_whoever_waits_takes_the_handle_that_is_left() {
        let all = Arc::new(Turns::default());
        let newest = Arc::new(Mutex::new("1"));
        let first = taken(&all, "1").await;
        assert_eq!(taken(&all, "2").await.handle(), "2", "another delivery's");
        let waiting = tokio::spawn({
            let (all, newest) = (Arc::clone(&all), Arc::clone(&newest));
            async move { Turns::take(&all, || Ok((*newest.lock().expect("whole")).to_owned())).await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        *newest.lock().expect("whole") = "1b";
        drop(first);
        let second = waiting.await.expect("it goes on").expect("a turn");
        assert_eq!(second.handle(), "1b");
        drop(second);
        assert!(all.lock().is_empty());
    }

    #[tokio::test]
    async fn a_handle_that_moves_before_the_turn_is_taken_is_not_the_one_of_the_turn() {
        let all = Arc::new(Turns::default());
        let asked = Mutex::new(0);
        let moving = || {
            let mut asked = asked.lock().expect("whole");
            *asked += 1;
            Ok(if *asked == 1 { "1" } else { "1b" }.to_owned())
        };
        assert_eq!(Turns::take(&all, moving).await.expect("a turn").handle(), "1b");
        assert!(Turns::take(&all, || Err(Error::invalid("over"))).await.is_err());
        assert!(all.lock().is_empty());
    }
}
