//! What follows from what clients have done.

use crate::storm::album::album;
use crate::storm::ledger::{Ledger, Outcome, Span};
const A: &str = "a";

fn span(begin: u64, end: u64) -> Span {
    Span { begin, end }
}

#[test]
fn an_accepted_photo_stands_until_a_deletion_may_have_taken_it() {
    let ledger = Ledger::default();
    let [first, second, ..] = album() else { unreachable!("there are more") };
    ledger.uploaded(A, first, span(1, 2), Outcome::Done);
    assert!(ledger.may_stand(A, span(3, 4), Some(first)).is_ok());
    assert!(ledger.may_stand(A, span(3, 4), None).is_err(), "lost");
    assert!(ledger.may_stand(A, span(3, 4), Some(second)).is_err(), "never put there");
    assert!(ledger.may_stand(A, span(0, 4), None).is_ok(), "looked at while it was uploaded");
    ledger.deleted(A, span(5, 8), Outcome::Unknown);
    for found in [Some(first), None] {
        assert!(ledger.may_stand(A, span(9, 10), found).is_ok());
    }
    ledger.deleted(A, span(11, 12), Outcome::Done);
    assert!(ledger.may_stand(A, span(13, 14), None).is_ok());
    assert!(ledger.may_stand(A, span(13, 14), Some(first)).is_err(), "came back");
    ledger.uploaded(A, second, span(13, 16), Outcome::Unknown);
    for found in [Some(second), None] {
        assert!(ledger.may_stand(A, span(17, 18), found).is_ok());
    }
}

#[test]
fn of_two_that_were_accepted_without_a_deletion_between_one_is_lost() {
    let ledger = Ledger::default();
    let [first, second, ..] = album() else { unreachable!("there are more") };
    ledger.uploaded(A, first, span(1, 4), Outcome::Done);
    ledger.uploaded(A, second, span(2, 3), Outcome::Done);
    for found in [Some(first), Some(second), None] {
        assert!(ledger.may_stand(A, span(5, 6), found).is_err());
    }
}
