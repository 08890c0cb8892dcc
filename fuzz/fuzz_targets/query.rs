//! Feeds [`doorpost_fuzz::query`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| doorpost_fuzz::query::check(input));
