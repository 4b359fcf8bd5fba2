//! What a case of this part works with, and how it judges answers.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use skyport_core::blob::Bucket;
use skyport_core::kv::Table;
use skyport_core::provider::TableSettings;
use skyport_core::queue::port::{MessageQueue, QueueSettings};
use skyport_core::{Error, ErrorKind, Result};

use super::line::{Behind, Line};
use super::{blob, creates, kv, sends, settles, streams, transactions};
use crate::case::{Case, CaseResult, Context};

type Run = fn(Stage) -> Pin<Box<dyn Future<Output = CaseResult>>>;

/// A case that runs behind proxies alone.
#[derive(Clone, Copy)]
pub(super) struct FaultyCase {
    pub(super) name: &'static str,
    pub(super) run: Run,
}

impl FaultyCase {
    /// Its full name.
    pub(super) fn name(&self) -> &'static str {
        self.name.strip_prefix("skyport_conformance::").unwrap_or(self.name)
    }

    /// As a case behind these proxies.
    pub(super) fn on(self, behind: Arc<Behind>) -> Case {
        Case::new(self.name, move |context| (self.run)(Stage { context, line: behind.line() }))
    }
}

/// Lists async functions of this module as cases, by their own names.
macro_rules! faulty_cases {
    ($($case:ident),* $(,)?) => {
        pub(super) fn cases() -> Vec<$crate::faulty::stage::FaultyCase> {
            vec![$($crate::faulty::stage::FaultyCase {
                name: concat!(module_path!(), "::", stringify!($case)),
                run: |stage| Box::pin($case(stage)),
            }),*]
        }
    };
}
pub(super) use faulty_cases;

/// Every case of this part.
pub(super) fn cases() -> Vec<FaultyCase> {
    [
        blob::cases(),
        creates::cases(),
        streams::cases(),
        kv::cases(),
        transactions::cases(),
        sends::cases(),
        settles::cases(),
    ]
    .concat()
}

/// Resources of the case's own, and the way to them, which is calm until it is not.
#[derive(Clone, Debug)]
pub(super) struct Stage {
    context: Context,
    pub(super) line: Line,
}

impl Stage {
    /// A new bucket.
    pub(super) async fn bucket(&self) -> Result<Bucket> {
        Ok(Bucket::new(self.context.bucket().await?))
    }

    /// A new queue that gives up on nothing.
    pub(super) async fn queue(&self) -> Result<Arc<dyn MessageQueue>> {
        let mut settings = QueueSettings::default();
        settings.max_attempts = 50;
        self.context.queue_with(settings).await
    }

    /// A new table.
    pub(super) async fn table<T>(&self) -> Result<Table<T>> {
        Ok(Table::new(self.context.table_with(TableSettings::default()).await?))
    }
}

/// What is known of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It was made.
    Done,
    /// It was not made: the line was bad.
    Refused,
    /// It was not made: the service says no, as the case expects of rivals.
    Declined,
    /// It was made or not.
    Unknown,
}

impl Fate {
    /// What an answer says; fails the case where a bad line is told as something else than that, and than what the case itself `expects`.
    #[track_caller]
    pub(super) fn of<T>(answer: &Result<T>, expects: &[ErrorKind]) -> Self {
        match answer {
            Ok(_) => Self::Done,
            Err(error) => {
                assert_told(error, expects);
                match error.kind() {
                    _ if error.is_ambiguous() => Self::Unknown,
                    kind if expects.contains(&kind) => Self::Declined,
                    _ => Self::Refused,
                }
            }
        }
    }
}

/// Fails the case where too little came of all that was tried for the rest of it to say anything: something was done, and at least an eighth was
/// answered by the service, with Ok or with a no that the case expects. Of single requests in a storm, more than half are not struck in a way
/// that leaves a doubt, and what may be repeated gets through nearly always.
#[track_caller]
pub(super) fn assert_enough(fates: impl IntoIterator<Item = Fate>) {
    let fates: Vec<Fate> = fates.into_iter().collect();
    let count = |of: Fate| fates.iter().filter(|fate| **fate == of).count();
    let (done, declined, all) = (count(Fate::Done), count(Fate::Declined), fates.len());
    assert!(
        done > 0 && 8 * (done + declined) >= all,
        "of {all}, {done} were done and {declined} declined: too few to say anything"
    );
}

/// Fails the case where a bad line is told as something else.
#[track_caller]
pub(super) fn assert_told(error: &Error, expects: &[ErrorKind]) {
    use ErrorKind::{Indeterminate, Throttled, Timeout, Unavailable};
    let kind = error.kind();
    let of_the_line = [Indeterminate, Throttled, Timeout, Unavailable].contains(&kind);
    assert!(of_the_line || expects.contains(&kind), "{error:?}");
    if kind == Indeterminate {
        assert!(error.is_ambiguous(), "{error:?}");
    }
}
