//! The entries of a batch, and what became of each: SQS answers those that it did and those that it refused, in any order.

use std::collections::HashMap;

use aws_sdk_sqs::types::BatchResultErrorEntry;
use skyport_core::{Error, ErrorKind, Result};

use crate::error;
use crate::provision::NAME;

/// The most entries of a batch.
pub(super) const ENTRIES: usize = 10;

/// The result of the only item of a call, in the room that the item had.
pub(super) fn in_place_of<I, T>(only: Vec<I>, result: T) -> Vec<T> {
    let mut result = Some(result);
    only.into_iter().map_while(|_| result.take()).collect()
}

/// The result of every entry, in order; the ids are the entries' places. `refused` makes the error of one that failed.
pub(super) fn results<T>(
    count: usize,
    done: impl IntoIterator<Item = (String, T)>,
    failed: Vec<BatchResultErrorEntry>,
    refused: impl Fn(Option<&str>, Error) -> Error,
) -> Vec<Result<T>> {
    let mut done: HashMap<String, T> = done.into_iter().collect();
    let mut failed: HashMap<String, BatchResultErrorEntry> =
        failed.into_iter().map(|entry| (entry.id.clone(), entry)).collect();
    let result = |at: usize| {
        let id = at.to_string();
        if let Some(entry) = failed.remove(&id) {
            let status = if entry.sender_fault { 400 } else { 500 };
            let error = error::answered(Some(&entry.code), entry.message.as_deref(), status);
            return Err(refused(Some(&entry.code), error));
        }
        done.remove(&id).ok_or_else(|| {
            let text = "SQS's answer says nothing of this entry of the batch";
            Error::new(ErrorKind::Unavailable, text).with_provider(NAME)
        })
    };
    (0..count).map(result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(id: &str, code: &str, sender_fault: bool) -> BatchResultErrorEntry {
        let entry = BatchResultErrorEntry::builder().id(id).code(code).sender_fault(sender_fault);
        entry.build().expect("complete")
    }

    #[test]
    fn every_entry_has_its_result_and_one_that_is_not_answered_is_asked_for_again() {
        let refused = vec![
            failed("3", "InternalError", false),
            failed("0", "InvalidMessageContents", true),
            failed("4", "SomethingNew", false),
            failed("5", "SomethingElse", true),
        ];
        let results = results(6, [("1".to_owned(), "a")], refused, |_, error| error);
        let kinds: Vec<_> =
            results.iter().map(|result| result.as_ref().map_err(Error::kind).copied()).collect();
        let (invalid, unavailable) = (ErrorKind::InvalidArgument, ErrorKind::Unavailable);
        assert_eq!(
            kinds,
            [Err(invalid), Ok("a"), Err(unavailable), Err(unavailable), Err(unavailable), Err(invalid)]
        );
        let unanswered = results[2].as_ref().expect_err("no answer");
        assert!(unanswered.is_retryable() && unanswered.is_ambiguous());
    }
}
