//! All targets in one program, which `cargo xtask fuzz` runs: `SKYPORT_FUZZ_TARGET` names the one to be run.
#![no_main]

use std::sync::LazyLock;

static TARGET: LazyLock<String> = LazyLock::new(|| {
    std::env::var("SKYPORT_FUZZ_TARGET").unwrap_or_else(|_| panic!("SKYPORT_FUZZ_TARGET names the target"))
});

libfuzzer_sys::fuzz_target!(|input: &[u8]| skyport_fuzz::run(&TARGET, input));
