//! For the fuzz targets in `tests/fuzz`, and nobody else: what looks at requests, without a server around it.

use std::sync::Arc;

use skyport_core::Result;
use skyport_core::app::Functions;
use skyport_server::Intercept;

use crate::CloudRunConfig;
use crate::front::Front;

/// What takes events out of the requests.
///
/// # Errors
/// As [`CloudRun::bind`](crate::CloudRun::bind).
pub fn front(functions: Arc<Functions>, config: &CloudRunConfig) -> Result<Arc<dyn Intercept>> {
    Ok(Arc::new(Front::new(functions, config)?))
}
