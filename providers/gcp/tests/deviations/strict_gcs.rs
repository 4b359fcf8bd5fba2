//! What Cloud Storage itself does otherwise, and so the strict test server.

use skyport_conformance::Deviation;

pub(crate) const STRICT_GCS: &[Deviation] = &[Deviation {
    case: "blob::sign::conditions_of_signed_requests_hold_or_are_refused",
    reason: "Cloud Storage takes If-Match for reads only; what a signed PUT can carry is shown by a_signed_put_can_only_create",
}];
