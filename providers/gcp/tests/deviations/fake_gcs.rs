//! Where fake-gcs-server is known to differ from Google Cloud.

use skyport_conformance::Deviation;

pub(crate) const FAKE_GCS: &[Deviation] = &[];
