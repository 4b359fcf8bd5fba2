//! The runtime that a program finds itself on, or is told.

use skyport_core::{Error, Result};

use crate::environment::Environment;

/// What calls the functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Runtime {
    /// AWS Lambda.
    Lambda,
    /// Cloud Run, and Cloud Run functions.
    CloudRun,
    /// Azure Functions, by a custom handler.
    AzureFunctions,
    /// Any machine or container.
    Server,
}

/// Each runtime, its name in `SKYPORT_RUNTIME`, and the variable that it alone sets.
const SIGNS: [(Runtime, &str, Option<&str>); 4] = [
    (Runtime::Lambda, "lambda", Some("AWS_LAMBDA_RUNTIME_API")),
    (Runtime::CloudRun, "cloud-run", Some("K_SERVICE")),
    (Runtime::AzureFunctions, "azure-functions", Some("FUNCTIONS_CUSTOMHANDLER_PORT")),
    (Runtime::Server, "server", None),
];

impl Runtime {
    /// The runtime that `SKYPORT_RUNTIME` names.
    ///
    /// # Errors
    /// `InvalidArgument` for one that there is not.
    pub(crate) fn named(environment: &Environment) -> Result<Option<Self>> {
        let Some(name) = environment.variable("SKYPORT_RUNTIME") else { return Ok(None) };
        match SIGNS.iter().find(|(_, known, _)| *known == name) {
            Some((runtime, ..)) => Ok(Some(*runtime)),
            None => {
                let known = SIGNS.map(|(_, name, _)| name).join(", ");
                Err(Error::invalid(format!(
                    "SKYPORT_RUNTIME: there is no runtime `{name}`; there are {known}"
                )))
            }
        }
    }

    /// The one whose variable is set: what the process really runs on.
    pub(crate) fn found(environment: &Environment) -> Self {
        let set = |sign: &Option<&str>| sign.is_some_and(|name| environment.variable(name).is_some());
        SIGNS.iter().find(|(_, _, sign)| set(sign)).map_or(Self::Server, |(runtime, ..)| *runtime)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn environment(set: &[(&'static str, &'static str)]) -> Environment {
        let set = set.to_vec();
        let value = move |name: &str| {
            set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        Environment::new("test", Arc::new(value))
    }

    #[test]
    fn each_runtime_is_found_by_what_it_alone_sets() {
        let found = |name| Runtime::found(&environment(&[(name, "x")]));
        assert_eq!(found("AWS_LAMBDA_RUNTIME_API"), Runtime::Lambda);
        assert_eq!(found("K_SERVICE"), Runtime::CloudRun);
        assert_eq!(found("FUNCTIONS_CUSTOMHANDLER_PORT"), Runtime::AzureFunctions);
        assert_eq!(found("PORT"), Runtime::Server);
    }

    #[test]
    fn a_runtime_can_be_named_and_must_exist() {
        let named = |name| Runtime::named(&environment(&[("SKYPORT_RUNTIME", name)]));
        assert_eq!(named("server").expect("known"), Some(Runtime::Server));
        assert_eq!(Runtime::named(&environment(&[])).expect("none"), None);
        let error = named("heroku").expect_err("unknown");
        assert!(error.message().contains("lambda, cloud-run, azure-functions, server"), "{error}");
    }
}
