//! An application behind the host.

use std::sync::Arc;

use skyport_azure_functions::metadata::Deployment;
use skyport_azure_functions::{AzureFunctions, AzureFunctionsConfig};
use skyport_core::app::{Functions, Manifest};
use skyport_core::{Error, Result, Shutdown};
use skyport_functions_host::{Handler, Host, Options, Queues};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

/// The program and the host that calls it.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) host: Arc<Host>,
    shutdown: Shutdown,
    handler: Mutex<Option<JoinHandle<Result<()>>>>,
}

pub(crate) fn failed(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::internal("the host failed").with_source(error)
}

impl Served {
    /// Deploys an application into a folder of its own, and starts the host there.
    pub(crate) async fn start(
        functions: Arc<Functions>,
        manifest: &Manifest,
        deployment: &Deployment,
        mut config: AzureFunctionsConfig,
        queues: Arc<dyn Queues>,
    ) -> Result<Self> {
        let folder = tempfile::tempdir().map_err(failed)?;
        deployment.write(manifest, folder.path())?;
        let shutdown = Shutdown::new();
        config.server.port = 0;
        let handler = AzureFunctions::new(functions).config(config).shutdown(shutdown.clone()).signals(false);
        let bound = handler.bind().await?;
        let mut options = Options::new(folder.path());
        options.handler = Handler::At(bound.local_addr());
        options.queues = queues;
        options.settings.insert(deployment.connection.clone(), "the fakes".to_owned());
        options.longest_pause = std::time::Duration::from_millis(50);
        let handler = Mutex::new(Some(tokio::spawn(bound.run())));
        let host = Arc::new(Host::start(options).await.map_err(failed)?);
        Ok(Self { host, shutdown, handler })
    }

    /// Stops both; what is under way is waited for. Whether it ran until now.
    pub(crate) async fn stop(&self) -> Result<bool> {
        self.shutdown.trigger();
        let Some(handler) = self.handler.lock().await.take() else { return Ok(false) };
        self.host.stop().await.map_err(failed)?;
        handler.await.map_err(|error| Error::internal("a task broke off").with_source(error))??;
        // Whatever was asked of it, the program always gave an answer that ended the call.
        match self.host.calls().into_iter().find(|call| call.ended.is_none()) {
            Some(open) => Err(Error::internal(format!("a call of `{}` was never ended", open.function))),
            None => Ok(true),
        }
    }
}
