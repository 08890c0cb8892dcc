//! Feeds [`doorpost_fuzz::config`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| doorpost_fuzz::config::check(input));
