//! Feeds [`doorpost_fuzz::paths`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| doorpost_fuzz::paths::check(input));
