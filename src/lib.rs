#![cfg_attr(docsrs, feature(doc_cfg))]
#![doc = include_str!("../docs/front.md")]

#[doc(hidden)]
pub use skyport_core as __core;

pub use skyport_core::{
    Body, BoxError, ByteStream, Clock, Error, ErrorKind, Outcome, Raw, Result, Shutdown, Support, Token,
    TraceContext, app, blob, blocking, codec, event, http, idempotency, kv, layers, lease, provider, queue,
    retry, schedule,
};
pub use skyport_macros::Resources;

#[cfg(doctest)]
mod doctests;
mod environment;
pub mod prelude;
mod schemes;

pub use environment::{Environment, Variables};

#[cfg(any(feature = "server", feature = "lambda", feature = "cloud-run", feature = "azure-functions"))]
mod command;
#[cfg(any(feature = "server", feature = "lambda", feature = "cloud-run", feature = "azure-functions"))]
mod run;

#[cfg(any(feature = "server", feature = "lambda", feature = "cloud-run", feature = "azure-functions"))]
pub use run::run;

#[cfg(feature = "testing")]
pub mod testing;

/// The provider `memory`.
#[cfg(feature = "memory")]
#[doc(inline)]
pub use skyport_memory as memory;

/// The provider `local`.
#[cfg(feature = "local")]
#[doc(inline)]
pub use skyport_local as local;

/// The provider `aws`.
#[cfg(any(feature = "aws-blob", feature = "aws-queue", feature = "aws-kv"))]
#[doc(inline)]
pub use skyport_aws as aws;

/// The provider `gcp`.
#[cfg(any(feature = "gcp-blob", feature = "gcp-queue", feature = "gcp-kv"))]
#[doc(inline)]
pub use skyport_gcp as gcp;

/// The provider `azure`.
#[cfg(any(feature = "azure-blob", feature = "azure-queue", feature = "azure-kv"))]
#[doc(inline)]
pub use skyport_azure as azure;

/// The AWS Lambda adapter.
#[cfg(feature = "lambda")]
#[doc(inline)]
pub use skyport_lambda as lambda;

/// The Cloud Run adapter.
#[cfg(feature = "cloud-run")]
#[doc(inline)]
pub use skyport_cloud_run as cloud_run;

/// The Azure Functions adapter.
#[cfg(feature = "azure-functions")]
#[doc(inline)]
pub use skyport_azure_functions as azure_functions;

/// The server adapter.
#[cfg(feature = "server")]
#[doc(inline)]
pub use skyport_server as server;
