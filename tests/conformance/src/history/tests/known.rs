//! Histories whose truth is known.

use skyport_core::kv::port::{ItemCondition, Write};

use super::super::{Answer, Call, Checker, History, Violation};
use super::*;

#[track_caller]
fn stands(history: &History) {
    if let Err(violation) = Checker::default().check(history) {
        panic!("{violation}");
    }
}

#[track_caller]
fn falls(history: &History) {
    match Checker::default().check(history) {
        Err(Violation::NotLinearizable { .. }) => {}
        other => panic!("this is not linearizable: {other:?}\n{history}"),
    }
}

#[test]
fn one_after_the_other_stands() {
    stands(&history([]));
    stands(&history([
        (1, 2, read("a"), NOTHING),
        (3, 4, put("a", "x"), written("1")),
        (5, 6, read("a"), found("x", "1")),
        (7, 8, delete("a"), deleted()),
        (9, 10, read("a"), NOTHING),
    ]));
}

#[test]
fn concurrent_operations_may_come_in_either_order() {
    for answer in [NOTHING, found("x", "1")] {
        stands(&history([(1, 4, put("a", "x"), written("1")), (2, 3, read("a"), answer)]));
    }
    // Two readers beside two writers agree on an order.
    stands(&history([
        (1, 10, put("a", "x"), written("1")),
        (2, 9, put("a", "y"), written("2")),
        (3, 4, read("a"), found("y", "2")),
        (5, 6, read("a"), found("x", "1")),
    ]));
    falls(&history([
        (1, 20, put("a", "x"), written("1")),
        (2, 19, put("a", "y"), written("2")),
        (3, 4, read("a"), found("y", "2")),
        (5, 6, read("a"), found("x", "1")),
        (7, 8, read("a"), found("y", "2")),
    ]));
}

#[test]
fn a_stale_read_falls() {
    falls(&history([
        (1, 2, put("a", "x"), written("1")),
        (3, 4, put("a", "y"), written("2")),
        (5, 6, read("a"), found("x", "1")),
    ]));
    falls(&history([(1, 2, put("a", "x"), written("1")), (3, 4, read("a"), NOTHING)]));
    // A read that saw the future of one that began later.
    falls(&history([(1, 2, read("a"), found("x", "1")), (3, 4, put("a", "x"), written("1"))]));
    falls(&history([(1, 2, read("a"), found("x", "1"))]));
}

#[test]
fn a_lost_update_falls() {
    // Both replaced the same version.
    falls(&history([
        (1, 2, put("a", "0"), written("1")),
        (3, 6, swap("a", "x", "1"), written("2")),
        (4, 5, swap("a", "y", "1"), written("3")),
    ]));
    falls(&history([(1, 4, create("a", "x"), written("1")), (2, 3, create("a", "y"), written("2"))]));
    // The plain write of one was overwritten by nobody, and yet is gone.
    falls(&history([
        (1, 4, put("a", "x"), written("1")),
        (2, 3, put("b", "y"), written("2")),
        (5, 6, read("a"), NOTHING),
    ]));
}

#[test]
fn increments_count_once_and_in_some_order() {
    stands(&history([
        (1, 4, increment("n", 1), counted(2, "2")),
        (2, 3, increment("n", 1), counted(1, "1")),
        (5, 6, read("n"), found("2", "2")),
    ]));
    falls(&history([(1, 2, increment("n", 1), counted(1, "1")), (3, 4, increment("n", 1), counted(1, "2"))]));
    // A double one: of one call that was answered, two are seen.
    falls(&history([(1, 2, increment("n", 5), counted(5, "1")), (3, 4, read("n"), found("10", "2"))]));
    let refused = Answer::Refused(ErrorKind::InvalidArgument, None);
    stands(&history([(1, 2, put("n", "words"), written("1")), (3, 4, increment("n", 1), refused.clone())]));
    falls(&history([(1, 2, increment("n", 1), refused)]));
}

