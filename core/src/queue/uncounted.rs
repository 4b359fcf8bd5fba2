//! Deliveries that a service counted and nobody saw: for a provider whose service counts whatever it hands out.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::MessageId;

/// Of how many messages this is remembered.
const MOST: usize = 10_000;

/// For how long, since the last of them.
const REMEMBERED: Duration = Duration::from_secs(3_600);

/// How often this process gave a message back that no receiver had seen. What it forgets counts as an attempt.
#[derive(Debug, Default)]
pub struct Uncounted(Mutex<HashMap<MessageId, Returns>>);

#[derive(Debug)]
struct Returns {
    count: u32,
    last: Instant,
}

impl Uncounted {
    /// The message goes back unseen.
    pub fn add(&self, id: &MessageId) {
        let mut returns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if returns.len() >= MOST && !returns.contains_key(id) {
            returns.retain(|_, returns| now.saturating_duration_since(returns.last) < REMEMBERED);
            if returns.len() >= MOST {
                return;
            }
        }
        let returns = returns.entry(id.clone()).or_insert(Returns { count: 0, last: now });
        (returns.count, returns.last) = (returns.count.saturating_add(1), now);
    }

    /// Which attempt the delivery is that the service counts as this one.
    #[must_use]
    pub fn attempt(&self, id: &MessageId, counted: u32) -> u32 {
        let returns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counted.saturating_sub(returns.get(id).map_or(0, |returns| returns.count)).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_nobody_saw_is_no_attempt_and_what_is_remembered_is_bounded() {
        let uncounted = Uncounted::default();
        let id = MessageId::new("1");
        assert_eq!(uncounted.attempt(&id, 2), 2);
        uncounted.add(&id);
        uncounted.add(&id);
        assert_eq!((uncounted.attempt(&id, 3), uncounted.attempt(&id, 1)), (1, 1));
        for n in 0..MOST {
            uncounted.add(&MessageId::new(format!("m{n}")));
        }
        assert_eq!(uncounted.0.lock().expect("whole").len(), MOST);
        tokio::time::advance(REMEMBERED).await;
        uncounted.add(&MessageId::new("new"));
        assert_eq!(uncounted.0.lock().expect("whole").len(), 1);
    }
}
