//! Services that this build was made without: each says which feature brings it.

use std::sync::Arc;

use skyport_core::provider::ResourceUrl;
use skyport_core::{Error, Result};

use crate::config::Connection;

/// The functions that stand for one service.
macro_rules! absent {
    ($room:ident, $feature:literal, $port:path $(, $settings:ty)?) => {
        #[cfg(not(feature = $feature))]
        pub(super) mod $room {
            use super::*;

            pub(in crate::provision) fn open(
                _: Arc<Connection>,
                _: &ResourceUrl,
                $(_: &$settings,)?
            ) -> Result<Arc<dyn $port>> {
                Err(missing($feature))
            }

            pub(in crate::provision) async fn create(_: &Arc<Connection>, _: &ResourceUrl $(, _: &$settings)?) -> Result<()> {
                Err(missing($feature))
            }

            pub(in crate::provision) async fn remove(_: &Arc<Connection>, _: &ResourceUrl $(, _: &$settings)?) -> Result<()> {
                Err(missing($feature))
            }
        }
    };
}

absent!(bucket, "blob", skyport_core::blob::port::BlobStore);
absent!(queue, "queue", skyport_core::queue::port::MessageQueue, skyport_core::queue::port::QueueSettings);
absent!(table, "kv", skyport_core::kv::port::KeyValueStore, skyport_core::provider::TableSettings);

fn missing(feature: &str) -> Error {
    Error::unsupported(format!(
        "this program was built without the feature `azure-{feature}`: add it to `skyport` in Cargo.toml"
    ))
}
