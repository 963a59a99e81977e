#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ltms_fuzz::run("snapshot", bytes));
