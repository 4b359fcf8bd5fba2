//! The way to a provider's services in one case: proxies of its own, and the retry layer around what is opened behind them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use skyport_core::blob::port::BlobStore;
use skyport_core::kv::port::KeyValueStore;
use skyport_core::layers::{Layer, Retry};
use skyport_core::provider::{Endpoint, Provider, ResourceKind, ResourceUrl, TableSettings};
use skyport_core::queue::port::{MessageQueue, QueueSettings};
use skyport_core::{Error, Result};
use skyport_proxy::{Proxy, Tally};

use super::Services;
use super::weather::Weather;
use crate::Harness;

/// A provider's services behind proxies, for one case.
#[derive(Debug)]
pub(super) struct Behind {
    services: Arc<dyn Services>,
    case: String,
    weather: Weather,
    /// What all cases counted.
    sum: Arc<Tally>,
    /// Those of the case that runs.
    proxies: Mutex<Vec<Arc<Proxy>>>,
}

impl Behind {
    pub(super) fn new(services: Arc<dyn Services>, case: &str, weather: Weather, sum: Arc<Tally>) -> Self {
        Self { services, case: case.to_owned(), weather, sum, proxies: Mutex::default() }
    }

    /// The way as it is while the case runs.
    pub(super) fn line(&self) -> Line {
        let proxies = self.proxies.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Line {
            proxies,
            cloud: super::cloud(self.services.as_ref()),
            case: self.case.clone(),
            weather: self.weather,
            hidden: self.services.hidden(),
        }
    }
}

/// The proxies of a case.
#[derive(Clone, Debug)]
pub(super) struct Line {
    proxies: Vec<Arc<Proxy>>,
    /// Under which figures are noted: `aws`.
    pub(super) cloud: &'static str,
    case: String,
    weather: Weather,
    /// How long a message stays hidden whose receive was answered into the void.
    pub(super) hidden: Duration,
}

impl Line {
    /// From now on nothing is struck.
    pub(super) fn calm(&self) {
        self.proxies.iter().for_each(|proxy| proxy.calm());
    }

    /// From now on it is as it was at first.
    pub(super) fn unleash(&self) {
        for (index, proxy) in self.proxies.iter().enumerate() {
            proxy.unleash(self.weather.plan(&self.case, index));
        }
    }
}

#[async_trait]
impl Harness for Behind {
    fn name(&self) -> &'static str {
        self.services.name()
    }

    async fn start(&self) -> Result<Arc<dyn Provider>> {
        let (mut proxies, mut upstreams) = (Vec::new(), Vec::new());
        for (index, (upstream, dialect)) in self.services.upstreams().into_iter().enumerate() {
            let plan = self.weather.plan(&self.case, index);
            let started = Proxy::start(&upstream, dialect, plan, Arc::clone(&self.sum)).await;
            let proxy =
                started.map_err(|error| Error::internal("a proxy does not start").with_source(error))?;
            proxies.push(Arc::new(proxy));
            upstreams.push(upstream);
        }
        let urls: Vec<String> = proxies.iter().map(|proxy| proxy.url().to_owned()).collect();
        *self.proxies.lock().unwrap_or_else(PoisonError::into_inner) = proxies;
        Ok(Arc::new(Retried {
            direct: self.services.provider(&upstreams),
            behind: self.services.provider(&urls),
            retry: Retry::new(self.weather.policy()),
        }))
    }

    fn url(&self, kind: &ResourceKind, name: &str) -> ResourceUrl {
        self.services.url(kind, name)
    }

    fn virtual_time(&self) -> bool {
        false
    }
}

/// Opens resources behind the proxies, with retries; creates and removes them by the direct way.
#[derive(Debug)]
struct Retried {
    direct: Arc<dyn Provider>,
    behind: Arc<dyn Provider>,
    retry: Retry,
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Provider for Retried {
    fn name(&self) -> &'static str {
        self.behind.name()
    }

    fn bucket(&self, url: &ResourceUrl) -> Result<Arc<dyn BlobStore>> {
        Ok(self.retry.blob(self.behind.bucket(url)?))
    }

    fn queue(&self, url: &ResourceUrl, settings: &QueueSettings) -> Result<Arc<dyn MessageQueue>> {
        Ok(self.retry.queue(self.behind.queue(url, settings)?))
    }

    fn table(&self, url: &ResourceUrl, settings: &TableSettings) -> Result<Arc<dyn KeyValueStore>> {
        Ok(self.retry.table(self.behind.table(url, settings)?))
    }

    async fn create(&self, url: &ResourceUrl, kind: &ResourceKind) -> Result<()> {
        self.direct.create(url, kind).await
    }

    async fn remove(&self, url: &ResourceUrl, kind: &ResourceKind) -> Result<()> {
        self.direct.remove(url, kind).await
    }

    fn endpoint(&self) -> Option<Arc<dyn Endpoint>> {
        self.behind.endpoint()
    }
}
