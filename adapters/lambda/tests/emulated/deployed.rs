//! What is deployed for one case: two functions of the same program, and what calls them.

use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::json;
use skyport_conformance::trigger::DEADLINE_MILLIS;
use skyport_core::app::{Functions, Trigger};
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl};
use skyport_core::queue::port::{MessageQueue, QueueSettings};
use skyport_core::{Result, Token};

use crate::emulator::Emulator;
use crate::relay;

/// The time of an invocation by anything but a request.
const SECONDS: u64 = 20;

/// A queue that carries a bucket's events, and that the application does not declare.
#[derive(Debug)]
struct Carrier {
    url: ResourceUrl,
    kind: ResourceKind,
    queue: Arc<dyn MessageQueue>,
}

/// All of it; removed by [`Deployed::remove`].
#[derive(Debug)]
pub(crate) struct Deployed {
    pub(crate) emulator: Emulator,
    provider: Arc<dyn Provider>,
    /// Called by events.
    pub(crate) events: String,
    /// Called by requests: its time is another.
    requests: String,
    /// The path of its Function URL.
    pub(crate) url: String,
    carrier: Carrier,
    bucket: String,
    mappings: Vec<String>,
    queues: Vec<Arc<dyn MessageQueue>>,
}

impl Deployed {
    pub(crate) async fn new(
        emulator: Emulator,
        provider: Arc<dyn Provider>,
        functions: &Functions,
        relays: SocketAddr,
    ) -> Result<Self> {
        let name = format!("bench{:08x}", Token::new().to_bits() >> 96);
        let program = std::env::current_exe().expect("this program's path");
        let variables = json!({ relay::PROGRAM: program, relay::ADDRESS: relays });
        let (events, requests) = (format!("{name}-events"), format!("{name}-requests"));
        for (function, seconds) in [(&events, SECONDS), (&requests, DEADLINE_MILLIS.div_ceil(1000))] {
            emulator.create_function(function, relay::BOOTSTRAP, seconds, &variables).await?;
        }
        let url = emulator.create_url(&requests).await?;
        let carrier = Carrier::create(&*provider, &format!("{name}-carrier")).await?;
        let (bucket, mappings, queues) = (String::new(), Vec::new(), Vec::new());
        let mut deployed =
            Self { emulator, provider, events, requests, url, carrier, bucket, mappings, queues };
        deployed.connect(functions).await?;
        Ok(deployed)
    }

    /// Lets queues and buckets call the function. A bucket's creations come through a queue, as its failures are to come again with a
    /// backoff; its deletions come directly.
    async fn connect(&mut self, functions: &Functions) -> Result<()> {
        let mut sources = vec![(Arc::clone(&self.carrier.queue), 10)];
        for function in functions.iter() {
            match function.trigger() {
                Trigger::Queue { queue, batch_size } => {
                    sources.push((Arc::clone(queue), batch_size.unwrap_or(10)));
                }
                Trigger::Blob { bucket, .. } => self.bucket.clone_from(&bucket.info().resource),
                _ => {}
            }
        }
        self.emulator.notify(&self.bucket, &self.carrier.queue.info().resource, &self.events).await?;
        for (queue, batch) in sources {
            let name = &queue.info().resource;
            self.mappings.push(self.emulator.create_mapping(&self.events, name, batch).await?);
            self.queues.push(queue);
        }
        Ok(())
    }

    /// The queues that the application does not declare, by their names.
    pub(crate) fn carriers(&self) -> impl Iterator<Item = (String, Arc<dyn MessageQueue>)> {
        let queue = &self.carrier.queue;
        std::iter::once((queue.info().resource.clone(), Arc::clone(queue)))
    }

    /// Every queue that calls the function.
    pub(crate) fn queues(&self) -> &[Arc<dyn MessageQueue>] {
        &self.queues
    }

    /// Lets nothing call the functions any more.
    pub(crate) async fn disconnect(&self) -> Result<()> {
        self.emulator.silence(&self.bucket).await?;
        for mapping in &self.mappings {
            self.emulator.delete_mapping(mapping).await?;
        }
        Ok(())
    }

    /// Removes what was deployed.
    pub(crate) async fn remove(&self) -> Result<()> {
        for function in [&self.events, &self.requests] {
            self.emulator.delete_function(function).await?;
        }
        self.provider.remove(&self.carrier.url, &self.carrier.kind).await
    }
}

impl Carrier {
    async fn create(provider: &dyn Provider, name: &str) -> Result<Self> {
        let (url, settings) = (ResourceUrl::new("sqs", name), QueueSettings::default());
        let kind = ResourceKind::Queue(settings.clone());
        provider.create(&url, &kind).await?;
        let queue = provider.queue(&url, &settings)?;
        Ok(Self { url, kind, queue })
    }
}
