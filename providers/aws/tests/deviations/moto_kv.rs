//! Where moto differs from DynamoDB: nowhere that a case looks.

use skyport_conformance::Deviation;

pub(crate) const MOTO_KV: &[Deviation] = &[];
