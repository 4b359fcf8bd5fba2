//! Extensions that are under way: who wants to settle the delivery meanwhile waits for the receipt that they bring.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// By the handles of their leases.
#[derive(Default)]
pub(super) struct Extending(Mutex<HashMap<String, watch::Receiver<()>>>);

/// One that is under way, until this is dropped.
pub(super) struct UnderWay {
    all: Arc<Extending>,
    handle: String,
    /// Whose end the others wait for.
    _end: watch::Sender<()>,
}

impl Extending {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, watch::Receiver<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins one; `None` where there is one already.
    pub(super) fn begin(all: &Arc<Self>, handle: &str) -> Option<UnderWay> {
        let mut under_way = all.lock();
        if under_way.contains_key(handle) {
            return None;
        }
        let (end, ended) = watch::channel(());
        under_way.insert(handle.to_owned(), ended);
        Some(UnderWay { all: Arc::clone(all), handle: handle.to_owned(), _end: end })
    }

    /// Waits for the one of this lease; false where there is none.
    pub(super) async fn wait(&self, handle: &str) -> bool {
        let found = self.lock().get(handle).cloned();
        let Some(mut ended) = found else { return false };
        // Nothing is ever sent.
        while ended.changed().await.is_ok() {}
        true
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.all.lock().remove(&self.handle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_at_a_time_and_whoever_waits_goes_on_at_its_end() {
        let all = Arc::new(Extending::default());
        assert!(!all.wait("1").await);
        let first = Extending::begin(&all, "1").expect("the first");
        assert!(Extending::begin(&all, "1").is_none() && Extending::begin(&all, "2").is_some());
        let waiting = tokio::spawn({
            let all = Arc::clone(&all);
            async move { all.wait("1").await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(first);
        assert!(waiting.await.expect("it goes on"));
        assert!(Extending::begin(&all, "1").is_some());
    }
}
