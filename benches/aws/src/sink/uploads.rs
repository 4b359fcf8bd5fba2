//! Uploads in parts that are under way: how many bytes have come of each.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Uploads(Mutex<HashMap<String, u64>>);

impl Uploads {
    /// Begins one: its id.
    pub(super) fn start(&self) -> String {
        let mut uploads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut number = uploads.len();
        while uploads.contains_key(&number.to_string()) {
            number += 1;
        }
        uploads.insert(number.to_string(), 0);
        number.to_string()
    }

    /// So many more bytes have come.
    pub(super) fn add(&self, id: &str, bytes: u64) {
        let mut uploads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sum) = uploads.get_mut(id) {
            *sum += bytes;
        }
    }

    /// Ends one: how many bytes it had.
    pub(super) fn end(&self, id: &str) -> Option<u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id)
    }
}
