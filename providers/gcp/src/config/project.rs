//! The project of whoever names none.

use skyport_core::{Error, Result};

use super::machine::{is_googles, variable};
use super::{adc, machine};
use crate::provision::NAME;

/// The variables that name it, the first that is set.
const VARIABLES: [&str; 3] = ["GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT", "GCP_PROJECT"];

/// The project of the environment, of the credentials' file, or of the machine. An emulator takes any name.
pub(super) async fn find(emulated: bool) -> Result<String> {
    let of_file = || adc::about(&adc::path()?)?.project();
    if let Some(project) = VARIABLES.iter().find_map(|name| variable(name)).or_else(of_file) {
        return Ok(project);
    }
    if is_googles() {
        return machine::project().await.map_err(untold);
    }
    if emulated {
        return Ok("skyport".to_owned());
    }
    let text = "no Google Cloud project is known: set GOOGLE_CLOUD_PROJECT, or add `?project=..` to the resource's URL";
    Err(Error::invalid(text).with_provider(NAME))
}

fn untold(error: Error) -> Error {
    let text = "the metadata server did not say which project this is: set GOOGLE_CLOUD_PROJECT";
    Error::new(error.kind(), text).with_ambiguous(false).with_provider(NAME).with_source(error)
}
