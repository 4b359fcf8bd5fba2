//! Makes `docs/benchmarks.md` and its plots of what the groups of benchmarks found.

fn main() {}
