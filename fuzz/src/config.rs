//! `doorpost.toml`: any text is a configuration that can be used, or a list of what is wrong with it.

use doorpost::config::Config;
use std::sync::Arc;

/// Stops at the first promise that this input breaks.
pub fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    match Config::parse(text) {
        Ok(config) => {
            assert!(config.check().is_ok(), "what was taken cannot work");
            let directory = Arc::new(config.directory());
            for door in config.open_doors() {
                let policy = door.policy(&config, Arc::clone(&directory));
                assert_eq!(*policy.door, *door.name);
            }
        }
        Err(error) => assert!(!error.to_string().trim().is_empty()),
    }
}
