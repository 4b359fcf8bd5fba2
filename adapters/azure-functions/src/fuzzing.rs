//! For the fuzz targets in `tests/fuzz`, and nobody else: what looks at requests, without a server around it.

use std::sync::Arc;

use skyport_core::app::Functions;
use skyport_server::Intercept;

use crate::AzureFunctionsConfig;
use crate::front::Front;

/// What takes the host's calls out of the requests.
#[must_use]
pub fn front(functions: Arc<Functions>, config: &AzureFunctionsConfig) -> Arc<dyn Intercept> {
    Arc::new(Front::new(functions, config))
}
