//! Where ministack differs from S3.

use skyport_conformance::Deviation;

pub(crate) const MINISTACK_BLOB: &[Deviation] = &[
    Deviation {
        case: "blob::conditions::conditions_hold_for_copies",
        reason: "ministack ignores the conditions of a copy's target; tests/blob_copies.rs shows that they are sent and obeyed",
    },
    Deviation {
        case: "blob::copy_delete::conditions_hold_for_copies_from_another_bucket",
        reason: "ministack ignores the conditions of a copy's target; tests/blob_copies.rs shows that they are sent and obeyed",
    },
];
