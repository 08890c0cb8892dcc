//! Feeds [`doorpost_fuzz::auth`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| doorpost_fuzz::auth::check(input));
