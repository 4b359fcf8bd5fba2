//! For the fuzz targets in `tests/fuzz`, and nobody else: what is written for Azure and read of it, without a connection.

pub use crate::blob::fuzzing as blob;
pub use crate::http::shared_key::fuzzing as shared_key;
pub use crate::kv::fuzzing as kv;
