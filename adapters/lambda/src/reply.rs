//! From an outcome to the wire.

pub(crate) mod http;
pub(crate) mod post;
pub(crate) mod stream;

pub(crate) use http::Shape;

use skyport_core::Body;

use crate::failure::Failure;

/// What an invocation is answered with.
#[derive(Debug)]
pub(crate) enum Answer {
    /// JSON, whole.
    Whole(Vec<u8>),
    /// A response as a stream: its prelude, and its body.
    Streamed(Vec<u8>, Body),
    /// It failed: where nobody waits for an answer, Lambda repeats it.
    Failed(Failure),
}

impl Answer {
    /// There is nothing to tell.
    pub(crate) fn done() -> Self {
        Self::Whole(b"null".to_vec())
    }

    /// The messages of a batch that are to come again; all others are done.
    pub(crate) fn batch(failed: &[String]) -> Self {
        let failures: Vec<_> = failed.iter().map(|id| serde_json::json!({"itemIdentifier": id})).collect();
        Self::Whole(serde_json::json!({"batchItemFailures": failures}).to_string().into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_names_what_failed_and_nothing_else() {
        let text = |failed: &[&str]| {
            let failed: Vec<String> = failed.iter().map(|id| (*id).to_owned()).collect();
            match Answer::batch(&failed) {
                Answer::Whole(bytes) => String::from_utf8(bytes).expect("JSON"),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(text(&[]), r#"{"batchItemFailures":[]}"#);
        assert_eq!(
            text(&["a", "b"]),
            r#"{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"b"}]}"#
        );
    }
}
