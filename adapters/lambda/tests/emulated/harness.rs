//! What the suite is given: the provider `aws` on the emulator, and the adapter behind relays.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use skyport_aws::{Aws, AwsConfig};
use skyport_conformance::Deviation;
use skyport_conformance::trigger::{GRACE_MILLIS, Platform, TriggerHarness};
use skyport_core::app::Functions;
use skyport_core::provider::{Provider, ResourceKind, ResourceUrl};
use skyport_core::{Error, ErrorKind, Result, Token};
use skyport_lambda::LambdaConfig;
use tokio::sync::Mutex;

use crate::deployed::Deployed;
use crate::emulator::{Emulator, REGION};
use crate::relay::Exchange;
use crate::running::Running;
use crate::support::runtime_api::RuntimeApi;

/// Lambda, as the emulator has it.
#[derive(Debug)]
pub(crate) struct Emulated {
    api: RuntimeApi,
    endpoint: String,
    /// That of the case that runs: they come one after the other.
    account: Mutex<Option<(Emulator, Arc<dyn Provider>)>>,
}

impl Emulated {
    pub(crate) fn new(api: RuntimeApi, endpoint: String) -> Self {
        Self { api, endpoint, account: Mutex::default() }
    }
}

#[async_trait]
impl TriggerHarness for Emulated {
    fn name(&self) -> &'static str {
        "lambda-emulated"
    }

    async fn provider(&self) -> Result<Arc<dyn Provider>> {
        let account = format!("{:012}", Token::new().to_bits() % 1_000_000_000_000);
        let mut config = AwsConfig::default();
        config.region = Some(REGION.to_owned());
        config.endpoint = Some(self.endpoint.clone());
        let credentials = Credentials::new(&account, "test", None, None, "tests");
        config.credentials = Some(SharedCredentialsProvider::new(credentials));
        let provider: Arc<dyn Provider> = Arc::new(Aws::with(config));
        let emulator = Emulator::new(&self.endpoint, account);
        *self.account.lock().await = Some((emulator, Arc::clone(&provider)));
        Ok(provider)
    }

    fn url(&self, kind: &ResourceKind, name: &str) -> ResourceUrl {
        ResourceUrl::new(if matches!(kind, ResourceKind::Queue(_)) { "sqs" } else { "s3" }, name)
    }

    async fn serve(&self, functions: Arc<Functions>) -> Result<Box<dyn Platform>> {
        let missing = || Error::internal("a case has its provider first");
        let (emulator, provider) = self.account.lock().await.take().ok_or_else(missing)?;
        self.api.reset().await;
        let exchange = Exchange::open(self.api.clone()).await;
        let exchange =
            exchange.map_err(|error| Error::internal("no address for relays").with_source(error))?;
        let deployed = Deployed::new(emulator, provider, &functions, exchange.address()).await?;
        let carriers: HashMap<_, _> = deployed.carriers().collect();
        let mut config = LambdaConfig::default();
        config.signals = false;
        config.grace = Duration::from_millis(GRACE_MILLIS);
        config.queues = Some(Arc::new(move |name| {
            let missing = || Error::new(ErrorKind::NotFound, "no such queue");
            carriers.get(name).cloned().ok_or_else(missing)
        }));
        let shutdown = config.shutdown.clone();
        let adapter = tokio::spawn(skyport_lambda::run(Arc::clone(&functions), config));
        Ok(Box::new(Running::new(self.api.clone(), exchange, deployed, shutdown, adapter)))
    }

    fn deviations(&self) -> Vec<Deviation> {
        DEVIATIONS.to_vec()
    }
}

/// What the emulator cannot show; the target `conformance` runs these, too, and lets none out.
const DEVIATIONS: &[Deviation] = &[Deviation {
    case: "trigger::http::paths_queries_headers_and_cookies_survive",
    reason: "ministack's Function URL decodes the path and the query, and encodes them anew: `a%2Fb` arrives as `a/b`, `+` as \
             `%20`; AWS passes them on as sent, which [lambda] holds",
}];
