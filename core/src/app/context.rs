//! What a handler gets beside its event: the application's resources, and the invocation.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::shutdown::Shutdown;
use crate::{Token, TraceContext};

/// The application's resources and the invocation, two pointers wide; derefs to the resources.
///
/// A unit test makes one with [`Context::of`].
///
/// ```
/// use skyport_core::app::Context;
///
/// struct Limits {
///     longest: usize,
/// }
///
/// let cx = Context::of(Limits { longest: 80 });
/// assert_eq!(cx.longest, 80);
/// assert_eq!(cx.invocation().attempt, 1);
/// assert!(cx.invocation().remaining().is_none()); // nothing limits a unit test
/// ```
pub struct Context<R> {
    resources: Arc<R>,
    invocation: Arc<Invocation>,
}

impl<R> Context<R> {
    /// A context for a unit test that calls a handler directly.
    #[must_use]
    pub fn of(resources: R) -> Self {
        Self::new(Arc::new(resources), Arc::new(Invocation::default()))
    }

    pub(crate) fn new(resources: Arc<R>, invocation: Arc<Invocation>) -> Self {
        Self { resources, invocation }
    }

    /// Which call of which function this is, and how long it may take.
    #[must_use]
    pub fn invocation(&self) -> &Invocation {
        &self.invocation
    }
}

impl<R> Clone for Context<R> {
    fn clone(&self) -> Self {
        Self { resources: Arc::clone(&self.resources), invocation: Arc::clone(&self.invocation) }
    }
}

impl<R> Deref for Context<R> {
    type Target = R;

    fn deref(&self) -> &R {
        &self.resources
    }
}

impl<R> fmt::Debug for Context<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("invocation", &self.invocation).finish_non_exhaustive()
    }
}

/// One call of one function. Adapters make it; handlers read it.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct Invocation {
    /// Names the call; the platform's id where it gives one.
    pub id: String,
    /// The function, once it is known.
    pub function: Arc<str>,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// When the platform, or the message's lease, ends the call.
    pub deadline: Option<Instant>,
    /// Where the call stands in its trace.
    pub trace: TraceContext,
    /// Whether this is the first call in this process.
    pub cold_start: bool,
    /// Triggered when the call is to end: the deadline is near, or the process shuts down.
    pub cancellation: Shutdown,
}

impl Default for Invocation {
    fn default() -> Self {
        Self {
            id: Token::new().to_string(),
            function: Arc::default(),
            attempt: 1,
            deadline: None,
            trace: TraceContext::root(),
            cold_start: false,
            cancellation: Shutdown::new(),
        }
    }
}

impl Invocation {
    /// How much time is left; `None` where nothing limits it.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// Returns once the call is to end.
    pub async fn cancelled(&self) {
        self.cancellation.triggered().await;
    }
}
