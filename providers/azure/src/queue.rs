//! Queue Storage: to come.
