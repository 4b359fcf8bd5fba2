//! Blob storage: [`Bucket`] for users, [`port::BlobStore`] for implementors.
//!
//! ```no_run
//! # use skyport_core::blob::Bucket;
//! # async fn f(photos: Bucket) -> skyport_core::Result<()> {
//! photos.put("cats/tom.jpg", &b"..."[..]).content_type("image/jpeg").if_absent().await?;
//! let picture = photos.get("cats/tom.jpg").bytes().await?;
//! # Ok(()) }
//! ```

mod bucket;
mod copy;
mod get;
pub mod http_range;
mod key;
mod list;
mod options;
mod parts;
pub mod port;
mod put;
mod ranges;
mod reader;
mod resume;
mod sign;
pub mod signed;
pub mod stored;
pub mod subscription;
mod upload;
mod writer;

#[cfg(test)]
mod testing;

pub use bucket::Bucket;
pub use copy::{Copy, Delete, Deleting};
pub use get::{Get, GetIfChanged, Object};
pub use key::encode_metadata;
pub use list::{List, ListStream};
pub use port::{
    BlobCapabilities, BlobLimits, Etag, ListEntry, ListPage, Metadata, ObjectKey, ObjectMeta, Properties,
    SignedRequest, Written,
};
pub use put::Put;
pub use ranges::GetInRanges;
pub use reader::BodyReader;
pub use sign::{Sign, SignPut};
pub use signed::{SignedEndpoint, UrlSigner};
pub use writer::{OpenWriter, Writer};
