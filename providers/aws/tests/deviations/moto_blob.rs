//! Where moto differs from S3: nowhere that a case looks.

use skyport_conformance::Deviation;

pub(crate) const MOTO_BLOB: &[Deviation] = &[];
