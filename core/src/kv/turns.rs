//! The increments of one counter in this process, one after the other: rivals within a process would only cost each other
//! requests. Nothing is guarded by this; those of other processes come between all the same.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::port::Key;
use super::rounds::contended;
use crate::Result;

/// Who waits for which counter, and what each leaves to the next: what it knows of the counter, say.
#[derive(Debug)]
pub struct Turns<T = ()>(Mutex<HashMap<Key, Weak<Line<T>>>>);

/// Those who wait for one counter.
#[derive(Debug)]
struct Line<T> {
    gate: Arc<Semaphore>,
    left: Mutex<Option<T>>,
}

/// A turn, or the wait for it; the next one's when it is dropped.
#[derive(Debug)]
pub struct Turn<'t, T = ()> {
    turns: &'t Turns<T>,
    key: &'t Key,
    line: Option<Arc<Line<T>>>,
    permit: Option<OwnedSemaphorePermit>,
}

impl<T> Default for Turns<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Turns<T> {
    /// Waits until it is this one's turn, or until `stop`.
    ///
    /// # Errors
    /// `Conflict` where too many were before it: nothing was sent then.
    pub async fn of<'t>(&'t self, key: &'t Key, stop: Instant) -> Result<Turn<'t, T>> {
        let line = self.line(key);
        let gate = Arc::clone(&line.gate);
        let mut turn = Turn { turns: self, key, line: Some(line), permit: None };
        let waited = timeout_at(stop, gate.acquire_owned()).await;
        // It is never closed.
        turn.permit = waited.map_err(|_| contended())?.ok();
        Ok(turn)
    }

    fn line(&self, key: &Key) -> Arc<Line<T>> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = lines.get(key).and_then(Weak::upgrade) {
            return line;
        }
        let line = Arc::new(Line { gate: Arc::new(Semaphore::new(1)), left: Mutex::new(None) });
        lines.insert(key.clone(), Arc::downgrade(&line));
        line
    }
}

impl<T> Turn<'_, T> {
    /// What the one before left, if it did; once.
    #[must_use]
    pub fn take(&self) -> Option<T> {
        self.left()?.take()
    }

    /// Leaves something to the next one, if anybody waits.
    pub fn leave(&self, known: T) {
        if let Some(mut left) = self.left() {
            *left = Some(known);
        }
    }

    fn left(&self) -> Option<MutexGuard<'_, Option<T>>> {
        Some(self.line.as_ref()?.left.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<T> Drop for Turn<'_, T> {
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
        let (turns, key) = (Turns::<()>::default(), Key::new("p", "a"));
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
    async fn the_next_one_has_its_turn_and_what_was_left_to_it_when_the_one_before_is_gone_and_nothing_stays_behind()
     {
        let (turns, key, other) = (Turns::<u32>::default(), Key::new("p", "a"), Key::new("p", "b"));
        let stop = Instant::now() + Duration::from_secs(5);
        let first = turns.of(&key, stop).await.expect("nobody before");
        assert!(turns.of(&other, stop).now_or_never().is_some(), "another counter has a line of its own");
        let mut second = Box::pin(turns.of(&key, stop));
        assert!(second.as_mut().now_or_never().is_none());
        let mut third = Box::pin(turns.of(&key, stop));
        assert!(third.as_mut().now_or_never().is_none());
        drop(second);
        first.leave(7);
        drop(first);
        let third = third.now_or_never().expect("whoever gave up is not waited for").expect("a turn");
        assert_eq!((third.take(), third.take()), (Some(7), None));
        third.leave(8);
        drop(third);
        assert_eq!(turns.of(&key, stop).await.expect("nobody before").take(), None, "it was left to nobody");
        assert!(turns.0.lock().expect("unpoisoned").is_empty());
    }
}
