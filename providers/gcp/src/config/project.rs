//! The project of whoever names none.

use skyport_core::{Error, ErrorKind, Result};
use tokio::sync::OnceCell;

use super::machine::{is_googles, variable};
use super::{adc, machine};
use crate::provision::NAME;

/// The variables that name it, the first that is set.
const VARIABLES: [&str; 3] = ["GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT", "GCP_PROJECT"];

/// What the project of an emulator is called where nobody says: it takes any name.
const EMULATED: &str = "skyport";

/// The project of a connection that names none. What is `found` belongs to all of them; the name that is made up for an emulator is
/// no project of Google's, and goes no further than to that emulator.
pub(super) async fn of_connection(found: &OnceCell<String>, emulated: bool) -> Result<String> {
    match found.get_or_try_init(find).await {
        Ok(project) => Ok(project.clone()),
        Err(error) if emulated && error.kind() == ErrorKind::InvalidArgument => {
            tracing::debug!(%error, "an emulator's project is called `{EMULATED}`");
            Ok(EMULATED.to_owned())
        }
        Err(error) => Err(error),
    }
}

/// The project of the environment, of the credentials' file, or of the machine.
async fn find() -> Result<String> {
    let of_file = || adc::about(&adc::path()?)?.project();
    if let Some(project) = VARIABLES.iter().find_map(|name| variable(name)).or_else(of_file) {
        return Ok(project);
    }
    if is_googles() {
        return machine::project().await.map_err(untold);
    }
    let text = "no Google Cloud project is known: set GOOGLE_CLOUD_PROJECT, or add `?project=..` to the resource's URL";
    Err(Error::invalid(text).with_provider(NAME))
}

fn untold(error: Error) -> Error {
    let text = "the metadata server did not say which project this is: set GOOGLE_CLOUD_PROJECT";
    Error::new(error.kind(), text).with_ambiguous(false).with_provider(NAME).with_source(error)
}
