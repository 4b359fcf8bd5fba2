//! The worker over the fakes, in virtual time.

// All of this is a test, its helpers too.
#![allow(clippy::expect_used)]

mod failures;
mod leases;
mod ordered;
mod shutdown;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use skyport_core::provider::{Provider, ResourceKind, ResourceUrl};
use skyport_core::queue::port::{MessageQueue, OutMessage, QueueSettings, RawDelivery};
use skyport_core::worker::{Worker, WorkerConfig, WorkerContext};
use skyport_core::{Outcome, Shutdown};
use skyport_memory::Memory;
use tokio::task::JoinHandle;
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);

/// A queue of the fakes and what its handler saw.
struct Bench {
    memory: Memory,
    queue: Arc<dyn MessageQueue>,
    stop: Shutdown,
    begun: Instant,
    log: Log,
}

/// Bodies with the second at which they were handled.
#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<Vec<(String, u64)>>>);

impl Log {
    fn note(&self, begun: Instant, text: impl Into<String>) {
        self.0.lock().expect("no panic inside").push((text.into(), begun.elapsed().as_secs()));
    }

    fn texts(&self) -> Vec<String> {
        let log = self.0.lock().expect("no panic inside");
        log.iter().map(|(text, _)| text.clone()).collect()
    }

    fn seconds(&self) -> Vec<u64> {
        let log = self.0.lock().expect("no panic inside");
        log.iter().map(|(_, second)| *second).collect()
    }
}

impl Bench {
    async fn new(max_attempts: u32, ordered: bool) -> Self {
        let memory = Memory::new();
        let url = ResourceUrl::new("memory", "jobs");
        let mut settings = QueueSettings::default();
        settings.max_attempts = max_attempts;
        settings.ordered = ordered;
        let kind = ResourceKind::Queue(settings.clone());
        memory.create(&url, &kind).await.expect("created");
        Self {
            queue: memory.queue(&url, &settings).expect("opened"),
            memory,
            stop: Shutdown::new(),
            begun: Instant::now(),
            log: Log::default(),
        }
    }

    async fn send(&self, bodies: &[&str]) {
        let messages = bodies.iter().map(|body| OutMessage::new((*body).to_owned()));
        for sent in self.queue.send(messages.collect()).await {
            sent.expect("sent");
        }
    }

    /// Sends `group:rest`, each to its group.
    async fn send_grouped(&self, bodies: &[&str]) {
        let grouped = |body: &&str| {
            let mut message = OutMessage::new((*body).to_owned());
            message.group = body.split(':').next().map(str::to_owned);
            message
        };
        for sent in self.queue.send(bodies.iter().map(grouped).collect()).await {
            sent.expect("sent");
        }
    }

    /// Starts a worker that notes each body when its handler begins.
    fn work<H, F>(&self, config: WorkerConfig, handler: H) -> JoinHandle<()>
    where
        H: Fn(Vec<RawDelivery>, WorkerContext) -> F + Send + Sync + 'static,
        F: Future<Output = Vec<Outcome>> + Send + 'static,
    {
        let (log, begun) = (self.log.clone(), self.begun);
        let noting = move |messages: Vec<RawDelivery>, context| {
            for message in &messages {
                log.note(begun, text(message));
            }
            handler(messages, context)
        };
        tokio::spawn(Worker::new(Arc::clone(&self.queue), config, noting).run(self.stop.clone()))
    }

    async fn stop(&self, worker: JoinHandle<()>) {
        self.stop.trigger();
        worker.await.expect("the worker ends well");
    }

    async fn total(&self) -> u64 {
        self.queue.depth().await.expect("a depth").total()
    }

    async fn dead_reasons(&self) -> Vec<(String, String)> {
        let dead = self.queue.dead_letters().expect("dead letters");
        let options = skyport_core::queue::port::ReceiveOptions::new(10, Duration::ZERO, SECOND);
        let letters = dead.receive(options).await.expect("received");
        letters
            .iter()
            .map(|letter| (text(letter), letter.envelope.reason().unwrap_or_default().to_owned()))
            .collect()
    }
}

fn text(message: &RawDelivery) -> String {
    String::from_utf8_lossy(&message.body).into_owned()
}

fn config(change: impl FnOnce(&mut WorkerConfig)) -> WorkerConfig {
    let mut config = WorkerConfig::default();
    change(&mut config);
    config
}
