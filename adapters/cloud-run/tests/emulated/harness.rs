//! What the suite is given: the provider `gcp` on the emulator, and the adapter behind a relay.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use skyport_cloud_run::{CloudRun, CloudRunConfig};
use skyport_conformance::Deviation;
use skyport_conformance::trigger::{DEADLINE_MILLIS, GRACE_MILLIS, Platform, TriggerHarness};
use skyport_core::app::{Functions, Trigger};
use skyport_core::event::BlobChange;
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl};
use skyport_core::queue::port::{MessageQueue, QueueSettings};
use skyport_core::{Error, ErrorKind, Result, Shutdown, Token};
use skyport_gcp::{Gcp, GcpConfig};
use skyport_gcs::{Options, Server};

use crate::counted::Counted;
use crate::ledger::Ledger;
use crate::pubsub::{self, Pubsub};
use crate::relay::Relay;
use crate::running::Running;

/// Google Cloud, as the emulator and the test server have it.
#[derive(Debug)]
pub(crate) struct Emulated {
    pubsub: String,
    storage: Server,
    /// Those that have their provider, and are not served yet.
    cases: Mutex<Vec<Case>>,
}

/// What a case has of its own; nothing is shared with another.
#[derive(Debug)]
struct Case {
    pubsub: Pubsub,
    provider: Arc<dyn Provider>,
    ledger: Ledger,
}

/// A queue that carries a bucket's events of one kind, and that the application does not declare.
#[derive(Debug)]
pub(crate) struct Carrier {
    url: ResourceUrl,
    kind: ResourceKind,
    queue: Arc<dyn MessageQueue>,
}

impl Emulated {
    pub(crate) fn new(pubsub: String) -> Self {
        let mut options = Options::default();
        options.pubsub = Some(pubsub.clone());
        let storage = Server::start_with(options).expect("a free port");
        Self { pubsub, storage, cases: Mutex::default() }
    }

    /// The case whose application this is: it opened the queues.
    fn case_of(&self, functions: &Functions) -> Result<Case> {
        let mut cases = self.cases.lock().unwrap_or_else(PoisonError::into_inner);
        let mut queues = functions.iter().filter_map(|function| match function.trigger() {
            Trigger::Queue { queue, .. } => Some(queue.info().resource.clone()),
            _ => None,
        });
        let index = queues.find_map(|queue| cases.iter().position(|case| case.ledger.knows(&queue)));
        index
            .map(|index| cases.swap_remove(index))
            .ok_or_else(|| Error::internal("a case has its provider first"))
    }
}

#[async_trait]
impl TriggerHarness for Emulated {
    fn name(&self) -> &'static str {
        "cloud-run-emulated"
    }

    async fn provider(&self) -> Result<Arc<dyn Provider>> {
        let project = format!("bench{:08x}", Token::new().to_bits() >> 96);
        let mut config = GcpConfig::default();
        config.project = Some(project.clone());
        config.pubsub_endpoint = Some(self.pubsub.clone());
        config.storage_endpoint = Some(self.storage.url().to_owned());
        let ledger = Ledger::new();
        let provider: Arc<dyn Provider> =
            Arc::new(Counted { provider: Gcp::with(config), ledger: ledger.clone() });
        let pubsub = Pubsub::new(&self.pubsub, project)?;
        let case = Case { pubsub, provider: Arc::clone(&provider), ledger };
        self.cases.lock().unwrap_or_else(PoisonError::into_inner).push(case);
        Ok(provider)
    }

    fn url(&self, kind: &ResourceKind, name: &str) -> ResourceUrl {
        ResourceUrl::new(if matches!(kind, ResourceKind::Queue(_)) { "pubsub" } else { "gs" }, name)
    }

    async fn serve(&self, functions: Arc<Functions>) -> Result<Box<dyn Platform>> {
        let case = self.case_of(&functions)?;
        let (mut queues, mut jobs, mut carriers) = (Vec::new(), HashSet::new(), Vec::new());
        for function in functions.iter() {
            match function.trigger() {
                Trigger::Queue { queue, .. } => queues.push(queue.info().resource.clone()),
                Trigger::Blob { bucket, change } => {
                    let bucket = bucket.info().resource.clone();
                    let carrier = Carrier::create(&*case.provider, &bucket, *change).await?;
                    let topic = format!("projects/{}/topics/{}", case.pubsub.project, carrier.url.name());
                    pubsub::notify(self.storage.url(), &bucket, &topic, *change).await?;
                    carriers.push(carrier);
                }
                Trigger::Schedule(_) => drop(jobs.insert(function.name().to_owned())),
                _ => {}
            }
        }
        let shutdown = Shutdown::new();
        let server =
            CloudRun::new(functions).config(config(&carriers)).shutdown(shutdown.clone()).signals(false);
        let bound = server.bind().await?;
        let process = bound.local_addr();
        let server = tokio::spawn(bound.run());
        let relay = Relay::open(process, case.ledger.clone()).await?;
        queues.extend(carriers.iter().map(|carrier| carrier.url.name().to_owned()));
        for queue in &queues {
            case.pubsub.push(queue, relay.address()).await?;
        }
        let Case { pubsub, provider, ledger } = case;
        Ok(Box::new(Running {
            process,
            jobs,
            queues,
            carriers,
            pubsub,
            provider,
            ledger,
            _relay: relay,
            shutdown,
            server: tokio::sync::Mutex::new(Some(server)),
        }))
    }

    fn deviations(&self) -> Vec<Deviation> {
        DEVIATIONS.to_vec()
    }
}

