//! Where the Pub/Sub emulator is known to differ from Google Cloud.

use skyport_conformance::Deviation;

pub(crate) const PUBSUB: &[Deviation] = &[];
