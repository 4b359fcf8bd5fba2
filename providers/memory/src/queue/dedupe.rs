//! What was sent under a `dedupe_id` in the last five minutes.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use skyport_core::queue::port::MessageId;
use tokio::time::Instant;

const WINDOW: Duration = Duration::from_secs(300);

#[derive(Default)]
pub(super) struct Dedupe {
    sent: HashMap<String, MessageId>,
    ends: VecDeque<(Instant, String)>,
}

impl Dedupe {
    /// The id of the message that was sent under this id within the window.
    pub(super) fn find(&mut self, id: &str, now: Instant) -> Option<MessageId> {
        while let Some((_, old)) = self.ends.pop_front_if(|(end, _)| *end <= now) {
            self.sent.remove(&old);
        }
        self.sent.get(id).cloned()
    }

    pub(super) fn record(&mut self, id: String, message: MessageId, now: Instant) {
        self.ends.push_back((now + WINDOW, id.clone()));
        self.sent.insert(id, message);
    }
}
