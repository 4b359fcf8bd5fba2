//! Where Azurite is known to differ from Azure.

use skyport_conformance::Deviation;

pub(crate) const AZURITE: &[Deviation] = &[];
