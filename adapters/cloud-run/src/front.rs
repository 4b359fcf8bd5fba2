//! Requests on their way in: events are taken out, everything else goes to its route.

use std::sync::Arc;

use async_trait::async_trait;
use skyport_core::app::{Functions, Invocation};
use skyport_core::http::Request;
use skyport_core::{Error, Result};
use skyport_server::{Intercept, Intercepted};

use crate::config::CloudRunConfig;

/// Takes events out of the requests.
#[derive(Debug)]
pub(crate) struct Front {}

impl Front {
    pub(crate) fn new(functions: Arc<Functions>, config: &CloudRunConfig) -> Result<Self> {
        if let Some(name) = &config.function {
            functions.function(name).map_err(|error| {
                Error::new(error.kind(), format!("SKYPORT_FUNCTION or FUNCTION_TARGET: {}", error.message()))
            })?;
        }
        Ok(Self {})
    }
}

#[async_trait]
impl Intercept for Front {
    async fn intercept(&self, request: Request, _: &mut Invocation) -> Intercepted {
        Intercepted::Passed(request)
    }
}
