//! Where moto differs from SQS: nowhere that a case looks.

use skyport_conformance::Deviation;

pub(crate) const MOTO_QUEUE: &[Deviation] = &[];
