//! `s3://name`, `sqs://name`, `dynamodb://name`.

use std::sync::Arc;

use skyport_aws::Aws;
use skyport_core::Result;
use skyport_core::provider::Provider;

use super::Serve;
use crate::environment::Environment;

pub(super) const SERVE: Option<Serve> = Some(open);

/// As AWS's own variables say: the SDK reads them.
fn open(_: &Environment) -> Result<Arc<dyn Provider>> {
    Ok(Arc::new(Aws::new()))
}
