//! Locks whose holder panicked are used on: what they guard is changed in steps that cannot panic half-way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn read<T: ?Sized>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn write<T: ?Sized>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

/// One shared cell a name, made when the name is first used: opened, created or removed.
///
/// Whether the resource exists is told by the cell, so that a handle that was opened before `create` finds it.
#[derive(Debug)]
pub(crate) struct Directory<T>(Mutex<HashMap<String, Arc<T>>>);

impl<T> Default for Directory<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Directory<T> {
    pub(crate) fn cell(&self, name: &str, make: impl FnOnce() -> Arc<T>) -> Arc<T> {
        let mut cells = lock(&self.0);
        if let Some(cell) = cells.get(name) {
            return Arc::clone(cell);
        }
        let cell = make();
        cells.insert(name.to_owned(), Arc::clone(&cell));
        cell
    }

    /// All of them, in no order.
    pub(crate) fn all(&self) -> Vec<Arc<T>> {
        lock(&self.0).values().cloned().collect()
    }
}
