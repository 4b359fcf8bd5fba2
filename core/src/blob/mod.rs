//! Blob storage: [`Bucket`] for users, [`port::BlobStore`] for implementors.
pub mod port;
