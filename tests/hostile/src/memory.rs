//! How much memory this process has had at most.

/// By how much the most memory of this process has grown. For tests that are alone in their process: what others use would count too.
#[derive(Clone, Copy, Debug)]
pub struct Growth(Option<u64>);

impl Growth {
    /// From now on.
    #[must_use]
    pub fn new() -> Self {
        Self(peak_memory())
    }

    /// How many bytes it has been; 0 where it has not grown, and `None` where the system does not tell.
    #[must_use]
    pub fn bytes(self) -> Option<u64> {
        Some(peak_memory()?.saturating_sub(self.0?))
    }

    /// How much it has been, as a figure.
    #[must_use]
    pub fn figure(self) -> String {
        self.bytes().map_or_else(|| "memory unknown".to_owned(), |more| format!("{more} bytes more at most"))
    }

    /// Asserts that it is less than `room`, in bytes, where the system tells.
    ///
    /// # Panics
    /// Where it is more, with what has grown it.
    pub fn assert_below(self, room: u64, what: &str) {
        let more = self.bytes();
        assert!(more.is_none_or(|more| more < room), "{what}: {more:?} bytes more");
    }
}

impl Default for Growth {
    fn default() -> Self {
        Self::new()
    }
}

/// The most memory that this process has had so far, in bytes; `None` where the system does not tell.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kilobytes| kilobytes << 10)
}
