//! Variables of the environment.

/// A variable of the process that says something.
pub(super) fn of_process(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
