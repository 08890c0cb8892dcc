//! `doorpost.toml`: any text is a configuration that can be used, or a list of what is wrong with it.
#![no_main]

use doorpost::config::Config;
use libfuzzer_sys::fuzz_target;
use std::sync::Arc;

fuzz_target!(|text: &str| match Config::parse(text) {
    Ok(config) => {
        assert!(config.check().is_ok(), "what was taken cannot work");
        let directory = Arc::new(config.directory());
        for door in config.open_doors() {
            let policy = door.policy(&config, Arc::clone(&directory));
            assert_eq!(*policy.door, *door.name);
        }
    }
    Err(error) => assert!(!error.to_string().trim().is_empty()),
});
