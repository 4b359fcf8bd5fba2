//! The increments of one counter in this process, one after the other: rivals within a process would only cost each other
//! requests. Nothing is guarded by this; those of other processes come between all the same.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::port::Key;
use super::rounds::contended;
use crate::Result;

/// Who waits for which counter.
#[derive(Debug, Default)]
pub struct Turns(Mutex<HashMap<Key, Weak<Semaphore>>>);

/// A turn, or the wait for it; the next one's when it is dropped.
#[derive(Debug)]
pub struct Turn<'t> {
    turns: &'t Turns,
    key: &'t Key,
    line: Option<Arc<Semaphore>>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Turns {
    /// Waits until it is this one's turn, or until `stop`.
    ///
    /// # Errors
    /// `Conflict` where too many were before it: nothing was sent then.
    pub async fn of<'t>(&'t self, key: &'t Key, stop: Instant) -> Result<Turn<'t>> {
        let line = self.line(key);
        let mut turn = Turn { turns: self, key, line: Some(Arc::clone(&line)), permit: None };
        let waited = timeout_at(stop, line.acquire_owned()).await;
        // It is never closed.
        turn.permit = waited.map_err(|_| contended())?.ok();
        Ok(turn)
    }

    fn line(&self, key: &Key) -> Arc<Semaphore> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = lines.get(key).and_then(Weak::upgrade) {
            return line;
        }
        let line = Arc::new(Semaphore::new(1));
        lines.insert(key.clone(), Arc::downgrade(&line));
        line
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut lines = self.turns.0.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.permit.take());
        drop(self.line.take());
        if lines.get(self.key).is_some_and(|line| line.strong_count() == 0) {
            lines.remove(self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::kv::rounds::{PATIENCE, Rounds};
    use futures_util::FutureExt;

    #[tokio::test(start_paused = true)]
    async fn what_has_waited_for_its_turn_has_the_less_time_for_its_rounds() {
        let (turns, key) = (Turns::default(), Key::new("p", "a"));
        let rounds = Rounds::new();
        let first = turns.of(&key, rounds.stop()).await.expect("nobody before");
        let begun = Instant::now();
        assert!(turns.of(&key, rounds.stop()).await.is_err(), "its time is over");
        assert_eq!(begun.elapsed(), PATIENCE);
        drop(first);
        let mut late = rounds;
        assert!(late.again().await.is_err(), "no round begins after that");
    }

    #[tokio::test]
    async fn the_next_one_has_its_turn_when_the_one_before_is_gone_and_nothing_stays_behind() {
        let (turns, key, other) = (Turns::default(), Key::new("p", "a"), Key::new("p", "b"));
        let stop = Instant::now() + Duration::from_secs(5);
        let first = turns.of(&key, stop).await.expect("nobody before");
        assert!(turns.of(&other, stop).now_or_never().is_some(), "another counter has a line of its own");
        let mut second = Box::pin(turns.of(&key, stop));
        assert!(second.as_mut().now_or_never().is_none());
        let mut third = Box::pin(turns.of(&key, stop));
        assert!(third.as_mut().now_or_never().is_none());
        drop(second);
        drop(first);
        drop(third.now_or_never().expect("whoever gave up is not waited for").expect("a turn"));
        assert!(turns.0.lock().expect("unpoisoned").is_empty());
    }
}
