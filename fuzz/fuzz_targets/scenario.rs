//! Feeds [`doorpost_fuzz::scenario`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| doorpost_fuzz::scenario::check(input));
