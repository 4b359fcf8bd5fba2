//! Keys that the SDK refuses although S3 takes them: those of nothing but white space.

use aws_sdk_s3::client::customize::CustomizableOperation;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What a path holds as it is.
pub(super) const IN_PATH: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Stands for such a key until the SDK has looked at it; no bucket and no host has capital letters.
const STAND_IN: &str = "SKYPORT-BLANK-KEY";

/// Any of the SDK's builders that take a key, as an operation on `$key`.
macro_rules! on {
    ($key:expr, $builder:expr) => {
        $crate::blob::key::restored($builder.key($crate::blob::key::presentable($key)).customize(), $key)
    };
}
pub(super) use on;

/// Sends any of the SDK's builders that take a key. Only a blank key has it customized, which costs a configuration of its own. The
/// port's methods are boxed as they are: only what is rare has a box of its own, so that it takes no room.
macro_rules! send_on {
    ($key:expr, $builder:expr) => {{
        let (key, builder): (&str, _) = ($key, $builder);
        if $crate::blob::key::is_blank(key) {
            Box::pin($crate::blob::key::on!(key, builder).send()).await
        } else {
            builder.key(key).send().await
        }
    }};
}
pub(super) use send_on;

pub(super) fn is_blank(key: &str) -> bool {
    key.trim().is_empty()
}

/// The key that the SDK is shown.
pub(super) fn presentable(key: &str) -> &str {
    if is_blank(key) { STAND_IN } else { key }
}

/// The operation, with the true key in its path before it is signed.
pub(super) fn restored<T, E, B>(
    operation: CustomizableOperation<T, E, B>,
    key: &str,
) -> CustomizableOperation<T, E, B> {
    if !is_blank(key) {
        return operation;
    }
    let encoded = utf8_percent_encode(key, IN_PATH).to_string();
    operation.mutate_request(move |request| {
        let uri = request.uri().replacen(STAND_IN, &encoded, 1);
        // A URI stays one when a word in its path becomes percent escapes.
        if let Err(error) = request.set_uri(uri) {
            tracing::error!(%error, "a key of white space could not be put in a request");
        }
    })
}
