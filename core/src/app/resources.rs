//! The resources of an application: declared by a struct, opened once, shared by every function.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::blob::Bucket;
use crate::blob::port::BlobStore;
use crate::kv::Table;
use crate::kv::port::KeyValueStore;
use crate::provider::{ResourceKind, TableSettings};
use crate::queue::Queue;
use crate::queue::port::{Foreign, MessageQueue, QueueSettings};
use crate::{Error, Result};

/// A struct whose fields are the application's resources; derived by `#[derive(Resources)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` declares no resources",
    note = "add `#[derive(Resources)]` to it; an application without any uses `()`"
)]
pub trait Resources: Sized + Send + Sync + 'static {
    /// What it declares.
    ///
    /// # Errors
    /// `InvalidArgument` for an option that does not belong to its kind of resource.
    fn declarations() -> Result<Vec<Declaration>>;

    /// Opens everything; no I/O.
    ///
    /// # Errors
    /// What the opener says of a resource.
    fn open(opener: &dyn Opener) -> Result<Self>;
}

/// An application without resources.
impl Resources for () {
    fn declarations() -> Result<Vec<Declaration>> {
        Ok(Vec::new())
    }

    fn open(_: &dyn Opener) -> Result<Self> {
        Ok(())
    }
}

/// One resource as it is declared.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declaration {
    /// Its name in the application: `resize`.
    pub name: Cow<'static, str>,
    /// What it is.
    #[serde(flatten)]
    pub kind: ResourceKind,
}

impl Declaration {
    /// The resource `name`.
    #[must_use]
    pub fn new(name: impl Into<Cow<'static, str>>, kind: ResourceKind) -> Self {
        Self { name: name.into(), kind }
    }
}

/// Opens declared resources: a runtime knows which provider serves which.
pub trait Opener {
    /// Opens a bucket.
    ///
    /// # Errors
    /// What is wrong with its configuration.
    fn bucket(&self, declaration: &Declaration) -> Result<Arc<dyn BlobStore>>;

    /// Opens a queue.
    ///
    /// # Errors
    /// What is wrong with its configuration; `Unsupported` for settings that its provider cannot keep.
    fn queue(&self, declaration: &Declaration, settings: &QueueSettings) -> Result<Arc<dyn MessageQueue>>;

    /// Opens a table.
    ///
    /// # Errors
    /// What is wrong with its configuration.
    fn table(&self, declaration: &Declaration, settings: &TableSettings) -> Result<Arc<dyn KeyValueStore>>;
}

/// What `#[resource(..)]` says beside the field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResourceOptions {
    max_attempts: Option<u32>,
    ordered: Option<bool>,
    foreign: Option<Foreign>,
    reverse_index: Option<bool>,
}

impl ResourceOptions {
    /// No options.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Of a queue: deliveries before a message goes to the dead letters.
    #[must_use]
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = Some(attempts);
        self
    }

    /// Of a queue: first in, first out by group.
    #[must_use]
    pub fn ordered(mut self, ordered: bool) -> Self {
        self.ordered = Some(ordered);
        self
    }

    /// Of a queue: how bodies that Skyport did not write are read, `"text"` or `"base64"`.
    #[must_use]
    pub fn foreign(mut self, foreign: Foreign) -> Self {
        self.foreign = Some(foreign);
        self
    }

    /// Of a table: queries are to run backwards.
    #[must_use]
    pub fn reverse_index(mut self, reverse: bool) -> Self {
        self.reverse_index = Some(reverse);
        self
    }

    fn refuse(&self, queue: bool, table: bool, what: &str) -> Result<()> {
        let of_queue = self.max_attempts.is_some() || self.ordered.is_some() || self.foreign.is_some();
        if of_queue && !queue {
            return Err(Error::invalid(format!(
                "a {what} takes no options of a queue (max_attempts, ordered, foreign)"
            )));
        }
        if self.reverse_index.is_some() && !table {
            return Err(Error::invalid(format!("a {what} takes no options of a table (reverse_index)")));
        }
        Ok(())
    }
}

/// A type of field that is a resource: [`Bucket`], [`Queue`], [`Table`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no resource",
    note = "a resource is a `Bucket`, a `Queue<T>` or a `Table<T>`; mark any other field with `#[state]`"
)]
pub trait Resource: Sized {
    /// The kind that the field's options make.
    ///
    /// # Errors
    /// `InvalidArgument` for an option of another kind.
    fn kind(options: ResourceOptions) -> Result<ResourceKind>;

    /// Opens it.
    ///
    /// # Errors
    /// What the opener says.
    fn open(opener: &dyn Opener, declaration: &Declaration) -> Result<Self>;
}

fn other_kind(declaration: &Declaration) -> Error {
    Error::internal(format!("`{}` is declared as a {}", declaration.name, declaration.kind.as_str()))
}

impl Resource for Bucket {
    fn kind(options: ResourceOptions) -> Result<ResourceKind> {
        options.refuse(false, false, "bucket")?;
        Ok(ResourceKind::Bucket)
    }

    fn open(opener: &dyn Opener, declaration: &Declaration) -> Result<Self> {
        opener.bucket(declaration).map(Self::new)
    }
}

impl<T, C> Resource for Queue<T, C> {
    fn kind(options: ResourceOptions) -> Result<ResourceKind> {
        options.refuse(true, false, "queue")?;
        let mut settings = QueueSettings::default();
        settings.max_attempts = options.max_attempts.unwrap_or(settings.max_attempts);
        settings.ordered = options.ordered.unwrap_or(settings.ordered);
        settings.foreign = options.foreign.unwrap_or(settings.foreign);
        if !(1..=100).contains(&settings.max_attempts) {
            return Err(Error::invalid("max_attempts is a number from 1 to 100"));
        }
        Ok(ResourceKind::Queue(settings))
    }

    fn open(opener: &dyn Opener, declaration: &Declaration) -> Result<Self> {
        match &declaration.kind {
            ResourceKind::Queue(settings) => opener.queue(declaration, settings).map(Self::new),
            _ => Err(other_kind(declaration)),
        }
    }
}

impl<T, C> Resource for Table<T, C> {
    fn kind(options: ResourceOptions) -> Result<ResourceKind> {
        options.refuse(false, true, "table")?;
        Ok(ResourceKind::Table(TableSettings { reverse_index: options.reverse_index.unwrap_or_default() }))
    }

    fn open(opener: &dyn Opener, declaration: &Declaration) -> Result<Self> {
        match &declaration.kind {
            ResourceKind::Table(settings) => opener.table(declaration, settings).map(Self::new),
            _ => Err(other_kind(declaration)),
        }
    }
}

/// Names a resource of `R` and carries its type: `Photos::RESIZE` is a `Ref<Photos, Queue<Resize>>`.
///
/// A trigger on another application's queue, or with a handler of another payload, is then a type error.
pub struct Ref<R, X> {
    name: &'static str,
    get: fn(&R) -> &X,
}

impl<R, X> Ref<R, X> {
    /// The field that `get` gives; made by `#[derive(Resources)]`.
    #[must_use]
    pub const fn new(name: &'static str, get: fn(&R) -> &X) -> Self {
        Self { name, get }
    }

    /// The resource's name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The resource.
    pub fn of<'r>(&self, resources: &'r R) -> &'r X {
        (self.get)(resources)
    }
}

impl<R, X> Clone for Ref<R, X> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R, X> Copy for Ref<R, X> {}

impl<R, X> fmt::Debug for Ref<R, X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ref").field(&self.name).finish()
    }
}
