//! Feeds [`doorpost_fuzz::bdat`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| doorpost_fuzz::bdat::check(input));
