//! As `conformance`, with requests that the host writes anew (`enableForwardingHttpRequest`).
#![allow(clippy::expect_used)]

#[path = "../support/mod.rs"]
mod support;

use std::process::ExitCode;

use skyport_azure_functions::metadata::HttpForm;
use skyport_conformance::{Deviation, trigger};
use support::platform::OnAzure;

const DEVIATIONS: &[Deviation] = &[];

fn main() -> ExitCode {
    trigger::run(OnAzure {
        name: "azure-functions, forwarded",
        form: HttpForm::Forwarded,
        deviations: DEVIATIONS,
    })
}
