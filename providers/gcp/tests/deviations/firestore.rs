//! Where the Firestore emulator differs from Google Cloud: nowhere that a case looks. What it cannot show is in `tests/kv_faults`.

use skyport_conformance::Deviation;

pub(crate) const FIRESTORE: &[Deviation] = &[];
