//! The floor: a plain line of messages behind a lock, in the shape of the port and with its looks at the clock, with none of
//! a queue's duties.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;

use super::Queues;
use skyport_measure::Outcome;

/// A plain `Mutex<VecDeque>`, behind boxed dyn calls with vectors in and out.
#[derive(Clone, Debug)]
pub struct Floor(Arc<dyn Plain>);

impl Default for Floor {
    fn default() -> Self {
        Self(Arc::new(Line::default()))
    }
}

/// What was received.
#[derive(Clone, Debug)]
pub struct Received {
    number: u64,
    _body: Bytes,
    _sent_at: Instant,
}

#[async_trait]
trait Plain: Debug + Send + Sync {
    async fn send(&self, bodies: Vec<Bytes>) -> Vec<u64>;
    async fn receive(&self, max: usize, lease: Duration) -> Vec<Received>;
    async fn settle(&self, numbers: Vec<u64>) -> Vec<bool>;
}

#[derive(Debug, Default)]
struct Line(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    next: u64,
    ready: VecDeque<Received>,
    leased: VecDeque<(Received, Instant)>,
}

impl Line {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Plain for Line {
    async fn send(&self, bodies: Vec<Bytes>) -> Vec<u64> {
        let now = Instant::now();
        let mut state = self.lock();
        let send = |body| {
            state.next += 1;
            let number = state.next;
            state.ready.push_back(Received { number, _body: body, _sent_at: now });
            number
        };
        bodies.into_iter().map(send).collect()
    }

    async fn receive(&self, max: usize, lease: Duration) -> Vec<Received> {
        let until = Instant::now() + lease;
        let mut state = self.lock();
        let count = state.ready.len().min(max);
        let mut received = Vec::with_capacity(count);
        while received.len() < count
            && let Some(message) = state.ready.pop_front()
        {
            received.push(message.clone());
            state.leased.push_back((message, until));
        }
        received
    }

    async fn settle(&self, numbers: Vec<u64>) -> Vec<bool> {
        let now = Instant::now();
        let mut state = self.lock();
        let settle = |number| {
            let first = state.leased.pop_front();
            first.is_some_and(|(message, until)| message.number == number && now < until)
        };
        numbers.into_iter().map(settle).collect()
    }
}

impl Queues for Floor {
    type Delivery = Vec<Received>;

    async fn send(&mut self, body: Bytes) -> Outcome {
        self.0.send(vec![body]).await;
        Ok(())
    }

    async fn receive(&mut self) -> Outcome<Vec<Received>> {
        Ok(self.0.receive(1, Duration::from_secs(30)).await)
    }

    async fn ack(&mut self, received: Vec<Received>) -> Outcome {
        let settled = self.0.settle(received.iter().map(|message| message.number).collect()).await;
        if settled == [true] { Ok(()) } else { Err("a message was not settled".into()) }
    }
}
