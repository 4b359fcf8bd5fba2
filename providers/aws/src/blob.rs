//! S3 behind the port `BlobStore`.
