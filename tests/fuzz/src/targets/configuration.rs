//! What the environment says.

use std::collections::BTreeMap;

use skyport_azure_functions::AzureFunctionsConfig;
use skyport_cloud_run::CloudRunConfig;
use skyport_lambda::LambdaConfig;
use skyport_server::ServerConfig;

use crate::{sound, text};

/// A variable is taken, or refused in a line that names it.
pub(super) fn environment(input: &[u8]) {
    let text = text::of(input);
    let variables: BTreeMap<&str, &str> = text.lines().filter_map(|line| line.split_once('=')).collect();
    let read = |name: &str| variables.get(name).map(|value| (*value).to_owned());
    let results = [
        ServerConfig::from_env(read).map(drop),
        LambdaConfig::from_env(read).map(drop),
        CloudRunConfig::from_env(read).map(drop),
        AzureFunctionsConfig::from_env(read).map(drop),
    ];
    for refused in results.into_iter().filter_map(Result::err) {
        sound::refusal(&refused);
        assert!(variables.keys().any(|name| refused.message().contains(name)), "{refused}");
    }
}
