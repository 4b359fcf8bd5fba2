//! Of `google/firestore/admin/v1`: `field.proto`, and its calls in `firestore_admin.proto`; of `google/longrunning/operations.proto` how
//! such a call ends.

use super::known::FieldMask;
use super::rpc::Status;

pub(crate) const GET_FIELD: &str = "/google.firestore.admin.v1.FirestoreAdmin/GetField";
pub(crate) const UPDATE_FIELD: &str = "/google.firestore.admin.v1.FirestoreAdmin/UpdateField";

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Field {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) index_config: Option<IndexConfig>,
    #[prost(message, optional, tag = "3")]
    pub(crate) ttl_config: Option<TtlConfig>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct IndexConfig {
    #[prost(message, repeated, tag = "1")]
    pub(crate) indexes: Vec<Index>,
    #[prost(bool, tag = "2")]
    pub(crate) uses_ancestor_config: bool,
    #[prost(bool, tag = "4")]
    pub(crate) reverting: bool,
}

/// An index, of which only is asked whether it is there.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub(crate) struct Index {}

#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub(crate) struct TtlConfig {
    #[prost(enumeration = "State", tag = "1")]
    pub(crate) state: i32,
}

/// `Field.TtlConfig.State`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum State {
    Unspecified = 0,
    Creating = 1,
    Active = 2,
    NeedsRepair = 3,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct GetFieldRequest {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct UpdateFieldRequest {
    #[prost(message, optional, tag = "1")]
    pub(crate) field: Option<Field>,
    #[prost(message, optional, tag = "2")]
    pub(crate) update_mask: Option<FieldMask>,
}

/// `google.longrunning.Operation`, of which only is read why it failed.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Operation {
    #[prost(message, optional, tag = "4")]
    pub(crate) error: Option<Status>,
}
