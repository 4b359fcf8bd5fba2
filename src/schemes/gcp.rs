//! `gs://name`, `pubsub://name`, `firestore://name`.

use std::sync::Arc;

use skyport_core::Result;
use skyport_core::provider::Provider;
use skyport_gcp::Gcp;

use super::Serve;
use crate::environment::Environment;

pub(super) const SERVE: Option<Serve> = Some(open);

/// As Google's own variables say.
fn open(_: &Environment) -> Result<Arc<dyn Provider>> {
    Ok(Arc::new(Gcp::new()))
}
