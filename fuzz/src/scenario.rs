//! Scenario files: one that is taken is taken again from its own text, and each mistake says where it is.

use doorpost::fault::Scenario;

/// Stops at the first promise that this input breaks.
pub fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    match Scenario::parse(text) {
        Ok(scenario) => {
            let again = Scenario::parse(scenario.text()).expect("its own text is taken");
            assert!(again.rules().eq(scenario.rules()));
            assert_eq!(again.text(), scenario.text());
        }
        Err(error) => {
            assert!(!error.mistakes.is_empty() && !error.to_string().is_empty());
            let lines = text.lines().count().max(1);
            for mistake in &error.mistakes {
                assert!(mistake.line <= lines + 1, "line {} of {lines}", mistake.line);
            }
        }
    }
}
