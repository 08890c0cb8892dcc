//! Feeds [`doorpost_fuzz::session`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| doorpost_fuzz::session::check(input));
