#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| skyport_fuzz::run("trace_headers", input));
