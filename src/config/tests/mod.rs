//! The configuration as a user meets it.

mod errors;
mod layers;
mod values;

use super::{Config, ConfigError, FLAGS, FlagValue, Sources, load_from};
use std::ffi::OsString;

/// A configuration from all layers: `file` is what stands in `doorpost.toml`.
fn configure(
    file: &str,
    variables: &[(&str, &str)],
    flags: &[(&str, &str)],
) -> Result<(Config, Sources), ConfigError> {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("doorpost.toml"), file).unwrap();
    let environment = |name: &str| {
        let (_, value) = variables.iter().find(|(known, _)| *known == name)?;
        Some(OsString::from(value))
    };
    let given: Vec<FlagValue> = FLAGS
        .iter()
        .map(|flag| {
            let texts = flags.iter().filter(|(name, _)| *name == flag.name);
            FlagValue { flag, texts: texts.map(|(_, text)| (*text).to_owned()).collect() }
        })
        .filter(|given| !given.texts.is_empty())
        .collect();
    load_from(&given, &environment, directory.path())
}

/// What is said about a file that is not taken.
fn refused(file: &str) -> String {
    configure(file, &[], &[]).unwrap_err().to_string()
}
