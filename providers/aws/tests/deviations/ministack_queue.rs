//! Where ministack differs from SQS: nowhere that a case looks.

use skyport_conformance::Deviation;

pub(crate) const MINISTACK_QUEUE: &[Deviation] = &[];
