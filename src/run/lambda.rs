//! AWS Lambda: the adapter of that name.

use std::sync::Arc;

use skyport_core::Result;
use skyport_core::app::{App, Resources};
use skyport_lambda::LambdaConfig;

use crate::environment::Environment;

/// Answers Lambda's events until Lambda ends the process.
pub(super) async fn run<R: Resources>(app: App<R>, environment: Environment) -> Result<()> {
    let config = LambdaConfig::from_env(|name| environment.variable(name))?;
    let (functions, _) = app.bind(&environment)?;
    skyport_lambda::run(Arc::new(functions), config).await
}
