#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| skyport_fuzz::run("lambda_event", input));