/// How the adapter is to run.
fn config(carriers: &[Carrier]) -> CloudRunConfig {
    let carriers: HashMap<String, Arc<dyn MessageQueue>> =
        carriers.iter().map(|carrier| (carrier.url.name().to_owned(), Arc::clone(&carrier.queue))).collect();
    let mut config = CloudRunConfig::default();
    config.server.host = std::net::Ipv4Addr::LOCALHOST.into();
    config.server.port = 0;
    config.server.deadline = Some(Duration::from_millis(DEADLINE_MILLIS));
    config.server.grace = Duration::from_millis(GRACE_MILLIS);
    config.queues = Some(Arc::new(move |name| {
        let missing = || Error::new(ErrorKind::NotFound, "no such queue");
        carriers.get(name).cloned().ok_or_else(missing)
    }));
    config
}

impl Carrier {
    async fn create(provider: &dyn Provider, bucket: &str, change: BlobChange) -> Result<Self> {
        let name = format!("{bucket}-{change:?}").to_ascii_lowercase();
        let (url, settings) = (ResourceUrl::new("pubsub", name), QueueSettings::default());
        let kind = ResourceKind::Queue(settings.clone());
        provider.create(&url, &kind).await?;
        let queue = provider.queue(&url, &settings)?;
        Ok(Self { url, kind, queue })
    }

    pub(crate) async fn remove(&self, provider: &dyn Provider) -> Result<()> {
        provider.remove(&self.url, &self.kind).await
    }
}

/// The emulator's pushes do not tell their attempt, also where the subscription has a policy of dead letters, with which Pub/Sub tells it
/// (`deliveryAttempt`): each comes as the first. The target `conformance` runs these cases, too, and lets none out.
const DEVIATIONS: &[Deviation] = &[
    Deviation {
        case: "trigger::messages::an_error_comes_again_after_a_pause_until_its_attempts_are_spent",
        reason: "the emulator's pushes do not tell their attempt, so two cannot be told from five, which the emulator itself counts; \
                 [cloud-run] holds it",
    },
    Deviation {
        case: "trigger::messages::a_handler_that_outlives_its_time_is_cancelled_and_its_message_returns",
        reason: "the emulator's pushes do not tell their attempt, and the handler's second one is asked for; [cloud-run] holds it",
    },
    Deviation {
        case: "trigger::messages::of_a_batch_only_what_failed_comes_back",
        reason: "the emulator's pushes do not tell their attempt, and the handler fails at its first; [cloud-run] holds it",
    },
    Deviation {
        case: "trigger::messages::after_a_failure_the_rest_of_an_ordered_group_returns",
        reason: "the emulator's pushes do not tell their attempt, and the handler fails at its first; [cloud-run] holds it",
    },
    Deviation {
        case: "trigger::events::an_event_whose_function_fails_comes_again_and_a_fatal_one_does_not",
        reason: "the emulator's pushes do not tell their attempt, and the handler fails at its first; [cloud-run] holds it",
    },
];
