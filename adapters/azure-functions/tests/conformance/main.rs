//! The contract's section on functions, on Azure Functions: over real sockets, in real time, behind a stand-in for the host, with the fakes as its
//! storage. Requests are proxied; the older forms have targets of their own.
#![allow(clippy::expect_used)]

#[path = "../support/mod.rs"]
mod support;

use std::process::ExitCode;

use skyport_azure_functions::metadata::HttpForm;
use skyport_conformance::{Deviation, trigger};
use support::platform::OnAzure;

const DEVIATIONS: &[Deviation] = &[];

fn main() -> ExitCode {
    trigger::run(OnAzure { name: "azure-functions", form: HttpForm::Proxied, deviations: DEVIATIONS })
}