#[test]
fn a_version_that_is_given_twice_is_found_whoever_gave_it() {
    let twice = history([
        (1, 2, put("a", "x"), written("1")),
        (3, 4, delete("a"), deleted()),
        (5, 6, put("a", "x"), written("1")),
    ]);
    let found_out = Checker::default().check(&twice);
    assert!(matches!(found_out, Err(Violation::VersionReused { .. })), "{found_out:?}");
    // Of other keys it is another.
    stands(&history([(1, 2, put("a", "x"), written("1")), (3, 4, put("b", "x"), written("1"))]));
    // Seen at the item of a write without an answer, and then at another.
    let seen_twice = |second| {
        history([
            (1, 0, put("a", "x"), Answer::Unknown),
            (2, 0, put("a", "x"), Answer::Unknown),
            (3, 4, read("a"), found("x", "1")),
            (5, 6, delete("a"), deleted()),
            (7, 8, read("a"), NOTHING),
            (9, 10, read("a"), found("x", second)),
        ])
    };
    stands(&seen_twice("2"));
    falls(&seen_twice("1"));
    falls(&history([
        (1, 0, put("a", "x"), Answer::Unknown),
        (2, 3, put("a", "x"), written("1")),
        (4, 5, delete("a"), deleted()),
        (6, 7, read("a"), found("x", "1")),
    ]));
}

#[test]
fn an_operation_without_an_answer_may_be_applied_at_any_time_or_never_but_once() {
    let unknown = (1, 0, put("a", "x"), Answer::Unknown);
    let later = |answer| history([unknown.clone(), (5, 6, read("a"), NOTHING), (7, 8, read("a"), answer)]);
    stands(&later(NOTHING));
    stands(&later(found("x", "1")));
    falls(&history([(1, 0, increment("n", 1), Answer::Unknown), (2, 3, increment("n", 1), counted(3, "3"))]));
    stands(&history([
        (1, 0, increment("n", 1), Answer::Unknown),
        (2, 3, increment("n", 1), counted(2, "3")),
    ]));
    // Not before it was called.
    falls(&history([(1, 2, read("a"), found("x", "1")), (3, 0, put("a", "x"), Answer::Unknown)]));
    // One that was answered with an error which says nothing may come after that answer, too.
    stands(&history([
        (1, 2, put("a", "x"), Answer::Unknown),
        (3, 4, read("a"), NOTHING),
        (5, 6, read("a"), found("x", "1")),
    ]));
    // Applied, overwritten, and there again: once too often.
    falls(&history([
        (1, 0, put("a", "x"), Answer::Unknown),
        (2, 3, read("a"), found("x", "1")),
        (4, 5, put("a", "y"), written("2")),
        (6, 7, read("a"), found("y", "2")),
        (8, 9, read("a"), found("x", "3")),
    ]));
}

#[test]
fn a_refusal_must_have_had_its_reason() {
    falls(&history([(1, 2, create("a", "x"), EXISTS)]));
    stands(&history([(1, 4, put("a", "x"), written("1")), (2, 3, create("a", "y"), EXISTS)]));
    falls(&history([(1, 2, put("a", "x"), written("1")), (3, 4, swap("a", "y", "1"), CHANGED)]));
    stands(&history([(1, 2, put("a", "x"), written("1")), (3, 4, swap("a", "y", "0"), CHANGED)]));
    // The reason was a write whose answer nobody saw.
    stands(&history([
        (1, 2, put("a", "x"), written("1")),
        (3, 0, put("a", "y"), Answer::Unknown),
        (4, 5, swap("a", "z", "1"), CHANGED),
        (6, 7, read("a"), found("y", "2")),
    ]));
    falls(&history([(1, 2, put("a", "x"), written("1")), (3, 4, create("a", "y"), CHANGED)]));
}

#[test]
fn a_write_that_is_repeated_may_be_applied_again_before_its_answer_and_not_after() {
    let repeated = |late: u64| {
        let mut history = history([
            (1, 10, put("a", "x"), written("3")),
            (2, 3, read("a"), found("x", "1")),
            (4, 5, put("a", "y"), written("2")),
            (late, late + 1, read("a"), found("x", "3")),
        ]);
        history.entries[0].repeats = 1;
        history
    };
    stands(&repeated(6));
    stands(&repeated(11));
    let mut once = repeated(6);
    once.entries[0].repeats = 0;
    falls(&once);
    let mut after = repeated(11);
    // Another came after its answer, and it is there again.
    after.entries.extend(
        history([(13, 14, put("a", "z"), written("4")), (15, 16, read("a"), found("x", "5"))]).entries,
    );
    falls(&after);
}

