//! Where the Firestore emulator is known to differ from Google Cloud.

use skyport_conformance::Deviation;

pub(crate) const FIRESTORE: &[Deviation] = &[];
