//! Where moto differs from S3.

use skyport_conformance::Deviation;

pub(crate) const MOTO_BLOB: &[Deviation] = &[
    Deviation {
        case: "blob::conditions::conditions_hold_for_copies",
        reason: "moto ignores the conditions of a copy's target; tests/blob_copies.rs shows that they are sent and obeyed",
    },
    Deviation {
        case: "blob::copy_delete::conditions_hold_for_copies_from_another_bucket",
        reason: "moto ignores the conditions of a copy's target; tests/blob_copies.rs shows that they are sent and obeyed",
    },
    Deviation {
        case: "blob::conditions::conditions_hold_for_writes_in_parts",
        reason: "moto ignores the conditions of an upload's completion; ministack runs this case",
    },
];
