//! Where ministack's SQS differs from AWS's.

use skyport_conformance::Deviation;

/// Nowhere: every case holds.
pub(crate) const MINISTACK_QUEUE: &[Deviation] = &[];
