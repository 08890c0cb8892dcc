//! Feeds [`doorpost_fuzz::mime`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| doorpost_fuzz::mime::check(input));
