//! Where ministack differs from S3: nowhere that a case looks.

use skyport_conformance::Deviation;

pub(crate) const MINISTACK_BLOB: &[Deviation] = &[];
