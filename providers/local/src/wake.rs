//! Waking receivers that wait: at once in this process, within a tenth of a second from another.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::Notify;

/// How often another process's writes are looked for, while somebody waits.
const POLL: Duration = Duration::from_millis(100);

/// Who waits for which queue.
#[derive(Debug, Default)]
pub(crate) struct Wakes {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    queues: HashMap<i64, Queue>,
    closed: bool,
}

#[derive(Debug, Default)]
struct Queue {
    notify: Arc<Notify>,
    waiting: usize,
}

impl Wakes {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for changes of a queue, until this is dropped.
    pub(crate) fn wait(self: &Arc<Self>, queue: i64) -> Waiting {
        let mut state = self.lock();
        let entry = state.queues.entry(queue).or_default();
        entry.waiting += 1;
        let notify = Arc::clone(&entry.notify);
        drop(state);
        self.changed.notify_all();
        Waiting { wakes: Arc::clone(self), queue, notify }
    }

    /// Something changed in these queues.
    pub(crate) fn tell(&self, queues: &[i64]) {
        if queues.is_empty() {
            return;
        }
        let state = self.lock();
        for entry in queues.iter().filter_map(|queue| state.queues.get(queue)) {
            entry.notify.notify_waiters();
        }
    }

    fn tell_all(&self) {
        for entry in self.lock().queues.values() {
            entry.notify.notify_waiters();
        }
    }

    /// Ends the watching thread.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Watches for commits of other processes; sleeps while nobody waits.
    pub(crate) fn watch(self: Arc<Self>, connection: Connection) -> std::io::Result<()> {
        std::thread::Builder::new()
            .name("skyport-watcher".to_owned())
            .spawn(move || self.watch_until_closed(&connection))?;
        Ok(())
    }

    fn watch_until_closed(&self, connection: &Connection) {
        let mut seen = None;
        while self.somebody_waits() {
            let version = connection
                .prepare_cached("PRAGMA data_version")
                .and_then(|mut statement| statement.query_row([], |row| row.get::<_, i64>(0)));
            match version {
                Ok(version) if seen == Some(version) => {}
                Ok(version) => {
                    seen = Some(version);
                    self.tell_all();
                }
                Err(error) => {
                    // Those who wait look for themselves, and tell what is wrong.
                    tracing::warn!(%error, "the database cannot be watched");
                    self.tell_all();
                }
            }
            let state = self.lock();
            let paused = self
                .changed
                .wait_timeout_while(state, POLL, |state| !state.closed)
                .unwrap_or_else(PoisonError::into_inner);
            drop(paused);
        }
    }

    /// Sleeps until somebody waits; no once all is closed.
    fn somebody_waits(&self) -> bool {
        let state = self
            .changed
            .wait_while(self.lock(), |state| state.queues.is_empty() && !state.closed)
            .unwrap_or_else(PoisonError::into_inner);
        !state.closed
    }
}

/// A receiver that waits for one queue.
#[derive(Debug)]
pub(crate) struct Waiting {
    wakes: Arc<Wakes>,
    queue: i64,
    notify: Arc<Notify>,
}

impl Waiting {
    /// Told by every change after this is enabled.
    pub(crate) fn notified(&self) -> tokio::sync::futures::Notified<'_> {
        self.notify.notified()
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut state = self.wakes.lock();
        if let Some(entry) = state.queues.get_mut(&self.queue) {
            entry.waiting -= 1;
            if entry.waiting == 0 {
                state.queues.remove(&self.queue);
            }
        }
    }
}
