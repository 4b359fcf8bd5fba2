//! Answers of bounded length: the SDKs read whole ones into memory, however long they are.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextMut;
use aws_smithy_runtime_api::client::interceptors::{Intercept, SharedInterceptor};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use http_body_util::{LengthLimitError, Limited};

/// The longest answer that is read into memory. The largest there is are 16 MiB of a table's items, in Base64 and JSON.
const MOST_OF_ANSWER: usize = 64 << 20;

/// So much of a refusal is read.
const MOST_OF_REFUSAL: usize = 1 << 20;

/// The one call whose answer is a stream.
const STREAMED: &str = "GetObject";

/// Ends what is longer than any answer can be with an error. Never disabled: else each hook of each call would look through the
/// whole configuration whether it is.
pub(super) fn bounded() -> SharedInterceptor {
    SharedInterceptor::permanent(Bounded)
}

#[derive(Debug)]
struct Bounded;

impl Intercept for Bounded {
    fn name(&self) -> &'static str {
        "skyport: answers of bounded length"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let answer = context.response_mut();
        let refused = !answer.status().is_success();
        if !refused && config.load::<Metadata>().is_some_and(|call| call.name() == STREAMED) {
            return Ok(());
        }
        let most = if refused { MOST_OF_REFUSAL } else { MOST_OF_ANSWER };
        // HTTP itself ends a body at the length that its head tells.
        if answer.body().content_length().is_some_and(|length| length <= most as u64) {
            return Ok(());
        }
        let body = std::mem::replace(answer.body_mut(), SdkBody::taken());
        *answer.body_mut() = SdkBody::from_body_1_x(Limited::new(body, most));
        Ok(())
    }
}

/// Whether an answer was too long.
pub(crate) fn is_too_long(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut causes = std::iter::successors(Some(error), |error| error.source()).take(32);
    causes.any(|cause| cause.is::<LengthLimitError>())
}