#[test]
fn half_of_a_transaction_falls() {
    let both = |condition: ItemCondition| {
        Call::Write(vec![put_write("a", "x", condition), put_write("b", "x", ItemCondition::None)])
    };
    let made = || Answer::Written(vec![Some(version("1")), Some(version("1"))]);
    stands(&history([
        (1, 6, both(ItemCondition::IfAbsent), made()),
        (2, 3, read("b"), found("x", "1")),
        (4, 5, read("a"), found("x", "1")),
    ]));
    falls(&history([
        (1, 6, both(ItemCondition::IfAbsent), made()),
        (2, 3, read("b"), found("x", "1")),
        (4, 5, read("a"), NOTHING),
    ]));
    // Of unknown fate: all or nothing all the same.
    falls(&history([
        (1, 0, both(ItemCondition::None), Answer::Unknown),
        (2, 3, read("a"), found("x", "1")),
        (4, 5, read("b"), NOTHING),
    ]));
    let refused = Answer::Refused(ErrorKind::AlreadyExists, Some(0));
    stands(&history([
        (1, 2, put("a", "y"), written("1")),
        (3, 4, both(ItemCondition::IfAbsent), refused.clone()),
    ]));
    falls(&history([
        (1, 2, put("b", "y"), written("1")),
        (3, 4, both(ItemCondition::IfAbsent), refused.clone()),
    ]));
    falls(&history([
        (1, 2, put("a", "y"), written("1")),
        (3, 4, both(ItemCondition::IfAbsent), Answer::Refused(ErrorKind::AlreadyExists, Some(1))),
    ]));
    let mut absent = Write::new(key("a"), skyport_core::kv::port::Change::Check);
    absent.condition = ItemCondition::IfAbsent;
    let check = Call::Write(vec![absent, put_write("b", "x", ItemCondition::None)]);
    let checked = Answer::Written(vec![None, Some(version("2"))]);
    falls(&history([(1, 2, put("a", "y"), written("1")), (3, 4, check, checked)]));
}

#[test]
fn keys_that_nothing_joins_are_judged_each_for_itself() {
    let checked = Checker::default().check(&history([
        (1, 2, put("a", "x"), written("1")),
        (3, 0, put("b", "x"), Answer::Unknown),
        (4, 5, read("c"), NOTHING),
    ]));
    let checked = checked.expect("it stands");
    assert_eq!((checked.operations, checked.unknown, checked.keys), (2, 1, 3));
}

#[test]
fn the_work_is_bounded_and_what_is_not_decided_is_no_success() {
    // Twenty writes of unknown fate, and a read of what none of them wrote.
    let unknown = (0..20).map(|n| (n + 1, 0, put("a", &n.to_string()), Answer::Unknown));
    let hopeless = history(unknown.chain([(30, 31, read("a"), found("none", "1"))]));
    match Checker::with_steps(1_000).check(&hopeless) {
        Err(Violation::Undecided { steps: 1_000, .. }) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn long_histories_that_stand_are_decided_in_few_steps() {
    let mut operations = Vec::new();
    for n in 1..=400u64 {
        let at = n * 10;
        operations.push((at, at + 15, increment("n", 1), counted(n as i64, &n.to_string())));
        if n % 40 == 0 {
            operations.push((at + 1, 0, put("n", "never"), Answer::Unknown));
        }
    }
    let checked = Checker::default().check(&history(operations)).expect("it stands");
    assert!(checked.steps < 5_000, "{checked:?}");
}

#[test]
fn a_violation_says_what_cannot_be_explained() {
    let history = history([(1, 2, put("a", "x"), written("1")), (3, 4, read("a"), found("y", "2"))]);
    let violation = Checker::default().check(&history).expect_err("no such value").to_string();
    assert!(violation.contains("+     1..2     put p a = x -> 1"), "{violation}");
    assert!(violation.contains("      3..4     read p a -> y at 2"), "{violation}");
    assert!(violation.contains("which leaves p a = x at 1"), "{violation}");
}
