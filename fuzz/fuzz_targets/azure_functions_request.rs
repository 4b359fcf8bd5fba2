#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| skyport_fuzz::run("azure_functions_request", input));
