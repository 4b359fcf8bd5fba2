//! Parts that most objects and messages do without.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// A `T` that is mostly empty: one word wide, with no allocation until something is put in it; clones share it.
///
/// Read and written as a `T`.
///
/// ```
/// use skyport_core::blob::port::{ObjectMeta, Properties};
/// use skyport_core::Sparse;
///
/// let mut properties = Sparse::<Properties>::default();
/// assert_eq!(properties.content_type, None);
/// properties.content_type = Some("text/plain".to_owned());
/// assert_eq!(properties.content_type.as_deref(), Some("text/plain"));
/// ```
pub struct Sparse<T>(Option<Arc<T>>);

/// What has an empty form that a [`Sparse`] shows where it holds nothing.
pub trait Empty: Clone + PartialEq + 'static {
    /// The empty form.
    const EMPTY: &'static Self;
}

/// Attributes, metadata: most have none.
impl Empty for BTreeMap<String, String> {
    const EMPTY: &'static Self = &Self::new();
}

impl<T: Empty> Sparse<T> {
    /// The value itself.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.0.map_or_else(|| T::EMPTY.clone(), Arc::unwrap_or_clone)
    }
}

impl<T: Empty> From<T> for Sparse<T> {
    fn from(value: T) -> Self {
        Self((value != *T::EMPTY).then(|| Arc::new(value)))
    }
}

impl<A, T: Empty + FromIterator<A>> FromIterator<A> for Sparse<T> {
    fn from_iter<I: IntoIterator<Item = A>>(items: I) -> Self {
        T::from_iter(items).into()
    }
}

impl<T> Default for Sparse<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Clone for Sparse<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Empty> Deref for Sparse<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_deref().unwrap_or(T::EMPTY)
    }
}

impl<T: Empty> DerefMut for Sparse<T> {
    fn deref_mut(&mut self) -> &mut T {
        Arc::make_mut(self.0.get_or_insert_with(|| Arc::new(T::EMPTY.clone())))
    }
}

impl<T: Empty> PartialEq for Sparse<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Empty + Eq> Eq for Sparse<T> {}

impl<T: Empty + fmt::Debug> fmt::Debug for Sparse<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blob::port::Properties;

    #[test]
    fn what_holds_nothing_and_what_holds_the_empty_form_are_the_same() {
        let mut touched = Sparse::<Properties>::default();
        touched.metadata.clear();
        assert!(touched.0.is_some() && touched == Sparse::default());
        assert!(Sparse::from(Properties::default()).0.is_none());
        assert_eq!(touched.into_inner(), Properties::default());
        assert_eq!(*Properties::EMPTY, Properties::default());
    }

    #[test]
    fn a_change_of_one_clone_leaves_the_other_as_it_was() {
        let mut first =
            Sparse::from(Properties { content_type: Some("a".to_owned()), ..Properties::default() });
        let second = first.clone();
        first.content_type = Some("b".to_owned());
        assert_eq!(second.content_type.as_deref(), Some("a"));
        assert_eq!(first.into_inner().content_type.as_deref(), Some("b"));
    }
}
