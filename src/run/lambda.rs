//! AWS Lambda: the adapter of that name.

use std::sync::Arc;

use skyport_core::Result;
use skyport_core::app::{App, Functions, Resources};
use skyport_lambda::{LambdaConfig, Remembering};

use crate::environment::Environment;
use crate::schemes;

pub(super) use skyport_lambda::refuse;

/// Sees to it that there is a log.
pub(super) fn log(environment: &Environment) {
    skyport_lambda::log_by_default(|name| environment.variable(name));
}

/// Answers Lambda's events until Lambda ends the process.
pub(super) async fn run<R: Resources>(app: App<R>, environment: Environment) -> Result<()> {
    match prepare(app, environment) {
        Ok((functions, config)) => skyport_lambda::run(functions, config).await,
        // Lambda is told, too: else its logs know only that the process ended.
        Err(error) => Err(refuse(error).await),
    }
}

fn prepare<R: Resources>(app: App<R>, environment: Environment) -> Result<(Arc<Functions>, LambdaConfig)> {
    let mut config = LambdaConfig::from_env(|name| environment.variable(name))?;
    // Where the program has no resources, it has no connections to make either, and nothing for them is linked.
    let functions = if schemes::BUCKETS || schemes::QUEUES || schemes::TABLES {
        let opener = Remembering::new(&environment);
        let (functions, _) = app.bind(&opener)?;
        config.ports = opener.into_ports();
        functions
    } else {
        app.bind(&environment)?.0
    };
    config.queues = Some(Arc::new(move |name| environment.queue_named(name)));
    Ok((Arc::new(functions), config))
}
