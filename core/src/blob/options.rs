//! What the builders of writes have in common, said once.

/// `if_absent` and `if_match` of a builder whose condition is at `$path`.
macro_rules! condition_methods {
    ($($path:ident).+) => {
        /// Only creates: `AlreadyExists` where an object is there. Replaces an earlier condition.
        pub fn if_absent(mut self) -> Self {
            self.$($path).+ = $crate::blob::port::Condition::IfAbsent;
            self
        }

        /// Only replaces the object with this etag: else `PreconditionFailed`. Replaces an earlier condition.
        pub fn if_match(mut self, etag: &$crate::blob::port::Etag) -> Self {
            self.$($path).+ = $crate::blob::port::Condition::IfMatch(etag.clone());
            self
        }
    };
}
pub(super) use condition_methods;

/// Properties of a builder whose `PutOptions` are at `options`.
macro_rules! property_methods {
    () => {
        /// `Content-Type`.
        pub fn content_type(mut self, value: impl Into<String>) -> Self {
            self.options.properties.content_type = Some(value.into());
            self
        }

        /// `Cache-Control`.
        pub fn cache_control(mut self, value: impl Into<String>) -> Self {
            self.options.properties.cache_control = Some(value.into());
            self
        }

        /// `Content-Disposition`.
        pub fn content_disposition(mut self, value: impl Into<String>) -> Self {
            self.options.properties.content_disposition = Some(value.into());
            self
        }

        /// `Content-Encoding`: kept and told; the stored bytes are never decoded.
        pub fn content_encoding(mut self, value: impl Into<String>) -> Self {
            self.options.properties.content_encoding = Some(value.into());
            self
        }

        /// User metadata: a name `[a-z][a-z0-9_]*` that does not begin with `skyport`, any UTF-8 as value; 1,900 bytes
        /// in all, values counted as [percent-encoded](crate::blob::encode_metadata).
        pub fn metadata(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
            self.options.properties.metadata.insert(name.into(), value.into());
            self
        }
    };
}
pub(super) use property_methods;
