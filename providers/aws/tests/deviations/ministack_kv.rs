//! Where ministack differs from DynamoDB: nowhere that a case looks.

use skyport_conformance::Deviation;

pub(crate) const MINISTACK_KV: &[Deviation] = &[];
